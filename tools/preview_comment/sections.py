"""The parts of a comment that may be left out, entry by entry, the least dangerous first."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tools.preview_comment import details
from tools.preview_comment.dangers import QUIET, destructive, known, rank, word
from tools.preview_comment.differences import lines as difference_lines
from tools.preview_comment.differences import places
from tools.preview_comment.findings import AccessChange, Aside, Release, access_changes, asides, releases
from tools.preview_comment.folding import Folding
from tools.preview_comment.markdown import block, code, counted, in_html, message, some
from tools.preview_comment.previews import Diagnostic, Drift, Preview, Step, Violation

_MOST_RIGHTS = 5
"""New rights of one policy that are told in words; its statements tell the rest."""
_MOST_LINES = 60
"""Lines of one policy's statements."""
_MOST_NAMES = 40
"""Resources of one type that are named as created or changed."""
(
    _OF_SAFEGUARDS,
    _OF_VIOLATIONS,
    _OF_ERRORS,
    _OF_BROADER_ACCESS,
    _OF_VERSIONS,
    _OF_NAMES,
    _OF_DRIFT,
    _OF_UNKNOWN,
    _OF_OUTPUTS,
    _OF_ACCESS,
    _OF_ASIDES,
    _OF_WARNINGS,
    _OF_RESOURCES,
) = range(13)


@dataclass(frozen=True)
class Entry:
    """Something that is shown whole or not at all."""

    rank: int
    """What has the lowest is left out last."""
    make: Callable[[], str]
    """Its Markdown, empty where there is nothing to show; not asked for where there is no room any more."""
    things: int = 1
    """How many it is about."""


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
        """Return the section with some of its entries."""
        short = all(entry.startswith("- ") and "\n" not in entry for entry in entries)
        body = ("\n" if short else "\n\n").join(entries)
        if self.collapsed:
            return f"<details>\n<summary>{self.title}</summary>\n\n{body}\n\n</details>"
        return f"### {self.title}\n\n{body}"


def sections(previews: Sequence[Preview], guard: Sequence[str], *, collapses: bool) -> Iterator[Section]:
    """All sections in the order in which they are read; those without entries, too."""
    folding = Folding(previews)
    beside = [aside for preview in previews for aside in asides(preview)]
    yield Section(
        "Safeguards taken away",
        "safeguard",
        [Entry(_OF_SAFEGUARDS, _aside(item), len(item.names)) for item in beside if item.danger],
    )
    violations = [(preview.stack, item) for preview in previews for item in preview.violations]
    violations.sort(key=lambda found: found[1].level != "mandatory")
    yield Section(
        "Policy violations",
        "policy violation",
        [Entry(_OF_VIOLATIONS, _violation(*found)) for found in violations],
    )
    errors = [(preview.stack, item) for preview in previews for item in preview.errors]
    yield Section("Errors", "error", [Entry(_OF_ERRORS, _diagnostic(*found)) for found in errors])
    yield _access(previews, folding)
    yield Section(
        "Product versions", "product version", [Entry(_OF_VERSIONS, _release(item)) for item in releases(previews)]
    )
    yield Section("Created and changed", "changed resource", [*_names(previews)])
    yield Section("Outputs of the stack", "output", [*_outputs(beside)])
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
    others = [item for item in beside if not item.danger and item.before is item.after]
    yield Section(
        "Renamed, and other providers", "note", [Entry(_OF_ASIDES, _aside(item), len(item.names)) for item in others]
    )
    warnings = [
        (preview.stack, item) for preview in previews for item in preview.diagnostics if item.severity == "warning"
    ]
    yield Section("Warnings", "warning", [Entry(_OF_WARNINGS, _diagnostic(*found)) for found in warnings], collapses)
    for preview in previews:
        yield _resources(preview, guard, folding, collapses=collapses)


def _access(previews: Sequence[Preview], folding: Folding) -> Section:
    found = [change for preview in previews for change in access_changes(preview)]
    found.sort(key=lambda change: (not change.broader, change.stack, change.step.urn, change.path))
    broader = sum(bool(change.broader) for change in found)
    groups = folding.folded(
        found,
        lambda item: (item.stack, item.step.op, item.step.type, item.step.name, item.path),
        lambda item: (*item.broader, *details.statement_lines(item)),
    )
    return Section(
        f"Access: {counted(len(found), 'change')}, of which {broader:,} allow{'s' if broader == 1 else ''} more",
        "access change",
        [
            Entry(
                _OF_BROADER_ACCESS if first.broader else _OF_ACCESS,
                _access_change(first, [other.step.name for other in others]),
                1 + len(others),
            )
            for first, *others in groups
        ],
    )


def _names(previews: Sequence[Preview]) -> Iterator[Entry]:
    """Tell what is created and changed by name, once for each type; components by themselves, and last."""
    named: dict[tuple[str, bool, int, str, str], list[str]] = {}
    order = ("create", "import", "update")
    for preview in previews:
        for step in preview.steps:
            if step.op not in QUIET and not destructive(step):
                place = order.index(word(step)) if word(step) in order else len(order)
                named.setdefault((preview.stack, step.component, place, word(step), step.type), []).append(step.name)
    for (stack, component, _, fate, type_), names in sorted(named.items()):
        yield Entry(_OF_NAMES, _named(stack, fate, type_, sorted(names), component=component), len(names))


def _named(stack: str, fate: str, type_: str, names: Sequence[str], *, component: bool) -> Callable[[], str]:
    kind = " (components, nothing in AWS)" if component else ""
    return lambda: f"- {code(stack, 60)} {fate} {code(type_, 100)}{kind}: {some(names, _MOST_NAMES)}"


def _resources(preview: Preview, guard: Sequence[str], folding: Folding, *, collapses: bool) -> Section:
    # Of what is deleted there is no difference to show.
    steps = [step for step in preview.steps if step.op not in QUIET and (step.new is not None or not destructive(step))]
    steps.sort(key=lambda step: (rank(step, guard), step.urn, step.op))
    groups = folding.folded(steps, lambda step: (step.op, step.type, step.name), details.property_lines)
    name = in_html(preview.stack) if collapses else code(preview.stack)
    return Section(
        f"{name}: what differs, of {counted(len(steps), 'changed resource')}",
        "difference",
        [
            Entry(_OF_RESOURCES + rank(first, guard), _diff(first, [other.name for other in others]), 1 + len(others))
            for first, *others in groups
        ],
        collapses,
    )


def _diff(step: Step, others: Sequence[str]) -> Callable[[], str]:
    def make() -> str:
        lines = details.property_lines(step)
        return block([details.headline(step, others), *lines], "diff") if lines else ""

    return make


def _aside(item: Aside) -> Callable[[], str]:
    def make() -> str:
        kind = f" {code(item.type, 100)}" if item.type else ""
        return f"- {code(item.stack, 60)}{kind} {some(item.names, _MOST_NAMES)}: {_words(item.what)}"

    return make


def _words(text: str) -> str:
    """Return a sentence of ours with names of others in it."""
    return text if text.isascii() and not set(text) & set("<>[]*_#@|&`\\") and text.isprintable() else code(text, 300)


def _outputs(beside: Sequence[Aside]) -> Iterator[Entry]:
    for stack in dict.fromkeys(item.stack for item in beside):
        found = [item for item in beside if item.stack == stack and item.before is not item.after]
        if found:
            yield Entry(_OF_OUTPUTS, _output(stack, found), len(found))


def _output(stack: str, found: Sequence[Aside]) -> Callable[[], str]:
    def make() -> str:
        changed = (place for item in found for place in places(item.names[0], item.before, item.after))
        lines = [line for place in changed for line in difference_lines(*place)]
        rest = [f"    ... {len(lines) - _MOST_LINES:,} more lines"] if len(lines) > _MOST_LINES else []
        return f"{code(stack, 60)}\n\n{block([*lines[:_MOST_LINES], *rest], 'diff')}"

    return make


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


def _access_change(change: AccessChange, others: Sequence[str]) -> Callable[[], str]:
    def make() -> str:
        step = change.step
        told = f"{code(change.stack, 60)} {word(step) if known(step) else code(word(step), 60)} "
        told += f"{code(step.type, 100)} {code(step.name)} {code(change.path, 80)}"
        told += f", and the same of {some(others, _MOST_NAMES)}" if others else ""
        hidden = details.hides_difference(step, change.path)
        if change.broader:
            rights = ("what more is hidden by the program (hideDiffs)",) if hidden else change.broader
            more = [f"- allows more: {code(text, 600)}" for text in rights[:_MOST_RIGHTS]]
            rest = len(rights) - _MOST_RIGHTS
            more += [f"- and {rest:,} more"] if rest > 0 else []
            fate = "is new" if step.old is None else "gets broader" if change.proved else "may get broader"
            told = "\n".join([f"{told} **{fate}**", "", *more])
        lines = [] if hidden else details.statement_lines(change)
        if len(lines) > _MOST_LINES:
            lines = [*lines[:_MOST_LINES], f"  ... {len(lines) - _MOST_LINES:,} more lines"]
        return f"{told}\n\n{block(lines, 'diff')}" if lines else told

    return make


def _name(urn: str) -> str:
    return urn.split("::", 3)[-1]
