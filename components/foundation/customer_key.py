"""A customer managed KMS key with the properties that every key of the platform has."""

import pulumi
import pulumi_aws as aws

from awsmodel.regions import Region
from components.core.environment import Environment


def customer_key(
    name: str,
    environment: Environment,
    *,
    parent: pulumi.Resource,
    region: Region,
    purpose: str,
    policy: pulumi.Output[str],
) -> aws.kms.Key:
    """Register a key that rotates every year, and its alias.

    Args:
        name: start of the logical names.
        environment: the environment that the key belongs to.
        parent: the component that the key belongs to.
        region: region of the key; what it encrypts is in the same one.
        purpose: what it encrypts, in one word; part of the alias.
        policy: the whole of the key's policy.
    """
    key = aws.kms.Key(
        f"{name}-key",
        region=region.name,
        description=f"{environment.names.prefix} {purpose}",
        policy=policy,
        enable_key_rotation=True,
        deletion_window_in_days=environment.protection.key_deletion_days,
        tags=environment.tags,
        opts=environment.guarded(parent),
    )
    aws.kms.Alias(
        f"{name}-key-alias",
        region=region.name,
        name=environment.names.key_alias(purpose).value,
        target_key_id=key.key_id,
        opts=environment.kept_with(parent),
    )
    return key
