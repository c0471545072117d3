"""The module that AWS puts beside inline code: how a function answers to CloudFormation."""

import json
import urllib.request
from typing import Any, Protocol

SUCCESS = "SUCCESS"
FAILED = "FAILED"


class Context(Protocol):
    """What this module reads of a function's context."""

    log_stream_name: str


def send(
    event: dict[str, Any],
    context: Context,
    responseStatus: str,
    responseData: dict[str, Any],
    physicalResourceId: str | None = None,
    noEcho: bool = False,
    reason: str | None = None,
) -> None:
    """Answer one request of CloudFormation."""
    answer = {
        "Status": responseStatus,
        "Reason": reason or f"See the details in CloudWatch Log Stream: {context.log_stream_name}",
        "PhysicalResourceId": physicalResourceId or context.log_stream_name,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "NoEcho": noEcho,
        "Data": responseData,
    }
    request = urllib.request.Request(event["ResponseURL"], data=json.dumps(answer).encode(), method="PUT")  # noqa: S310 - the address is CloudFormation's
    urllib.request.urlopen(request).close()  # noqa: S310 - the same
