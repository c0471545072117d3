"""Where Service Catalog, Studio and CodeCommit find the products: a bucket in every region of the catalog.

S3's own key encrypts the objects: templates and seed code are no secret, the well-known launch roles of SageMaker
Projects may use no customer key, and a key would have to be shared with every account that the portfolio reaches.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from awsmodel.arns import ArnScope
from awsmodel.regions import Region
from components.catalog.publication import STUDIO_ORIGIN
from components.core.environment import Environment
from components.core.naming import BucketNaming
from components.foundation.private_bucket import private_bucket
from components.iam import policies
from components.sections.catalog import Share


@dataclass(frozen=True, kw_only=True)
class DistributionBucketArgs:
    """What `DistributionBucket` is made from."""

    environment: Environment
    """The environment."""
    region: Region
    """Region of the bucket."""
    shares: Sequence[Share] = ()
    """Recipients of the portfolio, whose roles read the objects."""
    studio: bool = False
    """Whether Studio lists the templates by itself, which its pages do from another origin."""


class DistributionBucket(pulumi.ComponentResource):
    """The products' files of one region."""

    bucket: pulumi.Output[str]
    """Name of the bucket, known before the bucket is made."""

    def __init__(self, name: str, args: DistributionBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:catalog:DistributionBucket", name, None, opts)
        environment, region = args.environment, args.region
        self.bucket = environment.account_id.apply(
            lambda account: environment.names.distribution_bucket(account, region.name).value
        )
        private = private_bucket(
            name,
            environment,
            parent=self,
            region=region,
            bucket_name=self.bucket,
            naming=BucketNaming.ACCOUNT_REGIONAL,
            key_arn=None,
            policy=self.bucket.apply(lambda bucket: _policy(region, ArnScope.of(region).bucket(bucket), args.shares)),
        )
        if args.studio:
            aws.s3.BucketCorsConfiguration(
                f"{name}-cors",
                region=region.name,
                bucket=private.bucket.bucket,
                cors_rules=[
                    {
                        "allowed_headers": ["*"],  # AWS documents no narrower set that Studio works with
                        "allowed_methods": ["GET", "HEAD"],
                        "allowed_origins": [STUDIO_ORIGIN],
                        "expose_headers": ["ETag"],
                        "max_age_seconds": 3600,
                    }
                ],
                opts=environment.kept_with(self),
            )
        self.register_outputs({"bucket": self.bucket})


def _policy(region: Region, bucket_arn: str, shares: Sequence[Share]) -> str:
    return policies.document(
        [
            *policies.bucket_refuses_plain_transport(bucket_arn),
            *(_reader(region, bucket_arn, share) for share in shares),
        ]
    )


def _reader(region: Region, bucket_arn: str, share: Share) -> policies.Statement:
    """Lets the roles of one recipient read, as far as their own policies do."""
    statement: policies.Statement = {
        "Sid": f"Reads{''.join(filter(str.isalnum, share.recipient))}",
        "Effect": "Allow",
        "Principal": "*",  # bounded by the condition: an organization has no principal of its own
        "Action": "s3:GetObject",
        "Resource": f"{bucket_arn}/products/*",
    }
    if share.organization is None:
        return {**statement, "Principal": policies.account_principal(region, share.recipient)}
    # S3 counts a policy for everybody as public, and refuses it, unless a fixed value such as this one bounds it. The
    # id of a unit is unique in its organization only.
    own = {"StringEquals": {"aws:PrincipalOrgID": share.organization}}
    if share.type == "ORGANIZATION":
        return {**statement, "Condition": own}
    # A unit lies below the organization's root, or below other units.
    root = f"{share.organization}/r-*"
    paths = [f"{root}/{share.recipient}/*", f"{root}/*/{share.recipient}/*"]
    return {**statement, "Condition": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": paths}, **own}}
