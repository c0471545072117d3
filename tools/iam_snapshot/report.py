"""The difference of two snapshots, for people and for machines."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from awsmodel.iam.comparison import LIFTED
from tools.iam_snapshot.difference import Breadth, Change, EntityChange
from tools.iam_snapshot.snapshot import LISTS

PLURALS = {"role": "roles", "user": "users", "group": "groups", "policy": "policies"}
_STYLES = {
    Breadth.BROADER: "bold red",
    Breadth.UNDECIDED: "yellow",
    Breadth.NARROWER: "green",
    Breadth.SAME: "dim",
}
_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def summary(changes: Iterable[EntityChange]) -> dict[str, dict[str, int]]:
    """How many of each kind were added and removed, and what became of the others' rights."""
    found = Counter((item.kind, _outcome(item.change)) for item in changes)
    fates = ("added", "removed", *(str(breadth) for breadth in reversed(Breadth)))
    return {kind: {fate: found[kind, fate] for fate in fates if found[kind, fate]} for kind in LISTS}


def _outcome(change: Change) -> str:
    return str(change.breadth) if change.status == "changed" else change.status


def tell(changes: Sequence[EntityChange], console: Console) -> None:
    """Print a summary, and then each change."""
    told = [
        f"{PLURALS[kind]}: {', '.join(f'{count} {fate}' for fate, count in fates.items())}"
        for kind, fates in summary(changes).items()
        if fates
    ]
    for line in told or ["no difference"]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    for item in changes:
        console.print()
        _tell(item.change, item.kind, 0, console)


def _tell(change: Change, kind: str, depth: int, console: Console) -> None:
    indent = "  " * depth
    line = Text.assemble(f"{indent}{_SIGNS[change.status]} {kind}{' ' * bool(kind)}{change.what}: ")
    line.append(f"{change.status}, " if not depth and change.status != "changed" else "")
    line.append(str(change.breadth), _STYLES[change.breadth])
    console.print(line, soft_wrap=True)
    allowed = (right if right.startswith(LIFTED) else f"allows {right}" for right in change.allowed)
    forbidden = (
        f"now denied: {right.removeprefix(LIFTED)}" if right.startswith(LIFTED) else f"no longer allows {right}"
        for right in change.forbidden
    )
    for text in [*change.notes, *allowed, *forbidden]:
        console.print(Text(f"{indent}    {text}"), soft_wrap=True)
    for part in change.parts:
        _tell(part, "", depth + 1, console)


def as_json(changes: Iterable[EntityChange]) -> list[dict[str, Any]]:
    """Return the changes as plain values."""
    return [{"kind": item.kind, "name": item.name, **_plain(item.change)} for item in changes]


def _plain(change: Change) -> dict[str, Any]:
    return {
        "what": change.what,
        "status": change.status,
        "breadth": str(change.breadth),
        "notes": list(change.notes),
        "allowed": list(change.allowed),
        "forbidden": list(change.forbidden),
        "parts": [_plain(part) for part in change.parts],
    }
