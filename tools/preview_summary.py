"""`tools preview-summary`: a preview in one line, for whoever approves it in CodePipeline.

The text of an approval is one value of at most 1,000 characters, most of which the summary may have; the destructive
steps come first, and what does not fit is counted.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from tools.faults import ToolError
from tools.preview_comment.dangers import DESTRUCTIVE, HARMLESS, QUIET
from tools.preview_comment.engine_output import read
from tools.preview_comment.previews import Preview, Step
from tools.preview_comment.values import redacted, visible

LENGTH = 700
"""Characters of a summary."""

ORDER = ("delete", "replace", "create", "update", "import", "forget")


def summary(preview: Preview, length: int = LENGTH) -> str:
    """What would happen, in one line; unknown operations are told by the engine's word, before all others."""
    steps = [step for step in preview.steps if step.op not in QUIET]
    fates = Counter(_fate(step) for step in steps)
    if not fates:
        return "No changes."
    counts = ", ".join(f"{fates[fate]} to {fate}" for fate in sorted(fates, key=_rank))
    text = f"{counts}."
    destroyed = [f"{_fate(step)} {_plain(step.name)}" for step in steps if step.op not in HARMLESS]
    for told, more in _shortened(destroyed):
        longer = f"{counts}. {told}{more}."
        if len(longer) > length:
            break
        text = longer
    return text[:length]


def _fate(step: Step) -> str:
    return {**HARMLESS, **DESTRUCTIVE}.get(step.op, _plain(step.op))


def _rank(fate: str) -> int:
    return ORDER.index(fate) if fate in ORDER else -1


def _shortened(names: list[str]) -> Iterator[tuple[str, str]]:
    """The first of the names, one more each time, and how many are left."""
    for count in range(len(names) + 1):
        left = len(names) - count
        if count or left:
            yield ", ".join(names[:count]), f"{' and ' if count else ''}{left} that destroy" if left else ""


def _plain(text: str) -> str:
    """A name without what could be taken for a variable of the pipeline, or break the line."""
    return " ".join(visible(redacted(text)).replace("#{", "# {").split())


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def command(file: Path) -> None:
    """Print what `pulumi preview --json` says in one line of up to 700 characters."""
    preview = read(file.read_text(encoding="utf-8"))
    if preview.failed:
        reasons = [*preview.faults, *(error.message for error in preview.errors)]
        raise ToolError(f"{file}: the preview failed: {'; '.join(reasons)}")
    click.echo(summary(preview))
