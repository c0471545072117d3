"""What stops a merge: a preview that failed, or a destructive step on a guarded type that nobody has approved."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tools.preview_comment.dangers import GUARDED, guarded
from tools.preview_comment.markdown import code, counted
from tools.preview_comment.previews import Preview


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What is judged by."""

    guard: tuple[str, ...] = GUARDED
    """Types whose deletion or replacement needs approval, as shell patterns of type tokens."""
    approved: bool = False
    """Whether somebody has approved it."""
    approval: str = "the option `--approved`"
    """How somebody approves it."""


def stops(previews: Sequence[Preview], rules: Rules) -> list[str]:
    """Why the change must not be merged as it is, one sentence each; nothing where it may."""
    return [reason for preview in previews for reason in _reasons(preview, rules)]


def _reasons(preview: Preview, rules: Rules) -> Iterator[str]:
    name = code(preview.stack)
    for fault in preview.faults:
        yield f"{name}: {_sentence(fault)}"
    if preview.errors:
        yield f"{name}: the preview has {counted(len(preview.errors), 'error')}"
    mandatory = sum(violation.level == "mandatory" for violation in preview.violations)
    if mandatory:
        yield f"{name}: {counted(mandatory, 'mandatory policy violation')}"
    steps = sum(guarded(step, rules.guard) for step in preview.steps)
    if steps and not rules.approved:
        what = counted(steps, "guarded resource")
        yield f"{name}: {what} would be deleted or replaced; to approve: {rules.approval}"


def _sentence(fault: str) -> str:
    """Mask the fault, which may quote what the engine printed."""
    quiet = fault.isascii() and fault.replace(",", "").replace("'", "").replace("-", "").replace(" ", "").isalnum()
    return fault if quiet and len(fault) < 200 else code(fault)
