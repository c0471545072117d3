"""What a preview says, in one shape: whichever way the engine printed it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

from tools.preview_comment.values import parts

State = Mapping[str, Any]
"""A resource as the engine describes it: `inputs`, `outputs`, `id`, `protect`, `retainOnDelete`, ..."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """What would happen to one resource."""

    op: str
    """The engine's word: `create`, `update`, `replace`, `delete`, `same`, ..."""
    urn: str
    type: str
    """Type token, such as `aws:s3/bucket:Bucket`."""
    old: State | None = None
    """As the state has it; None where it is new."""
    new: State | None = None
    """As the program wants it; None where it goes."""
    replacing: tuple[str, ...] = ()
    """Properties whose change makes a replacement necessary."""
    changing: tuple[str, ...] = ()
    """Properties that differ."""
    paths: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Kind of the difference by property path: `add`, `update`, `delete`, and each of them with `-replace`."""

    @cached_property
    def name(self) -> str:
        """Logical name."""
        return name_of(self.urn)

    @cached_property
    def old_urn(self) -> str:
        """The URN by which the state knows the resource; another one where it is renamed."""
        urn = self.old.get("urn") if self.old else None
        return urn if isinstance(urn, str) and urn else self.urn

    @cached_property
    def physical_id(self) -> str:
        """What AWS calls the resource that is there now; empty where there is none, or it is not told."""
        found = self.old.get("id") if self.old else None
        return found if isinstance(found, str) else ""

    @cached_property
    def component(self) -> bool:
        """Whether this is a group of resources in the program, to which nothing in AWS corresponds by itself.

        False wherever anything speaks for a resource: what is taken for a component is not told as destroyed.
        """
        states = [state for state in (self.old, self.new) if state is not None]
        real = any(state.get("custom") is True or state.get("id") or state.get("provider") for state in states)
        return bool(states) and not real and bool(self.type) and not self.type.startswith(("aws:", "pulumi-python:"))

    @cached_property
    def hidden(self) -> tuple[Sequence[object], ...]:
        """Property paths whose differences the program does not want shown (`hideDiffs`), part by part."""
        state = self.new if self.new is not None else self.old or {}
        # The stream and the digest name it differently.
        given = state.get("hideDiffs", state.get("hideDiff"))
        found = (
            [list(parts(path)) if isinstance(path, str) else path for path in given] if isinstance(given, list) else []
        )
        return tuple(path for path in found if isinstance(path, list) and path)

    def says(self, option: str) -> bool:
        """Whether an option is set on the resource, as it is or as the program wants it."""
        return any(state is not None and state.get(option) is True for state in (self.old, self.new))


def name_of(urn: str) -> str:
    """Return the logical name in a URN."""
    return urn.split("::", 3)[-1]


@dataclass(frozen=True, kw_only=True)
class Diagnostic:
    """A message of the engine, of a provider or of the program."""

    severity: str
    message: str
    urn: str = ""


@dataclass(frozen=True, kw_only=True)
class Violation:
    """What a policy pack found."""

    pack: str
    policy: str
    level: str
    """`mandatory`, `advisory`, `remediate`, ...; only a mandatory one stops an update."""
    message: str
    urn: str = ""


@dataclass(frozen=True, kw_only=True)
class Drift:
    """What AWS has and the state does not tell."""

    urn: str
    type: str
    gone: bool
    """Whether the resource is not there any more."""
    paths: tuple[str, ...] = ()
    """What differs."""


@dataclass(frozen=True, kw_only=True)
class Preview:
    """All that the engine said of one stack."""

    stack: str
    steps: tuple[Step, ...] = ()
    """In the order of their URNs, whatever the order of the engine."""
    counts: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Resources by operation, as the engine counted them."""
    diagnostics: tuple[Diagnostic, ...] = ()
    violations: tuple[Violation, ...] = ()
    drift: tuple[Drift, ...] = ()
    outputs: tuple[Mapping[str, Any], Mapping[str, Any]] | None = None
    """The stack's outputs as they are and as they would be; None where the engine does not tell them."""
    unknown: tuple[str, ...] = ()
    """What the engine printed and is not known here."""
    faults: tuple[str, ...] = ()
    """Why this preview is not to be trusted as the whole one."""

    @cached_property
    def errors(self) -> tuple[Diagnostic, ...]:
        """Diagnostics that are errors; one of an unknown severity is taken for one.

        The engine's last word, that the preview failed, says nothing beside the others.
        """
        harmless = ("warning", "info", "info#err", "debug")
        found = tuple(item for item in self.diagnostics if item.severity not in harmless)
        return tuple(item for item in found if item.message != "preview failed") or found

    @property
    def failed(self) -> bool:
        """Whether an update could not follow."""
        return bool(self.faults or self.errors or any(item.level == "mandatory" for item in self.violations))
