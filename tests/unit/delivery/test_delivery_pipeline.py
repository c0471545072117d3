"""The pipeline as it is registered: structure, order, roles, and what starts it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pulumi
import pytest

from components.core.network import Network
from components.delivery.actions.approval import Approval
from components.delivery.actions.build import Build, BuildDefinition
from components.delivery.actions.source import PushFilter
from components.delivery.delivery_pipeline import DeliveryPipeline, DeliveryPipelineArgs
from components.delivery.pipeline import DeploymentWindow, OnFailure, Stage, Variable
from components.delivery.pipeline_limits import PipelineError
from components.notifications.notifications import Notifications, NotificationsArgs
from components.sections.notifications import NotificationsSpec
from tests.support.access import decision
from tests.support.pipeline_samples import CHECK, UP, codecommit, connection, environment, stages, store
from tests.support.recording import Recording, run_function

NAME = "acme-dev-delivery"
REGIONS = ("us-east-2", "eu-west-1")


def made(
    declared: Sequence[Stage] | Callable[[], Sequence[Stage]] = (),
    *,
    networks: Mapping[str, Network] = MappingProxyType({}),
    told: bool = False,
    **more: Any,
) -> Recording:
    """Register a pipeline with these stages; outputs among them are made in the program, by a function."""

    def program() -> pulumi.Output[None]:
        place = environment(networks)
        notifications = (
            Notifications("notifications", NotificationsArgs(environment=place, spec=NotificationsSpec()))
            if told
            else None
        )
        arguments: dict[str, Any] = {
            "environment": place,
            "pipeline": NAME,
            "stages": declared() if callable(declared) else declared or stages(),
            "stores": {region: store(region) for region in REGIONS},
            "notifications": notifications,
        }
        pipeline = DeliveryPipeline("delivery", DeliveryPipelineArgs(**{**arguments, **more}))
        return pipeline.arn.apply(lambda _: None)

    return run_function(program)


def in_each_region() -> Stage:
    """One build, in both regions at a time."""
    actions = (
        Build(name=f"Test-{region}", build=CHECK, region=region, outputs=(f"tested-{region}",)) for region in REGIONS
    )
    return Stage(name="Test", actions=tuple(actions))


def pipeline(recording: Recording) -> Mapping[str, Any]:
    return recording.named("delivery-pipeline").inputs


def test_it_is_of_type_v2_and_keeps_artifacts_in_the_bucket_with_its_key() -> None:
    inputs = pipeline(made())
    assert (inputs["name"], inputs["pipelineType"], inputs["executionMode"]) == (NAME, "V2", "SUPERSEDED")
    assert inputs["artifactStores"] == [
        {
            "type": "S3",
            "location": "acme-dev-artifacts-us-east-2",
            "encryptionKey": {"type": "KMS", "id": "arn:aws:kms:us-east-2:111122223333:key/1"},
        }
    ]


def test_actions_in_another_region_bring_its_store_its_project_and_its_role() -> None:
    recording = made([*stages()[:1], in_each_region()])
    assert [found["region"] for found in pipeline(recording)["artifactStores"]] == ["us-east-2", "eu-west-1"]
    actions = pipeline(recording)["stages"][1]["actions"]
    assert [(action["name"], action["region"], action["outputArtifacts"]) for action in actions] == [
        ("Test-us-east-2", "us-east-2", ["tested-us-east-2"]),
        ("Test-eu-west-1", "eu-west-1", ["tested-eu-west-1"]),
    ]
    project = recording.named("delivery-eu-west-1-check-project")
    assert (project.region, project.inputs["name"]) == ("eu-west-1", f"{NAME}-check")
    assert project.inputs["encryptionKey"] == "arn:aws:kms:eu-west-1:111122223333:key/1"
    names = [recording.named(f"delivery-{key}check-role").inputs["name"] for key in ("", "eu-west-1-")]
    assert names == [f"{NAME}-check", f"{NAME}-check-eu-west-1"]
    statements = recording.named("delivery-role-policy").policy()["Statement"]
    arn = f"arn:aws:codebuild:eu-west-1:111122223333:project/{NAME}-check"
    assert decision(statements, "*", "codebuild:StartBuild", arn, {}) == "allow"


def test_stages_become_what_codepipeline_takes() -> None:
    window = DeploymentWindow(cron="* * 9-17 ? * MON-FRI *")
    last = replace(stages()[2], on_failure=OnFailure.ROLLBACK, entry=(window,), entry_result="SKIP")
    again = replace(stages()[1], on_failure=OnFailure.RETRY_FAILED_ACTIONS)
    variables = [Variable(name="Deliver", default="yes"), Variable(name="Who", description="asks")]
    inputs = pipeline(made([stages()[0], again, last], variables=variables))
    _, checked, deployed = inputs["stages"]
    assert checked["onFailure"] == {"result": "RETRY", "retryConfiguration": {"retryMode": "FAILED_ACTIONS"}}
    assert deployed["onFailure"] == {"result": "ROLLBACK"}
    condition = deployed["beforeEntry"]["condition"]
    assert condition["result"] == "SKIP"
    assert [rule["configuration"] for rule in condition["rules"]] == [
        {"Cron": "* * 9-17 ? * MON-FRI *", "TimeZone": "UTC"}
    ]
    approve, up = deployed["actions"]
    assert approve["configuration"] == {"CustomData": "Deliver #{Check.Summary}?"}
    assert up["runOrder"] == 2
    assert up["configuration"] == {
        "ProjectName": f"{NAME}-up",
        "EnvironmentVariables": '[{"name":"STACK","value":"dev","type":"PLAINTEXT"}]',
    }
    assert inputs["variables"] == [{"name": "Deliver", "defaultValue": "yes"}, {"name": "Who", "description": "asks"}]


def test_a_push_to_the_branch_in_codecommit_starts_it_and_nothing_else_does() -> None:
    recording = made()
    rule = recording.named("delivery-push").inputs
    assert json.loads(rule["eventPattern"]) == {
        "source": ["aws.codecommit"],
        "detail-type": ["CodeCommit Repository State Change"],
        "resources": ["arn:aws:codecommit:us-east-2:111122223333:acme"],
        "detail": {
            "event": ["referenceCreated", "referenceUpdated"],
            "referenceType": ["branch"],
            "referenceName": ["main"],
        },
    }
    target = recording.named("delivery-push-target").inputs
    assert target["arn"] == f"arn:aws:codepipeline:us-east-2:111122223333:{NAME}"
    assert target["roleArn"] == f"arn:aws:iam::111122223333:role/{NAME}-start"
    trust = json.loads(recording.named("delivery-start-role").inputs["assumeRolePolicy"])["Statement"]
    own = {"aws:SourceAccount": "111122223333"}
    arn = f"arn:aws:events:us-east-2:111122223333:rule/{rule['name']}"
    assert decision(trust, "events.amazonaws.com", "sts:AssumeRole", "*", {**own, "aws:SourceArn": arn}) == "allow"
    assert "triggers" not in pipeline(recording)


def test_a_git_provider_starts_it_by_the_pipelines_own_trigger() -> None:
    recording = made(stages(connection()))
    (trigger,) = pipeline(recording)["triggers"]
    git = trigger["gitConfiguration"]
    assert git == {"sourceActionName": "Source", "pushes": [{"branches": {"includes": ["main"]}}]}
    assert not [name for name in recording.names() if "push" in name or "start" in name]


def test_filters_of_branches_paths_and_tags_decide_what_a_push_starts() -> None:
    pushes = (
        PushFilter(branches=("main", "release/*"), excluded_paths=("docs/**",)),
        PushFilter(tags=("v*",), excluded_tags=("v0*",)),
    )
    (trigger,) = pipeline(made(stages(replace(connection(), pushes=pushes))))["triggers"]
    assert trigger["gitConfiguration"]["pushes"] == [
        {"branches": {"includes": ["main", "release/*"]}, "filePaths": {"excludes": ["docs/**"]}},
        {"tags": {"includes": ["v*"], "excludes": ["v0*"]}},
    ]


def test_a_clock_can_start_it_in_place_of_a_push() -> None:
    recording = made(starts_on_push=False, schedule="cron(0 3 * * ? *)")
    assert [rule.name for rule in recording.of_type("aws:cloudwatch/eventRule:EventRule")] == ["delivery-schedule"]
    assert recording.named("delivery-schedule").inputs["scheduleExpression"] == "cron(0 3 * * ? *)"
    assert "triggers" not in pipeline(made(stages(connection()), starts_on_push=False))


def test_everything_has_its_rights_before_the_pipeline_starts_for_the_first_time() -> None:
    """AWS starts a pipeline when it is made."""
    waits = made().named("delivery-pipeline").depends_on
    assert {"delivery-role-policy", "delivery-check-project", "delivery-up-role-policy"} <= waits


def test_a_rule_starts_nothing_before_its_role_has_its_right() -> None:
    """The first event would be lost."""
    assert "delivery-start-role-policy" in made().named("delivery-push-target").depends_on


def test_people_are_told_and_asked() -> None:
    recording = made(told=True)
    rule = recording.named("notifications-delivery-rule").inputs
    assert rule["resource"] == f"arn:aws:codepipeline:us-east-2:111122223333:{NAME}"
    assert rule["eventTypeIds"] == [
        "codepipeline-pipeline-action-execution-failed",
        "codepipeline-pipeline-pipeline-execution-succeeded",
        "codepipeline-pipeline-manual-approval-needed",
    ]
    topic = "arn:aws:sns:us-east-2:111122223333:acme-dev-notifications"
    approval = pipeline(recording)["stages"][2]["actions"][0]
    assert approval["configuration"] == {"CustomData": "Deliver #{Check.Summary}?", "NotificationArn": topic}
    statements = recording.named("delivery-role-policy").policy()["Statement"]
    assert decision(statements, "*", "sns:Publish", topic, {}) == "allow"


def test_a_pipeline_without_approvals_may_not_publish() -> None:
    recording = made(stages()[:2], told=True)
    assert "PublishToTopic" not in {one["Sid"] for one in recording.named("delivery-role-policy").policy()["Statement"]}


def test_each_build_has_its_own_role_log_and_time_limit() -> None:
    recording = made(log_days=30, log_key_arns={"us-east-2": "arn:aws:kms:us-east-2:111122223333:key/logs"})
    logs = recording.named("delivery-check-logs").inputs
    assert (logs["name"], logs["retentionInDays"]) == (f"/aws/codebuild/{NAME}-check", 30)
    assert logs["kmsKeyId"] == "arn:aws:kms:us-east-2:111122223333:key/logs"
    project = recording.named("delivery-check-project").inputs
    assert project["serviceRole"] == f"arn:aws:iam::111122223333:role/{NAME}-check"
    assert project["logsConfig"]["cloudwatchLogs"]["groupName"] == logs["name"]
    assert project["source"] == {"type": "CODEPIPELINE", "buildspec": "check.yml"}
    assert project["buildTimeout"] == 60
    assert project["environment"]["environmentVariables"] == [{"name": "STACK", "value": "dev", "type": "PLAINTEXT"}]


def test_builds_run_in_the_vpc_of_their_region_with_the_rights_that_it_takes() -> None:
    network = Network(
        vpc_id="vpc-0a1b2c3d", subnet_ids=("subnet-0a1b2c3d", "subnet-1a2b3c4d"), security_group_ids=("sg-0a1b2c3d",)
    )
    recording = made([*stages()[:1], in_each_region()], networks={"us-east-2": network})
    project = recording.named("delivery-check-project").inputs
    assert project["vpcConfig"] == {
        "vpcId": "vpc-0a1b2c3d",
        "subnets": ["subnet-0a1b2c3d", "subnet-1a2b3c4d"],
        "securityGroupIds": ["sg-0a1b2c3d"],
    }
    assert "vpcConfig" not in recording.named("delivery-eu-west-1-check-project").inputs
    subnet = "arn:aws:ec2:us-east-2:111122223333:subnet/subnet-0a1b2c3d"
    for name, expected in (("check", "allow"), ("eu-west-1-check", "none")):
        statements = recording.named(f"delivery-{name}-role-policy").policy()["Statement"]
        assert decision(statements, "*", "ec2:CreateNetworkInterface", subnet, {}) == expected


def test_secrets_stay_in_secrets_manager_and_only_their_build_reads_them() -> None:
    secret = "arn:aws:secretsmanager:us-east-2:111122223333:secret:token-1"  # noqa: S105 - an ARN
    build = replace(UP, secret_arns={"PULUMI_ACCESS_TOKEN": secret})
    last = Stage(name="Deliver", actions=(Build(name="Up", build=build),))
    recording = made([*stages()[:2], last])
    assert recording.named("delivery-up-project").inputs["environment"]["environmentVariables"] == [
        {"name": "PULUMI_ACCESS_TOKEN", "value": secret, "type": "SECRETS_MANAGER"}
    ]
    for name, expected in (("up", "allow"), ("check", "none")):
        statements = recording.named(f"delivery-{name}-role-policy").policy()["Statement"]
        assert decision(statements, "*", "secretsmanager:GetSecretValue", secret, {}) == expected


def test_a_build_gets_the_rights_that_it_states() -> None:
    state = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::state/*"]}

    def declared() -> Sequence[Stage]:
        build = BuildDefinition(name="up", buildspec="up.yml", statements=pulumi.Output.from_input([state]))
        return [*stages()[:2], Stage(name="Deliver", actions=(Build(name="Up", build=build),))]

    recording = made(declared)
    for name, expected in (("up", "allow"), ("check", "none")):
        statements = recording.named(f"delivery-{name}-role-policy").policy()["Statement"]
        assert decision(statements, "*", "s3:GetObject", "arn:aws:s3:::state/a", {}) == expected


def test_supplied_roles_are_used_and_none_is_made() -> None:
    supplied = "arn:aws:iam::111122223333:role/supplied"
    build = replace(CHECK, role_arn=supplied)
    declared = [stages()[0], Stage(name="Check", actions=(Build(name="Check", build=build),))]
    recording = made(declared, role_arn=supplied, start_role_arn=supplied)
    assert not [resource.type for resource in recording.resources if resource.type.startswith("aws:iam/")]
    assert pipeline(recording)["roleArn"] == supplied
    assert recording.named("delivery-check-project").inputs["serviceRole"] == supplied
    assert recording.named("delivery-push-target").inputs["roleArn"] == supplied


def test_a_faulty_pipeline_registers_nothing_and_names_every_fault() -> None:
    recording = Recording()
    spoilt = [*stages()[:1], Stage(name="A B", actions=(Approval(name="C D", text=""),))]
    with pytest.raises(PipelineError) as caught:
        made(spoilt)
    assert str(caught.value).splitlines()[0] == f"pipeline {NAME} has 3 faults:"
    assert len(caught.value.faults) == 3
    assert not recording.resources


def test_a_value_that_is_known_late_is_still_limited() -> None:
    def declared() -> Sequence[Stage]:
        late = Approval(name="Approve", text=pulumi.Output.from_input("x" * 1001))
        return [*stages()[:2], Stage(name="Late", actions=(late,))]

    with pytest.raises(PipelineError, match="stage Late, action Approve: CustomData: 1001 characters; AWS takes 1000"):
        made(declared)


def test_one_project_serves_several_actions() -> None:
    actions = tuple(Build(name=name, build=UP, variables={"STACK": name}) for name in ("dev", "prod"))
    recording = made([*stages()[:2], Stage(name="Deliver", actions=actions)])
    assert len(recording.of_type("aws:codebuild/project:Project")) == 2
    assert codecommit().outputs == ("source",)
