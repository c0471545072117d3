"""A run: one model, one transform job and one folder of results, all of the same name."""

import posixpath
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from batch_inference.project import Project
from batch_inference.settings import Settings
from batch_inference.waiting import OPEN_RUN, File, Memory
from model_deploy.errors import error_code
from model_deploy.instances import takes_volume_key
from model_deploy.registry import Package

ENDED = ("Completed", "Failed", "Stopped")


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run was started with."""

    name: str
    package_arn: str
    package_version: int
    files: Sequence[File]
    too_large: Sequence[File]
    """Files that cannot be one request; they are not sent."""
    max_payload_mb: int
    accept: str
    instance_type: str
    instance_count: int
    usd_per_instance_hour: float
    price_as_of: str

    @property
    def folder(self) -> str:
        """Folder of its manifest, its results and its summary."""
        return f"runs/{self.name}/"

    @property
    def output(self) -> str:
        """Folder of the predictions."""
        return f"{self.folder}output/"

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Run":
        """Return a run that was written down."""
        lists = {name: [File(**one) for one in document[name]] for name in ("files", "too_large")}
        return cls(**{**document, **lists})


def plan(project: Project, settings: Settings, package: Package, taken: Sequence[File], now: datetime) -> Run:
    """Return what a run will be."""
    limit = settings.max_bytes
    execution = project.environment.execution_id[:8].strip("-") or "0"
    return Run(
        name=f"{project.run_prefix}{now:%Y%m%d%H%M%S}-{execution}",
        package_arn=package.arn,
        package_version=package.version,
        files=[file for file in taken if file.size <= limit],
        too_large=[file for file in taken if file.size > limit],
        max_payload_mb=settings["requests.max_payload_mb"],
        accept=settings["output.accept"],
        instance_type=settings["instances.type"],
        instance_count=settings["instances.count"],
        usd_per_instance_hour=settings["price.usd_per_instance_hour"],
        price_as_of=settings["price.as_of"],
    )


def start(run: Run, project: Project, settings: Settings, sagemaker: Any, memory: Memory) -> None:
    """Write the run down, and start its job if there is anything to send.

    It is written down first: should this build be cut off, the next one finds what it left.
    """
    prefix = project.input_prefix
    memory.write(f"{run.folder}manifest.json", manifest(project, run))
    memory.write(OPEN_RUN, asdict(run))
    if run.files:
        sagemaker.create_model(**model_request(run, project, settings))
        sagemaker.create_transform_job(**job_request(run, project, settings))
    print(f"{run.name}: version {run.package_version} answers {len(run.files)} files of {prefix}")


def manifest(project: Project, run: Run) -> list[Any]:
    """Return the list of files in the form that SageMaker reads (S3DataSource, ManifestFile)."""
    folder = f"s3://{project.input_bucket}/{project.input_prefix}"
    return [{"prefix": folder}, *(file.key.removeprefix(project.input_prefix) for file in run.files)]


def model_request(run: Run, project: Project, settings: Settings) -> dict[str, Any]:
    """Return the request of CreateModel."""
    told = project.environment
    network = {"Subnets": list(told.subnet_ids), "SecurityGroupIds": list(told.security_group_ids)}
    return {
        "ModelName": run.name,
        "PrimaryContainer": {"ModelPackageName": run.package_arn},
        "ExecutionRoleArn": told.role_arn,
        "EnableNetworkIsolation": settings["model.network_isolation"],
        "Tags": project.tags,
        **({"VpcConfig": network} if told.subnet_ids else {}),
    }


def job_request(run: Run, project: Project, settings: Settings) -> dict[str, Any]:
    """Return the request of CreateTransformJob."""
    told, bucket = project.environment, project.environment.artifact_bucket
    key, line = told.kms_key_arn, settings["input.split"] == "line"
    volume = {"VolumeKmsKeyId": key} if key and takes_volume_key(run.instance_type) else {}
    return {
        "TransformJobName": run.name,
        "ModelName": run.name,
        "MaxConcurrentTransforms": settings["requests.concurrent"],
        "MaxPayloadInMB": run.max_payload_mb,
        # A file that the model refuses is refused again.
        "ModelClientConfig": {
            "InvocationsTimeoutInSeconds": settings["requests.timeout_seconds"],
            "InvocationsMaxRetries": 0,
        },
        **({"BatchStrategy": "MultiRecord"} if line else {}),
        "TransformInput": {
            "DataSource": {
                "S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": f"s3://{bucket}/{run.folder}manifest.json"}
            },
            "ContentType": settings["input.content_type"],
            "SplitType": "Line" if line else "None",
        },
        "TransformOutput": {
            "S3OutputPath": f"s3://{bucket}/{run.output}",
            "Accept": run.accept,
            "AssembleWith": "Line" if line else "None",
            **({"KmsKeyId": key} if key else {}),
        },
        "TransformResources": {"InstanceType": run.instance_type, "InstanceCount": run.instance_count, **volume},
        "Tags": project.tags,
    }


def job(run: Run, sagemaker: Any) -> dict[str, Any]:
    """Describe a run's job; nothing where it has none, because nothing was sent or its build failed."""
    try:
        return sagemaker.describe_transform_job(TransformJobName=run.name)
    except ClientError as error:
        if error_code(error) in {"ValidationException", "ResourceNotFound"}:
            return {}
        raise


def delete_model(run: Run, sagemaker: Any) -> None:
    """Delete a run's model, if it has one."""
    try:
        sagemaker.delete_model(ModelName=run.name)
    except ClientError as error:
        if error_code(error) not in {"ValidationException", "ResourceNotFound"}:
            raise


def result_of(key: str, outputs: Collection[str]) -> str | None:
    """Return where a file's predictions are below the run's output folder; none where there are none.

    SageMaker keeps the file's folders there, without saying from which one on: the longest end that fits is taken.
    """
    parts = key.split("/")
    ends = (posixpath.join(*parts[first:]) + ".out" for first in range(len(parts)))
    return next((end for end in ends if end in outputs), None)
