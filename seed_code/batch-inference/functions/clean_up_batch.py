"""What is removed when a project of batch-inference is deleted: the job that runs, its model and the bucket."""

from typing import Any

import boto3
from clean_up import answer, delete_bucket, wait

sagemaker = boto3.client("sagemaker")


def handler(event: dict[str, Any], context: Any) -> None:
    """Answer CloudFormation, whatever happens."""
    answer(event, context, lambda wanted: clean_up(wanted, context))


def clean_up(wanted: dict[str, Any], context: Any) -> None:
    """End what runs, and remove the bucket, if the project wants that."""
    end_runs(wanted["Runs"], context)
    if wanted["Artifacts"] == "Delete":
        delete_bucket(wanted["Bucket"], context)


def end_runs(prefix: str, context: Any) -> None:
    """Stop the jobs whose names begin so, wait for their end, and delete their models."""
    while running := jobs(prefix, "InProgress") + jobs(prefix, "Stopping"):
        for name in jobs(prefix, "InProgress"):
            sagemaker.stop_transform_job(TransformJobName=name)
        wait(context, f"job {running[0]} has not stopped yet")
    pages = sagemaker.get_paginator("list_models").paginate(NameContains=prefix)
    for name in [model["ModelName"] for page in pages for model in page["Models"]]:
        if name.startswith(prefix):
            sagemaker.delete_model(ModelName=name)


def jobs(prefix: str, state: Any) -> list[str]:
    """List the jobs in a state whose names begin so."""
    pages = sagemaker.get_paginator("list_transform_jobs").paginate(NameContains=prefix, StatusEquals=state)
    names = [job["TransformJobName"] for page in pages for job in page["TransformJobSummaries"]]
    return [name for name in names if name.startswith(prefix)]
