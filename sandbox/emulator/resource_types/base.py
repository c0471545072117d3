"""What a CloudFormation resource type is, and one whose resources are made by operations of an API."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import ClassVar

from botocore.exceptions import ClientError
from moto.moto_api._internal import mock_random
from typing_extensions import override

from awsmodel.cloudformation.template import Json
from sandbox.emulator.core.callers import Caller, Client
from sandbox.emulator.core.shapes import members, request

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

    identity: ClassVar[tuple[str, ...]] = ()
    """Properties that cannot be changed on a resource that exists."""

    def must_replace(self, old: Properties, new: Properties) -> bool:
        """Say whether the change takes a new resource."""
        return any(old.get(key) != new.get(key) for key in self.identity)

    def custom_name(self, properties: Properties) -> str | None:  # noqa: ARG002 - for types that have names
        """Return the name that the template gives; None where CloudFormation invents one."""
        return None

    @abstractmethod
    def create(self, scope: Scope, properties: Properties) -> Resource:
        """Make a resource."""

    def update(self, scope: Scope, resource: Resource, old: Properties, new: Properties) -> Resource:  # noqa: ARG002
        """Change a resource in place; of some types the operation that creates does it."""
        return self.create(scope, new)

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
