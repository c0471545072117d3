"""The model package group that this project watches."""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from model_deploy.errors import UserError, error_code, error_text

APPROVED = "Approved"


@dataclass(frozen=True, kw_only=True)
class Package:
    """One version of a model package group."""

    arn: str
    version: int
    approval: str
    """Approved, Rejected or PendingManualApproval."""


class Registry:
    """Reads model packages of one group. It never changes one."""

    def __init__(self, client: Any, group_name: str) -> None:
        self._client = client
        self.group_name = group_name

    def package(self, arn: str) -> Package:
        """Describe the package with this ARN.

        Raises:
            UserError: there is no such package, or it belongs to another group.

        """
        try:
            found = self._client.describe_model_package(ModelPackageName=arn)
        except ClientError as error:
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
        return Package(arn=arn, version=found["ModelPackageVersion"], approval=found["ModelApprovalStatus"])

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
            if summary["ModelPackageStatus"] == "Completed"
        ]
        return tuple(sorted(packages, key=lambda package: package.version, reverse=True))
