"""The clean-up of the runs of a state machine, and of their jobs."""

from collections.abc import Iterator

import pytest
from botocore.stub import Stubber

from tests.seed_code.clean_up import DONE, Answer, CleanUp, loaded

MACHINE = "arn:aws:states:eu-west-1:111122223333:stateMachine:sagemaker-p-1-train"
RUN = "arn:aws:states:eu-west-1:111122223333:execution:sagemaker-p-1-train:0123456789ab-0a1b2c3d-1"
PROPERTIES = {"Bucket": "sagemaker-p-1-build", "StateMachine": MACHINE, "Project": "p-1", "Artifacts": "Delete"}


@pytest.fixture(scope="module")
def function() -> Iterator[CleanUp]:
    """The function, loaded once; making its clients is slow."""
    with loaded("model-build-stepfunctions") as function:
        yield function


@pytest.fixture
def states(function: CleanUp) -> Iterator[Stubber]:
    """The answers of Step Functions, all of which are asked for; the bucket is gone already."""
    with Stubber(function.module.states) as states, Stubber(function.module.s3) as s3:
        s3.add_client_error("list_object_versions", "NoSuchBucket")
        yield states
        states.assert_no_pending_responses()


@pytest.fixture
def sagemaker(function: CleanUp) -> Iterator[Stubber]:
    with Stubber(function.module.sagemaker) as sagemaker:
        yield sagemaker
        sagemaker.assert_no_pending_responses()


def runs(states: Stubber, *arns: str) -> None:
    found = [
        {"executionArn": arn, "stateMachineArn": MACHINE, "name": "x", "status": "RUNNING", "startDate": 0}
        for arn in arns
    ]
    states.add_response(
        "list_executions", {"executions": found}, {"stateMachineArn": MACHINE, "statusFilter": "RUNNING"}
    )


def jobs(sagemaker: Stubber, *stopping: str) -> None:
    """One look at the jobs: none is in progress, and of the training jobs these are being stopped."""
    for status, names in (("InProgress", ()), ("Stopping", stopping)):
        asked = {"NameContains": "p-1-", "StatusEquals": status}
        found = [
            {"TrainingJobName": name, "TrainingJobArn": f"arn:{name}", "CreationTime": 0, "TrainingJobStatus": status}
            for name in names
        ]
        sagemaker.add_response("list_processing_jobs", {"ProcessingJobSummaries": []}, asked)
        sagemaker.add_response("list_training_jobs", {"TrainingJobSummaries": found}, asked)


def test_a_run_is_ended_and_its_job_is_waited_for(function: CleanUp, states: Stubber, sagemaker: Stubber) -> None:
    runs(states, RUN)
    states.add_response("stop_execution", {"stopDate": 0}, {"executionArn": RUN, "cause": "The project is deleted"})
    jobs(sagemaker, "p-1-0123456789ab-train-0")
    jobs(sagemaker)
    assert function.call("Delete", PROPERTIES) == DONE


def test_a_job_that_does_not_stop_in_time_says_what_to_do(
    function: CleanUp, states: Stubber, sagemaker: Stubber
) -> None:
    runs(states)
    jobs(sagemaker, "p-1-0123456789ab-train-0")
    assert function.call("Delete", PROPERTIES, lambda: 5) == Answer(
        "FAILED",
        DONE.physical_id,
        "TimeoutError: 1 jobs of the project have not stopped yet; delete the project once more",
    )


def test_a_state_machine_that_is_gone_is_fine(function: CleanUp, states: Stubber, sagemaker: Stubber) -> None:
    states.add_client_error("list_executions", "StateMachineDoesNotExist", "gone")
    jobs(sagemaker)
    assert function.call("Delete", PROPERTIES) == DONE
