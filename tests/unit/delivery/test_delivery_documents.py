"""The documents that an administrator makes roles from allow what the stack would give its own roles."""

import json
from typing import Any

import pytest

from awsmodel.iam import evaluation
from components.delivery.delivery_documents import account_documents, delivery_facts, documents
from components.iam.role_documents import RoleDocument, managed_policies
from settings import Settings, SettingsError, parse
from tests.support.access import decision
from tests.support.delivery_example import SECTION, example
from tests.support.recording import Recording, recorded, stack_values

ACCOUNT = "111122223333"
ROLE = "arn:aws:iam::111122223333:role/{}"
PROD = {"stack": "prod", "approval": True}
REPOSITORY = f"arn:aws:codecommit:us-east-2:{ACCOUNT}:sm-mlops-dev"
TWO = {"stacks": [{"stack": "dev"}, PROD], "pullRequests": "approve"}
ALIAS = {"kms:ResourceAliases": ["alias/sm-mlops-dev-artifacts"]}


def settings(**more: Any) -> Settings:
    return parse({**stack_values("dev"), SECTION: example(**more)}, "dev")


def by_key(**more: Any) -> dict[str, RoleDocument]:
    facts = delivery_facts(settings(**more), ACCOUNT)
    assert facts is not None
    return {document.key: document for document in documents(facts)}


def made(recording: Recording) -> dict[str, list[evaluation.Statement]]:
    """By name of each role of the delivery: all that it may do."""
    policies = {policy.inputs["name"]: policy for policy in recording.of_type("aws:iam/policy:Policy")}
    found: dict[str, list[evaluation.Statement]] = {}
    for resource in recording.resources:
        if not resource.name.startswith("delivery"):
            continue
        if resource.type == "aws:iam/rolePolicy:RolePolicy":
            found.setdefault(resource.inputs["role"], []).extend(resource.policy()["Statement"])
        elif resource.type == "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
            policy = policies[resource.inputs["policyArn"].rsplit("/", 1)[-1]]
            found.setdefault(resource.inputs["role"], []).extend(policy.policy()["Statement"])
    return found


def key_of(role: str) -> str:
    """Which document stands for a role that the stack makes."""
    if role in ("sm-mlops-dev-delivery", "sm-mlops-dev-drift"):
        return "pipeline"
    if role.endswith("-pull-requests"):
        return "pullRequests"
    return "events" if role.endswith("-start") else "delivery" if "-up-" in role else "build"


@pytest.mark.parametrize("more", [{}, TWO], ids=["another account", "one account"])
def test_a_document_allows_all_that_the_stacks_own_roles_may_do(more: dict[str, Any]) -> None:
    recording = recorded({**stack_values("dev"), SECTION: example(**more)})
    by, roles = by_key(**more), made(recording)
    kinds = {"pipeline", "events", "build", "delivery"}
    assert {key_of(role) for role in roles} == kinds | ({"pullRequests"} if "pullRequests" in more else set())
    for role, statements in roles.items():
        for request in evaluation.requests(statements):
            context = {**request.context, **ALIAS} if request.action.startswith("kms:") else request.context
            judged = evaluation.Request(request.action, request.resource, context)
            assert evaluation.allowed(by[key_of(role)].statements, judged), f"{role}: {judged}"


def test_documents_stay_apart() -> None:
    by = by_key(**TWO)
    state = "arn:aws:s3:::acme-pulumi-state/.pulumi/stacks/sm-mlops/dev.json"

    def allowed(key: str, action: str, resource: str) -> bool:
        return evaluation.allowed(by[key].statements, evaluation.Request(action, resource))

    assert allowed("delivery", "s3:PutObject", state)
    assert not allowed("build", "s3:PutObject", state)
    assert not allowed("build", "iam:CreateRole", ROLE.format("sm-mlops-dev-x"))
    assert allowed("delivery", "iam:CreateRole", ROLE.format("sm-mlops-prod-x"))
    assert not allowed("pipeline", "s3:GetObject", state)
    assert allowed(
        "events",
        "codepipeline:StartPipelineExecution",
        "arn:aws:codepipeline:us-east-2:111122223333:sm-mlops-dev-drift",
    )
    assert not allowed(
        "pipeline",
        "codepipeline:StartPipelineExecution",
        "arn:aws:codepipeline:us-east-2:111122223333:sm-mlops-dev-drift",
    )


def test_the_roles_of_another_account_are_documents_too_and_trust_the_builds_alone() -> None:
    stack = {**example()["stacks"][1], "externalId": "ours"}
    facts = delivery_facts(settings(stacks=[{"stack": "dev"}, stack]), ACCOUNT)
    assert facts is not None
    read, change = account_documents(facts).values()
    assert [one.arn(facts.home, "444455556666") for one in (read, change)] == [
        stack["previewRoleArn"],
        stack["roleArn"],
    ]

    def trusts(document: RoleDocument, role: str, external: str) -> bool:
        context = {"sts:ExternalId": external, "aws:PrincipalArn": ROLE.format(role)}
        return decision(document.trust, ROLE.format(role), "sts:AssumeRole", "*", context) == "allow"

    assert trusts(change, "sm-mlops-dev-delivery-up-prod", "ours")
    assert not trusts(change, "sm-mlops-dev-delivery-up-prod", "theirs")
    assert not trusts(change, "sm-mlops-dev-delivery-up-dev", "ours")
    assert not trusts(change, "sm-mlops-dev-delivery-preview-prod", "ours")
    for build in ("delivery-preview", "delivery-doctor", "drift-drift"):
        assert trusts(read, f"sm-mlops-dev-{build}-prod", "ours")
    topic = "arn:aws:sns:us-east-2:444455556666:sm-mlops-prod-notifications"
    assert evaluation.allowed(change.statements, evaluation.Request("sns:DeleteTopic", topic))
    assert not evaluation.allowed(read.statements, evaluation.Request("sns:DeleteTopic", topic))


def test_the_roles_of_another_account_trust_all_roles_that_act_as_them_and_no_other() -> None:
    facts = delivery_facts(settings(), ACCOUNT)
    assert facts is not None
    roles = made(recorded({**stack_values("dev"), SECTION: example()}))
    trusted = {
        arn: document.trust[0]["Condition"]["ArnEquals"]["aws:PrincipalArn"]
        for arn, document in account_documents(facts).items()
    }
    assert {len(found) for found in trusted.values()} == {1, 3}
    for arn, found in trusted.items():
        request = evaluation.Request("sts:AssumeRole", arn)
        acting = {ROLE.format(role) for role, statements in roles.items() if evaluation.allowed(statements, request)}
        assert set(found) == acting


@pytest.mark.parametrize("key", ["pipeline", "events", "build", "delivery", "pullRequests"])
def test_a_document_fits_into_iam(key: str) -> None:
    document = by_key(**TWO)[key]
    sids = [statement["Sid"] for statement in document.statements]
    assert len(set(sids)) == len(sids)
    assert all(sid.isalnum() for sid in sids)
    parts = list(managed_policies(document))
    assert len(parts) <= 10
    assert all(len(json.dumps(part, separators=(",", ":"))) < 6144 for part in parts)
    assert len(json.dumps(document.trust, separators=(",", ":"))) < 2048
    assert len(document.name) <= 64


def test_a_stack_without_a_delivery_has_no_documents_of_one() -> None:
    assert delivery_facts(parse(stack_values("dev"), "dev"), ACCOUNT) is None


SUPPLIED = {
    "sm-mlops:iam": {
        key: {"mode": "supplied", "roleArn": ROLE.format(f"given-{key}")}
        for key in ("pipeline", "build", "events", "delivery", "pullRequests")
    }
}


def test_whoever_opens_a_pull_request_gets_no_right_of_another_build() -> None:
    """Before anybody has agreed to its code: not the preview of an approval, the drift that is told, the source."""
    by = by_key(**TWO)
    artifacts = "arn:aws:s3:::sm-mlops-dev-artifacts-111122223333-us-east-2-an/sm-mlops-dev-deliver"
    parameter = "arn:aws:ssm:us-east-2:111122223333:parameter/sm-mlops-dev/delivery/drift/prod"
    calls = [
        ("s3:PutObject", f"{artifacts}/preview-pr/xOzbGH9", "build"),
        ("s3:GetObject", f"{artifacts}/source/xOzbGH9", "build"),
        ("ssm:PutParameter", parameter, "build"),
        ("sns:Publish", "arn:aws:sns:us-east-2:111122223333:sm-mlops-dev-notifications", "build"),
        (
            "codecommit:PostCommentForPullRequest",
            f"arn:aws:codecommit:us-east-2:{ACCOUNT}:sm-mlops-dev",
            "pullRequests",
        ),
    ]
    for action, resource, owner in calls:
        for key in ("build", "pullRequests"):
            request = evaluation.Request(action, resource)
            assert evaluation.allowed(by[key].statements, request) is (key == owner), (key, action)
    projects = [f"arn:aws:codebuild:us-east-2:{ACCOUNT}:project/sm-mlops-dev-pull-requests"]
    assert by["pullRequests"].trust[0]["Condition"]["ArnLike"]["aws:SourceArn"] == projects[0]
    assert projects[0] not in by["build"].trust[0]["Condition"]["ArnLike"]["aws:SourceArn"]


def test_a_supplied_role_of_builds_is_not_that_of_pull_requests() -> None:
    groups = {key: role for key, role in SUPPLIED["sm-mlops:iam"].items() if key != "pullRequests"}
    values = {**stack_values("dev"), SECTION: example(pullRequests="comment"), "sm-mlops:iam": groups}
    with pytest.raises(SettingsError, match=r"sm-mlops:iam\.pullRequests: missing; whoever opens a pull request"):
        parse(values, "dev")
    made = {**groups, "pullRequests": {"mode": "create"}}
    recording = recorded({**values, "sm-mlops:iam": made})
    roles = [one.name for one in recording.of_type("aws:iam/role:Role") if one.name.startswith("delivery")]
    assert roles == ["delivery-pull-requests-role"]
    assert [one for one in recording.names() if one.startswith("delivery-dev-read-")]


def test_with_supplied_roles_a_delivery_makes_nothing_in_iam() -> None:
    recording = recorded({**stack_values("dev"), SECTION: example(pullRequests="comment"), **SUPPLIED})
    own = [one for one in recording.resources if one.type.startswith("aws:iam/") and one.name.startswith("delivery")]
    assert own == []
    for project in recording.of_type("aws:codebuild/project:Project"):
        name = project.inputs["name"]
        pulls = name.endswith("-pull-requests")
        expected = "given-pullRequests" if pulls else "given-delivery" if "-up-" in name else "given-build"
        assert project.inputs["serviceRole"] == ROLE.format(expected)
    for pipeline in recording.of_type("aws:codepipeline/pipeline:Pipeline"):
        assert pipeline.inputs["roleArn"] == ROLE.format("given-pipeline")


def test_every_role_is_made_within_the_boundary_of_the_settings() -> None:
    boundary = "arn:aws:iam::111122223333:policy/boundary"
    values = {
        **stack_values("dev"),
        SECTION: example(pullRequests="comment"),
        "sm-mlops:iam": {"permissionsBoundaryArn": boundary},
    }
    recording = recorded(values)
    roles = [one for one in recording.of_type("aws:iam/role:Role") if one.name.startswith("delivery")]
    assert roles
    assert {role.inputs["permissionsBoundary"] for role in roles} == {boundary}
    statements = made(recording)["sm-mlops-dev-delivery-up-dev"]
    new = evaluation.Request("iam:CreateRole", ROLE.format("sm-mlops-dev-x"))
    within = evaluation.Request(new.action, new.resource, {"iam:PermissionsBoundary": boundary})
    assert not evaluation.allowed(statements, new)
    assert evaluation.allowed(statements, within)


def test_a_deployment_cannot_rewrite_the_boundary_that_binds_it_whatever_its_name_is() -> None:
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/sm-mlops-dev-boundary"
    values = {**stack_values("dev"), SECTION: example(), "sm-mlops:iam": {"permissionsBoundaryArn": boundary}}
    statements = made(recorded(values))["sm-mlops-dev-delivery-up-dev"]
    for action in ("iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion"):
        own = evaluation.Request(action, boundary.replace("-boundary", "-project-boundary"))
        assert evaluation.allowed(statements, own)
        assert evaluation.decision(statements, evaluation.Request(action, boundary)) == "deny"
    role = ROLE.format("sm-mlops-dev-project-launch")
    given = [allowing("iam:DeleteRolePermissionsBoundary")]
    removal = evaluation.Request("iam:DeleteRolePermissionsBoundary", role)
    assert evaluation.allowed(given, removal)
    assert evaluation.decision([*statements, *given], removal) == "deny"


def allowing(action: str) -> evaluation.Statement:
    return {"Effect": "Allow", "Action": action, "Resource": "*"}


TAGS = {"aws:RequestTag/mlops:project": "sm-mlops", "aws:RequestTag/mlops:environment": "dev"}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [(None, True), ("dev", True), ("prod", False)],
    ids=["a new key", "its own", "that of another environment"],
)
def test_a_deployment_takes_over_no_key_of_another_environment_by_a_tag(
    environment: str | None, expected: bool
) -> None:
    there = {"aws:ResourceTag/mlops:project": "sm-mlops", "aws:ResourceTag/mlops:environment": environment}
    context = {**TAGS, **({key: str(value) for key, value in there.items()} if environment else {})}
    statements = made(recorded({**stack_values("dev"), SECTION: example()}))["sm-mlops-dev-delivery-up-dev"]
    request = evaluation.Request("kms:TagResource", f"arn:aws:kms:us-east-2:{ACCOUNT}:key/1", context)
    assert evaluation.allowed(statements, request) is expected


@pytest.mark.parametrize(
    ("kind", "keys", "expected"),
    [
        ("domain/d-1", ["sagemaker:projectS3TemplatesLocation"], True),
        ("domain/d-1", ["sagemaker:projectS3TemplatesLocation", "team"], False),
        ("domain/d-1", None, False),
        ("endpoint/fraud", ["sagemaker:projectS3TemplatesLocation"], False),
    ],
)
def test_a_deployment_sets_the_one_tag_of_domains_and_tags_nothing_else_of_sagemaker(
    kind: str, keys: list[str] | None, expected: bool
) -> None:
    statements = made(recorded({**stack_values("dev"), SECTION: example()}))["sm-mlops-dev-delivery-up-dev"]
    for action in ("sagemaker:AddTags", "sagemaker:DeleteTags"):
        context = {"aws:TagKeys": keys} if keys else {}
        request = evaluation.Request(action, f"arn:aws:sagemaker:us-east-2:{ACCOUNT}:{kind}", context)
        assert evaluation.allowed(statements, request) is expected
