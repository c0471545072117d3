"""What every build does that trains, whatever runs the steps: image, code, data, group, and what a person reads.

Each function brings a part of the account to the state of this commit, and does nothing where it is so already.
"""

import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from pipelines.container import ensure_image
from pipelines.images import Image, ImageError, pin
from pipelines.jobs import DEFAULT_INSTANCE, approved_url
from pipelines.sample_data import sample_csv
from pipelines.settings import Settings, SettingsError

PACKAGE = Path(__file__).resolve().parent.parent / "abalone"
APPROVED_FILE = "approved.json"
APPROVED_MODEL = "model.tar.gz"


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
class Prepared:
    """What the steps need, when it is there."""

    settings: Settings
    """With the image as it is pinned."""
    image: Image
    code_url: str
    """See `upload_code`."""
    data_url: str
    data_version: str
    """See `data_version`."""
    approved: str
    """The version that the model will be compared with, or why there is none."""

    @property
    def lines(self) -> list[str]:
        """What a person reads of it."""
        return [
            f"  image of jobs and endpoint: {self.image.uri}" + (f" ({self.image.why})" if self.image.why else ""),
            f"  version of the data: {self.data_version}",
            f"  compared with the newest approved version: {self.approved}",
        ]


def prepare(settings: Settings, clients: Clients) -> Prepared:
    """Build or find the image, upload code and data, make the group, and keep the newest approved version."""
    uri = settings.image_uri
    if settings.build_image:
        uri = ensure_image(uri, clients.ecr, DEFAULT_INSTANCE)
    image = pin(uri, clients.ecr, DEFAULT_INSTANCE)
    settings = replace(settings, image_uri=image.uri)
    code_url = upload_code(settings, clients.s3)
    data_url = settings.input_data_url or upload_sample_data(settings, clients.s3)
    version = data_version(settings, clients.s3, data_url)
    ensure_group(settings, clients.sagemaker)
    return Prepared(
        settings=settings,
        image=image,
        code_url=code_url,
        data_url=data_url,
        data_version=version,
        approved=keep_approved(settings, clients),
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
        if not is_missing(error):
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


def is_missing(error: ClientError) -> bool:
    """Tell whether the thing asked for is not there; SageMaker says so in a code or, for groups, in a sentence."""
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    if code == "ValidationException":
        return any(words in message.lower() for words in ("does not exist", "could not find"))
    return code == "ResourceNotFound"


def exit_code(work: Callable[[], None]) -> int:
    """Do the work of a build, and say in a sentence what stops it.

    Returns 0, 1 for what AWS or the image stands in the way with, or 2 for settings that cannot be used.
    """
    try:
        work()
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
    return 0


def _explained(error: ClientError) -> str:
    details = error.response["Error"]
    text = f"{error.operation_name} failed: {details['Code']}: {details.get('Message', 'no message')}"
    if details["Code"].startswith("AccessDenied"):
        text += f"; the build's role (CodeBuild) lacks the right to call {error.operation_name} on that resource"
    return text
