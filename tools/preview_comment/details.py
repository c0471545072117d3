"""What changes of one resource, as lines that a `diff` block colours: the sign stands in the first column."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from awsmodel.iam.comparison import StatementChange
from tools.preview_comment.dangers import destructive, word
from tools.preview_comment.differences import lines, places
from tools.preview_comment.findings import AccessChange, is_policy
from tools.preview_comment.previews import State, Step
from tools.preview_comment.values import NOTHING, at_path, parts, plain, safe, shortened, shown

MOST_LINES = 40
"""Properties of one resource that are shown."""

_SIGNS = {"create": "+", "delete": "-", "import": "+", "replace": "-", "update": "!"}
_MOST_NAMES = 10
_HIDDEN = "changes, and the program hides what (hideDiffs)"
_ENGINE_OWN = ("__defaults", "__provider")


def headline(step: Step, others: Sequence[str] = ()) -> str:
    """Return the line that names a resource, and others of which the same is true."""
    head = f"{_SIGNS.get(word(step), '!')} {safe(word(step), 60)} {safe(step.type, 100)} {safe(step.name, 160)}"
    rest = ", ".join(safe(name, 100) for name in others[:_MOST_NAMES])
    more = f", and {len(others) - _MOST_NAMES} more" if len(others) > _MOST_NAMES else ""
    return shortened(head, 400) + (f"  (and the same of {rest}{more})" if others else "")


def statement_lines(change: AccessChange) -> list[str]:
    """Return a policy's change, statement by statement."""
    return [line for statement in change.changes.statements for line in _statement(statement)]


def _statement(change: StatementChange) -> Iterator[str]:
    sign = {"added": "+", "removed": "-"}.get(change.kind, "!")
    name = safe(change.name, 100)
    yield f"{sign} {change.kind} {name if name.startswith('statement ') else f'statement {name}'}"
    for side, element, value in change.differences[:MOST_LINES]:
        yield f"{side}   {safe(element, 60)}: {safe(value, 200)}"
    if len(change.differences) > MOST_LINES:
        yield f"    ... {len(change.differences) - MOST_LINES} more lines"


def property_lines(step: Step) -> list[str]:
    """One or two lines for each property that differs, more for one that is long; none where none differs."""
    found = list(_properties(step))
    if len(found) > MOST_LINES:
        found = [*found[:MOST_LINES], f"  ... {len(found) - MOST_LINES} more lines"]
    return found


def hides_difference(step: Step, path: str, *, whole: bool = False) -> bool:
    """Whether the program asks not to show how a property differs, or, unless it is meant as a whole, a part of it."""
    asked = list(parts(path))
    # An item that is shown by its name has any index.
    return any(
        all(own in ("*", part) or isinstance(own, int) for own, part in zip(hidden, asked, strict=False))
        for hidden in step.hidden
        if not whole or len(hidden) <= len(asked)
    )


def _properties(step: Step) -> Iterator[str]:
    if step.paths:
        for path in sorted(step.paths):
            if not path.startswith(_ENGINE_OWN) and not _repeats(path, step.paths):
                yield from _difference(step, path, *_sides(step, path), cause="replace" in step.paths[path])
    elif step.old is None or step.new is None:
        given = _inputs(step.new or step.old)
        if not destructive(step):
            for key in sorted(given):
                if not key.startswith("__") and given[key] not in (None, "", [], {}) and key != "tagsAll":
                    hidden = hides_difference(step, key)
                    yield f"+   {safe(key, 100)}: {_HIDDEN if hidden else shown(plain(given[key], key))}"
    else:
        yield from _compared(step)


def _compared(step: Step) -> Iterator[str]:
    """Where the provider gives no differences in detail: the inputs that differ."""
    old, new = _inputs(step.old), _inputs(step.new)
    said = {*step.changing, *step.replacing}
    for key in sorted(old.keys() | new.keys() | said):
        sides = [at_path(given, f'["{key}"]') if key in given else NOTHING for given in (old, new)]
        if key.startswith("__") or _repeats(key, dict.fromkeys(new, "")):
            continue
        if old.get(key, NOTHING) != new.get(key, NOTHING) or key in said:
            yield from _difference(step, key, *sides, cause=key in step.replacing)


def _difference(step: Step, path: str, old: object, new: object, *, cause: bool) -> Iterator[str]:
    name = safe(path, 160)
    why = "  (forces the replacement)" if cause else ""
    if hides_difference(step, path, whole=True):
        yield f"!   {name}: {_HIDDEN}{why}"
    elif old is NOTHING and new is NOTHING:
        yield f"!   {name} changes{why}"
    elif is_policy(old) and is_policy(new):
        yield f"!   {name}: what changes of its statements is told under Access{why}"
    else:
        for place, before, after in places(path, old, new):
            if step.hidden and hides_difference(step, place):
                yield f"!   {safe(place, 160)}: {_HIDDEN}{why}"
            else:
                yield from lines(place, before, after, why)


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
