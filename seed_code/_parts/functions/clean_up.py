"""What functions share that clean up when a project is deleted; it takes the place of the line that imports it."""

import time
from collections.abc import Callable
from typing import Any

import boto3
import cfnresponse

s3 = boto3.client("s3")


def answer(event: dict[str, Any], context: Any, clean_up: Callable[[dict[str, Any]], None]) -> None:
    """Clean up when the project goes, and answer CloudFormation, whatever happens."""
    told, reason = cfnresponse.SUCCESS, ""
    try:
        # Create and Update have nothing to do: what is removed is decided by the properties when the project goes.
        if event["RequestType"] == "Delete":
            clean_up(event["ResourceProperties"])
    except Exception as error:  # an answer in any case: without one CloudFormation waits for the timeout
        told, reason = cfnresponse.FAILED, f"{type(error).__name__}: {error}"
        print(reason)
    # One id for ever: another would make CloudFormation delete "the former resource" after an update.
    cfnresponse.send(event, context, told, {}, "clean-up", reason=reason or None)


def require_time(context: Any, what: str) -> None:
    """Fail where there is no time for another round; what is not done yet is done by another deletion."""
    if context.get_remaining_time_in_millis() < 60_000:
        raise TimeoutError(f"{what}; delete the project once more")


def wait(context: Any, what: str) -> None:
    """Wait a little, as long as there is time."""
    require_time(context, what)
    time.sleep(10)


def delete_bucket(name: str, context: Any) -> None:
    """Empty a bucket of all versions, and delete it."""
    try:
        # The first page each time, until it is empty: going on behind a version that is gone may pass others over.
        while keys := first_versions(name):
            # CloudFormation takes an answer of 4 KB, and a thousand objects may fail for the same reason.
            if errors := s3.delete_objects(Bucket=name, Delete={"Objects": keys, "Quiet": True}).get("Errors"):
                raise RuntimeError(f"objects cannot be deleted: {errors[:3]}")
            require_time(context, "the bucket is not empty yet")
        s3.delete_bucket(Bucket=name)
    except s3.exceptions.NoSuchBucket:
        pass


def first_versions(name: str) -> list[Any]:
    """List the versions and delete markers of a bucket's first page."""
    page = s3.list_object_versions(Bucket=name)
    found: list[Any] = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
    return [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
