"""The platform's own delivery: what is delivered in which order, with whose approval and rights."""

import json
from typing import Any

import pytest

from settings import SettingsError, parse
from tests.support.access import decision
from tests.support.delivery_example import SECTION, example
from tests.support.recording import ROOT, Recording, Registration, recorded, stack_values

READ = "arn:aws:iam::444455556666:role/sm-mlops-prod-delivery-read"
CHANGE = "arn:aws:iam::444455556666:role/sm-mlops-prod-delivery-change"
STATE = "arn:aws:s3:::acme-pulumi-state/.pulumi/stacks/sm-mlops/dev.json"
KEY = "arn:aws:kms:us-east-2:111122223333:key/8f14e45f-ceea-467f-9d1a-0c3b2a1d4e5f"
ARTIFACT = "arn:aws:s3:::sm-mlops-dev-artifacts-111122223333-us-east-2-an/sm-mlops-dev-deliver/{}/xOzbGH9"


def with_delivery(**more: Any) -> Recording:
    return recorded({**stack_values("dev"), SECTION: example(**more)})


@pytest.fixture(scope="module")
def delivery() -> Recording:
    return with_delivery()


def stages(recording: Recording, name: str = "delivery-deliver-pipeline") -> dict[str, dict[str, Any]]:
    return {stage["name"]: stage for stage in recording.named(name).inputs["stages"]}


def order(stage: dict[str, Any]) -> list[tuple[int, str]]:
    return [(action["runOrder"], action["name"]) for action in stage["actions"]]


def rights(recording: Recording, build: str) -> list[dict[str, Any]]:
    """All that the role of a build may do: its own policy, and the managed ones."""
    own = recording.named(f"{build}-role-policy").policy()["Statement"]
    policies = {policy.inputs["name"]: policy for policy in recording.of_type("aws:iam/policy:Policy")}
    attached = [
        policies[resource.inputs["policyArn"].rsplit("/", 1)[-1]].policy()["Statement"]
        for resource in recording.resources
        if resource.name.startswith(f"{build}-role-policy-")
    ]
    return [*own, *(statement for statements in attached for statement in statements)]


def variables(project: Registration) -> dict[str, str]:
    return {one["name"]: one["value"] for one in project.inputs["environment"]["environmentVariables"]}


def test_the_section_that_a_stack_file_shows_as_a_comment_is_in_order() -> None:
    """A state bucket and the digests of releases are a company's own."""
    assert SECTION not in stack_values("dev")
    settings = parse({**stack_values("dev"), SECTION: example()}, "dev")
    assert settings.delivery is not None


def test_each_stack_is_previewed_deployed_and_examined_after_the_one_before_it(delivery: Recording) -> None:
    found = stages(delivery)
    assert list(found) == ["Source", "Check", "dev", "prod"]
    assert order(found["dev"]) == [(1, "Preview-dev"), (3, "Up-dev"), (4, "Doctor-dev")]
    assert order(found["prod"]) == [(1, "Preview-prod"), (2, "Approve-prod"), (3, "Up-prod"), (4, "Doctor-prod")]


def test_what_is_approved_shows_the_preview(delivery: Recording) -> None:
    preview, approval, *_ = stages(delivery)["prod"]["actions"]
    assert preview["namespace"] == "Preview-prod"
    assert approval["configuration"] == {
        "CustomData": (
            "Deploy revision #{Source.CommitId} to prod? #{Preview-prod.Summary} All of it: #{Preview-prod.Link}"
        ),
        "NotificationArn": "arn:aws:sns:us-east-2:111122223333:sm-mlops-dev-notifications",
    }


def test_what_failed_is_tried_again_unless_a_person_decides(delivery: Recording) -> None:
    found = stages(delivery)
    assert found["dev"]["onFailure"] == {"result": "RETRY", "retryConfiguration": {"retryMode": "FAILED_ACTIONS"}}
    assert "onFailure" not in found["prod"]


def test_a_newer_revision_overtakes_older_ones_that_wait(delivery: Recording) -> None:
    assert delivery.named("delivery-deliver-pipeline").inputs["executionMode"] == "SUPERSEDED"


def test_a_window_holds_a_stack_back() -> None:
    stacks = [{"stack": "dev", "window": "* * 9-17 ? * MON-FRI *"}]
    (rule,) = stages(with_delivery(stacks=stacks))["dev"]["beforeEntry"]["condition"]["rules"]
    assert rule["configuration"] == {"Cron": "* * 9-17 ? * MON-FRI *", "TimeZone": "UTC"}


def test_every_build_runs_a_buildspec_of_the_repository_with_what_is_pinned(delivery: Recording) -> None:
    projects = delivery.of_type("aws:codebuild/project:Project")
    assert len(projects) == 1 + 2 * 3 + 2
    for project in projects:
        assert (ROOT / project.inputs["source"]["buildspec"]).is_file()
        assert len(variables(project)["ENGINE_SHA256"]) == 64
        assert len(variables(project)["PLUGIN_SHA256"]) == 64
        assert variables(project)["RELEASES_URL"] == "https://get.pulumi.com/releases"


def test_builds_are_told_where_the_state_is_and_as_whom_they_act(delivery: Recording) -> None:
    up_dev = variables(delivery.named("delivery-deliver-up-dev-project"))
    assert up_dev["PULUMI_BACKEND_URL"] == "s3://acme-pulumi-state?region=us-east-2"
    assert up_dev["STACK"] == "dev"
    assert "DELIVERY_ROLE_ARN" not in up_dev
    for operation, role in (("preview", READ), ("up", CHANGE), ("doctor", READ)):
        found = variables(delivery.named(f"delivery-deliver-{operation}-prod-project"))
        assert (found["STACK"], found["DELIVERY_ROLE_ARN"]) == ("prod", role)


def test_the_checks_reach_neither_the_state_nor_a_stack(delivery: Recording) -> None:
    found = variables(delivery.named("delivery-deliver-check-project"))
    assert set(found) == {"ENGINE_SHA256", "PLUGIN_SHA256", "RELEASES_URL"}
    statements = rights(delivery, "delivery-deliver-check")
    assert {statement["Sid"] for statement in statements} == {
        "ReadArtifacts",
        "DecryptArtifacts",
        "WriteLogs",
        "WriteReports",
    }


REQUESTS = [
    ("preview-dev", "s3:GetObject", STATE, True),
    ("preview-dev", "s3:PutObject", STATE, False),
    ("preview-dev", "kms:Decrypt", KEY, True),
    ("preview-dev", "sns:GetTopicAttributes", "arn:aws:sns:us-east-2:111122223333:sm-mlops-dev-notifications", True),
    ("preview-dev", "sns:SetTopicAttributes", "arn:aws:sns:us-east-2:111122223333:sm-mlops-dev-notifications", False),
    ("preview-dev", "sts:AssumeRole", CHANGE, False),
    ("up-dev", "s3:PutObject", STATE, True),
    ("up-dev", "s3:DeleteObject", STATE, True),
    ("up-dev", "sns:SetTopicAttributes", "arn:aws:sns:us-east-2:111122223333:sm-mlops-dev-notifications", True),
    ("up-dev", "sns:SetTopicAttributes", "arn:aws:sns:us-east-2:111122223333:sm-mlops-prod-notifications", False),
    ("up-dev", "sts:AssumeRole", CHANGE, False),
    ("up-dev", "iam:CreateRole", "arn:aws:iam::111122223333:role/sm-mlops-dev-project-launch", True),
    ("up-dev", "iam:CreateRole", "arn:aws:iam::111122223333:role/admin", False),
    ("preview-prod", "sts:AssumeRole", READ, True),
    ("preview-prod", "sts:AssumeRole", CHANGE, False),
    ("up-prod", "sts:AssumeRole", CHANGE, True),
    ("up-prod", "sts:AssumeRole", READ, False),
    ("up-prod", "s3:PutObject", STATE, False),
    ("up-prod", "s3:PutObject", STATE.replace("dev.json", "prod.json"), True),
    ("up-prod", "sns:SetTopicAttributes", "arn:aws:sns:us-east-2:111122223333:sm-mlops-dev-notifications", False),
    ("doctor-prod", "s3:PutObject", STATE, False),
    ("doctor-prod", "sts:AssumeRole", READ, True),
]


@pytest.mark.parametrize(("build", "action", "resource", "expected"), REQUESTS)
def test_each_build_may_do_what_its_step_takes(
    build: str, action: str, resource: str, expected: bool, delivery: Recording
) -> None:
    found = decision(rights(delivery, f"delivery-deliver-{build}"), "*", action, resource, {})
    assert (found == "allow") is expected


BUILDS = [f"delivery-deliver-{one}" for one in ("check", "preview-dev", "up-dev", "doctor-dev", "preview-prod")]


@pytest.mark.parametrize("build", [*BUILDS, "delivery-drift-drift-dev"])
def test_no_build_overwrites_the_source_that_is_deployed(build: str, delivery: Recording) -> None:
    source = ARTIFACT.format("source")
    folder = "sm-mlops-dev-drift" if "-drift-" in build else "sm-mlops-dev-deliver"
    statements = rights(delivery, build)
    assert decision(statements, "*", "s3:GetObject", source.replace("sm-mlops-dev-deliver", folder), {}) == "allow"
    assert decision(statements, "*", "s3:PutObject", source.replace("sm-mlops-dev-deliver", folder), {}) == "none"
    written = {one for one in ("dev", "prod") if f"preview-{one}" in build}
    for stack in ("dev", "prod"):
        preview = ARTIFACT.format(f"preview-{stack}"[:10])
        assert (decision(statements, "*", "s3:PutObject", preview, {}) == "allow") is (stack in written)


def test_drift_is_looked_for_at_night_and_tells_the_topic(delivery: Recording) -> None:
    rule = delivery.named("delivery-drift-schedule").inputs
    assert rule["scheduleExpression"] == "cron(0 3 * * ? *)"
    assert not [name for name in delivery.names() if name == "delivery-drift-push"]
    found = stages(delivery, "delivery-drift-pipeline")
    assert order(found["Drift"]) == [(1, "dev"), (1, "prod")]
    project = variables(delivery.named("delivery-drift-drift-prod-project"))
    topic = "arn:aws:sns:us-east-2:111122223333:sm-mlops-dev-notifications"
    assert (project["TOPIC_ARN"], project["DRIFT_PARAMETER"]) == (topic, "/sm-mlops-dev/delivery/drift/prod")
    statements = rights(delivery, "delivery-drift-drift-prod")
    parameter = "arn:aws:ssm:us-east-2:111122223333:parameter/sm-mlops-dev/delivery/drift/prod"
    assert decision(statements, "*", "sns:Publish", topic, {}) == "allow"
    assert decision(statements, "*", "ssm:PutParameter", parameter, {}) == "allow"
    assert decision(statements, "*", "ssm:PutParameter", parameter.replace("prod", "dev"), {}) == "none"
    assert decision(statements, "*", "s3:PutObject", STATE, {}) == "none"


def test_what_the_nightly_build_remembers_is_left_alone_by_up(delivery: Recording) -> None:
    parameter = delivery.named("delivery-drift-dev-told")
    # Systems Manager's values are secrets to the AWS package, whatever they are.
    assert parameter.inputs["value"]["value"] == "none"
    assert list(parameter.request.ignoreChanges) == ["value"]


def test_there_may_be_no_nightly_job() -> None:
    recording = with_delivery(driftSchedule=None)
    assert not [name for name in recording.names() if name.startswith("delivery-drift")]
    assert recording.outputs["delivery"] == {"deliveryPipeline": "sm-mlops-dev-delivery"}


def test_pulumi_cloud_takes_a_token_from_secrets_manager_and_no_right_on_a_bucket() -> None:
    token = "arn:aws:secretsmanager:us-east-2:111122223333:secret:pulumi-1"  # noqa: S105 - an ARN
    recording = with_delivery(
        backendUrl="https://api.pulumi.com",
        secretsProvider=None,
        accessTokenArn=token,
        stacks=[{"stack": "acme/sm-mlops/dev"}],
    )
    project = recording.named("delivery-deliver-up-dev-project").inputs["environment"]["environmentVariables"]
    assert {"name": "PULUMI_ACCESS_TOKEN", "value": token, "type": "SECRETS_MANAGER"} in project
    statements = rights(recording, "delivery-deliver-up-dev")
    assert decision(statements, "*", "secretsmanager:GetSecretValue", token, {}) == "allow"
    assert "WriteState" not in {statement["Sid"] for statement in statements}
    assert "secretsmanager" not in json.dumps(rights(recording, "delivery-deliver-check"))


def test_a_git_provider_starts_the_delivery_too() -> None:
    source = {"provider": "GitHub", "repository": "acme/platform"}
    recording = recorded({**stack_values("dev"), "sm-mlops:source": source, SECTION: example()})
    assert recording.named("delivery-deliver-pipeline").inputs["triggers"]
    assert "triggers" not in recording.named("delivery-drift-pipeline").inputs


def test_nothing_of_an_environment_changes_when_it_gets_a_delivery(delivery: Recording, dev: Recording) -> None:
    before = {resource.urn: resource.inputs for resource in dev.resources}
    after = {resource.urn: resource.inputs for resource in delivery.resources}
    changed = {urn for urn, inputs in before.items() if after[urn] != inputs}
    # With a delivery it is known where the state is, and no project may touch it.
    assert {urn.rpartition("::")[2] for urn in changed} == {"catalog-roles-boundary"}
    (urn,) = changed
    state = ',"arn:aws:s3:::acme-pulumi-state","arn:aws:s3:::acme-pulumi-state/*"'
    assert before[urn]["policy"].replace(" ", "") == after[urn]["policy"].replace(" ", "").replace(state, "")


def test_policies_fit_into_iam(delivery: Recording) -> None:
    def size(resource: Registration) -> int:
        return len("".join(resource.inputs["policy"].split()))

    for policy in delivery.of_type("aws:iam/policy:Policy"):
        assert size(policy) <= 6144, policy.name
    for policy in delivery.of_type("aws:iam/rolePolicy:RolePolicy"):
        assert size(policy) <= 10240, policy.name
    attached = delivery.of_type("aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive")
    assert 0 < max(len(resource.inputs["policyArns"]) for resource in attached) <= 10


def test_every_log_is_encrypted_and_kept_for_as_long_as_the_settings_say() -> None:
    recording = with_delivery(logDays=30)
    for logs in recording.of_type("aws:cloudwatch/logGroup:LogGroup"):
        assert logs.inputs["retentionInDays"] == 30
        assert logs.inputs["kmsKeyId"] == "arn:aws:kms:us-east-2:111122223333:key/delivery-key-id"


FAULTS = [
    ({"secretsProvider": None}, "sm-mlops:delivery.secretsProvider: missing; state in S3 needs the key"),
    (
        {"backendUrl": "https://api.pulumi.com", "secretsProvider": None},
        "sm-mlops:delivery.accessTokenArn: missing; https://api.pulumi.com asks for an access token",
    ),
    (
        {"accessTokenArn": "arn:aws:secretsmanager:us-east-2:111122223333:secret:a"},
        "sm-mlops:delivery.accessTokenArn: has no effect with state in S3",
    ),
    (
        {"accessTokenArn": "pul-123"},
        "delivery.accessTokenArn: 'pul-123': the ARN of a secret, never its value",
    ),
    ({"backendUrl": "file://state"}, "sm-mlops:delivery.backendUrl: 'file://state': s3://<bucket>"),
    ({"secretsProvider": "awskms://alias/x"}, "sm-mlops:delivery.secretsProvider: 'awskms://alias/x': awskms:///<ARN"),
    ({"engineSha256": "abc"}, "sm-mlops:delivery.engineSha256: 'abc': 64 hexadecimal digits"),
    (
        {"pluginSha256": "0" * 64},
        f"sm-mlops:delivery.pluginSha256: '{'0' * 64}' is the example's placeholder; put in the digest",
    ),
    (
        {"secretsProvider": "awskms:///arn:aws:kms:us-east-2:111122223333:key/00000000-0000-0000-0000-000000000000"},
        "key/00000000-0000-0000-0000-000000000000' is the example's placeholder; put in the ARN of your own key",
    ),
    ({"stacks": []}, "sm-mlops:delivery.stacks: the list is empty"),
    (
        {"stacks": [{"stack": "dev"}, {"stack": "acme/sm-mlops/dev"}]},
        "sm-mlops:delivery.stacks[1].stack: another stack of the list is called 'dev', too",
    ),
    ({"stacks": [{"stack": "a b"}]}, "sm-mlops:delivery.stacks[0].stack: 'a b': a stack, or <organization>"),
    ({"stacks": [{"stack": "prod", "roleArn": CHANGE}]}, "sm-mlops:delivery.stacks[0].previewRoleArn: missing"),
    ({"stacks": [{"stack": "prod", "previewRoleArn": READ}]}, "sm-mlops:delivery.stacks[0].roleArn: missing"),
    ({"stacks": [{"stack": "dev", "externalId": "ab"}]}, "sm-mlops:delivery.stacks[0].externalId: has no effect"),
    ({"stacks": [{"stack": "Dev_1"}]}, "sm-mlops:delivery.stacks[0].environment: missing; 'Dev_1' cannot be the name"),
    (
        {"stacks": [{"stack": "x" * 40}]},
        "the role that delivers " + "x" * 40,
    ),
    (
        {"machineType": "ARM_LAMBDA_CONTAINER"},
        "sm-mlops:delivery.machineType: 'ARM_LAMBDA_CONTAINER' is not allowed; did you mean 'ARM_CONTAINER'?",
    ),
    ({"computeType": "HUGE"}, "sm-mlops:delivery.computeType: compute type 'HUGE' is not one of LINUX_CONTAINER"),
    ({"logDays": 31}, "sm-mlops:delivery.logDays: 31 is not one of 1, 3, 5"),
    ({"driftSchedule": "daily"}, "sm-mlops:delivery.driftSchedule: 'daily': cron(...) or rate(...)"),
    ({"pullRequests": "merge"}, "delivery.pullRequests: 'merge' is not allowed (allowed: comment, approve)"),
    ({"timeoutMinutes": 4}, "sm-mlops:delivery.timeoutMinutes: 4 is too small; at least 5"),
]


@pytest.mark.parametrize(("spoilt", "told"), FAULTS)
def test_a_fault_of_the_settings_is_told_with_its_key(spoilt: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse({**stack_values("dev"), SECTION: example(**spoilt)}, "dev")
    assert told in str(caught.value)
