"""What starts emulated pipelines, and who hears of them: pushes, Amazon EventBridge, notification rules."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sandbox import git_client
from tests.sandbox.conftest import REGION, Clients
from tests.sandbox.support.pipelines import ACCOUNT, Ear, Pipeline, action, allow, approval, role, stage, wait

Json = dict[str, Any]


def rule(pipeline: Pipeline, pattern: Json, **target: Any) -> str:
    """A rule that starts a pipeline; its ARN."""
    events = pipeline.aws("events")
    arn: str = events.put_rule(Name=pipeline.name, EventPattern=json.dumps(pattern))["RuleArn"]
    starter = target.pop("RoleArn", None) or role(
        pipeline.aws,
        f"{pipeline.name}-events",
        "events.amazonaws.com",
        [allow("codepipeline:StartPipelineExecution", resource=pipeline.arn)],
        {"ArnLike": {"aws:SourceArn": arn}},
    )
    one = {"Id": "pipeline", "Arn": pipeline.arn, "RoleArn": starter, **target}
    assert events.put_targets(Rule=pipeline.name, Targets=[one])["FailedEntryCount"] == 0
    return arn


def pushes(pipeline: Pipeline) -> Json:
    return {
        "source": ["aws.codecommit"],
        "detail-type": ["CodeCommit Repository State Change"],
        "resources": [f"arn:aws:codecommit:{REGION}:{ACCOUNT}:{pipeline.name}"],
        "detail": {"event": ["referenceCreated", "referenceUpdated"], "referenceName": ["main"]},
    }


@pytest.fixture
def git(emulator: Json, tmp_path: Path) -> Any:
    environment: Mapping[str, str] = {
        **os.environ,
        **git_client.settings(emulator["url"]),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@example.com",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@example.com",
        "NO_PROXY": "127.0.0.1",
    }

    def run(*arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


def clone_url(aws: Clients, name: str) -> str:
    return str(aws("codecommit").get_repository(repositoryName=name)["repositoryMetadata"]["cloneUrlHttp"])


def test_a_git_push_to_the_clone_url_starts_the_pipeline(aws: Clients, git: Any, tmp_path: Path) -> None:
    pipeline = Pipeline(aws, stage("Wait", approval()), files={"README.md": "first\n"})
    arn = rule(pipeline, pushes(pipeline))
    pipeline.answer("Wait")
    pipeline.ended()

    git("clone", "--quiet", clone_url(aws, pipeline.name), "work")
    (tmp_path / "work" / "more.txt").write_text("more")
    git("-C", "work", "add", "more.txt")
    git("-C", "work", "commit", "--quiet", "-m", "by git")
    git("-C", "work", "push", "--quiet", "origin", "HEAD:main")
    pipeline.answer("Wait")

    execution = pipeline.ended()
    assert len(pipeline.executions) == 2
    assert execution["trigger"] == {"triggerType": "CloudWatchEvent", "triggerDetail": arn}
    assert execution["artifactRevisions"][0]["revisionId"] == git("-C", "work", "rev-parse", "HEAD")
    assert execution["artifactRevisions"][0]["revisionSummary"] == "by git\n"


def test_the_first_push_makes_the_default_branch(aws: Clients, git: Any, tmp_path: Path) -> None:
    aws("codecommit").create_repository(repositoryName="pushed")
    git("init", "--quiet", "--initial-branch=main", "work")
    (tmp_path / "work" / "a.txt").write_text("a")
    git("-C", "work", "add", "a.txt")
    git("-C", "work", "commit", "--quiet", "-m", "first")
    git("-C", "work", "push", "--quiet", clone_url(aws, "pushed"), "main")

    metadata = aws("codecommit").get_repository(repositoryName="pushed")["repositoryMetadata"]
    assert metadata["defaultBranch"] == "main"
    assert aws("codecommit").get_file(repositoryName="pushed", filePath="a.txt")["fileContent"] == b"a"


def test_git_is_told_of_a_repository_that_is_not_there(aws: Clients, emulator: Json) -> None:
    aws("sts")
    environment = {**os.environ, **git_client.settings(emulator["url"]), "NO_PROXY": "127.0.0.1"}
    url = f"https://git-codecommit.{REGION}.amazonaws.com/v1/repos/nowhere"
    done = subprocess.run(["git", "ls-remote", url], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode
    assert "not found" in done.stderr


def test_a_commit_through_the_api_starts_the_pipeline_and_another_branch_does_not(aws: Clients) -> None:
    pipeline = Pipeline(aws, stage("Wait", approval()))
    rule(pipeline, pushes(pipeline))

    pipeline.codecommit.create_branch(repositoryName=pipeline.name, branchName="other", commitId=pipeline.commits[0])
    assert len(pipeline.executions) == 1
    commit = pipeline.commit({"README.md": "second"})

    assert len(pipeline.executions) == 2
    pipeline.answer("Wait")
    pipeline.answer("Wait")
    assert pipeline.ended()["artifactRevisions"][0]["revisionId"] == commit


def test_a_transformed_event_gives_variables_and_the_commit(aws: Clients) -> None:
    pipeline = Pipeline(
        aws,
        stage("Wait", approval()),
        variables=[{"name": "Package", "defaultValue": "none"}, {"name": "Why", "defaultValue": "push"}],
    )
    pipeline.answer("Wait")
    pipeline.ended()
    old = pipeline.commits[0]
    pipeline.commit({"README.md": "second"})
    template = {
        "variables": [{"name": "Package", "value": "<package>"}, {"name": "Why", "value": "approved"}],
        "sourceRevisions": {"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": old},
    }
    transformer = {"InputPathsMap": {"package": "$.detail.Arn"}, "InputTemplate": json.dumps(template)}
    rule(pipeline, {"source": ["company.models"]}, InputTransformer=transformer)

    entry = {"Source": "company.models", "DetailType": "made", "Detail": json.dumps({"Arn": "arn:x/1"})}
    assert aws("events").put_events(Entries=[entry])["FailedEntryCount"] == 0

    pipeline.answer("Wait")
    execution = pipeline.ended()
    assert {one["name"]: one["resolvedValue"] for one in execution["variables"]} == {
        "Package": "arn:x/1",
        "Why": "approved",
    }
    assert execution["artifactRevisions"][0]["revisionId"] == old


@pytest.mark.parametrize("fault", ["trust", "right", "none", "disabled"])
def test_a_rule_without_the_right_starts_nothing(aws: Clients, fault: str) -> None:
    pipeline = Pipeline(aws, stage("Wait", approval()))
    action_name = "codepipeline:GetPipeline" if fault == "right" else "codepipeline:StartPipelineExecution"
    condition = {"ArnLike": {"aws:SourceArn": "arn:aws:events:*:*:rule/another"}} if fault == "trust" else None
    starter = role(aws, f"starter-{fault}", "events.amazonaws.com", [allow(action_name)], condition)
    rule(pipeline, pushes(pipeline), RoleArn=starter)
    if fault == "disabled":
        aws("events").disable_rule(Name=pipeline.name)

    pipeline.commit({"README.md": "second"})

    assert len(pipeline.executions) == (2 if fault == "none" else 1)


def test_a_rule_tells_a_topic_that_lets_it(aws: Clients) -> None:
    ear = Ear(aws)
    open_topic = aws("sns").create_topic(Name="open")["TopicArn"]
    policy = {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sns:Publish",
                "Resource": "*",
            }
        ]
    }
    aws("sns").set_topic_attributes(TopicArn=open_topic, AttributeName="Policy", AttributeValue=json.dumps(policy))
    closed = aws("sns").create_topic(Name="closed")["TopicArn"]
    for topic in (open_topic, closed):
        aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=ear.arn)
    transformer = {"InputPathsMap": {"word": "$.detail.word"}, "InputTemplate": '"Heard <word>."'}
    aws("events").put_rule(Name="words", EventPattern=json.dumps({"source": ["words"]}))
    targets = [
        {"Id": "open", "Arn": open_topic, "InputTransformer": transformer},
        {"Id": "closed", "Arn": closed, "Input": '"never"'},
    ]
    aws("events").put_targets(Rule="words", Targets=targets)

    aws("events").put_events(Entries=[{"Source": "words", "DetailType": "x", "Detail": '{"word": "hello"}'}])

    assert [one["Message"] for one in ear.heard()] == ["Heard hello."]


def test_a_rule_invokes_a_function_and_starts_a_build_where_they_let_it(aws: Clients) -> None:
    code = """
import boto3
def handler(event, context):
    boto3.client("ssm").put_parameter(Name=event["detail"]["word"], Value=context.function_name, Type="String")
"""
    for name in ("open", "closed"):
        make_function(aws, f"hears-{name}", code)
    aws("lambda").add_permission(
        FunctionName="hears-open", StatementId="rule", Action="lambda:InvokeFunction", Principal="events.amazonaws.com"
    )
    aws("codebuild").create_project(
        name="nightly",
        source={"type": "NO_SOURCE", "buildspec": "version: 0.2\nphases: {build: {commands: [echo x]}}\n"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=role(aws, "nightly", "codebuild.amazonaws.com", [allow("*")]),
    )
    project = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/nightly"
    starter = role(aws, "nightly-rule", "events.amazonaws.com", [allow("codebuild:StartBuild", resource=project)])
    aws("events").put_rule(Name="hears", EventPattern=json.dumps({"source": ["hears"]}))
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:hears"
    targets = [{"Id": name, "Arn": f"{function}-{name}"} for name in ("closed", "open")]
    aws("events").put_targets(Rule="hears", Targets=[*targets, {"Id": "build", "Arn": project, "RoleArn": starter}])

    aws("events").put_events(Entries=[{"Source": "hears", "DetailType": "x", "Detail": '{"word": "heard"}'}])

    found = wait(lambda: aws("ssm").get_parameters(Names=["heard"])["Parameters"], "the function's work")
    assert [one["Value"] for one in found] == ["hears-open"]
    assert len(aws("codebuild").list_builds_for_project(projectName="nightly")["ids"]) == 1


def test_pipelines_stages_and_actions_tell_of_themselves_in_order(aws: Clients) -> None:
    ear = Ear(aws)
    aws("events").put_rule(Name="all", EventPattern=json.dumps({"source": ["aws.codepipeline"]}))
    aws("events").put_targets(Rule="all", Targets=[{"Id": "ear", "Arn": ear.arn}])
    pipeline = Pipeline(aws, stage("Wait", approval()))

    pipeline.answer("Wait", "Rejected")
    pipeline.ended()
    aws("events").disable_rule(Name="all")

    heard = [one for one in ear.heard() if one["resources"] == [pipeline.arn]]
    assert [(one["detail-type"].split()[1], one["detail"]["state"]) for one in heard] == [
        ("Pipeline", "STARTED"),
        ("Stage", "STARTED"),
        ("Action", "STARTED"),
        ("Action", "SUCCEEDED"),
        ("Stage", "SUCCEEDED"),
        ("Stage", "STARTED"),
        ("Action", "STARTED"),
        ("Action", "FAILED"),
        ("Stage", "FAILED"),
        ("Pipeline", "FAILED"),
    ]
    assert heard[-3]["detail"]["type"]["provider"] == "Manual"
    assert "Rejected" in heard[-3]["detail"]["execution-result"]["external-execution-summary"]


def test_a_notification_rule_tells_its_topic_of_what_it_asks_for(aws: Clients) -> None:
    ear = Ear(aws)
    topic = aws("sns").create_topic(Name="notices")["TopicArn"]
    allowed = {"Effect": "Allow", "Principal": {"Service": "codestar-notifications.amazonaws.com"}}
    policy = {"Statement": [{**allowed, "Action": "sns:Publish", "Resource": topic}]}
    aws("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(policy))
    aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=ear.arn)
    pipeline = Pipeline(aws, stage("Wait", approval()))
    pipeline.answer("Wait")
    pipeline.ended()
    aws("codestar-notifications").create_notification_rule(
        Name="story",
        Resource=pipeline.arn,
        DetailType="FULL",
        Targets=[{"TargetType": "SNS", "TargetAddress": topic}],
        EventTypeIds=[
            f"codepipeline-pipeline-{name}"
            for name in ("manual-approval-needed", "pipeline-execution-failed", "pipeline-execution-succeeded")
        ],
    )

    pipeline.start()
    pipeline.answer("Wait", "Rejected")
    pipeline.ended()

    told = [json.loads(one["Message"]) for one in ear.heard()]
    assert [(one["detailType"], one["detail"].get("state")) for one in told] == [
        ("CodePipeline Manual Approval", None),
        ("CodePipeline Pipeline Execution State Change", "FAILED"),
    ]


def make_function(aws: Clients, name: str, code: str) -> None:
    import io  # noqa: PLC0415
    import zipfile  # noqa: PLC0415

    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("index.py", code)
    arn = role(aws, f"{name}-function", "lambda.amazonaws.com", [allow("*")])
    aws("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=arn,
        Handler="index.handler",
        Code={"ZipFile": content.getvalue()},
        Timeout=30,
    )


STACK = {
    "Parameters": {"Days": {"Type": "Number", "Default": "7"}, "Name": {"Type": "String"}},
    "Resources": {
        "Group": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"LogGroupName": {"Ref": "Name"}, "RetentionInDays": {"Ref": "Days"}},
        }
    },
    "Outputs": {"Group": {"Value": {"Ref": "Group"}}},
}


def deploy(pipeline_role: str, mode: str, **more: str) -> Json:
    configuration = {
        "ActionMode": mode,
        "StackName": "deployed-by-pipeline",
        "RoleArn": pipeline_role,
        "TemplatePath": "source::template.json",
        "TemplateConfiguration": "source::stack.json",
        **more,
    }
    return action(
        "Deploy", "Deploy/CloudFormation", configuration, inputArtifacts=[{"name": "source"}], namespace="Stack"
    )


def test_a_stack_is_made_changed_and_deleted_by_pipelines(aws: Clients) -> None:
    deployer = role(aws, "deployer", "cloudformation.amazonaws.com", [allow("*")])
    files = {
        "template.json": json.dumps(STACK),
        "stack.json": json.dumps({"Parameters": {"Name": "/by/file", "Days": "14"}, "Tags": {"team": "one"}}),
    }
    overrides = json.dumps({"Days": {"Fn::GetParam": ["source", "more.json", "Days"]}})

    def play(first: Json, files: Mapping[str, str]) -> Pipeline:
        pipeline = Pipeline(aws, stage("Deploy", first), files=files)
        pipeline.ended()
        return pipeline

    def stacks() -> list[Json]:
        return list(aws("cloudformation").describe_stacks()["Stacks"])

    created = play(deploy(deployer, "CREATE_UPDATE"), files)
    assert created.stages()["Deploy"] == "Succeeded", created.state("Deploy", "Deploy")
    details = created.client.list_action_executions(pipelineName=created.name)["actionExecutionDetails"]
    assert details[0]["output"]["outputVariables"] == {"Group": "/by/file"}
    (stack,) = stacks()
    assert (stack["StackStatus"], stack["RoleARN"], stack["Tags"]) == (
        "CREATE_COMPLETE",
        deployer,
        [{"Key": "team", "Value": "one"}],
    )
    again = play(deploy(deployer, "CREATE_UPDATE"), files)
    assert again.stages()["Deploy"] == "Succeeded"
    changed = play(
        deploy(deployer, "CREATE_UPDATE", ParameterOverrides=overrides), {**files, "more.json": '{"Days": "30"}'}
    )
    assert changed.stages()["Deploy"] == "Succeeded", changed.state("Deploy", "Deploy")
    (group,) = aws("logs").describe_log_groups(logGroupNamePrefix="/by/file")["logGroups"]
    assert group["retentionInDays"] == 30
    assert play(deploy(deployer, "DELETE_ONLY"), files).stages()["Deploy"] == "Succeeded"
    assert stacks() == []


def test_a_change_set_is_made_looked_at_and_executed(aws: Clients) -> None:
    deployer = role(aws, "changer", "cloudformation.amazonaws.com", [allow("*")])
    files = {"template.json": json.dumps(STACK), "stack.json": json.dumps({"Parameters": {"Name": "/changed"}})}
    names = {"StackName": "by-change-set", "ChangeSetName": "next"}
    make = deploy(deployer, "CHANGE_SET_REPLACE", **names)
    execute = action("Execute", "Deploy/CloudFormation", {"ActionMode": "CHANGE_SET_EXECUTE", **names}, runOrder=3)
    pipeline = Pipeline(aws, stage("Deploy", make, approval(runOrder=2), execute), files=files)

    pipeline.token("Deploy")
    told = aws("cloudformation").describe_change_set(**names)
    assert [one["ResourceChange"]["LogicalResourceId"] for one in told["Changes"]] == ["Group"]
    assert aws("logs").describe_log_groups(logGroupNamePrefix="/changed")["logGroups"] == []
    pipeline.answer("Deploy")
    assert pipeline.ended()["status"] == "Succeeded", pipeline.state("Deploy", "Execute")
    assert aws("logs").describe_log_groups(logGroupNamePrefix="/changed")["logGroups"]

    pipeline.commit({"stack.json": json.dumps({"Parameters": {"Name": "/changed", "Days": "30"}})})
    pipeline.start()
    pipeline.answer("Deploy")
    assert pipeline.ended()["status"] == "Succeeded", pipeline.state("Deploy", "Execute")
    (group,) = aws("logs").describe_log_groups(logGroupNamePrefix="/changed")["logGroups"]
    assert group["retentionInDays"] == 30
    aws("cloudformation").delete_stack(StackName="by-change-set")


def test_a_stack_that_failed_to_create_is_replaced_where_that_is_asked_for(aws: Clients) -> None:
    deployer = role(aws, "replacer", "cloudformation.amazonaws.com", [allow("*")])
    aws("logs").create_log_group(logGroupName="/taken")
    files = {"template.json": json.dumps(STACK), "stack.json": json.dumps({"Parameters": {"Name": "/taken"}})}
    broken = Pipeline(aws, stage("Deploy", deploy(deployer, "REPLACE_ON_FAILURE")), files=files)
    assert broken.ended()["status"] == "Failed"
    assert "ROLLBACK_COMPLETE" in broken.state("Deploy", "Deploy")["errorDetails"]["message"]

    aws("logs").delete_log_group(logGroupName="/taken")
    careful = Pipeline(aws, stage("Deploy", deploy(deployer, "CREATE_UPDATE")), files=files)
    assert careful.ended()["status"] == "Failed"
    broken.client.retry_stage_execution(
        pipelineName=broken.name,
        stageName="Deploy",
        pipelineExecutionId=broken.executions[0]["pipelineExecutionId"],
        retryMode="FAILED_ACTIONS",
    )

    assert broken.ended()["status"] == "Succeeded"


def test_artifacts_are_copied_to_the_region_of_the_action(aws: Clients) -> None:
    other = "eu-central-1"
    aws("s3", other).create_bucket(Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": other})
    deployer = role(aws, "far-deployer", "cloudformation.amazonaws.com", [allow("*")])
    files = {"template.json": json.dumps(STACK), "stack.json": json.dumps({"Parameters": {"Name": "/far"}})}
    stores = {
        REGION: {"type": "S3", "location": "home-of-far"},
        other: {"type": "S3", "location": "elsewhere"},
    }
    aws("s3").create_bucket(Bucket="home-of-far", CreateBucketConfiguration={"LocationConstraint": REGION})
    far = {**deploy(deployer, "CREATE_UPDATE"), "region": other}

    pipeline = Pipeline(aws, stage("Deploy", far), files=files, artifactStore=None, artifactStores=stores)

    assert pipeline.ended()["status"] == "Succeeded", pipeline.state("Deploy", "Deploy")
    assert len(aws("s3").list_objects_v2(Bucket="elsewhere")["Contents"]) == 1
    assert aws("logs", other).describe_log_groups(logGroupNamePrefix="/far")["logGroups"]


def test_an_action_acts_as_its_own_role(aws: Clients) -> None:
    pipeline_role = f"arn:aws:iam::{ACCOUNT}:role/pipe-own-role"
    iam = aws("iam")
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": pipeline_role}, "Action": "sts:AssumeRole"}]}
    iam.create_role(RoleName="action-role", AssumeRolePolicyDocument=json.dumps(trust))
    policy = {"Version": "2012-10-17", "Statement": [allow("sns:Publish")]}
    iam.put_role_policy(RoleName="action-role", PolicyName="all", PolicyDocument=json.dumps(policy))
    topic = aws("sns").create_topic(Name="own-role")["TopicArn"]
    arn = f"arn:aws:iam::{ACCOUNT}:role/action-role"
    run = approval(configuration={"NotificationArn": topic}, roleArn=arn)
    role(aws, "pipe-own-role", "codepipeline.amazonaws.com", [allow("s3:*", "codecommit:*"), allow("sts:AssumeRole")])

    pipeline = Pipeline(aws, stage("Wait", run), roleArn=pipeline_role)

    assert wait(lambda: pipeline.token("Wait"), "the approval")
    details = pipeline.client.list_action_executions(pipelineName=pipeline.name)["actionExecutionDetails"]
    assert details[0]["input"]["roleArn"] == arn
