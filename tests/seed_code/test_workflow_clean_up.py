"""The Airflow product's clean-up of its workflow, its DAG and the jobs that run."""

from collections.abc import Iterator

import boto3
import pytest
from botocore.stub import Stubber

from tests.seed_code.clean_up import DONE, REGION, CleanUp, loaded

PROPERTIES = {"Bucket": "b", "Prefix": "sagemaker-p-1", "DagBucket": "", "Artifacts": "Retain"}
ARN = "arn:aws:airflow-serverless:eu-west-1:111122223333:workflow/sagemaker-p-1-train-0123456789"
JOB = "sagemaker-p-1-train-20261127T203155"


@pytest.fixture(scope="module")
def function() -> Iterator[CleanUp]:
    """The function, loaded once; making its clients is slow."""
    with loaded("model-build-airflow") as function:
        yield function


@pytest.fixture
def sagemaker(function: CleanUp) -> Iterator[Stubber]:
    """SageMaker's answers, all of which are asked for."""
    with Stubber(function.module.sagemaker) as sagemaker:
        yield sagemaker
        sagemaker.assert_no_pending_responses()


@pytest.fixture
def airflow(function: CleanUp, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """Answers of MWAA Serverless, all of which are asked for."""
    client = boto3.client("mwaa-serverless", REGION, aws_access_key_id="x", aws_secret_access_key="x")  # noqa: S106
    monkeypatch.setattr(function.module.boto3, "client", lambda _: client)
    with Stubber(client) as airflow:
        yield airflow
        airflow.assert_no_pending_responses()


def jobs(sagemaker: Stubber, status: str = "", *names: str) -> None:
    """What SageMaker answers for a look at the jobs that have not ended: trainings of these names in a state."""
    arn = "arn:aws:sagemaker:eu-west-1:111122223333:training-job/x"
    for state in ("InProgress", "Stopping"):
        told = {"TrainingJobArn": arn, "CreationTime": 0, "TrainingJobStatus": state}
        found = [{"TrainingJobName": name, **told} for name in names if state == status]
        asked = {"NameContains": "sagemaker-p-1-", "StatusEquals": state}
        sagemaker.add_response("list_training_jobs", {"TrainingJobSummaries": found}, asked)
        sagemaker.add_response("list_processing_jobs", {"ProcessingJobSummaries": []}, asked)


def test_the_projects_workflow_goes_and_no_other_then_its_jobs_end(
    function: CleanUp, sagemaker: Stubber, airflow: Stubber
) -> None:
    found = [{"Name": "sagemaker-p-2-train", "WorkflowArn": ARN.replace("p-1", "p-2")}]
    found.append({"Name": "sagemaker-p-1-train", "WorkflowArn": ARN})
    airflow.add_response("list_workflows", {"Workflows": found}, {})
    airflow.add_response("delete_workflow", {"WorkflowArn": ARN}, {"WorkflowArn": ARN})
    jobs(sagemaker, "InProgress", JOB)
    sagemaker.add_response("stop_training_job", {}, {"TrainingJobName": JOB})
    # A job that stops uploads what it has: the bucket is not empty before it has ended.
    jobs(sagemaker, "Stopping", JOB)
    jobs(sagemaker)
    assert function.call("Delete", PROPERTIES) == DONE


def test_without_a_workflow_there_is_nothing_to_delete(function: CleanUp, sagemaker: Stubber, airflow: Stubber) -> None:
    airflow.add_response("list_workflows", {"Workflows": []}, {})
    jobs(sagemaker)
    assert function.call("Delete", PROPERTIES) == DONE


def test_the_dag_leaves_the_environments_bucket(function: CleanUp, sagemaker: Stubber) -> None:
    jobs(sagemaker)
    with Stubber(function.module.s3) as s3:
        for name in ("py", "json"):
            key = f"dags/sagemaker-p-1/training.{name}"
            s3.add_response("delete_object", {}, {"Bucket": "sagemaker-airflow", "Key": key})
        assert function.call("Delete", {**PROPERTIES, "DagBucket": "sagemaker-airflow"}) == DONE
        s3.assert_no_pending_responses()
