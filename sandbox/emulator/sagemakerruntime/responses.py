"""AWS SageMaker Runtime: a model answers with its own code, started anew for each request.

What it answers is not captured.
"""

import json
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError
from moto.core.common_types import TYPE_RESPONSE
from moto.sagemaker.models import sagemaker_backends
from moto.sagemakerruntime.responses import SageMakerRuntimeResponse

from sandbox.emulator.core.callers import Caller, RoleError
from sandbox.emulator.core.errors import ServiceError
from sandbox.emulator.core.extension import replaces
from sandbox.emulator.sagemaker import jobs
from sandbox.emulator.sagemaker.jobs import Container, JobError
from sandbox.emulator.sagemaker.models import SageMakerBackend
from sandbox.emulator.sagemaker.pipelines import SERVICE


@replaces(SageMakerRuntimeResponse)
def invoke_endpoint(self: SageMakerRuntimeResponse) -> TYPE_RESPONSE:
    """InvokeEndpoint: the model's own code answers, in a process of its own."""
    caller, name = Caller.of(self), self.path.split("/")[2]
    found = sagemaker_backends[self.current_account][self.region]
    assert isinstance(found, SageMakerBackend)  # noqa: S101 - install put it there
    model, role_arn, variant = found.served(name)
    try:
        caller.require("sagemaker:InvokeEndpoint", found.arn("endpoint", name))
        role = caller.root().assume(role_arn, SERVICE, "SageMaker", source=found.arn("endpoint", name))
        container = Container(model["Image"], role)
        try:
            given = (self.headers.get("Content-Type", ""), self.headers.get("Accept", ""))
            status, body, content_type = jobs.answer(container, model, self.raw_body, *given)
        finally:
            container.close()
    except RoleError as error:
        raise ServiceError("AccessDeniedException", str(error)) from error
    except (JobError, ClientError) as error:
        status, body, content_type = 500, str(error), "text/plain"
    if status == HTTPStatus.OK:
        return 200, {"Content-Type": content_type, "x-Amzn-Invoked-Production-Variant": variant}, body
    told = {"message": body, "OriginalStatusCode": status, "OriginalMessage": body}
    # moto reads the status among the headers.
    refused: dict[str, Any] = {"status": 424, "Content-Type": "application/json", "x-amzn-errortype": "ModelError"}
    return 424, refused, json.dumps(told)
