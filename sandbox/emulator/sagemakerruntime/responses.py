"""AWS SageMaker Runtime: a model answers with its own code, started anew for each request.

Where the endpoint captures data each request is an object of its own; the share that is captured is all of it.
"""

import base64
import json
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError
from moto.core.common_types import TYPE_RESPONSE
from moto.core.utils import utcnow
from moto.moto_api._internal import mock_random
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
        container = Container(model["Image"], role, isolated=model["Isolated"])
        try:
            given = (self.headers.get("Content-Type", ""), self.headers.get("Accept", ""))
            status, body, content_type = jobs.answer(container, model, self.raw_body, *given)
        finally:
            container.close()
        if status == HTTPStatus.OK:
            sides = {"Input": (self.raw_body, given[0]), "Output": (body.encode(), content_type)}
            _capture(found.captures(name), f"{name}/{variant}", sides, role)
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


def _capture(config: dict[str, Any], folder: str, sides: dict[str, tuple[bytes, str]], role: Caller) -> None:
    """Write what a request and its answer were where the endpoint's configuration says, as its role."""
    if not config.get("EnableCapture"):
        return
    wanted = {one["CaptureMode"] for one in config["CaptureOptions"]}
    types = config.get("CaptureContentTypeHeader", {})
    data = {}
    for side, (content, kind) in sides.items():
        texts = {"CSV": types.get("CsvContentTypes", []), "JSON": types.get("JsonContentTypes", [])}
        encoding = next((name for name, listed in texts.items() if kind in listed), "BASE64")
        text = base64.b64encode(content).decode() if encoding == "BASE64" else content.decode(errors="replace")
        if side in wanted:
            told = {"observedContentType": kind, "mode": side.upper(), "data": text, "encoding": encoding}
            data[f"endpoint{side}"] = told
    now = utcnow()
    event = {"eventId": str(mock_random.uuid4()), "inferenceTime": now.strftime("%Y-%m-%dT%H:%M:%SZ")}
    line = json.dumps({"captureData": data, "eventMetadata": event, "eventVersion": "0"}) + "\n"
    bucket, _, prefix = config["DestinationS3Uri"].removeprefix("s3://").partition("/")
    key = f"{prefix.rstrip('/')}/{folder}/{now:%Y/%m/%d/%H/%M-%S}-{event['eventId']}.jsonl"
    role.require("s3:PutObject", f"arn:{role.partition}:s3:::{bucket}/{key}")
    role.client("s3").put_object(Bucket=bucket, Key=key, Body=line.encode())
