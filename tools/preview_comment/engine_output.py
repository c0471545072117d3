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

from tools.preview_comment.markdown import counted
from tools.preview_comment.previews import Diagnostic, Drift, Preview, Step, Violation
from tools.preview_comment.values import plain, told

_MOST_FAILURES = 1000
"""Lines that begin as JSON and are none; beyond, the text is no output of the engine."""
_MOST_DEPTH = 64
"""Depth of values that are kept."""
_DIGEST = ("steps", "changeSummary", "diagnostics")
_MAKING_HALVES = frozenset({"create-replacement", "import-replacement", "read-replacement"})
_REMOVING_HALVES = frozenset({"delete-replaced", "discard-replaced"})
"""Physical steps of a replacement. Beside the logical one they say nothing more, where they are of the same thing: what
an earlier deployment could not delete is left over, and its deletion is one more."""
_NOT_COUNTED = _MAKING_HALVES | _REMOVING_HALVES | {"refresh", "remove-pending-replace", "extend-parameterize"}
"""Operations that the engine takes for no logical ones."""
_QUIET = {
    "cancelEvent",  # the end of the stream
    "policyLoadEvent",
    "policyRemediateSummaryEvent",
    "preludeEvent",  # the configuration: not for a comment
    "progressEvent",
    "resOpFailedEvent",  # a diagnostic tells of it
    "startDebuggingEvent",
    "stdoutEvent",
}
_SUMMARIES = ("policyAnalyzeStackSummaryEvent", "policyAnalyzeSummaryEvent")
_EVENT = re.compile(r'\{"(?:sequence|timestamp|[a-zA-Z]+Event)":')
"""How an event begins; a provider's text may stand before it on the same line."""
_DIGEST_START = re.compile(r'\{\n {4}"(?:config|steps|diagnostics|duration|changeSummary|maybeCorrupt)"')
_STACK_TYPE = "pulumi:pulumi:Stack"
_MARKUP = re.compile(r"<\{%[^%]*%\}>|\x1b\[[0-9;?]*[A-Za-z]")
_TELLING_LINES = 15


def read(text: str, stack: str = "") -> Preview:
    """Tell what one file of the engine's output says; a stack without a name gets that of its URNs."""
    reading = _Reading(text)
    for found in _objects(text.removeprefix("\ufeff"), reading):
        reading.take(found)
    return reading.preview(stack)


def _objects(text: str, reading: "_Reading") -> Iterator[Mapping[str, Any]]:
    """Every JSON object that begins a line, follows another one, or begins as an event does."""
    decoder, place, failures = json.JSONDecoder(), 0, 0
    while (place := _start(text, place)) >= 0 and failures < _MOST_FAILURES:
        try:
            found, past = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            failures += 1
            reading.broken = True
            place += 1
        else:
            _cut_off_depths(found)
            yield found
            place = past


def _start(text: str, place: int) -> int:
    """Where the next object may begin, from a place on; negative where none does."""
    while place < len(text):
        end = text.find("\n", place)
        end = len(text) if end < 0 else end
        follows = text[place - 1] == "}" if place else False
        first = place + len(text[place:end]) - len(text[place:end].lstrip()) if follows else place
        if text.startswith("{", first) and (follows or not place or text[place - 1] == "\n"):
            return first
        if found := _EVENT.search(text, place, end) or _DIGEST_START.match(text, max(place, end - 1)):
            return found.start()
        place = end + 1
    return -1


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
    begun: Counter[tuple[str, str]] = field(default_factory=Counter)
    ended: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Operations on URNs, as events tell their beginnings and their outcomes."""
    orphans: dict[tuple[str, str, str], Step] = field(default_factory=dict)
    """Steps of which only the outcome is told."""
    outputs: tuple[Mapping[str, Any], Mapping[str, Any]] | None = None
    failing: set[str] = field(default_factory=set)
    """Names of policies that failed; each violation is told by itself."""
    counts: Counter[str] = field(default_factory=Counter)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    digests: int = 0
    events: int = 0
    summaries: int = 0
    failed: bool = False

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
        steps = [*self.steps, *self.orphans.values()]
        self.stacks = sorted({_stack(step.urn) for step in steps if _stack(step.urn)})
        self._doubt(steps)
        return Preview(
            stack=stack or ", ".join(self.stacks),
            steps=tuple(_ordered(_folded(steps))),
            counts=dict(self.counts),
            diagnostics=tuple(_distinct(self.diagnostics)),
            violations=tuple(sorted(set(self.violations), key=repr)),
            drift=tuple(sorted(set(self.drift), key=repr)),
            outputs=self.outputs,
            unknown=tuple(sorted(set(self.unknown))),
            faults=tuple(self.faults),
        )

    def _digest(self, found: Mapping[str, Any]) -> None:
        for step in _items(found, "steps", self.faults):
            self._step(step)
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
        elif name in _SUMMARIES:
            self.failing.update(_names(event.get("failed")))
        else:
            return name in _QUIET
        return True

    def _resource(self, metadata: object, *, finished: bool) -> None:
        if not isinstance(metadata, dict):
            self._step(metadata)
            return
        operation = (_text(metadata.get("op")), _text(metadata.get("urn")))
        if not finished:
            self.begun[operation] += 1
            self._step(metadata)
            return
        self.ended[operation] += 1
        if operation[0] == "refresh":
            self._refreshed(metadata)
        elif not self.begun[operation]:
            step = _step(metadata)
            self.orphans[*operation, step.physical_id] = step
        if _type(metadata) == _STACK_TYPE and metadata.get("old") and metadata.get("new"):
            self.outputs = (_outputs(metadata["old"]), _outputs(metadata["new"]))

    def _refreshed(self, metadata: Mapping[str, Any]) -> None:
        paths = _paths(metadata)
        changed = tuple(sorted(paths)) or _names(metadata.get("diffs"))
        if metadata.get("new") is None or changed:
            urn = _text(metadata.get("urn"))
            drift = Drift(urn=urn, type=_type(metadata), gone=metadata.get("new") is None, paths=changed)
            self.drift.append(drift)

    def _step(self, given: object) -> None:
        if isinstance(given, dict):
            self.steps.append(_step(given))
        else:
            self.faults.append("a step of the engine cannot be read")
            self.unknown.append(_text(given))

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
            self.failed = True
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
        if self.digests + self.summaries > 1:
            self.faults.append(f"the file tells of {self.digests + self.summaries} previews")
        self.faults += self._miscounted(steps)
        self.faults += self._lost()

    def _miscounted(self, steps: list[Step]) -> Iterator[str]:
        """Operations of which the engine counts others than it tells."""
        if not self.digests and not self.summaries:
            return
        told = Counter(step.op for step in steps if step.op not in _NOT_COUNTED)
        for op in sorted(told.keys() | self.counts.keys()):
            missing, more = self.counts[op] > told[op], self.counts[op] < told[op]
            # A read counts where it finds something else. What fails is told and not counted, and the digest leaves out
            # what stays the same, though not the stack itself.
            missing = missing and not (op == "same" and self.digests)
            more = more and op not in ("read", "diff") and not self._has_failed()
            if missing or more:
                yield f"the engine counts {self.counts[op]} steps {op!r} and tells of {told[op]}"

    def _lost(self) -> Iterator[str]:
        """Tell what shows that events are missing between others."""
        if self.ended and self.summaries and not self._has_failed():
            open_ones = sum((self.begun - self.ended).values())
            if open_ones:
                yield f"of {counted(open_ones, 'operation')} the engine tells the beginning and not the end"
        orphans = len(self.orphans)
        orphans += sum(more for (op, _), more in (self.ended - self.begun).items() if op == "refresh")
        if orphans:
            yield f"of {counted(orphans, 'operation')} the engine tells the end and not the beginning"
        silent = self.failing - {violation.policy for violation in self.violations}
        if silent:
            yield f"the engine names {counted(len(silent), 'policy')} that failed and does not tell on what"

    def _has_failed(self) -> bool:
        return self.failed or any(diagnostic.severity == "error" for diagnostic in self.diagnostics)


def _folded(steps: Iterable[Step]) -> list[Step]:
    """Leave out the halves of each replacement: one that makes, one that removes, of the very same thing."""
    replacements = [step for step in steps if step.op == "replace"]
    made = Counter(step.urn for step in replacements)
    removed = Counter((step.old_urn, step.physical_id) for step in replacements)
    kept = []
    for step in steps:
        if step.op in _MAKING_HALVES and made[step.urn]:
            made[step.urn] -= 1
        elif step.op in _REMOVING_HALVES and removed[step.old_urn, step.physical_id]:
            removed[step.old_urn, step.physical_id] -= 1
        else:
            kept.append(step)
    return kept


def _step(given: Mapping[str, Any]) -> Step:
    old, new = (given.get(f"{name}State", given.get(name)) for name in ("old", "new"))
    return Step(
        op=_text(given.get("op")),
        urn=_text(given.get("urn")),
        type=_type(given),
        old=old if isinstance(old, dict) else None,
        new=new if isinstance(new, dict) else None,
        replacing=_names(given.get("replaceReasons", given.get("keys"))),
        changing=_names(given.get("diffReasons", given.get("diffs"))),
        paths=_paths(given),
    )


def _outputs(state: object) -> Mapping[str, Any]:
    found = state.get("outputs") if isinstance(state, dict) else None
    return found if isinstance(found, dict) else {}


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
