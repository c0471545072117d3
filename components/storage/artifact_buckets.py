"""Artifact buckets, one per region.

CodePipeline reads and writes the artifacts of an action in the action's own region, so every region in which a
pipeline acts gets a bucket and a key of the same shape. Nothing is shared between regions: adding or removing one
touches no resource of another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from awsmodel.arns import ArnScope
from awsmodel.regions import Region, known_regions
from components.core.environment import Environment
from components.foundation.customer_key import customer_key
from components.foundation.private_bucket import private_bucket
from components.iam import policies
from components.sections.artifacts import ArtifactsSpec


@dataclass(frozen=True, kw_only=True)
class ArtifactBucketsArgs:
    """What `ArtifactBuckets` is made from."""

    environment: Environment
    """The environment. Where it does not retain its buckets, deleting one deletes what is in it."""
    spec: ArtifactsSpec
    """Regions, names and retention of the buckets."""


@dataclass(frozen=True)
class ArtifactStore:
    """What a pipeline needs to know of the bucket of one region."""

    bucket: pulumi.Output[str]
    """Name of the bucket."""
    bucket_arn: pulumi.Output[str]
    """ARN of the bucket."""
    key_arn: pulumi.Output[str]
    """ARN of the key that encrypts the artifacts."""


class ArtifactBuckets(pulumi.ComponentResource):
    """Encrypted, versioned, private buckets for pipeline artifacts."""

    stores: Mapping[str, ArtifactStore]
    """The store of each region, by region."""

    def __init__(self, name: str, args: ArtifactBucketsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:storage:ArtifactBuckets", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.stores = {
            region: ArtifactBucket(f"{name}-{region}", args, known_regions()[region], child).store
            for region in args.spec.regions
        }
        self.register_outputs({"regions": list(args.spec.regions)})

    @property
    def summary(self) -> Mapping[str, Mapping[str, pulumi.Output[str]]]:
        """The stores as plain data, by region, for the stack's outputs."""
        return {region: {"bucket": store.bucket, "keyArn": store.key_arn} for region, store in self.stores.items()}


class ArtifactBucket(pulumi.ComponentResource):
    """The bucket of one region, its key, and all that is set on them."""

    store: ArtifactStore
    """What a pipeline needs to know of it."""

    def __init__(
        self, name: str, args: ArtifactBucketsArgs, region: Region, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("mlops:storage:ArtifactBucket", name, None, opts)
        environment = args.environment

        def named(account_id: str) -> str:
            return environment.names.artifact_bucket(args.spec.naming, account_id, region.name).value

        bucket_name = environment.account_id.apply(named)
        key = customer_key(
            name,
            environment,
            parent=self,
            region=region,
            purpose="artifacts",
            policy=environment.account_id.apply(
                lambda account_id: _key_policy(region, account_id, named(account_id), args.spec.reader_account_ids)
            ),
        )
        private = private_bucket(
            name,
            environment,
            parent=self,
            region=region,
            bucket_name=bucket_name,
            naming=args.spec.naming,
            key_arn=key.arn,
            policy=pulumi.Output.all(bucket_name, key.arn).apply(
                lambda known: _bucket_policy(region, known[0], known[1], args.spec.reader_account_ids)
            ),
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            region=region.name,
            bucket=private.bucket.bucket,
            rules=_lifecycle(args),
            # Rules for noncurrent versions need versioning to be on already.
            opts=environment.kept_with(self, [private.versioning]),
        )
        self.store = ArtifactStore(private.bucket.bucket, private.bucket.arn, key.arn)
        self.register_outputs({"bucket": self.store.bucket, "keyArn": self.store.key_arn})


def _key_policy(region: Region, account_id: str, bucket: str, reader_account_ids: Sequence[str]) -> str:
    bucket_arn = ArnScope.of(region).bucket(bucket)
    readers = (
        policies.key_use_through_s3(
            region, reader, bucket_arn, sid=f"Reader{reader}ReadsArtifacts", actions=policies.KEY_READ
        )
        for reader in reader_account_ids
    )
    return policies.document(
        [
            policies.key_administration(region, account_id),
            policies.key_use_through_s3(
                region, account_id, bucket_arn, sid="AccountUsesKeyForArtifacts", actions=policies.KEY_USE
            ),
            *readers,
        ]
    )


def _bucket_policy(region: Region, bucket: str, key_arn: str, reader_account_ids: Sequence[str]) -> str:
    bucket_arn = ArnScope.of(region).bucket(bucket)
    return policies.document(
        [
            *policies.bucket_refuses_plain_transport(bucket_arn),
            *policies.bucket_refuses_other_encryption(bucket_arn, key_arn),
            *policies.bucket_readers(region, bucket_arn, reader_account_ids),
        ]
    )


def _lifecycle(args: ArtifactBucketsArgs) -> list[aws.s3.BucketLifecycleConfigurationRuleArgsDict]:
    return [
        {
            "id": "expire-artifacts",
            "status": "Enabled",
            "filter": {},
            "expiration": {"days": args.spec.artifact_days},
            "noncurrent_version_expiration": {"noncurrent_days": args.spec.noncurrent_version_days},
            "abort_incomplete_multipart_upload": {"days_after_initiation": args.spec.incomplete_upload_days},
        },
        {
            # A rule of its own: S3 refuses this beside an expiration in days.
            "id": "drop-lone-delete-markers",
            "status": "Enabled",
            "filter": {},
            "expiration": {"expired_object_delete_marker": True},
        },
    ]
