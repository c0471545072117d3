"""Emulated pipelines: how executions go through their stages, wait, fail, are stopped, retried and rolled back."""

import io
import json
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import Clients
from tests.sandbox.support.pipelines import Ear, Pipeline, allow, approval, role, stage, wait


def refusal(call: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call()
    return str(refused.value.response["Error"]["Code"])


def test_a_new_pipeline_runs_once_with_the_newest_commit(aws: Clients) -> None:
    pipeline = Pipeline(aws, stage("Wait", approval()))

    pipeline.token("Wait")
    (execution,) = pipeline.executions

    assert execution["trigger"]["triggerType"] == "CreatePipeline"
    assert [one["revisionId"] for one in execution["sourceRevisions"]] == pipeline.commits
    assert pipeline.stages() == {"Source": "Succeeded", "Wait": "InProgress"}


def test_the_source_lies_in_the_artifact_store_under_the_pipelines_name(aws: Clients) -> None:
    pipeline = Pipeline(aws, stage("Wait", approval()), files={"a/b.txt": "deep"})
    pipeline.token("Wait")

    details = pipeline.client.list_action_executions(pipelineName=pipeline.name)["actionExecutionDetails"]
    place = details[-1]["output"]["outputArtifacts"][0]["s3location"]

    assert place["key"].startswith(f"{pipeline.name[:20]}/source/")
    content = aws("s3").get_object(Bucket=pipeline.bucket, Key=place["key"])["Body"].read()
    assert zipfile.ZipFile(io.BytesIO(content)).read("a/b.txt") == b"deep"


def test_an_approval_lets_on_and_a_rejection_fails_the_stage(aws: Clients) -> None:
    pipeline = Pipeline(aws, stage("Wait", approval()), stage("Again", approval()))

    pipeline.answer("Wait")
    pipeline.answer("Again", "Rejected")

    assert pipeline.ended()["status"] == "Failed"
    assert pipeline.stages() == {"Source": "Succeeded", "Wait": "Succeeded", "Again": "Failed"}
    assert "seen" in pipeline.state("Again", "Approve")["errorDetails"]["message"]


def test_an_approval_is_answered_once_and_with_its_token_only(aws: Clients) -> None:
    pipeline = Pipeline(aws, stage("Wait", approval()))
    token = pipeline.token("Wait")

    def answer(token: str) -> None:
        pipeline.client.put_approval_result(
            pipelineName=pipeline.name,
            stageName="Wait",
            actionName="Approve",
            token=token,
            result={"summary": "", "status": "Approved"},
        )

    assert refusal(lambda: answer("00000000-0000-0000-0000-000000000000")) == "InvalidApprovalTokenException"
    answer(token)
    assert "token" not in pipeline.state("Wait", "Approve")
    pipeline.ended()
    assert refusal(lambda: answer(token)) == "InvalidApprovalTokenException"


def test_variables_come_from_the_start_the_pipeline_and_earlier_actions(aws: Clients) -> None:
    text = "#{variables.Who} #{variables.How} #{SourceVariables.CommitId} #{codepipeline.PipelineExecutionId}"
    pipeline = Pipeline(
        aws,
        stage("Wait", approval(configuration={"CustomData": text})),
        variables=[{"name": "Who", "defaultValue": "nobody"}, {"name": "How", "defaultValue": "so"}],
    )
    pipeline.answer("Wait")

    started = pipeline.start(variables=[{"name": "Who", "value": "me"}])
    pipeline.answer("Wait")
    pipeline.ended(started)

    details = pipeline.client.list_action_executions(
        pipelineName=pipeline.name, filter={"pipelineExecutionId": started}
    )["actionExecutionDetails"]
    assert details[0]["input"]["resolvedConfiguration"]["CustomData"] == f"me so {pipeline.commits[0]} {started}"
    told = pipeline.execution(started)["variables"]
    assert told == [{"name": "Who", "resolvedValue": "me"}, {"name": "How", "resolvedValue": "so"}]


def test_a_variable_that_nobody_has_made_fails_the_action(aws: Clients) -> None:
    pipeline = Pipeline(aws, stage("Wait", approval(configuration={"CustomData": "#{Build.NOTHING}"})))

    assert pipeline.ended()["status"] == "Failed"
    assert "#{Build.NOTHING}" in pipeline.state("Wait", "Approve")["errorDetails"]["message"]


def test_a_start_names_declared_variables_and_may_name_the_commit(aws: Clients) -> None:
    pipeline = Pipeline(aws, stage("Wait", approval()))
    pipeline.answer("Wait")
    pipeline.ended()
    old = pipeline.commits[0]
    pipeline.commit({"README.md": "second"})

    assert refusal(lambda: pipeline.start(variables=[{"name": "X", "value": "1"}])) == "ValidationException"
    started = pipeline.start(
        sourceRevisions=[{"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": old}]
    )
    pipeline.answer("Wait")

    assert pipeline.ended(started)["artifactRevisions"][0]["revisionId"] == old


def test_superseded_mode_lets_the_newest_that_waits_go_first(aws: Clients) -> None:
    pipeline = Pipeline(aws, stage("One", approval()), stage("Two", approval()), executionMode="SUPERSEDED")
    pipeline.token("One")
    second, third = pipeline.start(), pipeline.start()

    def waiting() -> list[str]:
        states = pipeline.client.get_pipeline_state(name=pipeline.name)["stageStates"]
        return [one["pipelineExecutionId"] for one in states[1].get("inboundExecutions", [])]

    wait(lambda: waiting() == [third], "the third execution waits alone")
    assert pipeline.ended(second)["status"] == "Superseded"
    pipeline.answer("One")
    assert pipeline.state("One", "Approve")["status"] in ("InProgress", "Succeeded")


def test_queued_mode_lets_everybody_in_in_turn(aws: Clients) -> None:
    pipeline = Pipeline(aws, stage("One", approval()))
    pipeline.token("One")
    second, third = pipeline.start(), pipeline.start()

    ends: list[str] = []
    for _ in range(3):
        pipeline.answer("One")
        last = len(ends)
        ends.append(pipeline.ended(pipeline.executions[last]["pipelineExecutionId"])["pipelineExecutionId"])

    assert ends[1:] == [second, third]


def test_parallel_mode_waits_for_nobody(aws: Clients) -> None:
    pipeline = Pipeline(aws, stage("One", approval()), executionMode="PARALLEL")
    second = pipeline.start()

    wait(lambda: len(in_progress(pipeline)) == 2, "both executions wait for their approval")
    assert second in in_progress(pipeline)


def in_progress(pipeline: Pipeline) -> list[str]:
    details = pipeline.client.list_action_executions(pipelineName=pipeline.name)["actionExecutionDetails"]
    return [
        one["pipelineExecutionId"] for one in details if (one["actionName"], one["status"]) == ("Approve", "InProgress")
    ]


def test_actions_run_in_their_order_and_side_by_side(aws: Clients) -> None:
    pipeline = Pipeline(
        aws, stage("One", approval("A", runOrder=1), approval("B", runOrder=1), approval("C", runOrder=2))
    )

    pipeline.token("One", "A")
    pipeline.token("One", "B")
    assert pipeline.state("One", "C") == {}
    pipeline.answer("One", action_name="B")
    pipeline.answer("One", action_name="A")
    pipeline.answer("One", action_name="C")

    assert pipeline.ended()["status"] == "Succeeded"


def test_a_stop_waits_for_what_runs_and_an_abandonment_does_not(aws: Clients) -> None:
    pipeline = Pipeline(aws, stage("One", approval()), stage("Two", approval()))
    (first,) = (one["pipelineExecutionId"] for one in pipeline.executions)
    pipeline.token("One")

    def stop(identity: str, abandon: bool) -> None:
        pipeline.client.stop_pipeline_execution(
            pipelineName=pipeline.name, pipelineExecutionId=identity, abandon=abandon, reason="enough"
        )

    stop(first, abandon=False)
    assert pipeline.execution(first)["status"] == "Stopping"
    pipeline.answer("One")
    assert pipeline.ended(first)["status"] == "Stopped"
    second = pipeline.start()
    pipeline.token("One")
    stop(second, abandon=True)

    assert pipeline.ended(second)["status"] == "Stopped"
    assert pipeline.actions(second)[-1] == ("Approve", "Abandoned")
    assert refusal(lambda: stop(second, abandon=True)) == "PipelineExecutionNotStoppableException"


def test_a_failed_stage_is_retried_where_it_failed_and_goes_on(aws: Clients) -> None:
    pipeline = Pipeline(
        aws, stage("One", approval("A", runOrder=1), approval("B", runOrder=2)), stage("Two", approval())
    )
    pipeline.answer("One", action_name="A")
    pipeline.answer("One", "Rejected", action_name="B")
    failed = pipeline.ended()["pipelineExecutionId"]

    pipeline.client.retry_stage_execution(
        pipelineName=pipeline.name, stageName="One", pipelineExecutionId=failed, retryMode="FAILED_ACTIONS"
    )
    pipeline.answer("One", action_name="B")
    pipeline.answer("Two")

    assert pipeline.ended(failed)["status"] == "Succeeded"
    assert pipeline.actions(failed)[1:] == [
        ("A", "Succeeded"),
        ("B", "Failed"),
        ("B", "Succeeded"),
        ("Approve", "Succeeded"),
    ]


def test_a_stage_that_has_not_failed_is_not_retried(aws: Clients) -> None:
    pipeline = Pipeline(aws, stage("One", approval()))
    pipeline.answer("One")
    done = pipeline.ended()["pipelineExecutionId"]

    def retry() -> None:
        pipeline.client.retry_stage_execution(
            pipelineName=pipeline.name, stageName="One", pipelineExecutionId=done, retryMode="ALL_ACTIONS"
        )

    assert refusal(retry) == "StageNotRetryableException"


def test_a_stage_retries_itself_once(aws: Clients) -> None:
    pipeline = Pipeline(aws, stage("One", approval(), onFailure={"result": "RETRY"}))

    first = pipeline.token("One")
    pipeline.answer("One", "Rejected")
    wait(lambda: pipeline.token("One") != first, "the second try")
    pipeline.answer("One", "Rejected")

    execution = pipeline.ended()
    assert execution["status"] == "Failed"
    assert [name for name, _ in pipeline.actions(execution["pipelineExecutionId"])] == ["Source", "Approve", "Approve"]


def test_a_failed_stage_rolls_back_to_the_last_execution_that_passed_it(aws: Clients) -> None:
    pipeline = Pipeline(
        aws,
        stage(
            "One",
            approval(configuration={"CustomData": "#{SourceVariables.CommitId}"}),
            onFailure={"result": "ROLLBACK"},
        ),
    )
    pipeline.answer("One")
    good = pipeline.ended()["pipelineExecutionId"]
    pipeline.commit({"README.md": "bad"})
    bad = pipeline.start()
    pipeline.answer("One", "Rejected")
    assert pipeline.ended(bad)["status"] == "Failed"

    rollback = pipeline.executions[-1]
    pipeline.answer("One")
    ended = pipeline.ended(rollback["pipelineExecutionId"])

    assert (ended["status"], ended["executionType"]) == ("Succeeded", "ROLLBACK")
    assert ended["rollbackMetadata"] == {"rollbackTargetPipelineExecutionId": good}
    assert rollback["trigger"] == {"triggerType": "AutomatedRollback", "triggerDetail": bad}
    details = pipeline.client.list_action_executions(pipelineName=pipeline.name)["actionExecutionDetails"]
    assert details[0]["input"]["resolvedConfiguration"] == {"CustomData": pipeline.commits[0]}


def test_a_person_rolls_back_to_an_execution_that_succeeded(aws: Clients) -> None:
    pipeline = Pipeline(aws, stage("One", approval()))
    pipeline.answer("One")
    good = pipeline.ended()["pipelineExecutionId"]
    bad = pipeline.start()
    pipeline.answer("One", "Rejected")
    pipeline.ended(bad)

    def roll_back(target: str) -> str:
        return str(
            pipeline.client.rollback_stage(
                pipelineName=pipeline.name, stageName="One", targetPipelineExecutionId=target
            )["pipelineExecutionId"]
        )

    assert refusal(lambda: roll_back(bad)) == "UnableToRollbackStageException"
    made = roll_back(good)
    pipeline.answer("One")
    assert pipeline.ended(made)["trigger"] == {"triggerType": "ManualRollback", "triggerDetail": good}


@pytest.mark.parametrize(
    ("result", "value", "status"), [("SKIP", "no", "Skipped"), ("FAIL", "no", "Failed"), ("SKIP", "yes", "InProgress")]
)
def test_an_entry_condition_skips_fails_or_lets_in(aws: Clients, result: str, value: str, status: str) -> None:
    rule = {
        "name": "Wanted",
        "ruleTypeId": {"category": "Rule", "owner": "AWS", "provider": "VariableCheck", "version": "1"},
        "configuration": {"Variable": "#{variables.Deploy}", "Operator": "EQ", "Value": "yes"},
    }
    entry = {"conditions": [{"result": result, "rules": [rule]}]}
    pipeline = Pipeline(
        aws,
        stage("One", approval(), beforeEntry=entry),
        variables=[{"name": "Deploy", "defaultValue": value}],
    )

    if status == "InProgress":
        pipeline.token("One")
    else:
        assert pipeline.ended()["status"] == ("Succeeded" if status == "Skipped" else "Failed")

    assert pipeline.stages()["One"] == status
    rules = pipeline.client.list_rule_executions(pipelineName=pipeline.name)["ruleExecutionDetails"]
    assert [one["status"] for one in rules] == ["Succeeded" if value == "yes" else "Failed"]


def test_a_closed_transition_holds_executions_back(aws: Clients) -> None:
    pipeline = Pipeline(aws, stage("One", approval()), stage("Two", approval()))
    transition = {"pipelineName": pipeline.name, "stageName": "Two", "transitionType": "Inbound"}
    pipeline.client.disable_stage_transition(**transition, reason="freeze")
    pipeline.answer("One")
    wait(lambda: pipeline.stages()["One"] == "Succeeded", "the end of the first stage")

    state = pipeline.client.get_pipeline_state(name=pipeline.name)["stageStates"][2]
    assert state["inboundTransitionState"]["disabledReason"] == "freeze"
    assert "latestExecution" not in state
    pipeline.client.enable_stage_transition(**transition)
    pipeline.answer("Two")
    assert pipeline.ended()["status"] == "Succeeded"


def test_the_role_may_do_what_its_policy_says_and_no_more(aws: Clients) -> None:
    pipeline = Pipeline(aws, stage("Wait", approval()), statements=[allow("codecommit:*")])

    assert pipeline.ended()["status"] == "Failed"
    error = pipeline.state("Source", "Source")["errorDetails"]
    assert error["code"] == "PermissionError"
    assert "is not authorized to perform: s3:PutObject" in error["message"]


def test_a_role_that_trusts_another_pipeline_is_of_no_use(aws: Clients) -> None:
    arn = "arn:aws:codepipeline:eu-west-1:123456789012:another"
    condition = {"ArnEquals": {"aws:SourceArn": arn}}
    narrow = role(aws, "narrow", "codepipeline.amazonaws.com", [allow("*")], condition)
    pipeline = Pipeline(aws, stage("Wait", approval()), roleArn=narrow)

    assert pipeline.ended()["status"] == "Failed"
    assert "sts:AssumeRole" in pipeline.state("Source", "Source")["errorDetails"]["message"]


def test_the_topic_of_an_approval_is_told_with_the_token(aws: Clients) -> None:
    ear = Ear(aws)
    topic = aws("sns").create_topic(Name="approvals")["TopicArn"]
    aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=ear.arn)
    configuration = {"NotificationArn": topic, "CustomData": "look"}
    pipeline = Pipeline(aws, stage("Wait", approval(configuration=configuration)))

    token = pipeline.token("Wait")

    (message,) = ear.heard()
    told = json.loads(message["Message"])["approval"]
    assert (told["token"], told["customData"], told["pipelineName"]) == (token, "look", pipeline.name)


def test_a_deleted_pipeline_ends_what_runs(aws: Clients) -> None:
    pipeline = Pipeline(aws, stage("Wait", approval()))
    pipeline.token("Wait")

    pipeline.client.delete_pipeline(name=pipeline.name)

    assert refusal(pipeline.start) == "PipelineNotFoundException"
