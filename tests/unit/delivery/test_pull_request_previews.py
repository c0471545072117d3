"""Pull requests at CodeCommit are previewed by a build that can read everything, and change nothing but its comment."""

import json
from typing import Any

import pytest

from components.delivery.pull_request_previews import BUILD_INPUT
from settings import SettingsError, parse
from tests.support.access import decision
from tests.support.delivery_example import SECTION, example
from tests.support.recording import ROOT, Recording, recorded, stack_values

ACCOUNT = "111122223333"
NAME = "sm-mlops-dev-pull-requests"
REPOSITORY = f"arn:aws:codecommit:us-east-2:{ACCOUNT}:sm-mlops-dev"
READ = "arn:aws:iam::444455556666:role/sm-mlops-prod-delivery-read"
CHANGE = "arn:aws:iam::444455556666:role/sm-mlops-prod-delivery-change"
OURS = {"aws:ResourceTag/mlops:project": "sm-mlops", "aws:ResourceTag/mlops:environment": "dev"}


def previews(mode: str | None = "comment") -> Recording:
    return recorded({**stack_values("dev"), SECTION: example(pullRequests=mode)})


@pytest.fixture(scope="module")
def recording() -> Recording:
    return previews()


def rights(recording: Recording) -> list[dict[str, Any]]:
    """All that the builds' role may do: its own policy, and the managed ones."""
    own = recording.named("delivery-pull-requests-role-policy").policy()["Statement"]
    policies = {policy.inputs["name"]: policy for policy in recording.of_type("aws:iam/policy:Policy")}
    attached = [
        policies[resource.inputs["policyArn"].rsplit("/", 1)[-1]].policy()["Statement"]
        for resource in recording.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
        if resource.name.startswith("delivery-pull-requests-role-policy-")
    ]
    assert attached, "what it reads stands in managed policies"
    return [*own, *(statement for statements in attached for statement in statements)]


def test_only_pull_requests_into_the_branch_start_a_build_of_their_own_commit(recording: Recording) -> None:
    rule = recording.named("delivery-pull-requests-rule").inputs
    assert json.loads(rule["eventPattern"]) == {
        "source": ["aws.codecommit"],
        "detail-type": ["CodeCommit Pull Request State Change"],
        "resources": [REPOSITORY],
        "detail": {
            "event": ["pullRequestCreated", "pullRequestSourceBranchUpdated"],
            "destinationReference": ["refs/heads/main"],
        },
    }
    target = recording.named("delivery-pull-requests-target").inputs
    transformer = target["inputTransformer"]
    told = json.loads(transformer["inputTemplate"].replace("<commit>", '"c0ffee"').replace("<pullRequest>", '"7"'))
    assert told["sourceVersion"] == "c0ffee"
    assert {one["name"]: one["value"] for one in told["environmentVariablesOverride"]} == {
        "COMMIT": "c0ffee",
        "PULL_REQUEST": "7",
    }
    assert set(transformer["inputPaths"]) == {"commit", "pullRequest"}
    assert transformer["inputTemplate"] == BUILD_INPUT


def test_the_build_previews_every_stack_that_is_delivered(recording: Recording) -> None:
    project = recording.named("delivery-pull-requests-project").inputs
    assert (project["name"], project["source"]["type"], project["artifacts"]) == (
        NAME,
        "CODECOMMIT",
        {"type": "NO_ARTIFACTS"},
    )
    assert project["source"]["location"].startswith("https://")
    assert (ROOT / project["source"]["buildspec"]).is_file()
    variables = {one["name"]: one["value"] for one in project["environment"]["environmentVariables"]}
    assert variables["STACKS"] == f"dev prod,{READ}"
    assert variables["REPOSITORY"] == "sm-mlops-dev"
    assert variables["APPROVES"] == "false"
    assert len(variables["ENGINE_SHA256"]) == 64
    logs = recording.named("delivery-pull-requests-logs").inputs
    assert logs["name"] == f"/aws/codebuild/{NAME}"
    assert logs["retentionInDays"] == 90
    assert logs["kmsKeyId"]


def test_only_its_own_builds_and_its_own_rule_get_the_roles(recording: Recording) -> None:
    for role, source in (
        ("delivery-pull-requests-role", f"arn:aws:codebuild:us-east-2:{ACCOUNT}:project/{NAME}"),
        ("delivery-pull-requests-start-role", [f"arn:aws:events:us-east-2:{ACCOUNT}:rule/{NAME}"]),
    ):
        (trust,) = json.loads(recording.named(role).inputs["assumeRolePolicy"])["Statement"]
        assert trust["Condition"]["ArnLike"]["aws:SourceArn"] == source
        assert trust["Condition"]["StringEquals"]["aws:SourceAccount"] == ACCOUNT
    (start,) = recording.named("delivery-pull-requests-start-role-policy").policy()["Statement"]
    assert (start["Action"], start["Resource"]) == (
        ["codebuild:StartBuild"],
        [f"arn:aws:codebuild:us-east-2:{ACCOUNT}:project/{NAME}"],
    )


def ours(service: str, name: str) -> str:
    return f"arn:aws:{service}:us-east-2:{ACCOUNT}:{name}"


BUCKET = "arn:aws:s3:::sm-mlops-dev-artifacts-111122223333-us-east-2-an"
PRODUCTS = "arn:aws:s3:::sm-mlops-dev-products-111122223333-us-east-2-an"
KEY = ours("kms", "key/1")
TOPIC = ours("sns", "sm-mlops-dev-notifications")
ROLE, POLICY = (f"arn:aws:iam::{ACCOUNT}:{kind}/sm-mlops-dev-project-launch" for kind in ("role", "policy"))
PORTFOLIO, PRODUCT = ours("catalog", "portfolio/port-1"), ours("catalog", "product/prod-1")
TYPES: dict[str, tuple[str, list[str], list[str]]] = {
    "aws:codecommit/approvalRuleTemplate:ApprovalRuleTemplate": (
        "*",
        ["codecommit:GetApprovalRuleTemplate"],
        ["codecommit:CreateApprovalRuleTemplate", "codecommit:DeleteApprovalRuleTemplate"],
    ),
    "aws:codecommit/approvalRuleTemplateAssociation:ApprovalRuleTemplateAssociation": (
        REPOSITORY,
        ["codecommit:ListAssociatedApprovalRuleTemplatesForRepository"],
        [
            "codecommit:AssociateApprovalRuleTemplateWithRepository",
            "codecommit:DisassociateApprovalRuleTemplateFromRepository",
        ],
    ),
    "aws:codecommit/repository:Repository": (
        REPOSITORY,
        ["codecommit:GetRepository", "codecommit:ListTagsForResource", "codecommit:GitPull"],
        [
            *("codecommit:CreateRepository", "codecommit:DeleteRepository", "codecommit:GitPush"),
            *("codecommit:CreateCommit", "codecommit:PutFile", "codecommit:MergePullRequestByFastForward"),
            *("codecommit:OverridePullRequestApprovalRules", "codecommit:UpdatePullRequestApprovalState"),
        ],
    ),
    "aws:codestarnotifications/notificationRule:NotificationRule": (
        ours("codestar-notifications", "notificationrule/1"),
        ["codestar-notifications:DescribeNotificationRule"],
        ["codestar-notifications:CreateNotificationRule", "codestar-notifications:DeleteNotificationRule"],
    ),
    "aws:iam/policy:Policy": (
        POLICY,
        ["iam:GetPolicy", "iam:GetPolicyVersion"],
        ["iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:DeletePolicy"],
    ),
    "aws:iam/role:Role": (
        ROLE,
        ["iam:GetRole", "iam:ListRolePolicies"],
        [
            *("iam:CreateRole", "iam:DeleteRole", "iam:UpdateAssumeRolePolicy", "iam:PassRole", "iam:AttachRolePolicy"),
            "iam:DeleteRolePermissionsBoundary",
        ],
    ),
    "aws:iam/rolePoliciesExclusive:RolePoliciesExclusive": (
        ROLE,
        ["iam:ListRolePolicies"],
        ["iam:DeleteRolePolicy"],
    ),
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": (
        ROLE,
        ["iam:ListAttachedRolePolicies"],
        ["iam:DetachRolePolicy"],
    ),
    "aws:iam/rolePolicy:RolePolicy": (ROLE, ["iam:GetRolePolicy"], ["iam:PutRolePolicy", "iam:DeleteRolePolicy"]),
    "aws:kms/alias:Alias": (
        ours("kms", "alias/sm-mlops-dev-artifacts"),
        [],
        ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"],
    ),
    "aws:kms/key:Key": (
        KEY,
        ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus"],
        ["kms:CreateKey", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:Encrypt", "kms:CreateGrant"],
    ),
    "aws:s3/bucket:Bucket": (BUCKET, ["s3:ListBucket", "s3:GetBucketTagging"], ["s3:CreateBucket", "s3:DeleteBucket"]),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (
        BUCKET,
        ["s3:GetLifecycleConfiguration"],
        ["s3:PutLifecycleConfiguration"],
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": (
        BUCKET,
        ["s3:GetBucketOwnershipControls"],
        ["s3:PutBucketOwnershipControls"],
    ),
    "aws:s3/bucketPolicy:BucketPolicy": (
        BUCKET,
        ["s3:GetBucketPolicy"],
        ["s3:PutBucketPolicy", "s3:DeleteBucketPolicy"],
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": (
        BUCKET,
        ["s3:GetBucketPublicAccessBlock"],
        ["s3:PutBucketPublicAccessBlock"],
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        BUCKET,
        ["s3:GetEncryptionConfiguration"],
        ["s3:PutEncryptionConfiguration"],
    ),
    "aws:s3/bucketVersioning:BucketVersioning": (BUCKET, ["s3:GetBucketVersioning"], ["s3:PutBucketVersioning"]),
    "aws:servicecatalog/constraint:Constraint": (
        "*",
        [],
        ["servicecatalog:CreateConstraint", "servicecatalog:DeleteConstraint"],
    ),
    "aws:servicecatalog/portfolio:Portfolio": (
        PORTFOLIO,
        ["servicecatalog:DescribePortfolio"],
        ["servicecatalog:CreatePortfolio", "servicecatalog:DeletePortfolio", "servicecatalog:CreatePortfolioShare"],
    ),
    "aws:servicecatalog/principalPortfolioAssociation:PrincipalPortfolioAssociation": (
        PORTFOLIO,
        ["servicecatalog:ListPrincipalsForPortfolio"],
        ["servicecatalog:AssociatePrincipalWithPortfolio", "servicecatalog:DisassociatePrincipalFromPortfolio"],
    ),
    "aws:servicecatalog/product:Product": (
        PRODUCT,
        ["servicecatalog:DescribeProductAsAdmin"],
        ["servicecatalog:CreateProduct", "servicecatalog:DeleteProduct", "servicecatalog:UpdateProduct"],
    ),
    "aws:servicecatalog/productPortfolioAssociation:ProductPortfolioAssociation": (
        PRODUCT,
        ["servicecatalog:ListPortfoliosForProduct"],
        ["servicecatalog:AssociateProductWithPortfolio", "servicecatalog:DisassociateProductFromPortfolio"],
    ),
    "aws:sns/topic:Topic": (TOPIC, ["sns:GetTopicAttributes"], ["sns:CreateTopic", "sns:DeleteTopic", "sns:Publish"]),
    "aws:sns/topicPolicy:TopicPolicy": (
        TOPIC,
        ["sns:GetTopicAttributes"],
        ["sns:SetTopicAttributes", "sns:AddPermission"],
    ),
    "aws:sns/topicSubscription:TopicSubscription": (
        TOPIC,
        ["sns:GetSubscriptionAttributes"],
        ["sns:Subscribe", "sns:Unsubscribe"],
    ),
    "pulumi-python:dynamic/codecommit:RepositoryName": ("*", [], []),
    "pulumi-python:dynamic/s3:ProductFiles": (
        f"{PRODUCTS}/products/model-deploy/template/1.yaml",
        ["s3:GetObject", "s3:GetObjectTagging"],
        ["s3:PutObject", "s3:DeleteObject", "s3:PutObjectTagging"],
    ),
    "pulumi-python:dynamic/sagemaker:ProjectsPortfolio": (
        "*",
        ["sagemaker:GetSagemakerServicecatalogPortfolioStatus", "servicecatalog:ListAcceptedPortfolioShares"],
        ["sagemaker:EnableSagemakerServicecatalogPortfolio", "servicecatalog:AcceptPortfolioShare", "ssm:PutParameter"],
    ),
    "pulumi-python:dynamic/servicecatalog:OfferedProducts": ("*", ["servicecatalog:SearchProvisionedProducts"], []),
    "pulumi-python:dynamic/servicecatalog:ProductVersion": (
        PRODUCT,
        ["servicecatalog:ListProvisioningArtifacts"],
        ["servicecatalog:CreateProvisioningArtifact", "servicecatalog:UpdateProvisioningArtifact"],
    ),
}
"""By type of the program: something of it, the calls that read it, and those that change it."""


def test_every_type_of_the_program_is_judged() -> None:
    text = "".join(path.read_text() for path in (ROOT / "tests" / "unit" / "golden").glob("*-urns.txt"))
    types = {line.split("::")[2].rpartition("$")[2] for line in text.splitlines() if "::" in line}
    assert {type_ for type_ in types if not type_.startswith(("mlops:", "pulumi:"))} == set(TYPES)


@pytest.mark.parametrize("type_", sorted(TYPES))
def test_the_role_reads_each_type_and_changes_none(type_: str, recording: Recording) -> None:
    resource, reads, writes = TYPES[type_]
    found = rights(recording)

    def may(action: str) -> bool:
        return decision(found, "*", action, resource, OURS) == "allow"

    assert [action for action in reads if not may(action)] == []
    assert [action for action in writes if may(action)] == []


def test_it_reads_the_state_and_other_accounts_by_their_reading_roles_only(recording: Recording) -> None:
    state = "arn:aws:s3:::acme-pulumi-state/.pulumi/stacks/sm-mlops/dev.json"
    for action, resource, expected in (
        ("s3:GetObject", state, "allow"),
        ("s3:PutObject", state, "none"),
        ("s3:DeleteObject", state, "none"),
        ("sts:AssumeRole", READ, "allow"),
        ("sts:AssumeRole", CHANGE, "none"),
        ("secretsmanager:GetSecretValue", "*", "none"),
    ):
        assert decision(rights(recording), "*", action, resource, {}) == expected, action


def test_it_comments_on_its_own_repository_only(recording: Recording) -> None:
    for action in ("PostCommentForPullRequest", "UpdateComment", "DeleteCommentContent", "GetPullRequest"):
        for repository, expected in ((REPOSITORY, "allow"), (REPOSITORY.replace("-dev", "-other"), "none")):
            assert decision(rights(recording), "*", f"codecommit:{action}", repository, {}) == expected


def test_it_approves_only_where_the_settings_say_so(recording: Recording) -> None:
    action = "codecommit:UpdatePullRequestApprovalState"
    approving = previews("approve")
    assert decision(rights(recording), "*", action, REPOSITORY, {}) == "none"
    assert decision(rights(approving), "*", action, REPOSITORY, {}) == "allow"
    environment = approving.named("delivery-pull-requests-project").inputs["environment"]
    assert {"name": "APPROVES", "value": "true", "type": "PLAINTEXT"} in environment["environmentVariables"]


def test_without_the_setting_there_is_nothing_of_it() -> None:
    assert [one.name for one in previews(None).resources if "pull-requests" in one.name] == []


def test_a_git_provider_is_told_that_it_previews_by_itself() -> None:
    values = stack_values("dev")
    values["sm-mlops:source"] = {"provider": "GitHub", "repository": "acme/platform", "branch": "main"}
    with pytest.raises(SettingsError, match=r"delivery\.pullRequests: has no effect with source\.provider GitHub"):
        parse({**values, SECTION: example(pullRequests="comment")}, "dev")
