"""What is removed when a project of model-deploy is deleted: the endpoints' stacks and the bucket."""

import time
from collections.abc import Callable
from typing import Any

import boto3
import cfnresponse

cloudformation, s3 = boto3.client("cloudformation"), boto3.client("s3")
asked: set[str] = set()


def handler(event: dict[str, Any], context: Any) -> None:
    """Answer CloudFormation, whatever happens."""
    answer, reason = cfnresponse.SUCCESS, ""
    asked.clear()
    try:
        # Create and Update have nothing to do; what is deleted, and whether, is decided when the project goes.
        if event["RequestType"] == "Delete":
            clean_up(event["ResourceProperties"], lambda: context.get_remaining_time_in_millis() > 40_000)
    except Exception as error:  # an answer in any case: without one CloudFormation waits for an hour
        answer, reason = cfnresponse.FAILED, f"{type(error).__name__}: {error}"
        print(reason)
    # Always the same id: with another one CloudFormation would delete "the old resource" after an update.
    cfnresponse.send(event, context, answer, {}, "clean-up", reason=reason or None)


def clean_up(wanted: dict[str, Any], has_time: Callable[[], bool]) -> None:
    """Delete the stages' stacks and the bucket, as far as the project wants it."""
    if wanted["Endpoints"] == "Delete":
        gone = set_gone if wanted["Target"] == "STACKSET" else stack_gone
        # A list, so that all stages are deleted side by side.
        while not all([gone(stage["Name"], stage["RoleArn"]) for stage in wanted["Stages"]]):  # noqa: C419 - see above
            require(has_time(), "the endpoint stacks are still being deleted; delete the project once more")
            time.sleep(10)
    if wanted["Artifacts"] == "Delete":
        delete_bucket(wanted["Bucket"], has_time)


def require(condition: bool, message: str) -> None:
    """Fail with a message unless something holds."""
    if not condition:
        raise RuntimeError(message)


def stack_gone(name: str, role_arn: str) -> bool:
    """Delete a stack as its stage's role; whether it is gone."""
    try:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except cloudformation.exceptions.ClientError as error:
        if "does not exist" in str(error):
            return True
        raise
    status = stack["StackStatus"]
    failed = status == "DELETE_FAILED" and name in asked
    require(not failed, f"stack {name} cannot be deleted: {stack.get('StackStatusReason')}")
    if status == "REVIEW_IN_PROGRESS" or not status.endswith("_IN_PROGRESS"):
        cloudformation.delete_stack(StackName=name, RoleARN=role_arn)
        asked.add(name)
    return False


def set_gone(name: str, _role_arn: str) -> bool:
    """Delete the instances of a stack set, then the set; whether it is gone."""
    try:
        cloudformation.describe_stack_set(StackSetName=name)
        pages = cloudformation.get_paginator("list_stack_instances").paginate(StackSetName=name)
        found = [one for page in pages for one in page["Summaries"]]
        if found:
            cloudformation.delete_stack_instances(
                StackSetName=name,
                Accounts=sorted({one["Account"] for one in found}),
                Regions=sorted({one["Region"] for one in found}),
                OperationPreferences={"MaxConcurrentPercentage": 100},
                RetainStacks=False,
            )
        else:
            cloudformation.delete_stack_set(StackSetName=name)
    except cloudformation.exceptions.StackSetNotFoundException:
        return True
    except cloudformation.exceptions.OperationInProgressException:
        pass
    return False


def delete_bucket(name: str, has_time: Callable[[], bool]) -> None:
    """Empty a bucket of all versions, and delete it."""
    try:
        # The first page each time, until it is empty: going on behind a version that is gone may pass others over.
        while keys := first_versions(name):
            errors = s3.delete_objects(Bucket=name, Delete={"Objects": keys, "Quiet": True}).get("Errors", [])
            # CloudFormation takes an answer of 4 KB, and a thousand objects may fail for the same reason.
            require(not errors, f"objects cannot be deleted: {errors[:3]}")
            require(has_time(), "the bucket is not empty yet; delete the project once more")
        s3.delete_bucket(Bucket=name)
    except s3.exceptions.NoSuchBucket:
        pass


def first_versions(name: str) -> list[Any]:
    """List the versions and delete markers of a bucket's first page."""
    page = s3.list_object_versions(Bucket=name)
    found: list[Any] = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
    return [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
