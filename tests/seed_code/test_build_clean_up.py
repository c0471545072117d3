"""The build product's clean-up of the SageMaker pipeline."""

from collections.abc import Iterator

import pytest
from botocore.stub import Stubber

from tests.seed_code.clean_up import DONE, Answer, CleanUp, loaded

PIPELINE = "sagemaker-p-1-train"
ARN = "arn:aws:sagemaker:eu-west-1:111122223333:pipeline/sagemaker-p-1-train/execution/0123456789ab"
PROPERTIES = {"Bucket": "sagemaker-p-1-build", "Pipeline": PIPELINE, "Artifacts": "Delete"}


@pytest.fixture(scope="module")
def function() -> Iterator[CleanUp]:
    """The function, loaded once; making its clients is slow."""
    with loaded("model-build-train") as function:
        yield function


@pytest.fixture
def sagemaker(function: CleanUp) -> Iterator[Stubber]:
    """SageMaker's answers, all of which are asked for; the bucket is gone already."""
    with Stubber(function.module.sagemaker) as sagemaker, Stubber(function.module.s3) as s3:
        s3.add_client_error("list_object_versions", "NoSuchBucket")
        yield sagemaker
        sagemaker.assert_no_pending_responses()


def executions(sagemaker: Stubber, *states: str) -> None:
    found = [{"PipelineExecutionArn": ARN, "PipelineExecutionStatus": state} for state in states]
    sagemaker.add_response(
        "list_pipeline_executions", {"PipelineExecutionSummaries": found}, {"PipelineName": PIPELINE}
    )


def deletion(sagemaker: Stubber) -> None:
    sagemaker.add_response(
        "delete_pipeline", {"PipelineArn": ARN.partition("/execution")[0]}, {"PipelineName": PIPELINE}
    )


def test_a_running_training_is_stopped_and_waited_for(function: CleanUp, sagemaker: Stubber) -> None:
    executions(sagemaker, "Executing", "Succeeded")
    sagemaker.add_response("stop_pipeline_execution", {"PipelineExecutionArn": ARN})
    executions(sagemaker, "Stopping", "Succeeded")
    executions(sagemaker, "Stopped", "Succeeded")
    deletion(sagemaker)
    assert function.call("Delete", PROPERTIES) == DONE


def test_a_training_that_does_not_stop_in_time_says_what_to_do(function: CleanUp, sagemaker: Stubber) -> None:
    executions(sagemaker, "Stopping")
    assert function.call("Delete", PROPERTIES, lambda: 5) == Answer(
        "FAILED",
        DONE.physical_id,
        f"TimeoutError: an execution of {PIPELINE} has not stopped yet; delete the project once more",
    )


def test_a_pipeline_that_no_build_has_made_is_fine(function: CleanUp, sagemaker: Stubber) -> None:
    sagemaker.add_client_error("list_pipeline_executions", "ResourceNotFound", f"Pipeline {PIPELINE} does not exist")
    assert function.call("Delete", PROPERTIES) == DONE


def test_a_missing_permission_is_answered_not_swallowed(function: CleanUp, sagemaker: Stubber) -> None:
    sagemaker.add_client_error("list_pipeline_executions", "AccessDeniedException", "not authorized")
    answer = function.call("Delete", PROPERTIES)
    assert answer.status == "FAILED"
    assert "AccessDeniedException" in str(answer.reason)
