"""What is removed when a project of model-build-train is deleted: its pipeline and its bucket."""

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
        if event["RequestType"] == "Delete" and wanted["Artifacts"] == "Delete":
            delete_pipeline(wanted["Pipeline"], context)
            delete_bucket(wanted["Bucket"], context)
    except Exception as error:  # an answer in any case: without one CloudFormation waits for the timeout
        answer, reason = cfnresponse.FAILED, f"{type(error).__name__}: {error}"
        print(reason)
    # One id for ever: another would make CloudFormation delete "the former resource" after an update.
    cfnresponse.send(event, context, answer, {}, "clean-up", reason=reason or None)


def wait(context: Any, what: str) -> None:
    """Wait a little, as long as there is time."""
    if context.get_remaining_time_in_millis() < 60_000:
        raise TimeoutError(f"{what}; delete the project once more")
    time.sleep(10)


def delete_pipeline(name: str, context: Any) -> None:
    """Stop what runs, then delete the pipeline, if there is one."""
    try:
        # A pipeline that runs cannot be deleted, and its jobs would write into the bucket.
        while running := unfinished(name):
            for execution in running:
                if execution["PipelineExecutionStatus"] == "Executing":
                    sagemaker.stop_pipeline_execution(PipelineExecutionArn=execution["PipelineExecutionArn"])  # type: ignore[call-arg] # botocore makes the token
            wait(context, f"an execution of {name} has not stopped yet")
        sagemaker.delete_pipeline(PipelineName=name)  # type: ignore[call-arg] # likewise
    except sagemaker.exceptions.ClientError as error:
        # No build has made it, or an earlier clean-up removed it.
        if not any(words in str(error) for words in ("ResourceNotFound", "does not exist", "Could not find")):
            raise


def unfinished(name: str) -> list[Any]:
    """List the executions of a pipeline that still run."""
    pages = sagemaker.get_paginator("list_pipeline_executions").paginate(PipelineName=name)
    found = (one for page in pages for one in page["PipelineExecutionSummaries"])
    return [one for one in found if one["PipelineExecutionStatus"] in ("Executing", "Stopping")]


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
