"""The figures of previews, for machines: beside the comment, hidden in it, and as labels of a pull request."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tools.preview_comment.dangers import DESTRUCTIVE, changes, destroyed, guarded, leftover, retained
from tools.preview_comment.findings import asides
from tools.preview_comment.previews import Preview
from tools.preview_comment.verdict import Rules, stops

LABELS = ("destroy", "replace", "no-changes")
"""What a label may say, after the comment's name and a colon."""


def counts(previews: Sequence[Preview], rules: Rules) -> dict[str, Any]:
    """All figures: by stack what the engine would do, by its own words, and how much of it is dangerous."""
    return {
        "version": 1,
        "stacks": {preview.stack: _of(preview, rules) for preview in sorted(previews, key=lambda one: one.stack)},
        "stops": stops(previews, rules),
    }


def operations(preview: Preview) -> dict[str, int]:
    """Resources by operation: as the engine counts them, and what it leaves over and does not count."""
    told = Counter(step.op for step in preview.steps)
    found = {**told, **preview.counts}
    return {op: found[op] for op in sorted(found) if op and found[op]}


def _of(preview: Preview, rules: Rules) -> dict[str, Any]:
    lost = destroyed(preview)
    return {
        "operations": operations(preview),
        "destroyed": sum(not retained(step) for step in lost),
        "replaced": sum(DESTRUCTIVE.get(step.op) == "replace" for step in lost),
        "leftOver": sum(leftover(step) for step in lost),
        "guarded": sum(guarded(step, rules.guard) for step in preview.steps),
        "safeguardsTakenAway": sum(len(aside.names) for aside in asides(preview) if aside.danger),
        "drifted": len(preview.drift),
        "errors": len(preview.errors),
        "violations": len(preview.violations),
        "failed": preview.failed,
    }


def labels(previews: Sequence[Preview], name: str) -> Mapping[str, bool]:
    """Return the labels of a pull request, and whether it is to have them. Of a failed preview nothing can be said."""
    failed = any(preview.failed for preview in previews)
    lost = [step for preview in previews for step in destroyed(preview) if not retained(step)]
    replaced = sum(DESTRUCTIVE.get(step.op) == "replace" for step in lost)
    nothing = not any(changes(preview) or asides(preview) or preview.drift for preview in previews)
    holds = (len(lost) > replaced, replaced > 0, nothing and not failed)
    return {f"{name}:{label}": held for label, held in zip(LABELS, holds, strict=True)}
