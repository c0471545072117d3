"""How a job runs that a role asks the API for, such as that of a workflow: processing or training, in a thread.

The containers are those of `jobs`. The role has to be allowed to make the job, to tag it, and to pass the job's role.
"""

import threading
from typing import Any

from botocore.exceptions import ClientError
from moto.core.utils import utcnow
from moto.sagemaker.models import FakeProcessingJob, FakeTrainingJob

from sandbox.emulator.core import authorization
from sandbox.emulator.core.callers import Caller, RoleError
from sandbox.emulator.core.errors import ServiceError
from sandbox.emulator.events.models import publish
from sandbox.emulator.sagemaker import jobs
from sandbox.emulator.sagemaker.jobs import Container, JobError, Json
from sandbox.emulator.sagemaker.pipelines import SERVICE

Job = FakeProcessingJob | FakeTrainingJob


def allow(caller: Caller, kind: str, arn: str, request: Json) -> None:
    """Refuse what the caller's role may not.

    Raises:
        ServiceError: in the words of AWS.
    """
    tags = {f"aws:RequestTag/{tag['Key']}".replace(":", "__"): tag["Value"] for tag in request.get("Tags") or []}
    try:
        caller.require(f"sagemaker:Create{kind}Job", arn, **authorization.job_keys(request), **tags)
        if tags:
            caller.require("sagemaker:AddTags", arn, sagemaker__TaggingAction=f"Create{kind}Job", **tags)
        caller.require("iam:PassRole", request["RoleArn"], iam__PassedToService=SERVICE)
    except RoleError as error:
        raise ServiceError("AccessDeniedException", str(error)) from error


def start(kind: str, job: Job, request: Json, caller: Caller) -> None:
    """Begin a job, which moto has noted down as one that is done."""
    _set(kind, job, "InProgress")
    threading.Thread(target=_run, args=(kind, job, request, caller.root()), daemon=True).start()


def _run(kind: str, job: Job, request: Json, caller: Caller) -> None:
    container: Container | None = None
    failure = ""
    try:
        role = caller.assume(request["RoleArn"], SERVICE, "SageMaker", source=job.arn)
        isolated = {**request, **request.get("NetworkConfig", {})}.get("EnableNetworkIsolation", False)
        container = Container(_image(request), role, isolated=isolated)
        if isinstance(job, FakeTrainingJob):
            jobs.train(container, request, job.model_artifacts["S3ModelArtifacts"])
        else:
            jobs.process(container, request)
    except (JobError, RoleError, ClientError) as error:
        failure = str(error)
    except Exception as error:  # a fault of the sandbox must not leave anybody waiting
        failure = f"The sandbox failed: {error!r}"
    finally:
        if container:
            container.close()
    _set(kind, job, "Failed" if failure else "Completed", failure)
    publish(
        caller,
        source="aws.sagemaker",
        kind=f"SageMaker {kind} Job State Change",
        detail={
            f"{kind}JobName": request[f"{kind}JobName"],
            f"{kind}JobArn": job.arn,
            f"{kind}JobStatus": "Failed" if failure else "Completed",
            **({"FailureReason": failure} if failure else {}),
        },
        resource=job.arn,
    )


def _image(request: Json) -> str:
    application = request.get("AppSpecification", {}).get("ImageUri")
    return str(application or request["AlgorithmSpecification"]["TrainingImage"])


def _set(kind: str, job: Any, status: str, failure: str = "") -> None:  # noqa: ANN401 - moto's two kinds
    """What DescribeTrainingJob and DescribeProcessingJob then tell."""
    if failure:
        job.failure_reason = failure[:1024]
    job.last_modified_time = utcnow()
    setattr(job, f"{kind.lower()}_end_time", job.last_modified_time)
    setattr(job, f"{kind.lower()}_job_status", status)
