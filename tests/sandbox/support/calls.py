"""What the stand-in calls, held against the rows of the contract."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.client import BaseClient

from tests.contract.rows import Operation, rows

_ACTIONS: Mapping[str, str] = {
    "s3:DeleteBucketCors": "s3:PutBucketCORS",
    "s3:DeleteBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:DeleteBucketLifecycle": "s3:PutLifecycleConfiguration",
    "s3:DeleteBucketOwnershipControls": "s3:PutBucketOwnershipControls",
    "s3:DeleteBucketTagging": "s3:PutBucketTagging",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:GetBucketCors": "s3:GetBucketCORS",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:PutBucketCors": "s3:PutBucketCORS",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
}
"""Actions that are not named like the operation that needs them."""

_OF_BUDGETS = ("budgets:ViewBudget", "budgets:ModifyBudget")

NOT_CALLED: Mapping[str, Mapping[str, str]] = {
    "aws:iam/role:Role": {"iam:ListRolePolicies": "the inline policies are other resources', which read them"},
    "aws:s3/bucket:Bucket": {
        **dict.fromkeys(
            [f"s3:GetBucket{one}" for one in ("Acl", "Logging", "ObjectLockConfiguration", "RequestPayment", "Website")]
            + ["s3:GetAccelerateConfiguration", "s3:GetReplicationConfiguration"],
            "no bucket of the platform has it",
        ),
        "s3:ListTagsForResource": "S3 Control is not emulated: tags go the way that the plugin goes where it is denied",
    },
}
"""Calls that the stand-in does not make, and why."""

ALSO_CALLED: Mapping[str, Mapping[str, str]] = {
    "aws:codeconnections/connection:Connection": dict.fromkeys(
        ("codeconnections:GetConnection", "codeconnections:ListTagsForResource"), "each change ends with a whole read"
    ),
}
"""Calls that only the stand-in makes, and why."""


class Calls:
    """Remembers what the clients of this process call."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._made: set[str] = set()
        call = BaseClient._make_api_call

        def remembered(client: BaseClient, operation: str, parameters: Mapping[str, Any]) -> Any:
            self._made.add(_action(client.meta.service_model.service_name, operation))
            return call(client, operation, parameters)

        monkeypatch.setattr(BaseClient, "_make_api_call", remembered)

    @contextmanager
    def of(self, kind: str, operation: Operation) -> Iterator[None]:
        """Hold what is called meanwhile against a row: all that it always calls, and nothing else than it may call."""
        self._made.clear()
        yield
        calls = rows()[kind].calls(operation)
        missing = {call.action for call in calls if call.always} - self._made - NOT_CALLED.get(kind, {}).keys()
        more = self._made - {call.action for call in calls} - ALSO_CALLED.get(kind, {}).keys()
        assert (sorted(missing), sorted(more)) == ([], []), f"missing and unknown calls of the {operation} of {kind}"


def _action(service: str, operation: str) -> str:
    if service == "budgets" and "Tag" not in operation:
        # Budgets has two rights for all its operations but those of tags.
        return _OF_BUDGETS[not operation.startswith("Describe")]
    return _ACTIONS.get(f"{service}:{operation}", f"{service}:{operation}")
