"""CodeCommit or a connection: one setting, and the same outputs for a pipeline."""

import json
from typing import Any

import pulumi
import pytest

from components.delivery.actions.action import PipelineContext
from components.delivery.pipeline import source_stage
from components.sections.source import CodeCommitSource, ConnectionSource
from components.source.source_repository import SourceRepository, SourceRepositoryArgs
from tests.support.access import decision
from tests.support.pipeline_samples import environment
from tests.support.recording import Recording, recorded, run_function, stack_values

CONNECTION = "arn:aws:codeconnections:us-east-2:111122223333:connection/4c2f"


def with_source(source: dict[str, Any]) -> Recording:
    return recorded({**stack_values("dev"), "sm-mlops:source": source})


def kinds(recording: Recording) -> set[str]:
    return {resource.type.rsplit(":", 1)[-1] for resource in recording.resources if resource.name.startswith("source")}


def test_codecommit_is_encrypted_with_a_key_for_codecommit_only(dev: Recording) -> None:
    assert dev.named("source-repository").inputs["kmsKeyId"] == "arn:aws:kms:us-east-2:111122223333:key/source-key-id"
    statements = dev.named("source-key").policy()["Statement"]
    owner = "arn:aws:iam::111122223333:root"
    through = {"kms:CallerAccount": "111122223333", "kms:ViaService": "codecommit.us-east-2.amazonaws.com"}
    assert decision(statements, owner, "kms:Decrypt", "*", through) == "allow"
    assert decision(statements, owner, "kms:Decrypt", "*", {"kms:CallerAccount": "111122223333"}) == "none"


@pytest.mark.parametrize(("stack", "approvals"), [("dev", 1), ("prod", 2)])
def test_pull_requests_into_the_branch_need_the_approvals_of_the_settings(
    stack: str, approvals: int, dev: Recording, prod: Recording
) -> None:
    recording = {"dev": dev, "prod": prod}[stack]
    assert json.loads(recording.named("source-approvals").inputs["content"]) == {
        "Version": "2018-11-08",
        "DestinationReferences": ["refs/heads/main"],
        "Statements": [{"Type": "Approvers", "NumberOfApprovalsNeeded": approvals}],
    }
    association = recording.named("source-approvals-association").inputs
    assert association["repositoryName"] == f"sm-mlops-{stack}"
    assert association["approvalRuleTemplateName"] == f"sm-mlops-{stack}-approvals"


def test_no_approvals_no_rule() -> None:
    assert kinds(with_source({"provider": "CodeCommit", "approvals": 0})) == {
        "SourceRepository",
        "Repository",
        "RepositoryName",
        "Key",
        "Alias",
    }


def test_a_repository_can_be_named() -> None:
    recording = with_source({"provider": "CodeCommit", "repository": "Platform.Code"})
    assert recording.named("source-repository").inputs["repositoryName"] == "Platform.Code"
    assert recording.outputs["source"]["repository"] == "Platform.Code"


@pytest.mark.parametrize("provider", ["GitHub", "GitLab", "Bitbucket"])
def test_a_git_provider_gets_a_connection_and_nothing_of_codecommit(provider: str) -> None:
    recording = with_source({"provider": provider, "repository": "acme/platform"})
    assert kinds(recording) == {"SourceRepository", "Connection"}
    connection = recording.named("source-connection").inputs
    assert connection["providerType"] == provider
    assert connection["tags"]["sagemaker"] == "true", "SageMaker's launch policy would not use it"
    assert recording.outputs["source"]["connectionStatus"] == "PENDING"


def test_a_given_connection_is_used_and_none_is_made() -> None:
    recording = with_source({"provider": "GitLab", "repository": "acme/ml/platform", "connectionArn": CONNECTION})
    assert kinds(recording) == {"SourceRepository"}
    assert recording.outputs["source"]["arn"] == CONNECTION


def test_a_git_provider_notifies_by_itself() -> None:
    recording = with_source({"provider": "GitHub", "repository": "acme/platform"})
    assert not recording.of_type("aws:codestarnotifications/notificationRule:NotificationRule")


@pytest.mark.parametrize(
    "source",
    [
        {"provider": "CodeCommit"},
        {"provider": "GitHub", "repository": "acme/platform"},
        {"provider": "GitHub", "repository": "acme/platform", "connectionArn": CONNECTION},
    ],
    ids=["codecommit", "connection", "given connection"],
)
def test_both_kinds_tell_the_same_things(source: dict[str, Any]) -> None:
    outputs = with_source(source).outputs["source"]
    assert {"provider", "repository", "branch", "arn"} <= set(outputs)
    assert all(outputs.values())


@pytest.mark.parametrize(
    ("spec", "action", "configured"),
    [
        (
            CodeCommitSource(provider="CodeCommit", repository="acme"),
            "CodeCommit",
            {"RepositoryName": "acme", "BranchName": "main", "PollForSourceChanges": "false"},
        ),
        (
            ConnectionSource(provider="GitHub", repository="acme/platform", connection_arn=CONNECTION),
            "CodeStarSourceConnection",
            {
                "ConnectionArn": CONNECTION,
                "FullRepositoryId": "acme/platform",
                "BranchName": "main",
                "DetectChanges": "false",
            },
        ),
    ],
    ids=["codecommit", "connection"],
)
def test_a_pipeline_gets_its_source_action_from_either_kind(
    spec: CodeCommitSource | ConnectionSource, action: str, configured: dict[str, str]
) -> None:
    made: dict[str, Any] = {}

    def program() -> pulumi.Output[None]:
        place = environment()
        repository = SourceRepository("source", SourceRepositoryArgs(environment=place, spec=spec))
        (source,) = source_stage(repository).actions
        made["provider"] = source.provider_name
        context = PipelineContext(pipeline="acme", home=place.home, account_id=place.account_id)
        return pulumi.Output.from_input(source.configuration(context)).apply(
            lambda configuration: made.update(configuration=configuration)
        )

    run_function(program)
    assert made == {"provider": action, "configuration": configured}
