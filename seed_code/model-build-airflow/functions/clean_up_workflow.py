"""What is removed when a project of model-build-airflow is deleted: its workflow, or its DAG, and its bucket."""

import time
from typing import Any

import boto3
import cfnresponse

s3, sagemaker = boto3.client("s3"), boto3.client("sagemaker")


def handler(event: dict[str, Any], context: Any) -> None:
    """Answer CloudFormation, whatever happens."""
    answer, reason = cfnresponse.SUCCESS, ""
    try:
        # Create and Update have nothing to do: what is removed is decided by the properties when the project goes.
        wanted = event["ResourceProperties"]
        if event["RequestType"] == "Delete":
            if wanted["DagBucket"]:
                delete_dag(wanted["DagBucket"], f"dags/{wanted['Prefix']}")
            else:
                delete_workflow(f"{wanted['Prefix']}-train")
            stop_jobs(f"{wanted['Prefix']}-", context)
            if wanted["Artifacts"] == "Delete":
                delete_bucket(wanted["Bucket"], context)
    except Exception as error:  # an answer in any case: without one CloudFormation waits for the timeout
        answer, reason = cfnresponse.FAILED, f"{type(error).__name__}: {error}"
        print(reason)
    # One id for ever: another would make CloudFormation delete "the former resource" after an update.
    cfnresponse.send(event, context, answer, {}, "clean-up", reason=reason or None)


def delete_workflow(name: str) -> None:
    """Delete the workflow, if a build has made it; its role goes with the project, so none of its runs goes on."""
    airflow = boto3.client("mwaa-serverless")
    pages = airflow.get_paginator("list_workflows").paginate()
    for arn in [one["WorkflowArn"] for page in pages for one in page["Workflows"] if one["Name"] == name]:
        airflow.delete_workflow(WorkflowArn=arn)


def delete_dag(bucket: str, folder: str) -> None:
    """Take the DAG out of the environment's bucket, if that is still there."""
    try:
        for name in ("py", "json"):
            s3.delete_object(Bucket=bucket, Key=f"{folder}/training.{name}")
    except s3.exceptions.NoSuchBucket:
        pass


def stop_jobs(prefix: str, context: Any) -> None:
    """Stop the jobs that still run, which would write into the bucket, and wait for their end."""
    while True:
        trainings = sagemaker.list_training_jobs(NameContains=prefix, StatusEquals="InProgress")["TrainingJobSummaries"]
        for one in trainings:
            sagemaker.stop_training_job(TrainingJobName=one["TrainingJobName"])
        others = sagemaker.list_processing_jobs(NameContains=prefix, StatusEquals="InProgress")[
            "ProcessingJobSummaries"
        ]
        for other in others:
            sagemaker.stop_processing_job(ProcessingJobName=other["ProcessingJobName"])
        if not trainings and not others:
            return
        if context.get_remaining_time_in_millis() < 60_000:
            raise TimeoutError("jobs have not stopped yet; delete the project once more")
        time.sleep(10)


def delete_bucket(name: str, context: Any) -> None:
    """Empty a bucket of all versions, and delete it."""
    try:
        # The first page each time, until it is empty: going on behind a version that is gone may pass others over.
        while keys := first_versions(name):
            errors = s3.delete_objects(Bucket=name, Delete={"Objects": keys, "Quiet": True}).get("Errors")
            if errors:
                raise RuntimeError(f"objects cannot be deleted: {errors[:3]}")
            if context.get_remaining_time_in_millis() < 60_000:
                raise TimeoutError("the bucket is not empty yet; delete the project once more")
        s3.delete_bucket(Bucket=name)
    except s3.exceptions.NoSuchBucket:
        pass


def first_versions(name: str) -> list[Any]:
    """List the versions and delete markers of a bucket's first page."""
    page = s3.list_object_versions(Bucket=name)
    found: list[Any] = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
    return [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
