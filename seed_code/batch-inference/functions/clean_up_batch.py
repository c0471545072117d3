"""What is removed when a project of batch-inference is deleted: the job that runs, its model and the bucket."""

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
            end_runs(wanted["Runs"], context)
            if wanted["Artifacts"] == "Delete":
                delete_bucket(wanted["Bucket"], context)
    except Exception as error:  # an answer in any case: without one CloudFormation waits for the timeout
        answer, reason = cfnresponse.FAILED, f"{type(error).__name__}: {error}"
        print(reason)
    # One id for ever: another would make CloudFormation delete "the former resource" after an update.
    cfnresponse.send(event, context, answer, {}, "clean-up", reason=reason or None)


def end_runs(prefix: str, context: Any) -> None:
    """Stop the jobs whose names begin so, wait for their end, and delete their models."""
    while running := jobs(prefix, "InProgress") + jobs(prefix, "Stopping"):
        for name in jobs(prefix, "InProgress"):
            sagemaker.stop_transform_job(TransformJobName=name)
        if context.get_remaining_time_in_millis() < 60_000:
            raise TimeoutError(f"job {running[0]} has not stopped yet; delete the project once more")
        time.sleep(10)
    pages = sagemaker.get_paginator("list_models").paginate(NameContains=prefix)
    for name in [model["ModelName"] for page in pages for model in page["Models"]]:
        if name.startswith(prefix):
            sagemaker.delete_model(ModelName=name)


def jobs(prefix: str, state: Any) -> list[str]:
    """List the jobs in a state whose names begin so."""
    pages = sagemaker.get_paginator("list_transform_jobs").paginate(NameContains=prefix, StatusEquals=state)
    names = [job["TransformJobName"] for page in pages for job in page["TransformJobSummaries"]]
    return [name for name in names if name.startswith(prefix)]


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
