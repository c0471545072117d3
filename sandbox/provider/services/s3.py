"""Handlers of `aws:s3/*`: a bucket, and the configurations that hang on it."""
# ruff: noqa: ARG002 - the handlers share one signature

from collections.abc import Iterator
from typing import Any, ClassVar

from sandbox.provider.aws import Aws, Client
from sandbox.provider.resource import Change, Resource
from sandbox.provider.values import Names, Properties, Value, present, tag_list, tag_map

NAMES = Names(
    {
        "id": "ID",
        "kmsMasterKeyId": "KMSMasterKeyID",
        "sseAlgorithm": "SSEAlgorithm",
    }
)
DEFAULT_REGION = "us-east-1"
ENCRYPTION: Properties = {"rule": {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}}
"""What S3 gives a new bucket."""
DELETE_BATCH = 1000


class Bucket(Resource):
    """A bucket without its configurations: those have types of their own."""

    kind = "aws:s3/bucket:Bucket"
    awaits_end = True
    service = "s3"
    replaces = frozenset({"bucket", "bucketNamespace", "objectLockEnabled"})
    updates = frozenset({"forceDestroy", "tags"})
    computed = frozenset({"arn", "bucketDomainName", "bucketRegion", "bucketRegionalDomainName"})
    keeps = frozenset({"bucketNamespace", "objectLockEnabled"})
    brought: ClassVar = {
        "corsRules": [],
        "lifecycleRules": [],
        "policy": "",
        "serverSideEncryptionConfiguration": ENCRYPTION,
        "versioning": {"enabled": False, "mfaDelete": False},
    }
    unread = frozenset({"forceDestroy"})
    defaults: ClassVar = {"forceDestroy": False}
    name = "bucket"
    absent = frozenset({"404", "NoSuchBucket"})
    tagged = True

    def autoname(self, name: str, inputs: Properties) -> str:
        """Names of buckets are lower case."""
        return name.lower()

    def create(self, aws: Aws, inputs: Properties) -> str:
        """CreateBucket."""
        place = None if aws.region == DEFAULT_REGION else {"LocationConstraint": aws.region}
        aws.client("s3").create_bucket(
            Bucket=inputs["bucket"],
            **present(
                BucketNamespace=inputs.get("bucketNamespace"),
                CreateBucketConfiguration=place,
                ObjectLockEnabledForBucket=inputs.get("objectLockEnabled"),
            ),
        )
        return str(inputs["bucket"])

    def configure(self, aws: Aws, ident: str, change: Change) -> None:
        """Tag a new bucket: CreateBucket takes no tags here."""
        if not change.old and change["tags"]:
            self.retag(aws, ident, change["tags"], [])

    def retag(self, aws: Aws, ident: str, tags: dict[str, str], gone: list[str]) -> None:
        """PutBucketTagging, which replaces all tags; DeleteBucketTagging when none is left."""
        if tags:
            aws.client("s3").put_bucket_tagging(Bucket=ident, Tagging={"TagSet": tag_list(tags)})
        else:
            aws.client("s3").delete_bucket_tagging(Bucket=ident)

    def read(self, aws: Aws, ident: str) -> Properties:
        """Look at the bucket's head, place and tags, and at what resources of their own set on it."""
        s3 = aws.client("s3")
        region = s3.head_bucket(Bucket=ident)["BucketRegion"]
        suffix = aws.dns_suffix
        tags = _got(s3, "get_bucket_tagging", ident).get("TagSet", [])
        # No call tells the namespace; the name's end does, for AWS reserves it.
        regional = ident.endswith(f"-{aws.account}-{region}-an")
        return {
            "arn": f"arn:{aws.partition}:s3:::{ident}",
            "bucket": ident,
            "bucketDomainName": f"{ident}.s3.{suffix}",
            "bucketNamespace": "account-regional" if regional else "global",
            "bucketRegion": region,
            "bucketRegionalDomainName": f"{ident}.s3.{region}.{suffix}",
            "tagsAll": tag_map(tags),
            **_configurations(s3, ident),
        }

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """DeleteBucket, emptied before where the program said `forceDestroy`."""
        if state.get("forceDestroy"):
            _empty(aws, ident)
        aws.client("s3").delete_bucket(Bucket=ident)


class Configuration(Resource):
    """One of a bucket's configurations: put, got and deleted whole, under the bucket's name as its id."""

    service = "s3"
    delete_operation: ClassVar[str]
    replaces = frozenset({"bucket", "expectedBucketOwner"})

    def put(self, s3: Client, bucket: str, inputs: Properties) -> None:
        """Write the configuration."""
        raise NotImplementedError

    def create(self, aws: Aws, inputs: Properties) -> str:
        """Write the configuration for the first time."""
        self.put(aws.client("s3"), inputs["bucket"], inputs)
        return str(inputs["bucket"])

    def configure(self, aws: Aws, ident: str, change: Change) -> None:
        """Write the configuration again."""
        if change.old:
            self.put(aws.client("s3"), ident, dict(change.new))

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """Remove the configuration."""
        getattr(aws.client("s3"), self.delete_operation)(Bucket=ident)


class BucketVersioning(Configuration):
    """Versioning; deleting it suspends versioning, for it can't be taken from a bucket."""

    kind = "aws:s3/bucketVersioning:BucketVersioning"
    updates = frozenset({"versioningConfiguration"})
    server_side = frozenset({"mfaDelete"})
    absent = frozenset({"NoSuchBucket"})

    def put(self, s3: Client, bucket: str, inputs: Properties) -> None:
        """PutBucketVersioning."""
        wanted = NAMES.to_api(inputs["versioningConfiguration"])
        if wanted["Status"] != "Disabled":
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=wanted)

    def read(self, aws: Aws, ident: str) -> Properties:
        """GetBucketVersioning; a bucket that never had it says nothing."""
        found = aws.client("s3").get_bucket_versioning(Bucket=ident)
        wanted = {"status": found.get("Status", "Disabled"), "mfaDelete": found.get("MFADelete")}
        return {"bucket": ident, "versioningConfiguration": present(**wanted)}

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """Suspend versioning."""
        if state["versioningConfiguration"]["status"] == "Enabled":
            aws.client("s3").put_bucket_versioning(Bucket=ident, VersioningConfiguration={"Status": "Suspended"})


class BucketServerSideEncryptionConfiguration(Configuration):
    """Default encryption."""

    kind = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    updates = frozenset({"rules"})
    delete_operation = "delete_bucket_encryption"
    absent = frozenset({"NoSuchBucket", "ServerSideEncryptionConfigurationNotFoundError"})
    server_side = frozenset({"blockedEncryptionTypes"})

    def put(self, s3: Client, bucket: str, inputs: Properties) -> None:
        """PutBucketEncryption."""
        rules = NAMES.to_api(inputs["rules"])
        s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})

    def read(self, aws: Aws, ident: str) -> Properties:
        """GetBucketEncryption."""
        found = aws.client("s3").get_bucket_encryption(Bucket=ident)
        return {"bucket": ident, "rules": NAMES.from_api(found["ServerSideEncryptionConfiguration"]["Rules"])}


class BucketPublicAccessBlock(Configuration):
    """The block of public access."""

    kind = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
    replaces = frozenset({"bucket"})
    settings: ClassVar = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    updates = frozenset(settings) | {"skipDestroy"}
    unread = frozenset({"skipDestroy"})
    absent = frozenset({"NoSuchBucket", "NoSuchPublicAccessBlockConfiguration"})

    def put(self, s3: Client, bucket: str, inputs: Properties) -> None:
        """PutPublicAccessBlock."""
        wanted = NAMES.to_api({name: bool(inputs.get(name)) for name in self.settings})
        s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=wanted)

    def read(self, aws: Aws, ident: str) -> Properties:
        """GetPublicAccessBlock."""
        found = aws.client("s3").get_public_access_block(Bucket=ident)
        return {"bucket": ident, **NAMES.from_api(found["PublicAccessBlockConfiguration"])}

    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """DeletePublicAccessBlock, unless the program said `skipDestroy`."""
        if not state.get("skipDestroy"):
            aws.client("s3").delete_public_access_block(Bucket=ident)


class BucketOwnershipControls(Configuration):
    """Who owns uploaded objects."""

    kind = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
    awaits_end = True
    replaces = frozenset({"bucket"})
    updates = frozenset({"rule"})
    delete_operation = "delete_bucket_ownership_controls"
    absent = frozenset({"NoSuchBucket", "OwnershipControlsNotFoundError"})

    def put(self, s3: Client, bucket: str, inputs: Properties) -> None:
        """PutBucketOwnershipControls."""
        s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [NAMES.to_api(inputs["rule"])]})

    def read(self, aws: Aws, ident: str) -> Properties:
        """GetBucketOwnershipControls."""
        found = aws.client("s3").get_bucket_ownership_controls(Bucket=ident)
        return {"bucket": ident, "rule": NAMES.from_api(found["OwnershipControls"]["Rules"][0])}


class BucketPolicy(Configuration):
    """The bucket's policy."""

    kind = "aws:s3/bucketPolicy:BucketPolicy"
    awaits_end = True
    replaces = frozenset({"bucket"})
    updates = frozenset({"policy"})
    delete_operation = "delete_bucket_policy"
    absent = frozenset({"NoSuchBucket", "NoSuchBucketPolicy"})

    def put(self, s3: Client, bucket: str, inputs: Properties) -> None:
        """PutBucketPolicy."""
        s3.put_bucket_policy(Bucket=bucket, Policy=inputs["policy"])

    def read(self, aws: Aws, ident: str) -> Properties:
        """GetBucketPolicy."""
        return {"bucket": ident, "policy": aws.client("s3").get_bucket_policy(Bucket=ident)["Policy"]}


class BucketLifecycleConfiguration(Configuration):
    """What becomes of old objects."""

    kind = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
    awaits_end = True
    updates = frozenset({"rules", "transitionDefaultMinimumObjectSize"})
    keeps = frozenset({"expectedBucketOwner", "transitionDefaultMinimumObjectSize"})
    delete_operation = "delete_bucket_lifecycle"
    absent = frozenset({"NoSuchBucket", "NoSuchLifecycleConfiguration"})

    def put(self, s3: Client, bucket: str, inputs: Properties) -> None:
        """PutBucketLifecycleConfiguration."""
        size = inputs.get("transitionDefaultMinimumObjectSize")
        s3.put_bucket_lifecycle_configuration(
            Bucket=bucket,
            LifecycleConfiguration={"Rules": [_lifecycle_to_api(rule) for rule in inputs["rules"]]},
            **present(TransitionDefaultMinimumObjectSize=size),
        )

    def read(self, aws: Aws, ident: str) -> Properties:
        """GetBucketLifecycleConfiguration."""
        found = aws.client("s3").get_bucket_lifecycle_configuration(Bucket=ident)
        return {
            "bucket": ident,
            "expectedBucketOwner": "",
            "rules": [_lifecycle_from_api(rule) for rule in found["Rules"]],
            "transitionDefaultMinimumObjectSize": found.get(
                "TransitionDefaultMinimumObjectSize", "all_storage_classes_128K"
            ),
        }


class BucketCorsConfiguration(Configuration):
    """Which web pages may read the bucket."""

    kind = "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration"
    awaits_end = True
    updates = frozenset({"corsRules"})
    delete_operation = "delete_bucket_cors"
    absent = frozenset({"NoSuchBucket", "NoSuchCORSConfiguration"})

    def put(self, s3: Client, bucket: str, inputs: Properties) -> None:
        """PutBucketCors."""
        rules = NAMES.to_api(inputs["corsRules"])
        s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})

    def read(self, aws: Aws, ident: str) -> Properties:
        """GetBucketCors."""
        found = aws.client("s3").get_bucket_cors(Bucket=ident)
        return {"bucket": ident, "corsRules": NAMES.from_api(found["CORSRules"])}


def _got(s3: Client, operation: str, bucket: str) -> dict[str, Any]:
    """Return a part of a bucket's configuration; nothing where it has none."""
    try:
        found: dict[str, Any] = getattr(s3, operation)(Bucket=bucket)
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in _NOT_CONFIGURED:
            return {}
        raise
    return found


_NOT_CONFIGURED = frozenset(
    {
        *("NoSuchBucketPolicy", "NoSuchCORSConfiguration", "NoSuchLifecycleConfiguration", "NoSuchTagSet"),
        "ServerSideEncryptionConfigurationNotFoundError",
    }
)


def _configurations(s3: Client, bucket: str) -> Properties:
    """Return what resources of their own set on a bucket, in the words of the bucket's own old properties."""
    versioning = _got(s3, "get_bucket_versioning", bucket)
    encryption = _got(s3, "get_bucket_encryption", bucket).get("ServerSideEncryptionConfiguration", {})
    rules = [NAMES.from_api(rule) for rule in encryption.get("Rules", [])]
    return {
        "corsRules": NAMES.from_api(_got(s3, "get_bucket_cors", bucket).get("CORSRules", [])),
        "lifecycleRules": [
            _old_lifecycle_rule(rule)
            for rule in _got(s3, "get_bucket_lifecycle_configuration", bucket).get("Rules", [])
        ],
        "policy": _got(s3, "get_bucket_policy", bucket).get("Policy", ""),
        "serverSideEncryptionConfiguration": {"rule": rules[0]} if rules else ENCRYPTION,
        "versioning": {
            "enabled": versioning.get("Status") == "Enabled",
            "mfaDelete": versioning.get("MFADelete") == "Enabled",
        },
    }


def _old_lifecycle_rule(rule: dict[str, Any]) -> Properties:
    days = {key: {"days": rule[api]["NoncurrentDays"]} for key, api in _NONCURRENT.items() if api in rule}
    unfinished = rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation")
    prefix = rule.get("Prefix") or rule.get("Filter", {}).get("Prefix", "")
    expiration = NAMES.from_api(rule["Expiration"]) if "Expiration" in rule else None
    return present(
        id=rule.get("ID"),
        enabled=rule["Status"] == "Enabled",
        prefix=prefix,
        abortIncompleteMultipartUploadDays=unfinished,
        expiration=expiration,
        **days,
    )


_NONCURRENT = {"noncurrentVersionExpiration": "NoncurrentVersionExpiration"}


def _empty(aws: Aws, bucket: str) -> None:
    """Delete every version and delete marker of every object."""
    s3 = aws.client("s3")
    doomed = list(_versions(s3, bucket))
    for start in range(0, len(doomed), DELETE_BATCH):
        batch = doomed[start : start + DELETE_BATCH]
        s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})


def _versions(s3: Client, bucket: str) -> Iterator[dict[str, str]]:
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            yield {"Key": version["Key"], "VersionId": version["VersionId"]}


def _lifecycle_to_api(rule: Properties) -> dict[str, Any]:
    """Return the rule as the API has it: a filter in every rule without the old prefix, tags as a list."""
    translated: dict[str, Any] = NAMES.to_api(rule)
    if "Prefix" not in translated:
        translated.setdefault("Filter", {})
    if "Tags" in translated.get("Filter", {}).get("And", {}):
        translated["Filter"]["And"]["Tags"] = tag_list(rule["filter"]["and"]["tags"])
    return translated


def _lifecycle_from_api(rule: dict[str, Any]) -> Value:
    translated = NAMES.from_api(rule)
    both = translated.get("filter", {}).get("and", {})
    if "tags" in both:
        both["tags"] = tag_map(rule["Filter"]["And"]["Tags"])
    return translated
