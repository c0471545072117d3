"""AWS S3: a bucket's policy decides by the statements that hold always; moto reads a condition as met.

The conditions that policies of buckets carry are about what does not exist here: everything on this machine is plain
HTTP. So a statement with a condition neither allows nor refuses.
"""

import json

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket, FakeDeleteMarker

from sandbox.emulator.core.extension import replaces


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
