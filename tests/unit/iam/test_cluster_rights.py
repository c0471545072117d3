"""What a launch can do in clusters: let a project's role into a project's groups, and no more."""

import pytest

from awsmodel.iam.evaluation import Context
from awsmodel.regions import known_regions
from components.iam.project_policies import launch_statements
from tests.support.access import decision

ACCOUNT = "111122223333"
LAUNCH = launch_statements(known_regions()["eu-west-1"], ACCOUNT, "boundary", None)
CLUSTER = f"arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/shared"
ENTRY = f"arn:aws:eks:eu-west-1:{ACCOUNT}:access-entry/shared/role/{ACCOUNT}"
ASSOCIATION = f"arn:aws:eks:eu-west-1:{ACCOUNT}:podidentityassociation/shared/a-1"
OWN: Context = {
    "eks:principalArn": f"arn:aws:iam::{ACCOUNT}:role/sagemaker-p-1-build-codebuild",
    "eks:kubernetesGroups": ["sagemaker-fraud"],
    "eks:accessEntryType": "STANDARD",
}
TAG = "aws:ResourceTag/sagemaker:project-id"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "allow"),
        ({"eks:principalArn": f"arn:aws:iam::{ACCOUNT}:role/somebody"}, "none"),
        ({"eks:kubernetesGroups": ["sagemaker-fraud", "system:masters"]}, "none"),
        ({"eks:accessEntryType": "EC2_LINUX"}, "none"),
    ],
)
def test_only_a_projects_role_is_let_in_and_into_groups_of_projects(change: Context, expected: str) -> None:
    assert decision(LAUNCH, "role", "eks:CreateAccessEntry", CLUSTER, {**OWN, **change}) == expected


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        # One of EKS's policies is that of administrators.
        ("eks:AssociateAccessPolicy", f"{ENTRY}/sagemaker-p-1-build-codebuild/1", OWN),
        ("eks:UpdateAccessEntry", f"{ENTRY}/somebody/1", OWN),
        ("eks:UpdateAccessEntry", f"{ENTRY}/sagemaker-p-1/1", {"eks:kubernetesGroups": ["system:masters"]}),
        ("eks:DeleteAccessEntry", f"{ENTRY}/somebody/1", OWN),
        ("eks:UpdatePodIdentityAssociation", ASSOCIATION, {}),
        ("eks:DeletePodIdentityAssociation", ASSOCIATION, {}),
        ("eks:DeleteCluster", CLUSTER, {}),
        (
            "iam:PassRole",
            f"arn:aws:iam::{ACCOUNT}:role/somebody",
            {"iam:PassedToService": "pods.eks.amazonaws.com"},
        ),
    ],
)
def test_nothing_of_others_is_changed(action: str, resource: str, context: Context) -> None:
    assert decision(LAUNCH, "role", action, resource, context) == "none"


def test_what_projects_have_made_is_changed() -> None:
    assert decision(LAUNCH, "role", "eks:DeletePodIdentityAssociation", ASSOCIATION, {TAG: "p-1"}) == "allow"
    assert decision(LAUNCH, "role", "eks:DeleteAccessEntry", f"{ENTRY}/sagemaker-p-1/1", {}) == "allow"
