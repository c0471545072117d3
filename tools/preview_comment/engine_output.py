"""Reads what the engine prints: the digest of `pulumi preview --json`, and the stream of engine events.

Other text may come before and between: what providers print, and warnings of the command itself. Nothing that is read
makes it fail: what cannot be read is a fault of the preview, and what is not known is kept and shown.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tools.preview_comment.previews import Diagnostic, Drift, Preview, Step, Violation
from tools.preview_comment.values import plain, told

_MOST_FAILURES = 1000
"""Lines that begin as JSON and are none; beyond, the text is no output of the engine."""
_MOST_DEPTH = 64
"""Depth of values that are kept."""
_DIGEST = ("steps", "changeSummary", "diagnostics")
_REPLACEMENT_HALVES = {
    "create-replacement",
    "delete-replaced",
    "discard-replaced",
    "import-replacement",
    "read-replacement",
}
"""Physical steps of a replacement; beside the logical one they say nothing more."""
_QUIET = {
    "cancelEvent",  # the end of the stream
    "policyAnalyzeStackSummaryEvent",  # the violations come one by one
    "policyAnalyzeSummaryEvent",
    "policyLoadEvent",
    "policyRemediateSummaryEvent",
    "preludeEvent",  # the configuration: not for a comment
    "progressEvent",
    "resOpFailedEvent",  # a diagnostic tells of it
    "startDebuggingEvent",
    "stdoutEvent",
}
_MARKUP = re.compile(r"<\{%[^%]*%\}>|\x1b\[[0-9;?]*[A-Za-z]")
_TELLING_LINES = 15


def read(text: str, stack: str = "") -> Preview:
    """What one file of the engine's output says; a stack without a name gets that of its URNs."""
    reading = _Reading(text)
    for found in _objects(text.removeprefix("\ufeff"), reading):
        reading.take(found)
    return reading.preview(stack)


def _objects(text: str, reading: "_Reading") -> Iterator[Mapping[str, Any]]:
    """Every JSON object that begins a line; what else there is, is told to the reading."""
    decoder, place, failures = json.JSONDecoder(), 0, 0
    while place < len(text):
        end = text.find("\n", place)
        end = len(text) if end < 0 else end
        if text.startswith("{", place) and failures < _MOST_FAILURES:
            try:
                found, past = decoder.raw_decode(text, place)
            except (ValueError, RecursionError):
                failures += 1
                reading.broken = True
            else:
                _cut_off_depths(found)
                yield found
                end = text.find("\n", past)
                end = len(text) if end < 0 else end
        place = end + 1


def _cut_off_depths(found: object) -> None:
    """Hide what is nested deeper than any resource, so that nothing after this need fear the depth of a value."""
    level: list[Any] = [found]
    for _ in range(_MOST_DEPTH):
        level = [item for container in level for item in _items_of(container) if isinstance(item, dict | list)]
    for container in level:
        container.clear()


def _items_of(container: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return container.values() if isinstance(container, dict) else container


@dataclass
class _Reading:
    """What has been read so far."""

    text: str
    broken: bool = False
    """Whether something began as JSON and was none."""
    stacks: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    finished: list[Step] = field(default_factory=list)
    """Steps as their outcome tells them; each has been told before, unless the engine is another one."""
    counts: Counter[str] = field(default_factory=Counter)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    digests: int = 0
    events: int = 0
    summaries: int = 0

    def take(self, found: Mapping[str, Any]) -> None:
        """Take in one object: a digest or an event."""
        if any(key in found for key in _DIGEST):
            self.digests += 1
            self._digest(found)
            return
        names = [key for key in found if key not in ("sequence", "timestamp")]
        if len(names) == 1 and isinstance(found[names[0]], dict) and self._event(names[0], found[names[0]]):
            self.events += 1
        else:
            self.unknown.append(_text(found))

    def preview(self, stack: str) -> Preview:
        """All of it, in an order that does not depend on the engine's."""
        told = {(step.op, step.urn) for step in self.steps}
        steps = self.steps + [step for step in self.finished if (step.op, step.urn) not in told]
        self.stacks = sorted({_stack(step.urn) for step in steps if _stack(step.urn)})
        self._doubt(steps)
        replaced = {step.urn for step in steps if step.op == "replace"}
        whole = [step for step in steps if not (step.op in _REPLACEMENT_HALVES and step.urn in replaced)]
        return Preview(
            stack=stack or ", ".join(self.stacks),
            steps=tuple(_ordered(whole)),
            counts=dict(self.counts),
            diagnostics=tuple(_distinct(self.diagnostics)),
            violations=tuple(sorted(set(self.violations), key=repr)),
            drift=tuple(sorted(set(self.drift), key=repr)),
            unknown=tuple(sorted(set(self.unknown))),
            faults=tuple(self.faults),
        )

    def _digest(self, found: Mapping[str, Any]) -> None:
        for step in _items(found, "steps", self.faults):
            self._step(step, self.steps)
        for diagnostic in _items(found, "diagnostics", self.faults):
            self._diagnose(diagnostic)
        self._count(found.get("changeSummary"))
        if found.get("maybeCorrupt") is True:
            self.faults.append("the engine says that the stack's state may be corrupt")

    def _event(self, name: str, event: Mapping[str, Any]) -> bool:
        """Whether an event is known."""
        if name in ("resourcePreEvent", "resOutputsEvent"):
            self._resource(event.get("metadata"), finished=name == "resOutputsEvent")
        elif name == "diagnosticEvent":
            self._diagnose(event)
        elif name == "errorEvent":
            self._diagnose({"severity": "error", "message": event.get("error")})
        elif name == "policyEvent":
            self._violation(event, _text(event.get("enforcementLevel")) or "mandatory", _text(event.get("message")))
        elif name == "policyRemediationEvent":
            self._violation(event, "remediate", "the policy changes the resource")
        elif name == "summaryEvent":
            self._summary(event)
        else:
            return name in _QUIET
        return True

    def _resource(self, metadata: object, *, finished: bool) -> None:
        if finished and isinstance(metadata, dict) and metadata.get("op") == "refresh":
            paths = _paths(metadata)
            changed = tuple(sorted(paths)) or _names(metadata.get("diffs"))
            if metadata.get("new") is None or changed:
                urn = _text(metadata.get("urn"))
                drift = Drift(urn=urn, type=_type(metadata), gone=metadata.get("new") is None, paths=changed)
                self.drift.append(drift)
        else:
            self._step(metadata, self.finished if finished else self.steps)

    def _step(self, given: object, steps: list[Step]) -> None:
        if not isinstance(given, dict):
            self.faults.append("a step of the engine cannot be read")
            self.unknown.append(_text(given))
            return
        old, new = (given.get(f"{name}State", given.get(name)) for name in ("old", "new"))
        steps.append(
            Step(
                op=_text(given.get("op")),
                urn=_text(given.get("urn")),
                type=_type(given),
                old=old if isinstance(old, dict) else None,
                new=new if isinstance(new, dict) else None,
                replacing=_names(given.get("replaceReasons", given.get("keys"))),
                changing=_names(given.get("diffReasons", given.get("diffs"))),
                paths=_paths(given),
            )
        )

    def _diagnose(self, given: object) -> None:
        if not isinstance(given, dict):
            self.diagnostics.append(Diagnostic(severity="error", message=_text(given)))
            return
        severity = _text(given.get("severity"))
        if severity != "debug" and given.get("ephemeral") is not True:
            message = _MARKUP.sub("", _text(given.get("message"))).strip().removeprefix(f"{severity}: ")
            self.diagnostics.append(Diagnostic(severity=severity, message=message, urn=_text(given.get("urn"))))

    def _violation(self, event: Mapping[str, Any], level: str, message: str) -> None:
        self.violations.append(
            Violation(
                pack=_text(event.get("policyPackName")),
                policy=_text(event.get("policyName")),
                level=level,
                message=_MARKUP.sub("", message).strip(),
                urn=_text(event.get("resourceUrn")),
            )
        )

    def _summary(self, event: Mapping[str, Any]) -> None:
        self.summaries += 1
        self._count(event.get("resourceChanges"))
        if event.get("result", "succeeded") != "succeeded":
            self.faults.append(f"the engine says that the preview {_text(event['result']) or 'did not succeed'}")
        if event.get("maybeCorrupt") is True:
            self.faults.append("the engine says that the stack's state may be corrupt")

    def _count(self, given: object) -> None:
        if isinstance(given, dict):
            # JSON knows no whole numbers apart from others; what is no count is none.
            self.counts.update({str(op): n for op, n in given.items() if type(n) is int and 0 < n < 1 << 53})

    def _doubt(self, steps: list[Step]) -> None:
        """Say why the preview may not be the whole one."""
        if not self.digests and not self.events:
            lines = [line for line in self.text.splitlines() if line.strip()]
            self.faults.append(
                "the engine printed no preview" + (", or one that is cut off" if self.broken else "")
                if lines
                else "the engine printed nothing"
            )
            tail = "\n".join(lines[-_TELLING_LINES:])
            if tail:
                self.diagnostics.append(Diagnostic(severity="error", message=_MARKUP.sub("", tail)))
        elif self.events and not self.summaries and not self.digests:
            self.faults.append("the engine's events end before their summary")
        elif not steps and not self.diagnostics:
            self.faults.append("the engine tells of no resource, not even of the stack")
        if self.broken and (self.digests or self.events):
            self.faults.append("a part of the engine's output cannot be read")
        if len(self.stacks) > 1:
            self.faults.append(f"one file tells of several stacks: {', '.join(self.stacks)}")
        told = Counter(step.op for step in steps)
        for op in ("delete", "replace"):
            if self.counts[op] > told[op]:
                self.faults.append(f"the engine counts {self.counts[op]} steps {op!r} and tells of {told[op]}")


def _items(found: Mapping[str, Any], name: str, faults: list[str]) -> list[Any]:
    value = found.get(name)
    if value is None:
        return []
    if isinstance(value, list):
        return value
    faults.append(f"{name!r} of the engine's digest is no list")
    return []


def _paths(given: Mapping[str, Any]) -> dict[str, str]:
    """Kind of the difference by property path; both shapes have it, under different names."""
    detailed = given.get("detailedDiff")
    if not isinstance(detailed, dict):
        return {}
    return {
        path: _text(detail.get("kind", detail.get("diffKind"))) if isinstance(detail, dict) else "update"
        for path, detail in detailed.items()
    }


def _names(given: object) -> tuple[str, ...]:
    return tuple(sorted({_text(name) for name in given})) if isinstance(given, list) else ()


def _type(given: Mapping[str, Any]) -> str:
    for place in (given, given.get("newState"), given.get("oldState")):
        if isinstance(place, dict) and isinstance(place.get("type"), str):
            return str(place["type"])
    parts = _text(given.get("urn")).split("::", 3)
    return parts[2].rpartition("$")[2] if len(parts) == 4 else ""


def _stack(urn: str) -> str:
    return urn.removeprefix("urn:pulumi:").split("::", 1)[0] if urn.startswith("urn:pulumi:") else ""


def _text(given: object) -> str:
    """Text as it is, and other values as JSON with what they hide left out."""
    return given if isinstance(given, str) else "" if given is None else told(plain(given))


def _ordered(steps: list[Step]) -> list[Step]:
    """By URN. Several steps of one resource are rare, and only they are compared as a whole."""
    several = Counter((step.urn, step.op) for step in steps)
    return sorted(
        steps,
        key=lambda step: (
            step.urn,
            step.op,
            _text([step.old, step.new, dict(step.paths)]) if several[step.urn, step.op] > 1 else "",
        ),
    )


def _distinct(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    return sorted(dict.fromkeys(diagnostics), key=lambda item: (item.severity, item.urn, item.message))
