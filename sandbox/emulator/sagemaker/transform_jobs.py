"""How a transform job runs: the model's own code answers each file of a manifest, in a thread.

A file is one request, whatever its size; it is not cut into lines. As SageMaker does it, a file that the model refuses
gets no result, the others go on, and the job fails at its end; why stands in the log of the job's data.
"""

import json
import threading
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError
from moto.core.utils import unix_time_millis, utcnow
from moto.sagemaker.models import FakeTransformJob

from sandbox.emulator.core.callers import Caller, RoleError
from sandbox.emulator.core.not_known import not_known
from sandbox.emulator.events.models import publish
from sandbox.emulator.sagemaker import jobs
from sandbox.emulator.sagemaker.jobs import Container, JobError, Json
from sandbox.emulator.sagemaker.pipelines import SERVICE

LOG_GROUP = "/aws/sagemaker/TransformJobs"


def start(job: FakeTransformJob, model: Json, role_arn: str, caller: Caller) -> None:
    """Begin a job, with the container of its model."""
    job.transform_job_status = "InProgress"
    job.transform_end_time = None  # type: ignore[assignment] # it has not ended
    threading.Thread(target=_run, args=(job, model, role_arn, caller.root()), daemon=True).start()


def _run(job: FakeTransformJob, model: Json, role_arn: str, caller: Caller) -> None:
    container: Container | None = None
    try:
        role = caller.assume(role_arn, SERVICE, "SageMaker", source=job.arn)
        container = Container(model["Image"], role, isolated=model["Isolated"])
        refused = _transform(job, model, container, caller)
        job.failure_reason = "ClientError: See job logs for more information" if refused else ""
    except (JobError, RoleError, ClientError) as error:
        job.failure_reason = str(error)
    except Exception as error:  # a fault of the sandbox must not leave anybody waiting
        job.failure_reason = f"The sandbox failed: {error!r}"
    finally:
        if container:
            container.close()
    job.transform_end_time = job.last_modified_time = utcnow()
    job.transform_job_status = "Failed" if job.failure_reason else "Completed"
    detail = {"TransformJobName": job.transform_job_name, "TransformJobArn": job.arn}
    publish(
        caller,
        source="aws.sagemaker",
        kind="SageMaker Transform Job State Change",
        detail={**detail, "TransformJobStatus": job.transform_job_status},
        resource=job.arn,
    )


def _transform(job: FakeTransformJob, model: Json, container: Container, caller: Caller) -> list[str]:
    """Answer each file; which of them the model refused."""
    given: Any = job.transform_input
    source = given["DataSource"]["S3DataSource"]
    if source["S3DataType"] != "ManifestFile":
        raise JobError(not_known(f"transform jobs of a {source['S3DataType']}; it has those of a ManifestFile"))
    (first, *names) = json.loads(container.get(source["S3Uri"]))
    refused = []
    for name in names:
        url = f"{first['prefix']}{name}"
        told = (given.get("ContentType", ""), job.transform_output.get("Accept", ""))
        status, body, _ = jobs.answer(container, model, container.get(url), *told)
        if status == HTTPStatus.OK:
            container.put(f"{job.transform_output['S3OutputPath'].rstrip('/')}/{name}.out", body.encode())
        else:
            refused.append(name)
            _log(job, caller, url, [f"Bad HTTP status received from algorithm: {status}", "", "Message:", body])
    return refused


def _log(job: FakeTransformJob, caller: Caller, url: str, lines: list[str]) -> None:
    logs, stream = caller.client("logs"), f"{job.transform_job_name}/i-0a1b2c3d/data-log"
    if not logs.describe_log_groups(logGroupNamePrefix=LOG_GROUP)["logGroups"]:
        logs.create_log_group(logGroupName=LOG_GROUP)
    if not logs.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=stream)["logStreams"]:
        logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName=stream)
    place = url.removeprefix("s3://")
    messages = [f"{utcnow().isoformat()}:[sagemaker logs]: {place}: {line}" for line in lines]
    events = [{"timestamp": int(unix_time_millis()), "message": message} for message in messages]
    logs.put_log_events(logGroupName=LOG_GROUP, logStreamName=stream, logEvents=events)
