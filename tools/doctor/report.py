"""Findings as people read them, and as machines do."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from textwrap import wrap

from rich.console import Console
from rich.text import Text

from tools.doctor.findings import Finding, Status

_WORDS = {
    Status.BROKEN: ("broken", "broken"),
    Status.UNKNOWN: ("unknown", "unknown"),
    Status.WARNING: ("warning", "warnings"),
    Status.OK: ("ok", "ok"),
    Status.SKIPPED: ("skipped", "skipped"),
}
"""One and several of each status, in words."""

_STYLES = {
    Status.BROKEN: "bold red",
    Status.UNKNOWN: "magenta",
    Status.WARNING: "yellow",
    Status.OK: "green",
    Status.SKIPPED: "dim",
}
_ORDER = list(Status)
_INDENT = " " * 9


def counts(findings: Iterable[Finding]) -> str:
    """How many findings have each status: `23 ok, 1 broken, 2 warnings`."""
    number = Counter(finding.status for finding in findings)
    order = (Status.OK, Status.BROKEN, Status.UNKNOWN, Status.WARNING, Status.SKIPPED)
    return ", ".join(f"{number[status]} {_WORDS[status][number[status] != 1]}" for status in order if number[status])


def show(findings: Sequence[Finding], again: str, out: Console, *, asked_for_principal: bool) -> None:
    """Print what needs somebody in full, the worst first; all else one line each; then the counts and the next step."""
    by_status = sorted(findings, key=lambda finding: _ORDER.index(finding.status))
    urgent = [finding for finding in by_status if finding.fix]
    calm = [finding for finding in by_status if not finding.fix]
    for finding in urgent:
        out.print(Text.assemble(_mark(finding), (f"{finding.check}  {finding.subject}", "bold")))
        for text in (finding.evidence, f"Fix: {finding.fix}"):
            for line in _wrapped(text, out):
                out.print(Text(_INDENT + line), soft_wrap=True)
        out.print()
    check, subject = (max((len(text) for text in texts), default=0) for texts in _columns(calm))
    for finding in calm:
        first, *rest = _wrapped(f"{finding.check:<{check}}  {finding.subject:<{subject}}  {finding.evidence}", out)
        out.print(Text.assemble(_mark(finding), first), soft_wrap=True)
        for line in rest:
            out.print(Text(f"{_INDENT}  {line}"), soft_wrap=True)
    out.print(f"\n{counts(findings)}", soft_wrap=True)
    out.print(Text(next_step(findings, again, asked_for_principal=asked_for_principal)), soft_wrap=True)


def _wrapped(text: str, out: Console) -> list[str]:
    return wrap(text, max(out.width - len(_INDENT) - 2, 20), break_long_words=False, break_on_hyphens=False)


def _mark(finding: Finding) -> Text:
    return Text(f"{finding.status:<{len(_INDENT)}}", style=_STYLES[finding.status])


def _columns(findings: Sequence[Finding]) -> tuple[list[str], list[str]]:
    return [finding.check for finding in findings], [finding.subject for finding in findings]


def next_step(findings: Sequence[Finding], again: str, *, asked_for_principal: bool) -> str:
    """Tell what to do now."""
    worst = min((_ORDER.index(finding.status) for finding in findings), default=len(_ORDER))
    if worst == _ORDER.index(Status.BROKEN):
        return f"Next: set right what is broken, then run `{again}` again."
    if worst == _ORDER.index(Status.UNKNOWN):
        return f"Next: grant what could not be looked at, then run `{again}` again. Until then it may be broken."
    if not asked_for_principal:
        return f"Next: somebody still sees nothing? `{again} --principal <ARN of their execution role>`"
    return "Next: nothing; this role sees the products and can launch them."


def as_json(stack: str, findings: Sequence[Finding]) -> str:
    """Return the findings in the order of the examination, and their counts."""
    number = Counter(finding.status for finding in findings)
    fields = ("check", "subject", "status", "evidence", "fix")
    return json.dumps(
        {
            "stack": stack,
            "counts": {status: number[status] for status in Status},
            "findings": [{field: getattr(finding, field) for field in fields} for finding in findings],
        },
        indent=2,
    )
