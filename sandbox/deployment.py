"""One operation of the engine on one stack, followed event by event."""

import json
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sandbox.faults import SandboxError
from sandbox.progress import step
from sandbox.world import World

_STACK_TYPE = "pulumi:pulumi:Stack"
_ENGINE_OWN_TYPES = (_STACK_TYPE, "pulumi:providers:")
_UNCHANGED = "same"


@dataclass
class Deployment:
    """What the engine reported of an operation."""

    changes: Counter[str] = field(default_factory=Counter)
    """How many resources met each fate: `create`, `update`, `delete`, `same` and so on."""
    kinds: Counter[str] = field(default_factory=Counter)
    """How many resources of each kind the stack has, such as `s3 Bucket`; components and providers are not counted."""
    outputs: dict[str, Any] = field(default_factory=dict)
    """The stack's outputs."""
    faults: list[str] = field(default_factory=list)
    """The engine's diagnostics of severity error, and whatever it printed that is not an event."""
    steps: int = 0
    """Resources that have been dealt with so far."""
    planned: int = 0
    """Resources that there are to deal with, by the preview before the operation; 0 before its end."""
    _preview: str = ""
    """What has been read of that preview."""

    @property
    def changed(self) -> bool:
        """Whether anything is different afterwards."""
        return any(count for fate, count in self.changes.items() if fate != _UNCHANGED)

    def follow(self, line: str) -> str:
        """Take in one line of the engine's output; the name of the resource that it is about, or nothing.

        First comes the preview, as one object over many lines; then the events of the operation, one each line.
        """
        if self._preview or line == "{\n":
            self._preview += line
            if line == "}\n":
                self._plan(json.loads(self._preview))
                self._preview = ""
            return ""
        try:
            event = json.loads(line)
        except ValueError:
            self.faults.append(line.rstrip())
            return ""
        name = ""
        if diagnostic := event.get("diagnosticEvent"):
            self._diagnose(diagnostic)
        if done := event.get("resOutputsEvent"):
            name = self._count(done["metadata"])
        if summary := event.get("summaryEvent"):
            self.changes.update(summary.get("resourceChanges") or {})
        return name

    def _plan(self, preview: dict[str, Any]) -> None:
        self.planned = sum((preview.get("changeSummary") or {}).values())
        for diagnostic in preview.get("diagnostics") or ():
            self._diagnose(diagnostic | {"message": diagnostic["message"].removeprefix("error: ")})

    @property
    def position(self) -> str:
        """How far it is, such as `41 of 86 resources`."""
        return f"{self.steps} of {max(self.planned, self.steps)} resources"

    def _diagnose(self, diagnostic: dict[str, Any]) -> None:
        if diagnostic.get("severity") == "error":
            name = _name(diagnostic.get("urn", ""))
            self.faults.append(f"{name}: {diagnostic['message']}".removeprefix(": ").rstrip())

    def _count(self, metadata: dict[str, Any]) -> str:
        self.steps += 1
        new = metadata.get("new")
        if new and metadata["type"] == _STACK_TYPE:
            self.outputs = new.get("outputs") or {}
        elif new and new.get("custom") and not metadata["type"].startswith(_ENGINE_OWN_TYPES):
            self.kinds[_kind(metadata["type"])] += 1
        return _name(metadata["urn"])


def operate(world: World, title: str, *command: str) -> Deployment:
    """Run an engine operation such as `up` to its end, with progress on the terminal.

    Raises:
        SandboxError: it failed or was interrupted; the message carries the engine's own diagnostics.

    """
    deployment = Deployment()
    line = world.pulumi_command([*command, "--yes", "--json", "--non-interactive"])
    with step(title) as detail:
        with subprocess.Popen(
            line,
            env=world.environment(),
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as engine:
            try:
                for event in engine.stdout or ():
                    if name := deployment.follow(event):
                        detail(f"{deployment.position}: {name}")
            except KeyboardInterrupt:
                # The engine got the same signal. It finishes what it has begun and writes it down.
                engine.communicate()
                raise SandboxError(f"{title} was interrupted. Run the same command again to complete it.") from None
        if engine.returncode:
            raise SandboxError("\n".join([f"{title} failed.", *deployment.faults]))
    return deployment


def _name(urn: str) -> str:
    return urn.rsplit("::", maxsplit=1)[-1]


def _kind(token: str) -> str:
    """Shorten a type token: `aws:s3/bucket:Bucket` is an `s3 Bucket`."""
    _, module, name = token.split(":")
    return f"{module.split('/')[0]} {name}"
