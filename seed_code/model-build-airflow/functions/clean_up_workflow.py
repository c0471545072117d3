"""What is removed when a project of model-build-airflow is deleted: its workflow, or its DAG, and its bucket."""

from typing import Any

import boto3
from clean_up import answer, delete_bucket, s3, wait

sagemaker = boto3.client("sagemaker")


def handler(event: dict[str, Any], context: Any) -> None:
    """Answer CloudFormation, whatever happens."""
    answer(event, context, lambda wanted: clean_up(wanted, context))


def clean_up(wanted: dict[str, Any], context: Any) -> None:
    """Remove what trains, and the bucket, if the project wants that."""
    if wanted["DagBucket"]:
        delete_dag(wanted["DagBucket"], f"dags/{wanted['Prefix']}")
    else:
        delete_workflow(f"{wanted['Prefix']}-train")
    stop_jobs(f"{wanted['Prefix']}-", context)
    if wanted["Artifacts"] == "Delete":
        delete_bucket(wanted["Bucket"], context)


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
    """Stop the jobs that still run, and wait for their end: stopped jobs still write what they have into the bucket."""
    while jobs := [*unfinished(prefix, "InProgress"), *unfinished(prefix, "Stopping")]:
        for job in jobs:
            if job.get("TrainingJobStatus") == "InProgress":
                sagemaker.stop_training_job(TrainingJobName=job["TrainingJobName"])
            if job.get("ProcessingJobStatus") == "InProgress":
                sagemaker.stop_processing_job(ProcessingJobName=job["ProcessingJobName"])
        wait(context, f"{len(jobs)} jobs have not stopped yet")


def unfinished(prefix: str, status: str) -> list[Any]:
    """List the jobs in a state whose names hold a prefix that no other project's do."""
    asked: Any = {"NameContains": prefix, "StatusEquals": status}
    return [
        *sagemaker.list_training_jobs(**asked)["TrainingJobSummaries"],
        *sagemaker.list_processing_jobs(**asked)["ProcessingJobSummaries"],
    ]
