"""The contract of the AWS plugin: what each resource type calls, replaces, checks and fills in, as its source says.

The rows stand as data in `aws_plugin/<module>.yaml`; `aws_plugin/upstream.yaml` says where they were read.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, model_validator

DATA = Path(__file__).parent / "aws_plugin"

Operation = Literal["create", "read", "update", "delete"]
Names = tuple[str, ...]
Texts = Mapping[str, str]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Call(_Data):
    """One call of an operation, as the action that IAM asks for it."""

    action: Annotated[str, Field(pattern=r"^[a-z0-9-]+:[A-Z]\w+$")]
    resource: str | None = None
    """The property whose value is the resource asked about, where the call is about another one than the row's own."""
    given: Names = ()
    """It is made where one of these properties is given."""
    changed: Names = ()
    """It is made where one of these properties changed."""
    when: str | None = None
    """What else decides whether it is made, or on what it is asked."""

    @property
    def always(self) -> bool:
        """Whether each run of the operation makes it."""
        return not (self.given or self.changed or self.when)


def _call(value: object) -> object:
    return {"action": value} if isinstance(value, str) else value


Calls = tuple[Annotated[Call, BeforeValidator(_call)], ...]


class Row(_Data):
    """One resource type. Properties have their names in Pulumi; a dot leads into a block, be it a list or not."""

    type: Annotated[str, Field(pattern=r"^aws:\w+/\w+:\w+$")]
    terraform: Annotated[str, Field(pattern=r"^aws_\w+$")]
    source: Annotated[str, Field(pattern=r"^internal/service/\w+/\w+\.go$")]
    verified: bool = True
    why_not: str | None = None
    """Why the source could not be read, where the row is not verified."""
    regional: bool = True
    """Whether the type has a region, which replaces and which the import id may name after an `@`."""
    create: Calls
    read: Calls
    update: Calls
    delete: Calls
    reads_back: bool = True
    """Whether a create and an update end with a read."""
    replaces: Names
    delete_before_replace: bool = False
    plan_checks: Texts = Field(default_factory=dict)
    """What the plugin refuses before any call, by property."""
    outputs: Names = ()
    """What only AWS says."""
    filled_in: Texts = Field(default_factory=dict)
    """What stands in the state of an input that the program does not give."""
    never_read: Names = ()
    """Inputs that no read tells, so that neither drift nor an import shows them."""
    id_changes_with: Names = ()
    """Inputs whose update gives the resource another id."""
    import_id: str
    """What `pulumi import` takes, with the properties that it is made of in braces."""
    import_calls: Calls = ()
    """What an import calls before its read."""
    notes: Names = ()

    @property
    def module(self) -> str:
        """The module of pulumi-aws."""
        return self.type.split(":")[1].split("/")[0]

    @property
    def parts_of_import_id(self) -> frozenset[str]:
        """The properties that the import id is made of."""
        return frozenset(re.findall(r"{(\w+)}", self.import_id))

    def calls(self, operation: Operation) -> Calls:
        """The calls of an operation, those of the read at its end included."""
        own: Mapping[Operation, Calls] = {
            "create": self.create,
            "read": self.read,
            "update": self.update,
            "delete": self.delete,
        }
        again = self.read if self.reads_back and operation in {"create", "update"} and own[operation] else ()
        return (*own[operation], *(call for call in again if call not in own[operation]))

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        if self.verified == (self.why_not is not None):
            raise ValueError("why_not is said exactly where verified is false")
        return self


class Upstream(_Data):
    """Where the rows were read."""

    plugin: str
    release: Annotated[str, Field(pattern=r"^v\d+\.\d+\.\d+$")]
    repository: str
    read_in: str
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    bridge: str
    bridge_commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    holds_for_each: Names
    configure: Calls
    """What the plugin calls before any resource."""


@cache
def upstream() -> Upstream:
    """Where the rows were read."""
    return Upstream.model_validate(_loaded(DATA / "upstream.yaml"))


@cache
def rows() -> Mapping[str, Row]:
    """Every row, by its type."""
    paths = sorted(path for path in DATA.glob("*.yaml") if path.name != "upstream.yaml")
    read = [row for path in paths for row in TypeAdapter(tuple[Row, ...]).validate_python(_loaded(path))]
    found = {row.type: row for row in read}
    assert len(found) == len(read), "a type has two rows"
    return found


def _loaded(path: Path) -> object:
    loaded: object = yaml.safe_load(path.read_text())
    return loaded
