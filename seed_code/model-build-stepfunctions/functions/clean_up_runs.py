"""What ends and goes when a project of model-build-stepfunctions is deleted: its runs, their jobs, and its bucket."""

import time
from typing import Any

import boto3
import cfnresponse

s3, sagemaker, states = boto3.client("s3"), boto3.client("sagemaker"), boto3.client("stepfunctions")


def handler(event: dict[str, Any], context: Any) -> None:
    """Answer CloudFormation, whatever happens."""
    answer, reason = cfnresponse.SUCCESS, ""
    try:
        # Create and Update have nothing to do: what is removed is decided by the properties when the project goes.
        wanted = event["ResourceProperties"]
        if event["RequestType"] == "Delete" and wanted["Artifacts"] == "Delete":
            end_runs(wanted["StateMachine"], wanted["Project"], context)
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


def end_runs(machine: str, project: str, context: Any) -> None:
    """Stop what runs, and wait until no job of it writes any more: stopped jobs still upload what they have."""
    try:
        pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine, statusFilter="RUNNING")
        for run in [one for page in pages for one in page["executions"]]:
            states.stop_execution(executionArn=run["executionArn"], cause="The project is deleted")
    except states.exceptions.StateMachineDoesNotExist:
        pass  # somebody has deleted it, and its runs with it
    while jobs := unfinished(project):
        wait(context, f"{len(jobs)} jobs of the project have not stopped yet")


def unfinished(project: str) -> list[Any]:
    """List the jobs of a project that have not ended."""
    found: list[Any] = []
    for status in ("InProgress", "Stopping"):
        asked: Any = {"NameContains": f"{project}-", "StatusEquals": status}
        found += sagemaker.list_processing_jobs(**asked)["ProcessingJobSummaries"]
        found += sagemaker.list_training_jobs(**asked)["TrainingJobSummaries"]
    return found


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
