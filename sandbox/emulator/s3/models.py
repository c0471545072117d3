"""AWS S3: names of buckets are as S3 takes them, and policies decide by the statements that hold always.

moto takes any name that is not too long, and reads a condition as met.
The conditions that policies of buckets carry are about what does not exist here: everything on this machine is plain
HTTP. So a statement with a condition neither allows nor refuses.
"""

import json

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.exceptions import InvalidBucketName
from moto.s3.models import FakeBucket, FakeDeleteMarker, S3Backend

from awsmodel.cloudformation.name_limits import name_rules
from sandbox.emulator.core.extension import replaces

_create_bucket = S3Backend.create_bucket


@replaces(S3Backend)
def create_bucket(
    self: S3Backend, bucket_name: str, region_name: str, bucket_namespace: str | None = None
) -> FakeBucket:
    """Make a bucket with a name that S3 takes."""
    if name_rules("AWS::S3::Bucket")["BucketName"].wrong_form(bucket_name):
        raise InvalidBucketName
    return _create_bucket(self, bucket_name, region_name, bucket_namespace)


@replaces(FakeBucket)
def get_permission(self: FakeBucket, action: str, resource: str) -> PermissionResult:
    """Judge an action by the bucket's policy."""
    document = json.loads(self.policy or b'{"Statement": []}')
    statements = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
    unconditional = [statement for statement in statements if not statement.get("Condition")]
    if not unconditional:
        return PermissionResult.NEUTRAL
    policy = IAMPolicy(json.dumps({**document, "Statement": unconditional}))
    return policy.is_action_permitted(action, resource)


@replaces(FakeDeleteMarker)
def dispose(_: FakeDeleteMarker) -> None:
    """Forget a delete marker, which holds nothing; moto misses this where versioning is suspended by then."""
