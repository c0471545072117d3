"""What changes of one resource, as lines that a `diff` block colours: the sign stands in the first column."""

from collections.abc import Iterator, Mapping
from typing import Any

from awsmodel.iam.comparison import StatementChange
from tools.preview_comment.dangers import destructive, word
from tools.preview_comment.findings import AccessChange, is_policy
from tools.preview_comment.previews import State, Step
from tools.preview_comment.values import NOTHING, at_path, plain, safe, shortened, shown

MOST_LINES = 40
"""Properties of one resource that are shown."""

_SIGNS = {"create": "+", "delete": "-", "import": "+", "replace": "-", "update": "!"}
_ENGINE_OWN = ("__defaults", "__provider")


def step_lines(step: Step) -> list[str]:
    """A resource's change: a line that names it, and one or two for each property that differs."""
    sign = _SIGNS.get(word(step), "!")
    head = f"{sign} {safe(word(step), 60)} {safe(step.type, 100)} {safe(step.name, 160)}"
    lines = list(_properties(step))
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], f"  ... {len(lines) - MOST_LINES} more lines"]
    return [shortened(head, 400), *lines]


def statement_lines(change: AccessChange) -> list[str]:
    """A policy's change, statement by statement."""
    return [line for statement in change.changes.statements for line in _statement(statement)]


def _statement(change: StatementChange) -> Iterator[str]:
    sign = {"added": "+", "removed": "-"}.get(change.kind, "!")
    yield f"{sign} {change.kind} statement {safe(change.name, 100)}"
    for side, element, value in change.differences[:MOST_LINES]:
        yield f"{side}   {safe(element, 60)}: {safe(value, 200)}"
    if len(change.differences) > MOST_LINES:
        yield f"    ... {len(change.differences) - MOST_LINES} more lines"


def _properties(step: Step) -> Iterator[str]:
    if step.paths:
        for path in sorted(step.paths):
            if not path.startswith(_ENGINE_OWN) and not _repeats(path, step.paths):
                yield from _difference(path, *_sides(step, path), cause="replace" in step.paths[path])
    elif step.old is None or step.new is None:
        given = _inputs(step.new or step.old)
        if not destructive(step):
            for key in sorted(given):
                if not key.startswith("__") and given[key] not in (None, "", [], {}) and key != "tagsAll":
                    yield f"+   {safe(key, 100)}: {shown(plain(given[key], key))}"
    else:
        yield from _compared(step)


def _compared(step: Step) -> Iterator[str]:
    """Where the provider gives no differences in detail: the inputs that differ."""
    old, new = _inputs(step.old), _inputs(step.new)
    for key in sorted(old.keys() | new.keys() | {*step.changing, *step.replacing}):
        if old.get(key, NOTHING) != new.get(key, NOTHING) and not key.startswith("__"):
            sides = [plain(given[key], key) if key in given else NOTHING for given in (old, new)]
            yield from _difference(key, *sides, cause=key in step.replacing)


def _difference(path: str, old: object, new: object, *, cause: bool) -> Iterator[str]:
    name = safe(path, 160)
    why = "  (forces the replacement)" if cause else ""
    if old is NOTHING and new is NOTHING:
        yield f"!   {name} changes{why}"
        return
    if is_policy(old) and is_policy(new):
        yield f"!   {name}: what changes of its statements is told under Access{why}"
        return
    if old is not NOTHING:
        yield f"-   {name}: {shown(old)}{why if new is NOTHING else ''}"
    if new is not NOTHING:
        yield f"+   {name}: {shown(new)}{why}"


def _sides(step: Step, path: str) -> tuple[object, object]:
    """Both values at a path. Inputs are what the program says; what only AWS tells stands in the outputs."""
    old = at_path(_inputs(step.old), path)
    if old is NOTHING and step.old is not None:
        old = at_path(step.old.get("outputs"), path)
    return old, at_path(_inputs(step.new), path)


def _repeats(path: str, paths: Mapping[str, str]) -> bool:
    """`tagsAll` holds the tags again."""
    return path.startswith("tagsAll") and path.replace("tagsAll", "tags", 1) in paths


def _inputs(state: State | None) -> Mapping[str, Any]:
    inputs = state.get("inputs") if state else None
    return inputs if isinstance(inputs, Mapping) else {}
