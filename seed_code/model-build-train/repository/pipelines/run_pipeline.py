"""Upload the code and the data, create or update the SageMaker pipeline, and start it.

The build does not wait for the execution: CodePipeline and CodeBuild bill by the minute, and an execution may take
hours. It prints where to look, and each execution's end is an EventBridge event that the project sends to the
environment's notification topic. See "What a push does" in README.md.
"""

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from pipelines.container import ensure_image
from pipelines.definition import DEFAULT_INSTANCE, approved_url, build_definition
from pipelines.images import Image, ImageError, pin
from pipelines.sample_data import sample_csv
from pipelines.settings import Settings, SettingsError

PACKAGE = Path(__file__).resolve().parent.parent / "abalone"
APPROVED_FILE = "approved.json"
APPROVED_MODEL = "model.tar.gz"
OF_A_BUILD = "Commit "
"""What the description of an execution begins with that a build has started."""
FINISHED_WELL_OR_RUNNING = ("Executing", "Succeeded")


class Clients(Protocol):
    """The clients that a run needs."""

    ecr: Any
    s3: Any
    sagemaker: Any


@dataclass(frozen=True)
class BotoClients:
    """Clients that retry throttled calls."""

    ecr: Any
    s3: Any
    sagemaker: Any

    @classmethod
    def connect(cls, region: str) -> "BotoClients":
        """Make the clients; nothing is called yet."""
        config = Config(region_name=region, retries={"mode": "adaptive", "max_attempts": 8})
        # A VPC without a way to ECR's API lets calls hang: the answer is not worth more than some seconds.
        soon = Config(region_name=region, connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 2})
        return cls(
            ecr=boto3.client("ecr", config=soon),
            s3=boto3.client("s3", config=config),
            sagemaker=boto3.client("sagemaker", config=config),
        )


@dataclass(frozen=True)
class Outcome:
    """What a run did, for people and for the build."""

    pipeline: str
    """created, updated or unchanged."""
    execution_arn: str
    started: bool
    image: Image
    approved: str
    """The version that the model will be compared with, or why there is none."""
    data_version: str
    """See `data_version`."""


def run(settings: Settings, clients: Clients, *, always: bool) -> Outcome:
    """Bring the account to the state of this commit, and start an execution when there is something to train.

    Args:
        settings: of the build.
        clients: for S3 and SageMaker.
        always: start even if an execution of exactly this code, data location and these settings runs or has succeeded.
    """
    uri = settings.image_uri
    if settings.build_image:
        uri = ensure_image(uri, clients.ecr, DEFAULT_INSTANCE)
    image = pin(uri, clients.ecr, DEFAULT_INSTANCE)
    settings = replace(settings, image_uri=image.uri)
    code_url = upload_code(settings, clients.s3)
    data_url = settings.input_data_url or upload_sample_data(settings, clients.s3)
    version = data_version(settings, clients.s3, data_url)
    ensure_group(settings, clients.sagemaker)
    approved = keep_approved(settings, clients)
    state = upsert(settings, clients.sagemaker, build_definition(settings, code_url, data_url))
    found = None if always else current_execution(settings, clients.sagemaker)
    arn = (
        found
        or clients.sagemaker.start_pipeline_execution(
            PipelineName=settings.pipeline_name,
            PipelineExecutionDescription=f"{OF_A_BUILD}{settings.commit_id}",
            PipelineParameters=[
                {"Name": "CommitId", "Value": settings.commit_id},
                {"Name": "DataVersion", "Value": version},
            ],
        )["PipelineExecutionArn"]
    )
    return Outcome(
        pipeline=state, execution_arn=arn, started=not found, image=image, approved=approved, data_version=version
    )


def upload_code(settings: Settings, s3: Any, package: Path = PACKAGE) -> str:
    """Upload the job code under a prefix that carries its hash; return the prefix's URL.

    An execution that is running keeps the code that it started with, and the same code is uploaded once.
    """
    files = {f"{package.name}/{path.relative_to(package).as_posix()}": path for path in sorted(package.rglob("*.py"))}
    digest = hashlib.sha256()
    for name, path in files.items():
        digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    prefix = f"code/{digest.hexdigest()[:20]}"
    there = {entry["Key"] for entry in _objects(s3, settings.bucket, prefix)}
    for name, path in files.items():
        if f"{prefix}/{name}" not in there:
            s3.put_object(Bucket=settings.bucket, Key=f"{prefix}/{name}", Body=path.read_bytes())
    return f"s3://{settings.bucket}/{prefix}"


def upload_sample_data(settings: Settings, s3: Any) -> str:
    """Upload the made-up data set under a key that carries its hash; return the prefix's URL."""
    body = sample_csv().encode()
    prefix = f"data/sample-{hashlib.sha256(body).hexdigest()[:20]}"
    if not _objects(s3, settings.bucket, prefix):
        s3.put_object(Bucket=settings.bucket, Key=f"{prefix}/abalone.csv", Body=body, ContentType="text/csv")
    return f"s3://{settings.bucket}/{prefix}"


def _objects(s3: Any, bucket: str, prefix: str) -> list[dict[str, Any]]:
    return s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/").get("Contents", [])


def data_version(settings: Settings, s3: Any, data_url: str) -> str:
    """Return a hash of names, sizes and ETags of the data: another one where a file is another, and only there.

    Where the build may not list the data it is "unknown", unless results are to be taken again: then nothing but this
    tells whether they are those of the same data.

    Raises:
        ClientError: S3 does not tell, and results are to be taken again.
    """
    bucket, _, prefix = data_url.removeprefix("s3://").partition("/")
    digest = hashlib.sha256()
    try:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                digest.update(f"{entry['Key']}\0{entry['Size']}\0{entry['ETag']}\n".encode())
    except ClientError as error:
        if settings.cache_days or not error.response["Error"]["Code"].startswith("AccessDenied"):
            raise
        return "unknown"
    return digest.hexdigest()[:20]


def ensure_group(settings: Settings, sagemaker: Any) -> None:
    """Create the model package group, or take over the one that is there.

    It is named after the project and outlives it: a group that holds versions cannot be deleted, and a deploy project
    may be serving one of them. A new project of the same name goes on with it, and Studio shows it there by its tags.
    """
    name = settings.model_package_group
    try:
        group = sagemaker.describe_model_package_group(ModelPackageGroupName=name)
    except ClientError as error:
        if not _is_missing(error):
            raise
        sagemaker.create_model_package_group(
            ModelPackageGroupName=name,
            ModelPackageGroupDescription=f"Models of project {settings.project_name}",
            Tags=settings.tags,
        )
    else:
        sagemaker.add_tags(ResourceArn=group["ModelPackageGroupArn"], Tags=settings.tags)


def keep_approved(settings: Settings, clients: Clients) -> str:
    """Keep a copy of the newest approved version where the evaluation job finds it; return which one, in words.

    The job has no network, so it cannot ask the registry, and it reads the project's own bucket only.
    """
    told, model_url = _newest_approved(settings, clients.sagemaker)
    prefix = approved_url(settings.bucket).removeprefix(f"s3://{settings.bucket}/")
    wanted = json.dumps(told, indent=2, sort_keys=True) + "\n"
    described = f"version {told['version']}" if told["version"] else str(told["why"])
    if _kept(clients.s3, settings.bucket, f"{prefix}{APPROVED_FILE}") == wanted:
        return described
    if model_url:
        bucket, _, key = model_url.removeprefix("s3://").partition("/")
        clients.s3.copy_object(
            Bucket=settings.bucket, Key=f"{prefix}{APPROVED_MODEL}", CopySource={"Bucket": bucket, "Key": key}
        )
    clients.s3.put_object(
        Bucket=settings.bucket, Key=f"{prefix}{APPROVED_FILE}", Body=wanted.encode(), ContentType="application/json"
    )
    return described


def _newest_approved(settings: Settings, sagemaker: Any) -> tuple[dict[str, Any], str]:
    """What is told of the newest approved version, and where its model is; no place where it cannot be compared."""
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=settings.model_package_group, ModelApprovalStatus="Approved"
    )
    completed = [
        package
        for page in pages
        for package in page["ModelPackageSummaryList"]
        if package.get("ModelPackageStatus") == "Completed" and package.get("ModelPackageVersion")
    ]
    if not completed:
        return {"version": None, "why": "no version is approved"}, ""
    newest = max(completed, key=lambda package: package["ModelPackageVersion"])
    version, arn = newest["ModelPackageVersion"], newest["ModelPackageArn"]
    found = sagemaker.describe_model_package(ModelPackageName=arn)
    containers = found.get("InferenceSpecification", {}).get("Containers", [])
    url = containers[0].get("ModelDataUrl", "") if len(containers) == 1 else ""
    if not url.startswith(f"s3://{settings.bucket}/executions/"):
        return {"version": None, "why": f"version {version}, the newest approved one, was not made by this project"}, ""
    return {"version": version, "arn": arn, "model": APPROVED_MODEL}, url


def _kept(s3: Any, bucket: str, key: str) -> str:
    try:
        return s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode("utf-8", errors="replace")
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        return ""


def upsert(settings: Settings, sagemaker: Any, definition: dict[str, Any]) -> str:
    """Create the pipeline, or update it where it differs; return created, updated or unchanged."""
    wanted = {
        "PipelineDisplayName": settings.pipeline_display_name,
        "PipelineDescription": f"Trains and registers the model of project {settings.project_name}",
        "PipelineDefinition": json.dumps(definition, sort_keys=True),
        "RoleArn": settings.role_arn,
    }
    try:
        present = sagemaker.describe_pipeline(PipelineName=settings.pipeline_name)
    except ClientError as error:
        if not _is_missing(error):
            raise
        sagemaker.create_pipeline(PipelineName=settings.pipeline_name, Tags=settings.tags, **wanted)
        return "created"
    if json.loads(present["PipelineDefinition"]) == definition and present["RoleArn"] == settings.role_arn:
        return "unchanged"
    sagemaker.update_pipeline(PipelineName=settings.pipeline_name, **wanted)
    return "updated"


def current_execution(settings: Settings, sagemaker: Any) -> str | None:
    """Return the newest execution that a build has started, if it has the present definition and runs or has succeeded.

    The definition changes with the code, the data's location and the settings, and only then. So a push that touches
    nothing but a README does not train the same model again. What a person or drift has started is passed over: it may
    have had other parameters, and its success says nothing of the ones that stand in the repository.
    """
    changed = sagemaker.describe_pipeline(PipelineName=settings.pipeline_name)["LastModifiedTime"]
    newest = sagemaker.list_pipeline_executions(
        PipelineName=settings.pipeline_name, SortBy="CreationTime", SortOrder="Descending", MaxResults=100
    )["PipelineExecutionSummaries"]
    own = [one for one in newest if one.get("PipelineExecutionDescription", "").startswith(OF_A_BUILD)]
    for execution in own[:1]:
        if execution["StartTime"] >= changed and execution["PipelineExecutionStatus"] in FINISHED_WELL_OR_RUNNING:
            return execution["PipelineExecutionArn"]
    return None


def _is_missing(error: ClientError) -> bool:
    """Tell whether the thing asked for is not there; SageMaker says so in a code or, for groups, in a sentence."""
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    if code == "ValidationException":
        return any(words in message.lower() for words in ("does not exist", "could not find"))
    return code == "ResourceNotFound"


def report(settings: Settings, outcome: Outcome) -> str:
    """Return what a person reads at the end of the build log."""
    execution = outcome.execution_arn.rsplit("/", maxsplit=1)[-1]
    head = (
        f"started execution {execution}"
        if outcome.started
        else f"not started: execution {execution} already runs, or has succeeded, with this code, data location and "
        "settings (--always starts another)"
    )
    return "\n".join(
        [
            f"pipeline {settings.pipeline_name}: {outcome.pipeline}; {head}",
            f"  image of jobs and endpoint: {outcome.image.uri}"
            + (f" ({outcome.image.why})" if outcome.image.why else ""),
            f"  version of the data: {outcome.data_version}",
            f"  compared with the newest approved version: {outcome.approved}",
            "  this build does not wait for it; its end is notified to the environment's topic, where there is one",
            f"  in Studio: Pipelines > {settings.pipeline_display_name} > Executions",
            "  in a shell: aws sagemaker list-pipeline-execution-steps --region "
            f"{settings.region} --pipeline-execution-arn {outcome.execution_arn}",
            f"  on success: a new version, pending approval, in model package group {settings.model_package_group}",
        ]
    )


def main(
    argv: list[str] | None = None, environment: Mapping[str, str] = os.environ, clients: Clients | None = None
) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(allow_abbrev=False, prog="python -m pipelines.run_pipeline", description=__doc__)
    parser.add_argument("--always", action="store_true", help="start an execution even if nothing has changed")
    parser.add_argument("--arn-file", type=Path, help="write the ARN of the execution to this file")
    parser.add_argument("--definition-only", action="store_true", help="print the definition; call nothing in AWS")
    arguments = parser.parse_args(argv)
    try:
        settings = Settings.from_environment(environment)
        if arguments.definition_only:
            root = f"s3://{settings.bucket}"
            data_url = settings.input_data_url or f"{root}/data/sample"
            print(json.dumps(build_definition(settings, f"{root}/code/example", data_url), indent=2))
            return 0
        outcome = run(settings, clients or BotoClients.connect(settings.region), always=arguments.always)
    except SettingsError as error:
        print(f"error: the build's environment cannot be used:\n{error}", file=sys.stderr)
        return 2
    except ImageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except ClientError as error:
        print(f"error: {_explained(error)}", file=sys.stderr)
        return 1
    except BotoCoreError as error:
        print(f"error: AWS cannot be called: {error}; check the network, the region and the role", file=sys.stderr)
        return 1
    print(report(settings, outcome))
    if arguments.arn_file:
        arguments.arn_file.write_text(outcome.execution_arn + "\n", encoding="utf-8")
    return 0


def _explained(error: ClientError) -> str:
    details = error.response["Error"]
    text = f"{error.operation_name} failed: {details['Code']}: {details.get('Message', 'no message')}"
    if details["Code"].startswith("AccessDenied"):
        text += f"; the build's role (CodeBuild) lacks the right to call {error.operation_name} on that resource"
    return text


if __name__ == "__main__":
    sys.exit(main())
