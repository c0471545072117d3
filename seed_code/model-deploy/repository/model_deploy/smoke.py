"""The endpoint test: sends the rows of payload/ to the endpoint and checks the answer."""

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from botocore.exceptions import ClientError

from model_deploy.errors import UserError, error_code, error_text
from model_deploy.files import read_toml


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is sent and what must come back; payload/request.toml holds it."""

    content_type: str
    accept: str
    body: bytes
    predictions: int
    """How many numbers the answer has."""
    minimum: float
    maximum: float
    """Each number lies between these two, ends included."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the request file and the payload file that it names.

        Raises:
            UserError: a key is missing or unknown, has another type, or the payload is missing.

        """
        kinds = {
            "content_type": str,
            "accept": str,
            "file": str,
            "predictions": int,
            "minimum": (int, float),
            "maximum": (int, float),
        }
        try:
            given = read_toml(path)
        except (OSError, UserError) as error:
            raise UserError(f"{path}: cannot be read: {error}") from error
        faults = [f"{key} is missing" for key in kinds if key not in given]
        faults += [f"{key} is not a setting; allowed: {', '.join(kinds)}" for key in given if key not in kinds]
        faults += [
            f"{key} is {given[key]!r:.40}, which has the wrong type"
            for key, kind in kinds.items()
            if key in given and (not isinstance(given[key], kind) or isinstance(given[key], bool))
        ]
        if not faults:
            faults += _contradictions(given)
        payload = path.parent / str(given.get("file", ""))
        body = _content(payload)
        if body is None and not faults:
            faults.append(f"file names {payload.name:.40}, which is not in {payload.parent}")
        if body is None or faults:
            raise UserError(f"{path} has faults:\n  " + "\n  ".join(faults))
        return cls(
            content_type=given["content_type"],
            accept=given["accept"],
            body=body,
            predictions=given["predictions"],
            minimum=given["minimum"],
            maximum=given["maximum"],
        )


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (OSError, ValueError):  # there is none, it is a folder, or its name is none
        return None


def _contradictions(given: dict[str, Any]) -> list[str]:
    """Values of the right types that no answer can keep to."""
    minimum, maximum = given["minimum"], given["maximum"]
    faults = [
        f"{key} is {given[key]!s:.40}, which is no finite number"
        for key in ("minimum", "maximum")
        if not _is_finite(given[key])
    ]
    if not faults and minimum > maximum:
        faults.append(f"minimum is {minimum}, more than maximum, {maximum}")
    if given["predictions"] < 1:
        faults.append(f"predictions is {given['predictions']}; the answer has at least one number")
    return faults


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # of a whole number, which TOML lets be as large as it likes
        return False


def check_endpoint(sagemaker: Any, runtime: Any, name: str, request: Request, package_arn: str) -> str:
    """Invoke the endpoint once and check who answers, and what; return the sentence that reports it.

    sagemaker and runtime are boto3 clients of the endpoint's account; package_arn is the package that it must serve.

    Raises:
        UserError: the endpoint does not exist, is not in service, serves another package, fails, or answers something
            else.

    """
    _require_package(sagemaker, name, _configuration_in_service(sagemaker, name), package_arn)
    started = time.perf_counter()
    try:
        answer = runtime.invoke_endpoint(
            EndpointName=name, ContentType=request.content_type, Accept=request.accept, Body=request.body
        )
    except ClientError as error:
        if error_code(error) != "ModelError":
            raise
        raise UserError(_model_error(name, error)) from error
    content = answer["Body"].read()
    milliseconds = round((time.perf_counter() - started) * 1000)
    predictions = _predictions(name, content, answer.get("ContentType", ""))
    _require_expected(name, predictions, request)
    served = package_arn.rpartition(":model-package/")[2]
    return f"Endpoint {name} serves {served} and answered {len(predictions)} rows within bounds in {milliseconds} ms."


def _served_packages(sagemaker: Any, configuration: str) -> list[str]:
    """The packages of an endpoint's configuration, by its models."""
    found = sagemaker.describe_endpoint_config(EndpointConfigName=configuration)
    variants = [*found.get("ProductionVariants", []), *found.get("ShadowProductionVariants", [])]
    packages = []
    for variant in variants:
        model = sagemaker.describe_model(ModelName=variant["ModelName"])
        containers = [model["PrimaryContainer"]] if model.get("PrimaryContainer") else model.get("Containers", [])
        packages += [container.get("ModelPackageName", "no package") for container in containers]
    return packages


def _require_package(sagemaker: Any, name: str, configuration: str, package_arn: str) -> None:
    """SageMaker may undo an update, and the endpoint is in service again: with the version from before."""
    served = _served_packages(sagemaker, configuration)
    if [one.lower() for one in served] != [package_arn.lower()]:
        raise UserError(
            f"Endpoint {name} serves {', '.join(served) or 'no package'}, but this run deploys {package_arn}. The "
            "update was undone, or somebody has changed the endpoint beside this pipeline; release the change again."
        )


def _configuration_in_service(sagemaker: Any, name: str) -> str:
    """The configuration that the endpoint has taken."""
    try:
        endpoint = sagemaker.describe_endpoint(EndpointName=name)
    except ClientError as error:
        if error_code(error) != "ValidationException":
            raise
        raise UserError(
            f"Endpoint {name} does not exist: {error_text(error)} Look at the deploy action before this one."
        ) from error
    status = endpoint["EndpointStatus"]
    if status != "InService":
        reason = endpoint.get("FailureReason", "SageMaker gives no reason").rstrip(".")
        raise UserError(
            f"Endpoint {name} is {status}, not InService: {reason}. Its log group is "
            f"/aws/sagemaker/Endpoints/{name}. Retry the stage once it is in service."
        )
    # An update that was undone leaves the endpoint in service, and its reason here.
    if endpoint.get("FailureReason"):
        raise UserError(
            f"Endpoint {name} is {status}, but its last update failed: {endpoint['FailureReason'].rstrip('.')}. It "
            "serves what it served before."
        )
    return str(endpoint["EndpointConfigName"])


def _model_error(name: str, error: ClientError) -> str:
    status = error.response.get("OriginalStatusCode", "an unknown status")
    said = error.response.get("OriginalMessage") or error_text(error)
    return (
        f"The model behind {name} answered {status}: {said}. Check that payload/ is what this model expects; its log "
        f"group is /aws/sagemaker/Endpoints/{name}."
    )


def _predictions(name: str, content: bytes, content_type: str) -> list[float]:
    """The numbers of an answer in CSV or JSON (a list, or an object with `predictions`), nested or not."""
    try:
        text = content.decode("utf-8")
        if "json" in content_type:
            found = json.loads(text)
            values = _flat(found["predictions"] if isinstance(found, dict) else found)
        else:
            values = text.replace("\n", ",").split(",")
        return [float(value) for value in values if not (isinstance(value, str) and not value.strip())]
    except (KeyError, OverflowError, RecursionError, TypeError, ValueError) as error:
        shown = content[:200].decode("utf-8", errors="replace")
        raise UserError(
            f"Endpoint {name} did not answer numbers but {content_type or 'no content type'}: {shown!r}. Check accept "
            "in payload/request.toml."
        ) from error


def _flat(values: Any) -> list[Any]:
    if not isinstance(values, list):
        return [values]
    return [item for value in values for item in _flat(value)]


def _require_expected(name: str, predictions: list[float], request: Request) -> None:
    if len(predictions) != request.predictions:
        raise UserError(
            f"Endpoint {name} answered {len(predictions)} numbers; payload/request.toml expects {request.predictions}."
        )
    # What is not a number compares false, and is outside as well.
    outside = [value for value in predictions if not request.minimum <= value <= request.maximum]
    if outside:
        raise UserError(
            f"Endpoint {name} answered {', '.join(f'{value:g}' for value in outside)}; payload/request.toml allows "
            f"{request.minimum:g} to {request.maximum:g}."
        )
