"""The model package group that this project watches."""

import re
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from model_deploy.errors import UserError, error_code, error_text

APPROVED = "Approved"
COMPLETED = "Completed"


_PACKAGE_ARN = re.compile(r"arn:[a-z-]+:sagemaker:[a-z0-9-]+:\d{12}:model-package/[\w.-]+(/\d+)?")


@dataclass(frozen=True, kw_only=True)
class Package:
    """One version of a model package group."""

    arn: str
    version: int
    approval: str
    """Approved, Rejected or PendingManualApproval."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a version says of how it was made."""

    arn: str
    image: str
    """Of its (first) container."""
    baseline_url: str
    """Statistics of the data that it was trained on; empty when it has none."""
    training_pipeline: str
    """Name of the SageMaker pipeline of the build project that registered it; empty when it does not say which."""


class Registry:
    """Reads model packages of one group. It never changes one."""

    def __init__(self, client: Any, group_name: str) -> None:
        self._client = client
        self.group_name = group_name

    def package(self, arn: str) -> Package:
        """Describe the package with this ARN.

        Raises:
            UserError: there is no such package, it may not be read, it belongs to another group, or its registration
                is not complete.

        """
        if not _PACKAGE_ARN.fullmatch(arn):
            raise UserError(
                f"MODEL_PACKAGE_ARN is {arn!r}, which is no ARN of a model package; give the pipeline's variable "
                "ModelPackageArn one that the model registry shows, or leave it out."
            )
        try:
            found = self._client.describe_model_package(ModelPackageName=arn)
        except ClientError as error:
            if error_code(error).startswith("AccessDenied"):
                raise UserError(
                    f"Model package {arn} may not be read: {error_text(error)} A package of another account or region "
                    f"is not deployed; approve a version of group {self.group_name}."
                ) from error
            if error_code(error) not in {"ValidationException", "ResourceNotFound"}:
                raise
            raise UserError(
                f"Model package {arn} is unknown: {error_text(error)} It was probably deleted after the event. "
                f"Approve a version that exists in group {self.group_name}, or start the pipeline without variables."
            ) from error
        group = found.get("ModelPackageGroupName", "")
        if group != self.group_name:
            raise UserError(
                f"Model package {arn} belongs to group {group or 'none (it has no version)'}, but this project deploys "
                f"group {self.group_name}. Set the project's parameter ModelBuildProjectName to watch another group."
            )
        version, status = found["ModelPackageVersion"], found["ModelPackageStatus"]
        if status != COMPLETED:
            details = found.get("ModelPackageStatusDetails", {}).get("ValidationStatuses", [])
            reasons = "; ".join(one["FailureReason"] for one in details if one.get("FailureReason"))
            raise UserError(
                f"Version {version} of {group} is {status}, not {COMPLETED}{f': {reasons}' if reasons else ''}. Only a "
                "version whose registration is complete can be deployed."
            )
        # The ARN as SageMaker writes it: an endpoint's model is compared with it.
        return Package(
            arn=found["ModelPackageArn"], version=version, approval=found.get("ModelApprovalStatus", "not approved")
        )

    def origin(self, arn: str) -> Origin:
        """Describe how a version was made."""
        found = self._client.describe_model_package(ModelPackageName=arn)
        quality = found.get("DriftCheckBaselines", {}).get("ModelDataQuality", {})
        said = found.get("CustomerMetadataProperties", {})
        name, identity = said.get("ProjectName", ""), said.get("ProjectId", "")
        return Origin(
            arn=arn,
            image=found["InferenceSpecification"]["Containers"][0]["Image"],
            baseline_url=quality.get("Statistics", {}).get("S3Uri", ""),
            # Only of the project whose group this is: others train other models.
            training_pipeline=f"sagemaker-{identity}-train"
            if identity and f"sagemaker-{name}" == self.group_name
            else "",
        )

    def approved(self) -> tuple[Package, ...]:
        """Approved versions, the newest first. Empty when there is none, or no such group."""
        pages = self._client.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=self.group_name,
            ModelApprovalStatus=APPROVED,
            SortBy="CreationTime",
            SortOrder="Descending",
        )
        try:
            summaries = [summary for page in pages for summary in page["ModelPackageSummaryList"]]
        except ClientError as error:
            # SageMaker's answer for a group that does not exist (yet).
            if error_code(error) in {"ValidationException", "ResourceNotFound"}:
                return ()
            raise
        packages = [
            Package(
                arn=summary["ModelPackageArn"],
                version=summary["ModelPackageVersion"],
                approval=summary["ModelApprovalStatus"],
            )
            for summary in summaries
            if summary["ModelPackageStatus"] == COMPLETED
        ]
        return tuple(sorted(packages, key=lambda package: package.version, reverse=True))
