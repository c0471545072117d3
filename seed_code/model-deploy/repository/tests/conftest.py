"""Stubbed AWS clients and the environment of a project, as its CodeBuild project sets it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from model_deploy.environment import Environment
from model_deploy.registry import Registry

ROOT = Path(__file__).parent.parent
ACCOUNT = "111122223333"
OTHER = "444455556666"
GROUP = "sagemaker-fraud"
VARIABLES = {
    "SAGEMAKER_PROJECT_NAME": "fraud-deploy",
    "SAGEMAKER_PROJECT_ID": "p-abcdefghijkl",
    "PLATFORM": "sm-mlops",
    "ENVIRONMENT": "dev",
    "AWS_ACCOUNT_ID": ACCOUNT,
    "AWS_REGION": "eu-west-1",
    "ARTIFACT_BUCKET": "sagemaker-p-abcdefghijkl-deploy-111122223333",
    "KMS_KEY_ARN": f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "SAGEMAKER_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/service-role/models",
    "MODEL_PACKAGE_GROUP_NAME": GROUP,
    "SUBNET_IDS": "subnet-0a1,subnet-0b2",
    "SECURITY_GROUP_IDS": "sg-0c3",
    "NOTIFICATION_TOPIC_ARN": f"arn:aws:sns:eu-west-1:{ACCOUNT}:approvals",
    "DEPLOYMENT_TARGET": "STACK",
    "STAGING_ACCOUNT_IDS": ACCOUNT,
    "PROD_ACCOUNT_IDS": ACCOUNT,
    "TARGET_MODEL_ROLE_NAME": "",
    "TARGET_TEST_ROLE_NAME": "",
    "MONITORING_SCHEDULE": "",
    "MONITORING_ROLE_ARN": "",
    "EVENTS_ROLE_ARN": "",
    "RETRAIN_ON_DRIFT": "NO",
    "TRIGGER": "push",
    "MODEL_PACKAGE_ARN": "newest",
    "PIPELINE_EXECUTION_ID": "this-run",
}


def arn(version: int) -> str:
    return f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:model-package/{GROUP}/{version}"


def environment(**changes: str) -> Environment:
    return Environment.load({**VARIABLES, **changes})


@pytest.fixture
def stub() -> Iterator[Callable[[str], tuple[Any, Stubber]]]:
    """Make a client that answers only what its stubber was told, and check that every answer was asked for."""
    stubbers = []

    def make(service: str) -> tuple[Any, Stubber]:
        client = boto3.client(service, region_name="eu-west-1", aws_access_key_id="none", aws_secret_access_key="none")
        stubber = Stubber(client)
        stubber.activate()
        stubbers.append(stubber)
        return client, stubber

    yield make
    for stubber in stubbers:
        stubber.assert_no_pending_responses()


class FakeGroup:
    """Tells a stubbed SageMaker what the model package group holds."""

    def __init__(self, stubber: Stubber) -> None:
        self._stubber = stubber

    def has(self, version: int, approval: str, *, group: str = GROUP, status: str = "Completed") -> None:
        self._stubber.add_response(
            "describe_model_package",
            {
                "ModelPackageName": f"{group}/{version}",
                "ModelPackageArn": arn(version),
                "ModelPackageGroupName": group,
                "ModelPackageVersion": version,
                "ModelApprovalStatus": approval,
                "ModelPackageStatus": status,
                "ModelPackageStatusDetails": {
                    "ValidationStatuses": [{"Name": "x", "Status": "Failed", "FailureReason": "no such image"}]
                    if status == "Failed"
                    else []
                },
                "CreationTime": 0,
            },
            {"ModelPackageName": arn(version)},
        )

    def lacks(self, version: int) -> None:
        self._stubber.add_client_error(
            "describe_model_package",
            "ValidationException",
            f"ModelPackage {arn(version)} does not exist.",
            expected_params={"ModelPackageName": arn(version)},
        )

    def lists(self, *pages: tuple[int, ...], status: str = "Completed") -> None:
        """List the Approved versions, page by page."""
        asked = {
            "ModelPackageGroupName": GROUP,
            "ModelApprovalStatus": "Approved",
            "SortBy": "CreationTime",
            "SortOrder": "Descending",
        }
        for number, page in enumerate(pages):
            answer: dict[str, Any] = {
                "ModelPackageSummaryList": [
                    {
                        "ModelPackageArn": arn(version),
                        "ModelPackageVersion": version,
                        "ModelPackageStatus": status,
                        "ModelApprovalStatus": "Approved",
                        "CreationTime": 0,
                    }
                    for version in page
                ]
            }
            if number + 1 < len(pages):
                answer["NextToken"] = f"page{number + 1}"
            self._stubber.add_response(
                "list_model_packages", answer, {**asked, "NextToken": f"page{number}"} if number else asked
            )

    def does_not_exist(self) -> None:
        self._stubber.add_client_error("list_model_packages", "ValidationException", "ModelPackageGroup not found")


@pytest.fixture
def registry(stub: Callable[[str], tuple[Any, Stubber]]) -> tuple[Registry, FakeGroup]:
    client, stubber = stub("sagemaker")
    return Registry(client, GROUP), FakeGroup(stubber)
