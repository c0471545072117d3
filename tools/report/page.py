"""A report as one HTML file: no script, no network, everything from AWS escaped."""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from jinja2 import Environment as Jinja
from jinja2 import PackageLoader, StrictUndefined

from tools.doctor.findings import Status
from tools.doctor.report import counts
from tools.preview_comment.values import redacted, shortened, visible
from tools.report import picture
from tools.report.features import feature_table
from tools.report.model import Environment, Known, Mark, Model, NotKnown, Report, T, Use, known, whole

LONGEST = 1000
"""Characters of a value that a page shows; a longer one is shortened."""

_UNKNOWN = "not known"
_NO_VERSION = "no version"
"""Stands for the content of a product that cannot be launched."""

_FINDINGS = {
    Status.BROKEN: Mark.BAD,
    Status.UNKNOWN: Mark.WAITING,
    Status.WARNING: Mark.WAITING,
    Status.OK: Mark.GOOD,
    Status.SKIPPED: Mark.PLAIN,
}


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message that a topic has sent."""

    topic: str
    subject: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Live:
    """What only a page that is served has."""

    inbox: Known[Sequence[Message]]
    """What the topics have sent, newest first."""


@dataclass(frozen=True, kw_only=True)
class Attention:
    """Something that somebody should look at."""

    stack: str
    mark: Mark
    what: str
    text: str
    fix: str = ""
    link: str = ""


@dataclass(frozen=True, kw_only=True)
class Release:
    """What of a product is released where."""

    slug: str
    versions: Sequence[str]
    """By environment, in their order; several are joined where its regions differ, empty where nobody is offered it."""
    verdict: str
    """Whether every environment offers the same; where not, what is the matter."""
    mark: Mark


def render(report: Report, live: Live | None = None) -> str:
    """Return the page.

    Args:
        report: what it shows.
        live: what a served page has beside it; None for a file.
    """
    environments = [one for one in report.environments if one.deployed]
    return (
        _jinja()
        .get_template("page.html.jinja")
        .render(
            report=report,
            live=live,
            style=_style(),
            policy=content_policy(),
            deployed=environments,
            attention=[one for each in environments for one in _attention(each)],
            releases=list(_releases(environments)),
            pictures={one.stack: picture.of(one) for one in environments},
            complete=all(
                one.whole and whole(one.endpoints) and not isinstance(one.findings, NotKnown) for one in environments
            ),
            lifecycle=feature_table().lifecycle,
            uses=list(Use),
            many=len(environments) > 1,
        )
    )


def render_log(build: str, lines: Known[Sequence[str]]) -> str:
    """Return the page of a build's log."""
    template = _jinja().get_template("log.html.jinja")
    return template.render(build=build, lines=lines, style=_style(), policy=content_policy())


def content_policy() -> str:
    """Return the content security policy of every page: its own style sheet, and nothing else from anywhere."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@cache
def _style() -> str:
    return (files("tools.report") / "templates" / "page.css").read_text(encoding="utf-8")


@cache
def _jinja() -> Jinja:
    made = Jinja(
        loader=PackageLoader("tools.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "text": text,
        "spans": _spans,
        "known": _known,
        "amount": _amount,
        "counts": counts,
        "money": _money,
        "number": _number,
        "change": _change,
        "bars": picture.bars,
        "serving": _serving,
        "latest": lambda versions: versions[:2],
    }
    made.tests["unknown"] = lambda value: isinstance(value, NotKnown)
    made.tests["whole"] = whole
    made.globals["marks"] = _FINDINGS
    return made


def text(value: str) -> str:
    """Return a value as it may be shown: one line, without credentials, every character visible, not too long."""
    return shortened(visible(redacted(value)), LONGEST)


def _spans(value: str) -> Sequence[str]:
    """Return a sentence of ours as what is text and what is code by turns: code stands between backticks."""
    told = text(value)
    spans = told.split("`")
    return spans if len(spans) % 2 else [told]


def _known(value: Sequence[T] | NotKnown) -> Sequence[T]:
    return () if isinstance(value, NotKnown) else value


def _amount(found: Sequence[Known[object]]) -> str:
    count = len(known(found))
    return str(count) if whole(found) else f"{count} or more" if count else _UNKNOWN


def _money(amount: float | None) -> str:
    return "by use" if amount is None else f"${amount:,.2f}"


def _number(value: float) -> str:
    return f"{value:,.4g}"


def _change(new: float, old: float) -> str:
    """How a metric has changed; less than a two-thousandth of it is none that a person looks for."""
    change = new - old
    return f"{change:+,.4g}" if abs(change) > abs(old) / 2000 else "about the same"


def _serving(model: Model, environment: Environment) -> Mapping[int, Sequence[str]]:
    """Return where each version of a model answers, by version."""
    found: dict[int, list[str]] = {}
    for endpoint in known(environment.endpoints):
        for variant in endpoint.variants:
            group, _, version = variant.serves.rpartition(" ")
            if group == model.group and version.isdecimal():
                found.setdefault(int(version), []).append(endpoint.stage or endpoint.name)
    return {version: sorted(set(stages)) for version, stages in found.items()}


def _attention(environment: Environment) -> Iterator[Attention]:
    """Tell what should be looked at: what the doctor found first."""
    stack = environment.stack
    for finding in _known(environment.findings):
        if finding.status in (Status.BROKEN, Status.UNKNOWN, Status.WARNING):
            what = f"{finding.check} {finding.subject}"
            mark = _FINDINGS[finding.status]
            yield Attention(stack=stack, mark=mark, what=what, text=finding.evidence, fix=finding.fix)
    if isinstance(environment.drift, str) and environment.drifted:
        fix = f"`pulumi preview --refresh --diff -s {stack}` shows it"
        yield Attention(
            stack=stack, mark=Mark.BAD, what="AWS is not as the stack says", text=environment.drift, fix=fix
        )
    for approval in environment.approvals:
        what = f"{approval.pipeline} waits for approval since {approval.since}"
        yield Attention(stack=stack, mark=Mark.WAITING, what=what, text=approval.text, link=approval.link)
    for pipeline in environment.pipelines:
        waiting = pipeline.earlier.failures if pipeline.earlier and not pipeline.earlier.mended else ()
        for failure in (*pipeline.failures, *waiting):
            what = f"{pipeline.name} failed in {failure.where}"
            yield Attention(stack=stack, mark=Mark.BAD, what=what, text=failure.reason, link=pipeline.link)
    for endpoint in known(environment.endpoints):
        if endpoint.idle:
            what = f"{endpoint.name} was not asked for two weeks"
            told = (
                f"it costs {_money(endpoint.monthly)} a month"
                if endpoint.monthly is not None
                else "it bills all the same"
            )
            yield Attention(stack=stack, mark=Mark.WAITING, what=what, text=told, link=endpoint.link)


def _releases(environments: Sequence[Environment]) -> Iterator[Release]:
    for slug in sorted({one.slug for each in environments for one in known(each.products)}):
        offered = {each.stack: [one for one in known(each.products) if one.slug == slug] for each in environments}
        silent = {each.stack for each in environments if not whole(each.products)}
        versions = {
            stack: " / ".join(sorted({one.content or _NO_VERSION for one in mine}))
            or (_UNKNOWN if stack in silent else "")
            for stack, mine in offered.items()
        }
        missing = [
            stack for stack, mine in offered.items() if stack not in silent and not any(one.released for one in mine)
        ]
        contents = {one.content for mine in offered.values() for one in mine if any(each.released for each in mine)}
        told = [
            *(["differs"] if len(contents) > 1 else []),
            *([f"not in {', '.join(missing)}"] if missing else []),
        ]
        verdict = ", ".join(told) or (_UNKNOWN if silent else "equal")
        mark = Mark.WAITING if told else Mark.PLAIN if silent else Mark.GOOD
        yield Release(slug=slug, versions=list(versions.values()), verdict=verdict, mark=mark)
