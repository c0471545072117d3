"""What a handler of one resource type says and does; the server does the rest alike for all types."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from sandbox.provider.aws import Aws
from sandbox.provider.differences import same
from sandbox.provider.values import Properties, Value, tag_list

NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Change:
    """A resource's properties before (empty when it was just created) and after.

    `"policy" in change` says whether that property must be carried out; `change["policy"]` is its new value.
    """

    old: Mapping[str, Value]
    new: Mapping[str, Value]

    def __contains__(self, name: str) -> bool:
        return not same(self.old.get(name), self.new.get(name))

    def __getitem__(self, name: str) -> Value:
        return self.new.get(name)

    def any(self, *names: str) -> bool:
        """Say whether one of the properties must be carried out."""
        return any(name in self for name in names)


@dataclass(frozen=True, kw_only=True)
class Tagging:
    """How a service's two operations on tags are called, and what their members are."""

    noun: str = "resource"
    member: str = "ResourceArn"
    arn: str = ""
    """The resource's part of the ARN, with the id as `{}`; empty where the id itself is asked for."""
    keys: str = "TagKeys"
    tags: str = "Tags"
    form: Callable[[dict[str, str]], object] = tag_list


class Resource(ABC):
    """One resource type. Inputs are the names in `replaces` and `updates`; every other input is refused."""

    kind: ClassVar[str]
    """The type's token, e.g. `aws:s3/bucket:Bucket`."""
    service: ClassVar[str]
    """botocore's name of the service, for the handler's client."""
    replaces: ClassVar[frozenset[str]]
    """Inputs that can't be changed on a resource that exists."""
    updates: ClassVar[frozenset[str]] = NOTHING
    """Inputs that `configure` carries out."""
    computed: ClassVar[frozenset[str]] = NOTHING
    """Outputs that only AWS knows: unknown in the preview of a creation."""
    keeps: ClassVar[frozenset[str]] = NOTHING
    """Inputs that AWS chooses where the program says nothing; no difference when the program falls silent."""
    cleared: ClassVar[frozenset[str]] = NOTHING
    """Inputs that AWS never chooses: what the resource has and the program says nothing of is taken away."""
    brought: ClassVar[Mapping[str, Value]] = {}
    """Outputs that other resources set, with what a new resource has of them.

    Anything else is shown as a difference where the program neither gives nor ignores it, and nothing is done about it.
    """
    unread: ClassVar[frozenset[str]] = NOTHING
    """Inputs that AWS never tells: they stay what the program said."""
    defaults: ClassVar[Mapping[str, Value]] = {}
    name: ClassVar[str | None] = None
    """The property that gets `<logical name>-<7 hex>` where the program names nothing."""
    unordered: ClassVar[frozenset[str]] = NOTHING
    """Lists whose order means nothing."""
    server_side: ClassVar[frozenset[str]] = NOTHING
    """Nested properties that AWS fills in where the program says nothing."""
    absent: ClassVar[frozenset[str]] = NOTHING
    """Error codes that say: there is no such resource."""
    awaits_end: ClassVar[bool] = False
    """Whether a deletion ends with a look whether the resource is gone."""
    tagged: ClassVar[bool] = False
    tagging: ClassVar[Tagging] = Tagging()
    regional: ClassVar[bool] = True

    def autoname(self, name: str, inputs: Properties) -> str:  # noqa: ARG002
        """Return the automatic name in the form that the service wants."""
        return name

    @abstractmethod
    def create(self, aws: Aws, inputs: Properties) -> str:
        """Make the resource by one call; its id. The rest is for `configure`."""

    def configure(self, aws: Aws, ident: str, change: Change) -> None:  # noqa: B027 - many types have nothing to do
        """Carry out what creation left over, or what an update changes."""

    def retag(self, aws: Aws, ident: str, tags: dict[str, str], gone: list[str]) -> None:
        """Set `tags` and remove the keys in `gone`; only for types with `tagged`."""
        client, how = aws.client(self.service), self.tagging
        target = {how.member: aws.arn(self.service, how.arn.format(ident)) if how.arn else ident}
        if gone:
            getattr(client, f"untag_{how.noun}")(**target, **{how.keys: gone})
        if tags:
            getattr(client, f"tag_{how.noun}")(**target, **{how.tags: how.form(tags)})

    @abstractmethod
    def read(self, aws: Aws, ident: str) -> Properties | None:
        """Return what AWS says of the resource, tags as `tagsAll`; None when it is gone."""

    @abstractmethod
    def delete(self, aws: Aws, ident: str, state: Properties) -> None:
        """Remove the resource."""
