"""AWS::S3: buckets and their policies."""

import json
from collections.abc import Callable

from moto.moto_api._internal import mock_random
from typing_extensions import override

from awsmodel.cloudformation.template import Json
from sandbox.emulator.core.shapes import request
from sandbox.emulator.resource_types.base import (
    Api,
    HandlerError,
    Properties,
    Resource,
    ResourceType,
    Scope,
    unless_gone,
)


class BucketPolicy(ResourceType):
    """AWS::S3::BucketPolicy."""

    identity = ("Bucket",)

    @override
    def create(self, scope: Scope, properties: Properties) -> Resource:
        bucket, policy = properties["Bucket"], json.dumps(properties["PolicyDocument"])
        scope.caller.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)
        return Resource(name=bucket, physical_id=bucket)

    @override
    def delete(self, scope: Scope, resource: Resource, properties: Properties) -> None:
        client = scope.caller.client("s3")
        unless_gone(("NoSuchBucket",), lambda: client.delete_bucket_policy(Bucket=resource.name))


class Bucket(Api):
    """AWS::S3::Bucket; each of its settings is a request of its own."""

    @override
    def create(self, scope: Scope, properties: Properties) -> Resource:
        client = scope.caller.client("s3")
        name = self.custom_name(properties) or scope.generated_name(self.name_limit).lower()
        region = scope.caller.region
        place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        client.create_bucket(Bucket=name, **place)
        return self.completed(scope, name, properties)

    @override
    def complete(self, scope: Scope, name: str, properties: Properties) -> Resource:
        return self.update(scope, Resource(name=name, physical_id=name), {}, properties)

    @override
    def update(self, scope: Scope, resource: Resource, old: Properties, new: Properties) -> Resource:
        client, name = scope.caller.client("s3"), resource.name
        for setting in sorted((old.keys() | new.keys()) - {self.name}):
            if setting not in _BUCKET_SETTINGS:
                raise HandlerError(f"Encountered unsupported property {setting}")
            operation, member, convert = _BUCKET_SETTINGS[setting]
            if setting in new:
                wanted = {"Bucket": name, member: convert(new[setting])}
                getattr(client, f"put_{operation}")(**request(client, f"put_{operation}", wanted))
            # A bucket that has versions keeps them.
            elif setting != "VersioningConfiguration":
                getattr(client, f"delete_{operation.removesuffix('_configuration')}")(Bucket=name)
        partition, region = scope.caller.partition, scope.caller.region
        attributes = {
            "Arn": f"arn:{partition}:s3:::{name}",
            "DomainName": f"{name}.s3.amazonaws.com",
            "RegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
        }
        return Resource(name=name, physical_id=name, attributes=attributes)

    @override
    def must_replace(self, old: Properties, new: Properties) -> bool:
        return self.custom_name(old) != self.custom_name(new)


def _encryption(value: Json) -> Json:
    rules = [
        {
            "ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"],
            "BucketKeyEnabled": rule.get("BucketKeyEnabled", False),
        }
        for rule in value["ServerSideEncryptionConfiguration"]
    ]
    return {"Rules": rules}


def _lifecycle(value: Json) -> Json:
    return {"Rules": [_lifecycle_rule(rule) for rule in value["Rules"]]}


def _lifecycle_rule(rule: dict[str, Json]) -> dict[str, Json]:
    kept = {key: rule[key] for key in _LIFECYCLE_KEPT if key in rule}
    if "ExpirationInDays" in rule:
        kept["Expiration"] = {"Days": rule["ExpirationInDays"]}
    elif rule.get("ExpiredObjectDeleteMarker"):
        kept["Expiration"] = {"ExpiredObjectDeleteMarker": True}
    return {**kept, "ID": rule.get("Id", mock_random.get_random_hex(12)), "Filter": {"Prefix": rule.get("Prefix", "")}}


_LIFECYCLE_KEPT = ("Status", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload")


def _as_is(value: Json) -> Json:
    return value


# By property: the operation that puts or deletes it, its member, and the member's form.
_BUCKET_SETTINGS: dict[str, tuple[str, str, Callable[[Json], Json]]] = {
    "BucketEncryption": ("bucket_encryption", "ServerSideEncryptionConfiguration", _encryption),
    "CorsConfiguration": ("bucket_cors", "CORSConfiguration", _as_is),
    "LifecycleConfiguration": ("bucket_lifecycle_configuration", "LifecycleConfiguration", _lifecycle),
    "OwnershipControls": ("bucket_ownership_controls", "OwnershipControls", _as_is),
    "PublicAccessBlockConfiguration": ("public_access_block", "PublicAccessBlockConfiguration", _as_is),
    "Tags": ("bucket_tagging", "Tagging", lambda tags: {"TagSet": tags}),
    "VersioningConfiguration": ("bucket_versioning", "VersioningConfiguration", _as_is),
}

TYPES: dict[str, ResourceType] = {
    "AWS::S3::Bucket": Bucket(
        service="s3",
        create_operation="create_bucket",
        delete_operation="delete_bucket",
        describe=lambda _, name: Resource(name=name, physical_id=name),
        name="BucketName",
        key="Bucket",
        gone=("NoSuchBucket",),
    ),
    "AWS::S3::BucketPolicy": BucketPolicy(),
}
