"""A bucket that nobody outside the account reaches and that keeps what is overwritten."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from awsmodel.regions import Region
from components.core.environment import Environment
from components.core.naming import BucketNaming

SET_BESIDE = ("cors_rules", "lifecycle_rules", "policy", "server_side_encryption_configuration", "versioning")
"""What resources of their own set on a bucket.

A refresh reads it into the bucket's state, too, where each preview would then show it as something to take away.
"""


@dataclass(frozen=True)
class PrivateBucket:
    """A bucket, and what further settings of it must wait for."""

    bucket: aws.s3.Bucket
    versioning: aws.s3.BucketVersioning


def private_bucket(
    name: str,
    environment: Environment,
    *,
    parent: pulumi.Resource,
    region: Region,
    bucket_name: pulumi.Output[str],
    naming: BucketNaming,
    key_arn: pulumi.Output[str] | None,
    policy: pulumi.Output[str],
) -> PrivateBucket:
    """Register a bucket: encrypted, versioned, owned by the account, closed to the public.

    Args:
        name: start of the logical names.
        environment: the environment that the bucket belongs to. If it does not retain its buckets, deleting the
            bucket deletes what is in it.
        parent: the component that the bucket belongs to.
        region: region of the bucket and of all that is set on it.
        bucket_name: the whole name, as `naming` demands.
        naming: the namespace of the name.
        key_arn: a customer key of the region that encrypts the objects; without one S3 encrypts with its own.
        policy: the whole of the bucket's policy.
    """
    child = environment.kept_with(parent)
    bucket = aws.s3.Bucket(
        f"{name}-bucket",
        region=region.name,
        bucket=bucket_name,
        bucket_namespace=None if naming is BucketNaming.LEGACY else "account-regional",
        force_destroy=not environment.protection.retain,
        tags=environment.tags,
        opts=pulumi.ResourceOptions.merge(
            environment.guarded(parent), pulumi.ResourceOptions(ignore_changes=list(SET_BESIDE))
        ),
    )
    aws.s3.BucketServerSideEncryptionConfiguration(
        f"{name}-encryption",
        region=region.name,
        bucket=bucket.bucket,
        rules=[
            {
                "apply_server_side_encryption_by_default": {
                    "sse_algorithm": "AES256" if key_arn is None else "aws:kms",
                    "kms_master_key_id": key_arn,
                },
                "bucket_key_enabled": key_arn is not None,
            }
        ],
        opts=child,
    )
    aws.s3.BucketOwnershipControls(
        f"{name}-ownership",
        region=region.name,
        bucket=bucket.bucket,
        rule={"object_ownership": "BucketOwnerEnforced"},
        opts=child,
    )
    public_access = aws.s3.BucketPublicAccessBlock(
        f"{name}-public-access",
        region=region.name,
        bucket=bucket.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=child,
    )
    aws.s3.BucketPolicy(
        f"{name}-policy",
        region=region.name,
        bucket=bucket.bucket,
        policy=policy,
        # S3 answers 409 when a bucket's policy and its public access block change at the same time.
        opts=environment.kept_with(parent, [public_access]),
    )
    versioning = aws.s3.BucketVersioning(
        f"{name}-versioning",
        region=region.name,
        bucket=bucket.bucket,
        versioning_configuration={"status": "Enabled"},
        opts=child,
    )
    return PrivateBucket(bucket, versioning)
