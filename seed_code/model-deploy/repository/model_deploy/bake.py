"""Sends the payload while an endpoint changes over, so that the alarms that watch the update have something to see.

The pipeline runs it beside the deployment: CloudFormation is not done before the endpoint is, and by then the alarms
have watched. It ends with the deployment.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from model_deploy.deployed import Deployed
from model_deploy.errors import UserError, error_code
from model_deploy.smoke import Request

PAUSE_SECONDS = 5
UNSEEN_SECONDS = 300
"""How long a deployment may take to begin; after that there is none to watch."""

REFUSED = range(400, 500)


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An endpoint and the clients of its account."""

    name: str
    sagemaker: Any
    runtime: Any


@dataclass(kw_only=True)
class Traffic:
    """What has come of the requests so far."""

    sent: int = 0
    answered: int = 0
    refused_first: bool = False
    """The version that served when the update began does not know this payload."""

    def report(self, name: str) -> str:
        """Return the sentence that reports it."""
        if self.refused_first:
            return (
                f"The version that {name} served before refuses payload/, so no more than one request was sent during "
                "the update: the inputs of the model have changed. The test after the deployment is the first look."
            )
        if not self.sent:
            return f"Endpoint {name} was not changed over while the deployment ran; no traffic was needed."
        return f"During its update {name} answered {self.answered} of {self.sent} requests."


def send_traffic(
    endpoint: Endpoint, request: Request, stage: Callable[[], Deployed | None], wanted: dict[str, str]
) -> str:
    """Send the payload for as long as the endpoint is being updated; return the sentence that reports it.

    Args:
        endpoint: that is updated.
        request: the payload.
        stage: tells what the stage's stack, or stack set, is at.
        wanted: parameters that the deployment gives the stack.

    Raises:
        UserError: not one request was answered: no traffic is not health.

    """
    traffic, begun, first = Traffic(), time.monotonic(), stage()
    now, seen = first, False
    while True:
        moving = now is not None and now.moving
        seen = seen or moving or now != first
        if moving and _updating(endpoint) and not traffic.refused_first:
            _send(endpoint, request, traffic)
        if not moving and (seen or _stands_at(now, wanted) or time.monotonic() - begun > UNSEEN_SECONDS):
            break
        time.sleep(PAUSE_SECONDS)
        now = stage()
    if traffic.sent and not traffic.answered and not traffic.refused_first:
        raise UserError(
            f"Endpoint {endpoint.name} answered none of {traffic.sent} requests during its update. The alarms may not "
            f"have seen it; its log group is /aws/sagemaker/Endpoints/{endpoint.name}."
        )
    return traffic.report(endpoint.name)


def _stands_at(stage: Deployed | None, wanted: dict[str, str]) -> bool:
    standing = stage is not None and stage.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "ACTIVE"}
    return standing and stage.parameters == wanted


def _updating(endpoint: Endpoint) -> bool:
    try:
        status = endpoint.sagemaker.describe_endpoint(EndpointName=endpoint.name)["EndpointStatus"]
    except ClientError as error:
        # The first deployment makes the endpoint, and there is no version before it to go back to.
        if error_code(error) != "ValidationException":
            raise
        return False
    return bool(status == "Updating")


def _send(endpoint: Endpoint, request: Request, traffic: Traffic) -> None:
    traffic.sent += 1
    try:
        endpoint.runtime.invoke_endpoint(
            EndpointName=endpoint.name, ContentType=request.content_type, Accept=request.accept, Body=request.body
        )["Body"].read()
    except ClientError as error:
        if error_code(error).startswith("AccessDenied"):
            raise
        status = error.response.get("OriginalStatusCode", 0)
        traffic.refused_first = traffic.sent == 1 and status in REFUSED
    except BotoCoreError:
        return  # no answer is an answer, too: the alarms have it
    else:
        traffic.answered += 1
