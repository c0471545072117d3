"""State machines of the emulated AWS run, in JSONata, with the rights of their role."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import REGION, Client, Clients
from tests.sandbox.support.pipelines import Ear, allow
from tests.sandbox.support.state_machines import ended, machine

Json = dict[str, Any]
BUCKET = "state-machines"
READ: Json = {
    "Type": "Task",
    "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
    "Arguments": {"Bucket": BUCKET, "Key": "{% $states.input.key %}"},
    "Retry": [{"ErrorEquals": ["S3.S3Exception"], "MaxAttempts": 2}],
    "Catch": [{"ErrorEquals": ["States.ALL"], "Assign": {"told": "{% $states.errorOutput %}"}, "Next": "Sorry"}],
    "Output": {"size": "{% $states.result.ContentLength %}", "tries": "{% $states.context.State.RetryCount %}"},
    "Next": "Enough",
}
STATES: Json = {
    "Read": READ,
    "Enough": {
        "Type": "Choice",
        "Choices": [{"Condition": "{% $states.input.size > 2 %}", "Next": "Done"}],
        "Default": "Sorry",
    },
    "Done": {"Type": "Succeed"},
    "Sorry": {"Type": "Fail", "Error": "{% $told.Error %}", "Cause": "{% 'no: ' & $told.Cause %}"},
}


@pytest.fixture(scope="module")
def states(aws: Clients) -> Client:
    aws("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    aws("s3").put_object(Bucket=BUCKET, Key="a", Body=b"abc")
    return aws("stepfunctions")


def test_a_run_computes_calls_and_chooses_and_is_told(aws: Clients, states: Client) -> None:
    ear = Ear(aws)
    aws("events").put_rule(Name="states", EventPattern=json.dumps({"source": ["aws.states"]}))
    aws("events").put_targets(Rule="states", Targets=[{"Id": "ear", "Arn": ear.arn}])
    run = ended(states, machine(aws, "reads", STATES, allow("s3:GetObject")), "one", key="a")
    assert (run["status"], json.loads(run["output"])) == ("SUCCEEDED", {"size": 3, "tries": 0})
    kinds = [one["type"] for one in states.get_execution_history(executionArn=run["executionArn"])["events"]]
    assert kinds == [
        *("ExecutionStarted", "TaskStateEntered", "TaskStateExited", "ChoiceStateEntered", "ChoiceStateExited"),
        *("SucceedStateEntered", "SucceedStateExited", "ExecutionSucceeded"),
    ]
    told = [(one["detail"]["name"], one["detail"]["status"]) for one in ear.heard()]
    assert told == [("one", "RUNNING"), ("one", "SUCCEEDED")]


def test_what_the_role_may_not_do_fails_and_is_caught(aws: Clients, states: Client) -> None:
    run = ended(states, machine(aws, "may-not", STATES), "one", key="a")
    assert (run["status"], run["error"]) == ("FAILED", "S3.AccessDeniedException")
    assert run["cause"].startswith("no: User: ")
    assert "is not authorized to perform: s3:GetObject" in run["cause"]


def test_an_expression_that_gives_nothing_fails_the_run(aws: Clients, states: Client) -> None:
    body = {"A": {"Type": "Pass", "Output": "{% $states.input.nothing %}", "End": True}}
    run = ended(states, machine(aws, "nothing", body), "one")
    assert (run["error"], run["cause"]) == ("States.QueryEvaluationError", "$states.input.nothing gives nothing")


def test_what_cannot_be_run_at_all_is_caught_by_no_rule(aws: Clients, states: Client) -> None:
    body = {"Read": {**READ, "Resource": "arn:aws:states:::sqs:sendMessage"}, "Sorry": STATES["Sorry"]}
    run = ended(states, machine(aws, "runtime", {**STATES, **body}), "one", key="a")
    assert run["status"] == "FAILED"
    assert run["cause"] == "the sandbox does not know the integration arn:aws:states:::sqs:sendMessage"


def test_what_is_not_known_is_said(aws: Clients, states: Client) -> None:
    run = ended(states, machine(aws, "waits", {"A": {"Type": "Wait", "Seconds": 1, "End": True}}), "one")
    assert run["cause"].startswith("the sandbox does not know the state Wait; it has Pass, Succeed, Task, Choice, Fail")


def test_a_version_runs_as_it_was_published_and_a_name_is_one_run(aws: Clients, states: Client) -> None:
    body = {"A": {"Type": "Pass", "Output": "old", "End": True}}
    arn = machine(aws, "versions", body)
    first = states.publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"]
    assert states.publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"] == first
    body = {"A": {"Type": "Pass", "Output": {"it": "new"}, "End": True}}
    newer = json.dumps({"QueryLanguage": "JSONata", "StartAt": "A", "States": body})
    second = states.update_state_machine(stateMachineArn=arn, definition=newer, publish=True)["stateMachineVersionArn"]
    assert json.loads(ended(states, second, "new")["output"]) == {"it": "new"}
    assert json.loads(ended(states, first, "old")["output"]) == "old"
    with pytest.raises(ClientError, match="Execution Already Exists"):
        states.start_execution(stateMachineArn=second, name="new", input='{"other": 1}')
    assert {one["name"] for one in states.list_executions(stateMachineArn=arn)["executions"]} == {"new", "old"}
