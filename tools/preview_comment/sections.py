"""The parts of a comment that may be left out, entry by entry, the least dangerous first."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tools.preview_comment import details
from tools.preview_comment.dangers import QUIET, known, rank, word
from tools.preview_comment.findings import AccessChange, Release, access_changes, releases
from tools.preview_comment.markdown import block, code, counted, in_html, message, some
from tools.preview_comment.previews import Diagnostic, Drift, Preview, Step, Violation

_MOST_RIGHTS = 5
"""New rights of one policy that are told in words; its statements tell the rest."""
_MOST_LINES = 60
"""Lines of one policy's statements."""
_OF_VIOLATIONS, _OF_ERRORS, _OF_BROADER_ACCESS, _OF_VERSIONS, _OF_DRIFT, _OF_UNKNOWN, _OF_ACCESS, _OF_WARNINGS = range(
    8
)
_OF_RESOURCES = 8


@dataclass(frozen=True)
class Entry:
    """Something that is shown whole or not at all."""

    rank: int
    """What has the lowest is left out last."""
    make: Callable[[], str]
    """Its Markdown; not asked for where there is no room any more."""


@dataclass(frozen=True)
class Section:
    """Entries of one kind under one title."""

    title: str
    """Markdown on one line; HTML where the section is collapsed."""
    noun: str
    """What one entry is."""
    entries: Sequence[Entry]
    collapsed: bool = False

    def text(self, entries: Sequence[str]) -> str:
        """The section with some of its entries."""
        short = all(entry.startswith("- ") and "\n" not in entry for entry in entries)
        body = ("\n" if short else "\n\n").join(entries)
        if self.collapsed:
            return f"<details>\n<summary>{self.title}</summary>\n\n{body}\n\n</details>"
        return f"### {self.title}\n\n{body}"


def sections(previews: Sequence[Preview], guard: Sequence[str], *, collapses: bool) -> Iterator[Section]:
    """All sections in the order in which they are read; those without entries, too."""
    violations = [(preview.stack, item) for preview in previews for item in preview.violations]
    violations.sort(key=lambda found: found[1].level != "mandatory")
    yield Section(
        "Policy violations",
        "policy violation",
        [Entry(_OF_VIOLATIONS, _violation(*found)) for found in violations],
    )
    errors = [(preview.stack, item) for preview in previews for item in preview.errors]
    # The engine's last word says nothing beside the others.
    telling = [found for found in errors if found[1].message != "preview failed"] or errors
    yield Section("Errors", "error", [Entry(_OF_ERRORS, _diagnostic(*found)) for found in telling])
    yield _access(previews)
    yield Section(
        "Product versions", "product version", [Entry(_OF_VERSIONS, _release(item)) for item in releases(previews)]
    )
    drift = [(preview.stack, item) for preview in previews for item in preview.drift]
    yield Section(
        "Changed in AWS, not by Pulumi", "drifted resource", [Entry(_OF_DRIFT, _drifted(*found)) for found in drift]
    )
    unknown = [(preview.stack, text) for preview in previews for text in preview.unknown]
    yield Section(
        "Printed by the engine and not known here",
        "unknown event",
        [Entry(_OF_UNKNOWN, _unknown(*found)) for found in unknown],
    )
    warnings = [
        (preview.stack, item) for preview in previews for item in preview.diagnostics if item.severity == "warning"
    ]
    yield Section("Warnings", "warning", [Entry(_OF_WARNINGS, _diagnostic(*found)) for found in warnings], collapses)
    for preview in previews:
        yield _resources(preview, guard, collapses=collapses)


def _access(previews: Sequence[Preview]) -> Section:
    found = [change for preview in previews for change in access_changes(preview)]
    found.sort(key=lambda change: (not change.broader, change.stack, change.step.urn, change.path))
    broader = sum(bool(change.broader) for change in found)
    return Section(
        f"Access: {counted(len(found), 'change')}, of which {broader:,} allow{'s' if broader == 1 else ''} more",
        "access change",
        [Entry(_OF_BROADER_ACCESS if item.broader else _OF_ACCESS, _access_change(item)) for item in found],
    )


def _resources(preview: Preview, guard: Sequence[str], *, collapses: bool) -> Section:
    steps = [step for step in preview.steps if step.op not in QUIET]
    steps.sort(key=lambda step: (rank(step, guard), step.urn, step.op))
    name = in_html(preview.stack) if collapses else code(preview.stack)
    return Section(
        f"{name}: {counted(len(steps), 'changed resource')}",
        "changed resource",
        [Entry(_OF_RESOURCES + rank(step, guard), _diff(step)) for step in steps],
        collapses,
    )


def _diff(step: Step) -> Callable[[], str]:
    return lambda: block(details.step_lines(step), "diff")


def _violation(stack: str, item: Violation) -> Callable[[], str]:
    return lambda: (
        f"- {code(stack, 60)} **{code(item.level, 40)}** {code(item.policy)} of {code(item.pack)} "
        f"on {code(_name(item.urn))}: {code(item.message, 600)}"
    )


def _diagnostic(stack: str, item: Diagnostic) -> Callable[[], str]:
    about = f" {code(_name(item.urn))}" if item.urn else ""
    return lambda: f"{code(stack, 60)}{about}\n\n{message(item.message)}"


def _unknown(stack: str, text: str) -> Callable[[], str]:
    return lambda: f"{code(stack, 60)}\n\n{message(text, most=1000)}"


def _drifted(stack: str, item: Drift) -> Callable[[], str]:
    what = "it is not there any more" if item.gone else f"{some(item.paths)} changed"
    return lambda: f"- {code(stack, 60)} {code(item.type, 100)} {code(_name(item.urn))}: {what}"


def _release(item: Release) -> Callable[[], str]:
    before, after = (code(text, 100) if text else "nothing" for text in (item.before, item.after))
    where = f" in {some(item.regions, 20)}" if any(item.regions) else ""
    parts = ", the same content in another environment" if item.same_content else ""
    says = f": {code(item.description, 600)}" if item.description else ""
    return lambda: f"- {code(item.stack, 60)} {code(item.product)}: {before} → {after}{where}{parts}{says}"


def _access_change(change: AccessChange) -> Callable[[], str]:
    def make() -> str:
        step = change.step
        told = f"{code(change.stack, 60)} {word(step) if known(step) else code(word(step), 60)} "
        told += f"{code(step.type, 100)} {code(step.name)} {code(change.path, 80)}"
        if change.broader:
            more = [f"- allows more: {code(text, 600)}" for text in change.broader[:_MOST_RIGHTS]]
            rest = len(change.broader) - _MOST_RIGHTS
            more += [f"- and {rest:,} more"] if rest > 0 else []
            fate = "is new" if step.old is None else "gets broader" if change.proved else "may get broader"
            told = "\n".join([f"{told} **{fate}**", "", *more])
        lines = details.statement_lines(change)
        if len(lines) > _MOST_LINES:
            lines = [*lines[:_MOST_LINES], f"  ... {len(lines) - _MOST_LINES:,} more lines"]
        return f"{told}\n\n{block(lines, 'diff')}" if lines else told

    return make


def _name(urn: str) -> str:
    return urn.split("::", 3)[-1]
