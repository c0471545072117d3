"""The batch product's clean-up of the job that runs and its model."""

from collections.abc import Iterator

import pytest
from botocore.stub import Stubber

from tests.seed_code.clean_up import DONE, Answer, CleanUp, loaded

RUN, OTHER = "sagemaker-p-1-batch-20261127030200-94fb261b", "x-sagemaker-p-1-batch-1"
ARN = "arn:aws:sagemaker:eu-west-1:111122223333:transform-job/x"
PROPERTIES = {"Bucket": "sagemaker-p-1-batch", "Runs": "sagemaker-p-1-batch-", "Artifacts": "Retain"}


@pytest.fixture(scope="module")
def function() -> Iterator[CleanUp]:
    """The function, loaded once; making its clients is slow."""
    with loaded("batch-inference") as function:
        yield function


@pytest.fixture
def sagemaker(function: CleanUp) -> Iterator[Stubber]:
    """SageMaker's answers, all of which are asked for."""
    with Stubber(function.module.sagemaker) as sagemaker:
        yield sagemaker
        sagemaker.assert_no_pending_responses()


def jobs(sagemaker: Stubber, state: str, *names: str) -> None:
    found = [
        {"TransformJobName": name, "TransformJobArn": ARN, "CreationTime": 0, "TransformJobStatus": state}
        for name in names
    ]
    asked = {"NameContains": PROPERTIES["Runs"], "StatusEquals": state}
    sagemaker.add_response("list_transform_jobs", {"TransformJobSummaries": found}, asked)


def models(sagemaker: Stubber, *names: str) -> None:
    found = [
        {"ModelName": name, "ModelArn": ARN.replace("transform-job", "model"), "CreationTime": 0} for name in names
    ]
    sagemaker.add_response("list_models", {"Models": found}, {"NameContains": PROPERTIES["Runs"]})


def test_a_running_job_is_stopped_and_waited_for_and_its_model_goes(function: CleanUp, sagemaker: Stubber) -> None:
    jobs(sagemaker, "InProgress", RUN, OTHER)
    jobs(sagemaker, "Stopping")
    jobs(sagemaker, "InProgress", RUN)
    sagemaker.add_response("stop_transform_job", {}, {"TransformJobName": RUN})
    jobs(sagemaker, "InProgress")
    jobs(sagemaker, "Stopping", RUN)
    jobs(sagemaker, "InProgress")
    jobs(sagemaker, "InProgress", OTHER)
    jobs(sagemaker, "Stopping")
    models(sagemaker, RUN, OTHER)
    sagemaker.add_response("delete_model", {}, {"ModelName": RUN})
    assert function.call("Delete", PROPERTIES) == DONE


def test_a_job_that_does_not_stop_in_time_says_what_to_do(function: CleanUp, sagemaker: Stubber) -> None:
    jobs(sagemaker, "InProgress")
    jobs(sagemaker, "Stopping", RUN)
    jobs(sagemaker, "InProgress")
    assert function.call("Delete", PROPERTIES, lambda: 5) == Answer(
        "FAILED", DONE.physical_id, f"TimeoutError: job {RUN} has not stopped yet; delete the project once more"
    )
