"""`tools preview-summary`: a preview in one line, for whoever approves it in CodePipeline.

The text of an approval is one value of at most 1,000 characters, most of which the summary may have; the destructive
steps come first, and what does not fit is counted.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from tools.faults import ToolError
from tools.preview_comment.dangers import DESTRUCTIVE, HARMLESS, QUIET, leftover
from tools.preview_comment.engine_output import read
from tools.preview_comment.findings import asides
from tools.preview_comment.masking import compiled, mask_option, masked
from tools.preview_comment.previews import Preview, Step
from tools.preview_comment.values import redacted, visible

LENGTH = 700
"""Characters of a summary."""

ORDER = ("delete", "delete (left over)", "replace", "create", "update", "import", "forget")


def summary(preview: Preview, length: int = LENGTH) -> str:
    """Tell what would happen, in one line; unknown operations are told by the engine's word, before all others."""
    steps = [step for step in preview.steps if step.op not in QUIET]
    fates = Counter(_outcome(step) for step in steps)
    beside = asides(preview)
    if not fates and not beside:
        return "No changes."
    counts = ", ".join(f"{fates[fate]} to {fate}" for fate in sorted(fates, key=_rank))
    counts = counts or "No resource changes, but what is beside them does"
    text = f"{counts}."
    lost = [step for step in steps if step.op not in HARMLESS]
    # Components are nothing in AWS, so what is lost there stands before them.
    lost.sort(key=lambda step: step.component)
    destroyed = [f"{_outcome(step)} {_plain(step.name)}" for step in lost]
    taken = [f"{_plain(', '.join(aside.names))} {_plain(aside.what)}" for aside in beside if aside.danger]
    destroyed += taken
    for told, more in _shortened(destroyed):
        longer = f"{counts}. {told}{more}."
        if len(longer) > length:
            break
        text = longer
    return text[:length]


def reasons(preview: Preview) -> str:
    """Why a preview failed, without secrets."""
    violations = (f"{item.policy}: {item.message}" for item in preview.violations if item.level == "mandatory")
    return "; ".join(map(redacted, [*preview.faults, *(error.message for error in preview.errors), *violations]))


def _outcome(step: Step) -> str:
    if leftover(step):
        return "delete (left over)"
    return {**HARMLESS, **DESTRUCTIVE}.get(step.op, _plain(step.op))


def _rank(fate: str) -> int:
    return ORDER.index(fate) if fate in ORDER else -1


def _shortened(names: list[str]) -> Iterator[tuple[str, str]]:
    """Return the first of the names, one more each time, and how many are left."""
    for count in range(len(names) + 1):
        left = len(names) - count
        if count or left:
            yield ", ".join(names[:count]), f"{' and ' if count else ''}{left} that destroy" if left else ""


def _plain(text: str) -> str:
    """Return a name without what could be taken for a variable of the pipeline, or break the line."""
    return " ".join(visible(redacted(text)).replace("#{", "# {").split())


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@mask_option
def command(file: Path, masks: Sequence[str]) -> None:
    """Print what `pulumi preview --json` says in one line of up to 700 characters."""
    preview = masked(read(file.read_bytes().decode("utf-8", "replace")), compiled(masks))
    if preview.failed:
        raise ToolError(f"{file}: the preview failed: {reasons(preview)}")
    click.echo(summary(preview))
