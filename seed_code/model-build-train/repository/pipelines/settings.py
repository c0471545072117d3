"""The settings of a build, read from the environment variables that its CodeBuild project sets."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pipelines.images import ECR_IMAGE, UnknownRegionError, framework_of, job_image

Rule = tuple[str, str]
"""A pattern for the whole value, and what it means in words."""

PROJECT_NAME: Rule = (r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}", "1 to 32 letters, digits and inner hyphens")
PROJECT_ID: Rule = (r"[a-z0-9](-*[a-z0-9]){0,19}", "1 to 20 lower-case letters, digits and inner hyphens")
REGION: Rule = (r"[a-z]{2}(-[a-z]+)+-\d", "a region such as eu-west-1")
BUCKET: Rule = (r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "a bucket name")
ROLE: Rule = (r"arn:[a-z-]+:iam::\d{12}:role/.+", "the ARN of a role")
KEY: Rule = (r"arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:(key|alias)/.+", "the ARN of a KMS key, or empty")
GROUP: Rule = (r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", "1 to 63 letters, digits and inner hyphens")
SUBNETS: Rule = (r"subnet-[0-9a-f]+(,subnet-[0-9a-f]+)*", "subnet ids with commas between them, or empty")
SECURITY_GROUPS: Rule = (r"sg-[0-9a-f]+(,sg-[0-9a-f]+)*", "security group ids with commas between them, or empty")
DATA_URL: Rule = (r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+", "s3://bucket/key-or-prefix, or empty")
REPOSITORY: Rule = (r"https://[^@\s]{1,1000}", "https://..., with no name or password in it, or empty")
IMAGE: Rule = (ECR_IMAGE.pattern, "the URI of an image in ECR with a tag or a digest, or empty")
OWN_IMAGE = r"\d{12}\.dkr\.ecr\.[^/]+/sagemaker-[^:@]+:[^@]{1,100}"
"""Where a build may push: the boundary of projects' roles lets it write into no other repository."""
MLFLOW: Rule = (r"arn:[a-z-]+:sagemaker:[a-z0-9-]+:\d{12}:mlflow-app/.+", "the ARN of an MLflow app, or empty")
SWITCH: Rule = ("true|false", "true or false")
TUNING_JOBS: Rule = ("0|[2-9]|[1-9][0-9]|100", "0, or 2 to 100")
DAYS: Rule = ("[0-9]|[1-9][0-9]|[12][0-9]{2}|3[0-5][0-9]|36[0-5]", "a number of days from 0 to 365")
ANYTHING: Rule = (r".+", "not empty")


class SettingsError(ValueError):
    """Settings that cannot be used; the message lists every fault, one a line."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that a pipeline definition depends on, beside the code and the data."""

    project_name: str
    project_id: str
    platform: str
    """Name of the platform that the project belongs to; a tag."""
    environment: str
    """The environment's name, such as dev; a tag."""
    region: str
    bucket: str
    """The project's artifact bucket: code, data, job output and models."""
    role_arn: str
    """The role of the pipeline and of its jobs."""
    model_package_group: str
    kms_key_arn: str = ""
    """Encrypts volumes and output; empty: keys that AWS manages."""
    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    """Both empty: the jobs run outside any VPC of the account."""
    input_data_url: str = ""
    """Where the data is; empty: sample data in the project's bucket."""
    image_uri: str
    build_image: bool = False
    """Whether the build makes the image from `container/`; `image_uri` then says where it goes, with the first part of
    its tag."""
    framework: str = ""
    framework_version: str = ""
    """Both empty where the image's name does not tell them."""
    mlflow_app_arn: str = ""
    """MLflow app that records executions; empty: none does."""
    repository_url: str = ""
    """Where the code is cloned from."""
    commit_id: str = "unknown"
    spot: bool = False
    """Train on spot capacity: cheaper, may wait, and starts again from nothing when it is interrupted."""
    tuning_jobs: int = 0
    """How many training jobs search for the best hyperparameters; 0: one job, with those of the parameters."""
    cache_days: int = 0
    """How old a result of the same code, data and parameters may be to be taken again; 0: nothing is."""

    @property
    def pipeline_name(self) -> str:
        """From the project id alone: the name also stands in IAM policies, and the id is always lower case."""
        return f"sagemaker-{self.project_id}-train"

    @property
    def pipeline_display_name(self) -> str:
        """How people see it."""
        return f"sagemaker-{self.project_name}-train"

    @property
    def tags(self) -> list[dict[str, str]]:
        """The tags of everything that the build makes; Studio finds a project's resources by the first two."""
        return [
            {"Key": "sagemaker:project-name", "Value": self.project_name},
            {"Key": "sagemaker:project-id", "Value": self.project_id},
            {"Key": "project", "Value": self.platform},
            {"Key": "environment", "Value": self.environment},
        ]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings.

        Raises:
            SettingsError: with all faults, each with the variable, its value and what is allowed.
        """
        faults: list[str] = []

        def read(variable: str, rule: Rule, *, required: bool = True) -> str:
            value = environment.get(variable, "").strip()
            pattern, meaning = rule
            if not value and required:
                faults.append(f"{variable}: not set; expected {meaning}")
            elif value and not re.fullmatch(pattern, value):
                shown = "the value" if rule is REPOSITORY else repr(value)  # it may hold a password
                faults.append(f"{variable}: {shown} is not {meaning}")
                return ""
            return value

        region = read("AWS_REGION", REGION)
        subnets = _items(read("SUBNET_IDS", SUBNETS, required=False))
        groups = _items(read("SECURITY_GROUP_IDS", SECURITY_GROUPS, required=False))
        if bool(subnets) != bool(groups):
            faults.append("SUBNET_IDS, SECURITY_GROUP_IDS: set both to run the jobs in a VPC, or neither")
        given = read("JOB_IMAGE_URI", IMAGE, required=False)
        if given and region and (lies := ECR_IMAGE.fullmatch(given)["region"]) != region:
            faults.append(
                f"JOB_IMAGE_URI: the image lies in {lies}; SageMaker takes images of its own region, {region}"
            )
        build_image = read("BUILD_JOB_IMAGE", SWITCH, required=False) == "true"
        if build_image and not re.fullmatch(OWN_IMAGE, given):
            faults.append(
                "JOB_IMAGE_URI: BUILD_JOB_IMAGE needs the URI of a repository of this account whose name begins with "
                f"sagemaker-, with a tag; it is {given!r}"
            )
        image = given or (_image(region, faults.append) if region else "")
        framework, framework_version = framework_of(image)
        settings = {
            "framework": framework,
            "framework_version": framework_version,
            "project_name": read("SAGEMAKER_PROJECT_NAME", PROJECT_NAME),
            "project_id": read("SAGEMAKER_PROJECT_ID", PROJECT_ID),
            "platform": read("PLATFORM", ANYTHING),
            "environment": read("ENVIRONMENT", ANYTHING),
            "bucket": read("ARTIFACT_BUCKET", BUCKET),
            "role_arn": read("SAGEMAKER_ROLE_ARN", ROLE),
            "model_package_group": read("MODEL_PACKAGE_GROUP_NAME", GROUP),
            "kms_key_arn": read("KMS_KEY_ARN", KEY, required=False),
            "input_data_url": read("INPUT_DATA_URL", DATA_URL, required=False),
            "image_uri": image,
            "build_image": build_image,
            "mlflow_app_arn": read("MLFLOW_APP_ARN", MLFLOW, required=False),
            "repository_url": read("REPOSITORY_URL", REPOSITORY, required=False),
            "spot": read("SPOT_TRAINING", SWITCH, required=False) == "true",
            "tuning_jobs": int(read("TUNING_JOBS", TUNING_JOBS, required=False) or 0),
            "cache_days": int(read("CACHE_DAYS", DAYS, required=False) or 0),
            "commit_id": environment.get("CODEBUILD_RESOLVED_SOURCE_VERSION", "").strip() or "unknown",
        }
        if faults:
            raise SettingsError("\n".join(faults))
        return cls(region=region, subnet_ids=subnets, security_group_ids=groups, **settings)


def _items(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


def _image(region: str, report: Callable[[str], None]) -> str:
    try:
        return job_image(region)
    except UnknownRegionError as error:
        report(str(error))
        return ""
