"""The page's trainings by a state machine are as the emulated AWS has them: one that failed, and what has mended it."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from awsmodel.regions import known_regions
from tests.sandbox.conftest import REGION, Client, Clients
from tests.sandbox.support.pipelines import allow
from tests.sandbox.support.state_machines import ended
from tests.sandbox.support.state_machines import machine as made
from tools.doctor.account import Account, StackRegion
from tools.report.model import Pipeline
from tools.report.trainings.state_machines import StateMachine

BUCKET, NAME = "trainings", "sagemaker-p-abc-train"
STATES: dict[str, Any] = {
    "Read": {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
        "Arguments": {"Bucket": BUCKET, "Key": "{% $states.input.key %}"},
        "Catch": [{"ErrorEquals": ["States.ALL"], "Assign": {"told": "{% $states.errorOutput %}"}, "Next": "Explain"}],
        "Output": {},
        "Next": "Done",
    },
    "Done": {"Type": "Succeed"},
    "Explain": {"Type": "Fail", "Error": "{% $told.Error %}", "Cause": "{% 'it read: ' & $told.Cause %}"},
}


@pytest.fixture(scope="module")
def machine(aws: Clients) -> StateMachine:
    aws("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    aws("s3").put_object(Bucket=BUCKET, Key="there", Body=b"rows")
    made(aws, NAME, STATES, allow("s3:GetObject", "s3:ListBucket"))
    account = SimpleNamespace(client=aws, caller="me", now=datetime.now(UTC))
    region = StackRegion(cast("Account", account), known_regions()[REGION])
    return StateMachine(region, NAME, StateMachine.arns(region)[NAME])


def run(states: Client, machine: StateMachine, name: str, key: str) -> Pipeline:
    ended(states, machine.arn, name, key=key)
    return machine.pipeline()


def test_a_run_that_failed_is_told_with_its_reason_and_then_as_mended(aws: Clients, machine: StateMachine) -> None:
    states = aws("stepfunctions")
    assert machine.pipeline().status == "", "it has never run"
    broken = run(states, machine, "first", "nowhere")
    arn = states.list_executions(stateMachineArn=machine.arn)["executions"][0]["executionArn"]
    assert (broken.status, broken.trigger) == ("FAILED", "first")
    assert [(one.name, one.status) for one in broken.stages] == [("Read", "FAILED"), ("Explain", "FAILED")]
    (failure,) = broken.failures
    assert failure.where == "Read"
    assert failure.reason == states.describe_execution(executionArn=arn)["cause"]
    assert failure.reason.startswith("it read: ")
    mended = run(states, machine, "second", "there")
    assert (mended.status, mended.failures) == ("SUCCEEDED", [])
    assert [(one.name, one.status) for one in mended.stages] == [("Read", "SUCCEEDED"), ("Done", "SUCCEEDED")]
    assert mended.earlier
    assert mended.earlier.mended
    assert mended.earlier.failures == [failure]
