"""The CloudFormation resource types of the sandbox, and how each is made, changed and removed.

Each is a few calls of the service's API, made as the role that the stack works with; `TYPES` lists them by name.
Types that only moto knows are left to its models, see `sandbox.emulator.cloudformation.resource_types.moto_models`.
"""

import io
import json
import re
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from botocore.exceptions import ClientError
from moto.codecommit.models import codecommit_backends
from moto.moto_api._internal import mock_random
from typing_extensions import override

from awsmodel.cloudformation.templates import Json
from sandbox.emulator.cloudformation.resource_types.shapes import members, request
from sandbox.emulator.codecommit import content
from sandbox.emulator.core.callers import Caller, Client

CFNRESPONSE = Path(__file__).parent / "lambda_runtime" / "cfnresponse.py"

Properties = Mapping[str, Json]


class HandlerError(Exception):
    """The resource cannot be made, changed or removed; the text is the reason in the stack's events."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Where and for whom a resource is made."""

    caller: Caller
    stack_id: str
    stack_name: str
    logical_id: str
    type_name: str

    def generated_name(self, limit: int) -> str:
        """Return a name for a resource whose template gives none."""
        suffix = mock_random.get_random_hex(12)
        return f"{self.stack_name}-{self.logical_id}"[: limit - len(suffix) - 1] + f"-{suffix}"


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource that exists."""

    name: str
    """What its service calls it by."""
    physical_id: str
    attributes: Mapping[str, Json] = field(default_factory=dict)


class ResourceType(ABC):
    """How resources of one type are made, changed and removed."""

    @abstractmethod
    def must_replace(self, old: Properties, new: Properties) -> bool:
        """Say whether the change takes a new resource."""

    @abstractmethod
    def custom_name(self, properties: Properties) -> str | None:
        """Return the name that the template gives; None where CloudFormation invents one."""

    @abstractmethod
    def create(self, scope: Scope, properties: Properties) -> Resource:
        """Make a resource."""

    @abstractmethod
    def update(self, scope: Scope, resource: Resource, old: Properties, new: Properties) -> Resource:
        """Change a resource in place."""

    @abstractmethod
    def delete(self, scope: Scope, resource: Resource, properties: Properties) -> None:
        """Remove a resource; one that is gone already is no error."""


@dataclass(frozen=True, kw_only=True)
class Tagging:
    """How a service's API changes tags: two operations and the member that names the resource."""

    add: str = "tag_resource"
    remove: str = "untag_resource"
    member: str = "ResourceArn"
    by_name: bool = False


@dataclass(frozen=True, kw_only=True)
class Api(ResourceType):
    """A type whose properties are the members of its create operation, as most are."""

    service: str
    create_operation: str
    delete_operation: str
    describe: Callable[[Client, str], Resource]
    """Finds a resource by its name."""
    name: str
    """The property with the name."""
    name_limit: int = 63
    key: str = ""
    """The member that names the resource to change and to remove, where it is not the property's name."""
    update_operation: str = ""
    wrap: str = ""
    """The member that holds all others in the requests to create and to update."""
    tagging: Tagging | None = None
    gone: tuple[str, ...] = ()
    """The error codes that say that there is nothing to remove."""
    fixed: frozenset[str] = frozenset()
    """Properties that the update operation takes but cannot change."""
    template_only: frozenset[str] = frozenset()
    """Properties that CloudFormation heeds and the API does not know."""
    update_only: frozenset[str] = frozenset()
    """Properties that say how an update is to be done."""
    prepare: Callable[[Properties], dict[str, Json]] = dict

    @override
    def must_replace(self, old: Properties, new: Properties) -> bool:
        changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)} - self.template_only
        return bool(changed & (self.fixed | {self.name})) or not (self.update_operation or changed <= {"Tags"})

    @override
    def custom_name(self, properties: Properties) -> str | None:
        name = properties.get(self.name)
        return str(name) if name else None

    @override
    def create(self, scope: Scope, properties: Properties) -> Resource:
        client = scope.caller.client(self.service)
        name = self.custom_name(properties) or scope.generated_name(self.name_limit)
        wanted = {key: value for key, value in properties.items() if key not in self.template_only | self.update_only}
        self._call(client, self.create_operation, {**self.prepare(wanted), self.name: name})
        return self.completed(scope, name, properties)

    def completed(self, scope: Scope, name: str, properties: Properties) -> Resource:
        """Complete a resource that has just been made."""
        try:
            return self.complete(scope, name, properties)
        except (ClientError, HandlerError):
            # As in AWS a handler that fails half-way leaves nothing, if it can.
            with suppress(ClientError):
                self.delete(scope, Resource(name=name, physical_id=name), properties)
            raise

    def complete(self, scope: Scope, name: str, properties: Properties) -> Resource:  # noqa: ARG002 - for other types
        """Do what the create operation leaves to further requests, and read the resource."""
        return self.describe(scope.caller.client(self.service), name)

    @override
    def update(self, scope: Scope, resource: Resource, old: Properties, new: Properties) -> Resource:
        client = scope.caller.client(self.service)
        if self.update_operation and {**old, "Tags": None} != {**new, "Tags": None}:
            known = members(client, self.update_operation)
            wanted = {
                key: value
                for key, value in self.prepare(new).items()
                if key not in self.template_only and key != self.name and (self.wrap or key.lower() in known)
            }
            self._call(client, self.update_operation, {**wanted, self.key or self.name: resource.name})
        if self.tagging:
            _retag(client, self.tagging, resource, old.get("Tags", []), new.get("Tags", []))
        return self.describe(client, resource.name)

    @override
    def delete(self, scope: Scope, resource: Resource, properties: Properties) -> None:
        client = scope.caller.client(self.service)
        with_name = {self.key or self.name: resource.name}
        unless_gone(
            self.gone,
            lambda: getattr(client, self.delete_operation)(**request(client, self.delete_operation, with_name)),
        )

    def _call(self, client: Client, operation: str, properties: Properties) -> None:
        wrapped = {self.wrap: properties} if self.wrap else properties
        if self.wrap and "Tags" in properties:
            inner = {key: value for key, value in properties.items() if key != "Tags"}
            outer = {"Tags": properties["Tags"]} if "tags" in members(client, operation) else {}
            wrapped = {self.wrap: inner, **outer}
        getattr(client, operation)(**request(client, operation, wrapped))


def unless_gone(codes: Iterable[str], remove: Callable[[], object]) -> None:
    """Remove something that may be gone already, which the API says with one of `codes`."""
    try:
        remove()
    except ClientError as error:
        if error.response["Error"]["Code"] not in codes:
            raise


def _retag(
    client: Client,
    tagging: Tagging,
    resource: Resource,
    old: list[dict[str, str]],
    new: list[dict[str, str]],
) -> None:
    target = {tagging.member: resource.name if tagging.by_name else resource.attributes["Arn"]}
    removed = sorted({tag["Key"] for tag in old} - {tag["Key"] for tag in new})
    if removed:
        getattr(client, tagging.remove)(**request(client, tagging.remove, {**target, "TagKeys": removed}))
    if new != old and new:
        getattr(client, tagging.add)(**request(client, tagging.add, {**target, "Tags": new}))


def _codebuild_project(client: Client, name: str) -> Resource:
    (project,) = client.batch_get_projects(names=[name])["projects"]
    return Resource(name=name, physical_id=name, attributes={"Arn": project["arn"]})


def _pipeline(client: Client, name: str) -> Resource:
    found = client.get_pipeline(name=name)
    attributes = {"Version": str(found["pipeline"]["version"]), "Arn": found["metadata"]["pipelineArn"]}
    return Resource(name=name, physical_id=name, attributes=attributes)


def _function(client: Client, name: str) -> Resource:
    arn = client.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    return Resource(name=name, physical_id=name, attributes={"Arn": arn})


def _log_group(client: Client, name: str) -> Resource:
    groups = client.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    (arn,) = (group["arn"] for group in groups if group["logGroupName"] == name)
    return Resource(name=name, physical_id=name, attributes={"Arn": arn})


def _role(client: Client, name: str) -> Resource:
    role = client.get_role(RoleName=name)["Role"]
    return Resource(name=name, physical_id=name, attributes={"Arn": role["Arn"], "RoleId": role["RoleId"]})


def _rule(client: Client, name: str) -> Resource:
    return Resource(name=name, physical_id=name, attributes={"Arn": client.describe_rule(Name=name)["Arn"]})


def _alarm(client: Client, name: str) -> Resource:
    (alarm,) = client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return Resource(name=name, physical_id=name, attributes={"Arn": alarm["AlarmArn"]})


def _of_sagemaker(kind: str) -> Callable[[Client, str], Resource]:
    """Give the function that finds a SageMaker resource, which CloudFormation refers to by its ARN."""
    operation = "describe_" + re.sub(r"(?<!^)(?=[A-Z])", "_", kind).lower()

    def find(client: Client, name: str) -> Resource:
        arn = getattr(client, operation)(**{f"{kind}Name": name})[f"{kind}Arn"]
        return Resource(name=name, physical_id=arn, attributes={f"{kind}Name": name, f"{kind}Arn": arn, "Arn": arn})

    return find


class Repository(Api):
    """AWS::CodeCommit::Repository, whose first commit comes from S3."""

    @override
    def complete(self, scope: Scope, name: str, properties: Properties) -> Resource:
        repository = super().complete(scope, name, properties)
        if "Code" in properties:
            code = properties["Code"]
            wanted = {_OBJECT[key]: value for key, value in code["S3"].items()}
            archive = scope.caller.client("s3").get_object(**wanted)["Body"].read()
            scope.caller.judge("codecommit", "CreateCommit", repositoryName=name)
            backend = codecommit_backends[scope.caller.account][scope.caller.region]
            metadata = backend.get_repository(name)
            branch = code.get("BranchName", "main")
            try:
                content.first_commit(backend.content(metadata), archive, branch)  # type: ignore[attr-defined] # see sandbox.emulator.codecommit.responses
            except zipfile.BadZipFile:
                raise HandlerError(f"Code.S3 ({wanted['Bucket']}/{wanted['Key']}) is not a zip file.") from None
            metadata["defaultBranch"] = branch
        return repository

    @override
    def update(self, scope: Scope, resource: Resource, old: Properties, new: Properties) -> Resource:
        client = scope.caller.client(self.service)
        name = self.custom_name(new) or resource.name
        if name != resource.name:
            client.update_repository_name(oldName=resource.name, newName=name)
        if new.get("RepositoryDescription") != old.get("RepositoryDescription"):
            description = new.get("RepositoryDescription", "")
            client.update_repository_description(repositoryName=name, repositoryDescription=description)
        return super().update(scope, self.describe(client, name), old, new)

    @override
    def must_replace(self, old: Properties, new: Properties) -> bool:
        return False


_OBJECT = {"Bucket": "Bucket", "Key": "Key", "ObjectVersion": "VersionId"}


def _repository(client: Client, name: str) -> Resource:
    found = client.get_repository(repositoryName=name)["repositoryMetadata"]
    attributes = {
        "Arn": found["Arn"],
        "Name": name,
        "CloneUrlHttp": found["cloneUrlHttp"],
        "CloneUrlSsh": found["cloneUrlSsh"],
        "KmsKeyId": found.get("kmsKeyId", ""),
    }
    return Resource(name=name, physical_id=found["repositoryId"], attributes=attributes)


class Role(Api):
    """AWS::IAM::Role, with its policies."""

    @override
    def complete(self, scope: Scope, name: str, properties: Properties) -> Resource:
        self._apply(scope, name, {}, properties)
        return super().complete(scope, name, properties)

    @override
    def update(self, scope: Scope, resource: Resource, old: Properties, new: Properties) -> Resource:
        client = scope.caller.client("iam")
        if old["AssumeRolePolicyDocument"] != new["AssumeRolePolicyDocument"]:
            document = json.dumps(new["AssumeRolePolicyDocument"])
            client.update_assume_role_policy(RoleName=resource.name, PolicyDocument=document)
        if old.get("PermissionsBoundary") != new.get("PermissionsBoundary"):
            if "PermissionsBoundary" in new:
                client.put_role_permissions_boundary(
                    RoleName=resource.name, PermissionsBoundary=new["PermissionsBoundary"]
                )
            else:
                client.delete_role_permissions_boundary(RoleName=resource.name)
        self._apply(scope, resource.name, old, new)
        return super().update(scope, resource, old, new)

    @override
    def delete(self, scope: Scope, resource: Resource, properties: Properties) -> None:
        self._apply(scope, resource.name, properties, {})
        super().delete(scope, resource, properties)

    def _apply(self, scope: Scope, role: str, old: Properties, new: Properties) -> None:
        """Bring inline and managed policies from their old to their new state."""
        client = scope.caller.client("iam")
        inline = {policy["PolicyName"]: policy["PolicyDocument"] for policy in new.get("Policies", [])}
        for policy in old.get("Policies", []):
            name = policy["PolicyName"]
            if name not in inline:
                unless_gone(self.gone, partial(client.delete_role_policy, RoleName=role, PolicyName=name))
        for name, document in inline.items():
            client.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
        before, after = (properties.get("ManagedPolicyArns", []) for properties in (old, new))
        for arn in before:
            if arn not in after:
                unless_gone(self.gone, partial(client.detach_role_policy, RoleName=role, PolicyArn=arn))
        for arn in after:
            client.attach_role_policy(RoleName=role, PolicyArn=arn)


class Rule(Api):
    """AWS::Events::Rule, with its targets."""

    @override
    def complete(self, scope: Scope, name: str, properties: Properties) -> Resource:
        self._put_targets(scope, name, properties.get("Targets", []))
        return super().complete(scope, name, properties)

    @override
    def update(self, scope: Scope, resource: Resource, old: Properties, new: Properties) -> Resource:
        self._remove_targets(scope, resource.name, old.get("Targets", []))
        rule = super().update(scope, resource, old, new)
        self._put_targets(scope, rule.name, new.get("Targets", []))
        return rule

    @override
    def delete(self, scope: Scope, resource: Resource, properties: Properties) -> None:
        targets = properties.get("Targets", [])
        unless_gone(self.gone, lambda: self._remove_targets(scope, resource.name, targets))
        super().delete(scope, resource, properties)

    @staticmethod
    def _put_targets(scope: Scope, rule: str, targets: list[Json]) -> None:
        client = scope.caller.client("events")
        if targets:
            client.put_targets(**request(client, "put_targets", {"Rule": rule, "Targets": targets}))

    @staticmethod
    def _remove_targets(scope: Scope, rule: str, targets: list[Json]) -> None:
        if targets:
            scope.caller.client("events").remove_targets(Rule=rule, Ids=[target["Id"] for target in targets])


class LogGroup(Api):
    """AWS::Logs::LogGroup, with its retention."""

    @override
    def complete(self, scope: Scope, name: str, properties: Properties) -> Resource:
        if "RetentionInDays" in properties:
            self._retain(scope, name, properties)
        return super().complete(scope, name, properties)

    @override
    def update(self, scope: Scope, resource: Resource, old: Properties, new: Properties) -> Resource:
        if old.get("RetentionInDays") != new.get("RetentionInDays"):
            self._retain(scope, resource.name, new)
        return super().update(scope, resource, old, new)

    @override
    def must_replace(self, old: Properties, new: Properties) -> bool:
        return self.custom_name(old) != self.custom_name(new)

    @staticmethod
    def _retain(scope: Scope, group: str, properties: Properties) -> None:
        client = scope.caller.client("logs")
        if "RetentionInDays" in properties:
            client.put_retention_policy(logGroupName=group, retentionInDays=int(properties["RetentionInDays"]))
        else:
            client.delete_retention_policy(logGroupName=group)


class Function(Api):
    """AWS::Lambda::Function; inline code comes with the module `cfnresponse`, as in AWS."""

    @override
    def create(self, scope: Scope, properties: Properties) -> Resource:
        return super().create(scope, {**properties, "Code": _package(properties["Code"])})

    @override
    def update(self, scope: Scope, resource: Resource, old: Properties, new: Properties) -> Resource:
        client = scope.caller.client("lambda")
        if old["Code"] != new["Code"]:
            code = {"FunctionName": resource.name, **_package(new["Code"])}
            client.update_function_code(**request(client, "update_function_code", code))
        return super().update(scope, resource, old, new)


def _package(code: dict[str, Json]) -> dict[str, Json]:
    if "ZipFile" not in code:
        return code
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr("index.py", code["ZipFile"])
        package.write(CFNRESPONSE, "cfnresponse.py")
    return {"ZipFile": buffer.getvalue()}


class Permission(ResourceType):
    """AWS::Lambda::Permission."""

    @override
    def must_replace(self, old: Properties, new: Properties) -> bool:
        return True

    @override
    def custom_name(self, properties: Properties) -> str | None:
        return None

    @override
    def create(self, scope: Scope, properties: Properties) -> Resource:
        client, statement = scope.caller.client("lambda"), scope.generated_name(100)
        client.add_permission(**request(client, "add_permission", {**properties, "StatementId": statement}))
        return Resource(name=statement, physical_id=statement)

    @override
    def update(self, scope: Scope, resource: Resource, old: Properties, new: Properties) -> Resource:
        raise NotImplementedError  # must_replace never allows it

    @override
    def delete(self, scope: Scope, resource: Resource, properties: Properties) -> None:
        client = scope.caller.client("lambda")
        function = properties["FunctionName"]
        unless_gone(
            ("ResourceNotFoundException",),
            lambda: client.remove_permission(FunctionName=function, StatementId=resource.name),
        )


class BucketPolicy(ResourceType):
    """AWS::S3::BucketPolicy."""

    @override
    def must_replace(self, old: Properties, new: Properties) -> bool:
        return bool(old["Bucket"] != new["Bucket"])

    @override
    def custom_name(self, properties: Properties) -> str | None:
        return None

    @override
    def create(self, scope: Scope, properties: Properties) -> Resource:
        bucket, policy = properties["Bucket"], json.dumps(properties["PolicyDocument"])
        scope.caller.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)
        return Resource(name=bucket, physical_id=bucket)

    @override
    def update(self, scope: Scope, resource: Resource, old: Properties, new: Properties) -> Resource:
        return self.create(scope, new)

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
            put, unset, member, convert = _BUCKET_SETTINGS[setting]
            if setting in new:
                wanted = {"Bucket": name, member: convert(new[setting])}
                getattr(client, put)(**request(client, put, wanted))
            elif unset:
                getattr(client, unset)(Bucket=name)
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


# By property: the request that sets it, the one that takes it back, its member, and the member's form.
_BUCKET_SETTINGS: dict[str, tuple[str, str, str, Callable[[Json], Json]]] = {
    "BucketEncryption": (
        "put_bucket_encryption",
        "delete_bucket_encryption",
        "ServerSideEncryptionConfiguration",
        _encryption,
    ),
    "CorsConfiguration": ("put_bucket_cors", "delete_bucket_cors", "CORSConfiguration", _as_is),
    "LifecycleConfiguration": (
        "put_bucket_lifecycle_configuration",
        "delete_bucket_lifecycle",
        "LifecycleConfiguration",
        _lifecycle,
    ),
    "OwnershipControls": (
        "put_bucket_ownership_controls",
        "delete_bucket_ownership_controls",
        "OwnershipControls",
        _as_is,
    ),
    "PublicAccessBlockConfiguration": (
        "put_public_access_block",
        "delete_public_access_block",
        "PublicAccessBlockConfiguration",
        _as_is,
    ),
    "Tags": ("put_bucket_tagging", "delete_bucket_tagging", "Tagging", lambda tags: {"TagSet": tags}),
    "VersioningConfiguration": ("put_bucket_versioning", "", "VersioningConfiguration", _as_is),
}


class ScalableTarget(ResourceType):
    """AWS::ApplicationAutoScaling::ScalableTarget."""

    _identity = ("ServiceNamespace", "ResourceId", "ScalableDimension")

    @override
    def must_replace(self, old: Properties, new: Properties) -> bool:
        return any(old[key] != new[key] for key in self._identity)

    @override
    def custom_name(self, properties: Properties) -> str | None:
        return None

    @override
    def create(self, scope: Scope, properties: Properties) -> Resource:
        client = scope.caller.client("application-autoscaling")
        client.register_scalable_target(**request(client, "register_scalable_target", properties))
        identity = "|".join(properties[key] for key in ("ResourceId", "ScalableDimension", "ServiceNamespace"))
        return Resource(name=identity, physical_id=identity, attributes={"Id": identity})

    @override
    def update(self, scope: Scope, resource: Resource, old: Properties, new: Properties) -> Resource:
        return self.create(scope, new)

    @override
    def delete(self, scope: Scope, resource: Resource, properties: Properties) -> None:
        client = scope.caller.client("application-autoscaling")
        identity = {key: properties[key] for key in self._identity}
        unless_gone(("ObjectNotFoundException",), lambda: client.deregister_scalable_target(**identity))


class ScalingPolicy(ResourceType):
    """AWS::ApplicationAutoScaling::ScalingPolicy of a scalable target."""

    @override
    def must_replace(self, old: Properties, new: Properties) -> bool:
        return any(old.get(key) != new.get(key) for key in ("PolicyName", "ScalingTargetId"))

    @override
    def custom_name(self, properties: Properties) -> str | None:
        return None

    @override
    def create(self, scope: Scope, properties: Properties) -> Resource:
        client = scope.caller.client("application-autoscaling")
        wanted = {key: value for key, value in properties.items() if key != "ScalingTargetId"}
        arguments = request(client, "put_scaling_policy", {**wanted, **_target(properties)})
        arn = client.put_scaling_policy(**arguments)["PolicyARN"]
        return Resource(name=properties["PolicyName"], physical_id=arn, attributes={"Arn": arn})

    @override
    def update(self, scope: Scope, resource: Resource, old: Properties, new: Properties) -> Resource:
        return self.create(scope, new)

    @override
    def delete(self, scope: Scope, resource: Resource, properties: Properties) -> None:
        client = scope.caller.client("application-autoscaling")
        target = _target(properties)
        unless_gone(
            ("ObjectNotFoundException",), lambda: client.delete_scaling_policy(PolicyName=resource.name, **target)
        )


def _target(properties: Properties) -> dict[str, str]:
    names = ("ResourceId", "ScalableDimension", "ServiceNamespace")
    return dict(zip(names, properties["ScalingTargetId"].split("|"), strict=True))


class Custom(ResourceType):
    """Custom::..., a resource that a Lambda function makes."""

    @override
    def must_replace(self, old: Properties, new: Properties) -> bool:
        return bool(old["ServiceToken"] != new["ServiceToken"])

    @override
    def custom_name(self, properties: Properties) -> str | None:
        return None

    @override
    def create(self, scope: Scope, properties: Properties) -> Resource:
        return self._ask(scope, "Create", properties)

    @override
    def update(self, scope: Scope, resource: Resource, old: Properties, new: Properties) -> Resource:
        changed = self._ask(scope, "Update", new, resource, OldResourceProperties=_as_strings(old))
        if changed.physical_id != resource.physical_id:
            self.delete(scope, resource, old)
        return changed

    @override
    def delete(self, scope: Scope, resource: Resource, properties: Properties) -> None:
        self._ask(scope, "Delete", properties, resource)

    @staticmethod
    def _ask(
        scope: Scope, kind: str, properties: Properties, resource: Resource | None = None, **more: Json
    ) -> Resource:
        caller, request_id = scope.caller, str(mock_random.uuid4())
        event = {
            "RequestType": kind,
            "RequestId": request_id,
            "ResponseURL": f"{caller.endpoint}/cloudformation_{caller.region}/cfnresponse?stack={scope.stack_id}",
            "ServiceToken": properties["ServiceToken"],
            "StackId": scope.stack_id,
            "LogicalResourceId": scope.logical_id,
            "ResourceType": scope.type_name,
            "ResourceProperties": _as_strings(properties),
            **({"PhysicalResourceId": resource.physical_id} if resource else {}),
            **more,
        }
        said = caller.client("lambda").invoke(FunctionName=properties["ServiceToken"], Payload=json.dumps(event))
        answer = custom_answers.pop(request_id, None)
        if answer is None:
            last_words = said["Payload"].read().decode()
            raise HandlerError(f"The function answered nothing to CloudFormation. It ended with: {last_words}")
        if answer["Status"] != "SUCCESS":
            raise HandlerError(
                f"Received response status [FAILED] from custom resource. Message returned: {answer['Reason']}"
            )
        identity = answer["PhysicalResourceId"]
        return Resource(name=identity, physical_id=identity, attributes=answer.get("Data") or {})


custom_answers: dict[str, dict[str, Json]] = {}
"""What functions have answered to CloudFormation, by request, until it is read."""


def _as_strings(value: Json) -> Json:
    """Return properties as CloudFormation hands them to a function: every scalar is text."""
    if isinstance(value, Mapping):
        return {key: _as_strings(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_strings(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def _project(properties: Properties) -> dict[str, Json]:
    """Return a build project's properties; what is left out of an update would stay as it was."""
    return {"Description": "", "TimeoutInMinutes": 60, **properties}


_SAGEMAKER_TAGS = Tagging(add="add_tags", remove="delete_tags")
_SAGEMAKER_GONE = ("ValidationException", "ResourceNotFound")

TYPES: dict[str, ResourceType] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": ScalableTarget(),
    "AWS::ApplicationAutoScaling::ScalingPolicy": ScalingPolicy(),
    "AWS::CloudWatch::Alarm": Api(
        service="cloudwatch",
        create_operation="put_metric_alarm",
        update_operation="put_metric_alarm",
        delete_operation="delete_alarms",
        describe=_alarm,
        name="AlarmName",
        key="AlarmNames",
    ),
    "AWS::CodeBuild::Project": Api(
        service="codebuild",
        create_operation="create_project",
        update_operation="update_project",
        delete_operation="delete_project",
        describe=_codebuild_project,
        name="Name",
        name_limit=150,
        prepare=_project,
    ),
    "AWS::CodeCommit::Repository": Repository(
        service="codecommit",
        create_operation="create_repository",
        delete_operation="delete_repository",
        describe=_repository,
        name="RepositoryName",
        name_limit=100,
        tagging=Tagging(),
        template_only=frozenset({"Code"}),
    ),
    "AWS::CodePipeline::Pipeline": Api(
        service="codepipeline",
        create_operation="create_pipeline",
        update_operation="update_pipeline",
        delete_operation="delete_pipeline",
        describe=_pipeline,
        name="Name",
        name_limit=100,
        wrap="Pipeline",
        tagging=Tagging(),
        template_only=frozenset({"RestartExecutionOnUpdate"}),
    ),
    "AWS::Events::Rule": Rule(
        service="events",
        create_operation="put_rule",
        update_operation="put_rule",
        delete_operation="delete_rule",
        describe=_rule,
        name="Name",
        name_limit=64,
        tagging=Tagging(),
        gone=("ResourceNotFoundException",),
        template_only=frozenset({"Targets"}),
    ),
    "AWS::IAM::Role": Role(
        service="iam",
        create_operation="create_role",
        update_operation="update_role",
        delete_operation="delete_role",
        describe=_role,
        name="RoleName",
        name_limit=64,
        tagging=Tagging(add="tag_role", remove="untag_role", member="RoleName", by_name=True),
        gone=("NoSuchEntity",),
        fixed=frozenset({"Path"}),
        template_only=frozenset({"Policies", "ManagedPolicyArns"}),
    ),
    "AWS::Lambda::Function": Function(
        service="lambda",
        create_operation="create_function",
        update_operation="update_function_configuration",
        delete_operation="delete_function",
        describe=_function,
        name="FunctionName",
        name_limit=64,
        tagging=Tagging(member="Resource"),
        gone=("ResourceNotFoundException",),
    ),
    "AWS::Lambda::Permission": Permission(),
    "AWS::Logs::LogGroup": LogGroup(
        service="logs",
        create_operation="create_log_group",
        delete_operation="delete_log_group",
        describe=_log_group,
        name="LogGroupName",
        name_limit=512,
        tagging=Tagging(),
        gone=("ResourceNotFoundException",),
        template_only=frozenset({"RetentionInDays"}),
    ),
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
    "AWS::SageMaker::CodeRepository": Api(
        service="sagemaker",
        create_operation="create_code_repository",
        delete_operation="delete_code_repository",
        describe=_of_sagemaker("CodeRepository"),
        name="CodeRepositoryName",
        tagging=_SAGEMAKER_TAGS,
        gone=_SAGEMAKER_GONE,
    ),
    "AWS::SageMaker::Endpoint": Api(
        service="sagemaker",
        create_operation="create_endpoint",
        update_operation="update_endpoint",
        delete_operation="delete_endpoint",
        describe=_of_sagemaker("Endpoint"),
        name="EndpointName",
        update_only=frozenset({"RetainAllVariantProperties", "ExcludeRetainedVariantProperties"}),
        tagging=_SAGEMAKER_TAGS,
        gone=_SAGEMAKER_GONE,
    ),
    "AWS::SageMaker::EndpointConfig": Api(
        service="sagemaker",
        create_operation="create_endpoint_config",
        delete_operation="delete_endpoint_config",
        describe=_of_sagemaker("EndpointConfig"),
        name="EndpointConfigName",
        tagging=_SAGEMAKER_TAGS,
        gone=_SAGEMAKER_GONE,
    ),
    "AWS::SageMaker::Model": Api(
        service="sagemaker",
        create_operation="create_model",
        delete_operation="delete_model",
        describe=_of_sagemaker("Model"),
        name="ModelName",
        tagging=_SAGEMAKER_TAGS,
        gone=_SAGEMAKER_GONE,
    ),
    "AWS::SageMaker::ModelPackageGroup": Api(
        service="sagemaker",
        create_operation="create_model_package_group",
        delete_operation="delete_model_package_group",
        describe=_of_sagemaker("ModelPackageGroup"),
        name="ModelPackageGroupName",
        tagging=_SAGEMAKER_TAGS,
        gone=_SAGEMAKER_GONE,
    ),
}
