"""The comment: what matters first, all of it within the limit of the place where it is posted.

Counts and everything that is destroyed always stand in it, in more than one comment where one does not hold them. The
rest is left out by whole resources, the least dangerous first. Equal previews give equal text.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tools.preview_comment.counts import operations
from tools.preview_comment.dangers import (
    DESTRUCTIVE,
    HARMLESS,
    QUIET,
    changes,
    destroyed,
    destructive,
    guarded,
    known,
    leftover,
    rank,
    retained,
    stateful,
    word,
)
from tools.preview_comment.findings import asides
from tools.preview_comment.markdown import code, counted, some
from tools.preview_comment.previews import Preview, Step
from tools.preview_comment.sections import sections
from tools.preview_comment.values import is_secret, is_unknown, shortened
from tools.preview_comment.verdict import Rules, stops

VERSION = "mlops-preview:v1"
"""First word of every comment, hidden; comments of another version are somebody else's."""
LEAST_LIMIT = 4096
"""Bytes below which not even a line of each kind fits."""

_NOTES = 700
"""Bytes kept free for what is said about things left out, and later of a comment that is outdated."""
_OUTDATED = "> ⏳ **Outdated:** this is what an earlier commit would change."
_MOST_FIGURES = 600
"""Bytes of the counts in the hidden line; the totals take their place where they are more."""
_MOST_COMMIT = 60
_MOST_KINDS = 12
"""Kinds of operations that are counted one by one."""


@dataclass(frozen=True, kw_only=True)
class Style:
    """What the place of the comment can do."""

    limit: int
    """The most of one comment, counted in bytes of UTF-8, of which a text has never fewer than characters."""
    collapses: bool
    """Whether HTML's `<details>` and GitHub's alerts are shown as such."""


GITHUB = Style(limit=65_536, collapses=True)
CODECOMMIT = Style(limit=10_240, collapses=False)


@dataclass(frozen=True, kw_only=True)
class Context:
    """Where the previews come from."""

    name: str = "preview"
    """Tells this comment from others of the same pull request."""
    commit: str = ""
    run_url: str = ""
    """Where the whole output is."""
    rules: Rules = field(default_factory=Rules)


def header(name: str, part: int) -> str:
    """Return the hidden start of a comment's first line, by which it is found again; more may follow it on the line."""
    return f"<!-- {VERSION} {_hidden({'name': name, 'part': part})}"


def worth_telling(previews: Sequence[Preview]) -> bool:
    """Whether there is anything to say: a change, an error, a violation, drift, or something not understood."""
    return any(
        changes(preview) or asides(preview) or preview.failed or preview.violations or preview.drift or preview.unknown
        for preview in previews
    )


def render(previews: Sequence[Preview], style: Style = GITHUB, context: Context | None = None) -> tuple[str, ...]:
    """Return the comment, in as many parts as it takes; nearly always one.

    Raises:
        ValueError: the limit is too small for any comment.
    """
    if style.limit < LEAST_LIMIT:
        raise ValueError(f"a comment of {style.limit} bytes cannot hold a preview; at least {LEAST_LIMIT} are needed")
    return _Comment(sorted(previews, key=lambda preview: preview.stack), style, context or Context()).parts()


def outdated(body: str, commit: str) -> str:
    """Return a comment marked as one of another commit than the newest, once; as it is where it is of that commit."""
    first, _, rest = body.partition("\n")
    if f'"commit":{_hidden(shortened(commit, _MOST_COMMIT))}' in first:
        return body
    rest = re.sub(rf"\A\s*{re.escape(_OUTDATED)}[^\n]*\n+", "", rest).lstrip("\n")
    newer = f" The preview of {code(commit, 60)} is not there yet." if commit else ""
    return f"{first}\n\n{_OUTDATED}{newer}\n\n{rest}"


class _Comment:
    def __init__(self, previews: Sequence[Preview], style: Style, context: Context) -> None:
        self._previews = previews
        self._style = style
        self._context = context
        self._guard = context.rules.guard
        self._destroyed = sorted(
            ((preview.stack, step) for preview in previews for step in preview.steps if destructive(step)),
            key=lambda found: (
                found[1].component,
                rank(found[1], self._guard),
                found[0],
                found[1].urn,
                found[1].op,
                found[1].physical_id,
            ),
        )
        self._lost = sum(len(destroyed(preview)) for preview in previews)

    def parts(self) -> tuple[str, ...]:
        for compact in (False, True):
            lines = [*self._stack_lines(), *self._stop_lines()]
            body = [self._title(), *self._listed(lines, self._destroyed_lines(compact=compact))]
            room = self._style.limit - _size("\n\n".join([self._header(1, 1), *body, self._footer()])) - _NOTES
            if room >= 0:
                return ("\n\n".join([self._header(1, 1), *body, *self._filled(room), self._footer()]) + "\n",)
        return self._pages()

    def _pages(self) -> tuple[str, ...]:
        """Several comments: first what would be destroyed, and what else fits into the last of them."""
        lines = [(False, line) for line in (*self._stack_lines(), *self._stop_lines())]
        lines += [(True, line) for line in self._destroyed_lines(compact=True)]
        frame = [self._header(10**6, 10**6), self._title(10**6, 10**6), *self._listed([""], [""]), self._footer()]
        pages: list[tuple[list[str], list[str]]] = []
        whole = self._style.limit - _size("\n\n".join(frame)) - _NOTES
        room = -1
        for lost, line in lines:
            cost = _size(line) + len("> \n")
            if cost > room:
                pages.append(([], []))
                room = whole
            room -= cost
            pages[-1][lost].append(line)
        made = []
        for number, page in enumerate(pages, 1):
            body = [self._title(number, len(pages)), *self._listed(*page)]
            body += self._filled(room) if number == len(pages) else []
            made.append("\n\n".join([self._header(number, len(pages)), *body, self._footer()]) + "\n")
        return tuple(made)

    def _header(self, part: int, parts: int) -> str:
        told = {"parts": parts, "stacks": self._stack_names(), "commit": shortened(self._context.commit, _MOST_COMMIT)}
        figures = {shortened(preview.stack, 100): operations(preview) for preview in self._previews}
        if _size(_hidden(figures)) > _MOST_FIGURES:
            figures = {"": dict(sum((Counter(found) for found in figures.values()), Counter[str]()))}
        if _size(_hidden(figures)) <= _MOST_FIGURES:
            told["counts"] = figures
        return f"{header(self._context.name, part)} {_hidden(told)} -->"

    def _stack_names(self) -> list[str]:
        names = [shortened(preview.stack, 100) for preview in self._previews]
        return names if _size(_hidden({"stacks": names})) < 500 else [f"{len(names)} stacks"]

    def _title(self, part: int = 1, parts: int = 1) -> str:
        failed = sum(preview.failed for preview in self._previews)
        changed = sum(len(changes(preview)) for preview in self._previews)
        told = [f"the preview of {counted(failed, 'stack')} failed"] if failed else []
        beside = [aside for preview in self._previews for aside in asides(preview)]
        if self._lost:
            told.append(f"{counted(self._lost, 'resource')} would be deleted or replaced")
        elif changed:
            told.append(f"{counted(changed, 'change')}, nothing is deleted or replaced")
        taken = sum(len(aside.names) for aside in beside if aside.danger)
        if taken:
            told.append(f"{counted(taken, 'safeguard')} taken away")
        elif beside and not self._lost and not changed:
            told.append(
                f"no resource changes, and {counted(sum(len(aside.names) for aside in beside), 'thing')} beside"
            )
        drifted = sum(len(preview.drift) for preview in self._previews)
        if drifted:
            told.append(f"{counted(drifted, 'resource')} changed in AWS, not by Pulumi")
        told = told or ["nothing changes"]
        of = f" (part {part} of {parts})" if parts > 1 else ""
        return f"## Infrastructure preview: {', '.join(told)}{of}"

    def _stack_lines(self) -> list[str]:
        return [f"- {self._icon(preview)} {code(preview.stack)}: {_counts(preview)}" for preview in self._previews]

    def _icon(self, preview: Preview) -> str:
        if preview.failed:
            return "❌"
        beside = asides(preview)
        if destroyed(preview) or any(aside.danger for aside in beside):
            return "⚠️"
        return "✏️" if changes(preview) or beside else "✅"

    def _stop_lines(self) -> list[str]:
        reasons = stops(self._previews, self._context.rules)
        told = [f"- **stops the merge:** {reason}" for reason in reasons]
        if self._context.rules.approved and any(guarded(step, self._guard) for _, step in self._destroyed):
            told.append("- the destruction of guarded resources is approved")
        return told

    def _listed(self, lines: Sequence[str], destroyed: Sequence[str]) -> list[str]:
        """Return the counts, and the warning with its list."""
        shown = ["\n".join(lines)] if lines else []
        if not destroyed:
            return shown
        title = f"**{counted(self._lost, 'resource')} would be deleted or replaced**"
        staying = sum(retained(step) for _, step in self._destroyed)
        title += f", {staying:,} of them only forgotten: they stay in AWS" if staying else ""
        groups = len(self._destroyed) - self._lost
        title += f", and {counted(groups, 'component')}, nothing in AWS by themselves" if groups else ""
        if any(step.op == "delete" for _, step in self._destroyed):
            title += "; what is deleted is not in the program any more"
        if self._style.collapses:
            return [*shown, "\n".join(["> [!WARNING]", f"> {title}", ">", *(f"> {line}" for line in destroyed)])]
        return [*shown, "\n".join([f"⚠️ {title}", "", *destroyed])]

    def _destroyed_lines(self, *, compact: bool) -> list[str]:
        return [self._destroyed_line(stack, step, compact=compact) for stack, step in self._destroyed]

    def _destroyed_line(self, stack: str, step: Step, *, compact: bool) -> str:
        line = f"- {code(stack, 60)} **{word(step) if known(step) else code(word(step), 60)}** "
        line += f"{code(step.type, 100)} {code(step.name)}"
        if compact:
            return line
        marks = [
            mark
            for mark, holds in {
                "needs approval": guarded(step, self._guard) and not self._context.rules.approved,
                "holds data": stateful(step),
                "protected, so Pulumi refuses": step.says("protect"),
                "stays in AWS": retained(step),
                "a component": step.component,
            }.items()
            if holds
        ]
        there = _in_aws(step)
        line += f" in AWS {there}" if there else ""
        why = _why(step)
        return line + (f": {why}" if why else "") + (f" ({', '.join(marks)})" if marks else "")

    def _filled(self, room: int) -> list[str]:
        """As much of all sections as there is room for, the most dangerous first, and what is left out."""
        all_sections = list(sections(self._previews, self._guard, collapses=self._style.collapses))
        kept: list[dict[int, str]] = [{} for _ in all_sections]
        order = sorted(
            (entry.rank, number, place)
            for number, section in enumerate(all_sections)
            for place, entry in enumerate(section.entries)
        )
        for _, number, place in order:
            text = all_sections[number].entries[place].make()
            if not text:
                kept[number][place] = text
                continue
            room -= _size(text) + 2 + (0 if any(kept[number].values()) else _size(all_sections[number].text([])) + 2)
            if room < 0:
                break
            kept[number][place] = text
        left = Counter[str]()
        for section, texts in zip(all_sections, kept, strict=True):
            left[section.noun] += sum(entry.things for place, entry in enumerate(section.entries) if place not in texts)
        shown = [
            section.text([texts[place] for place in sorted(texts) if texts[place]])
            for section, texts in zip(all_sections, kept, strict=True)
            if any(texts.values())
        ]
        return shown + self._left_out(left)

    def _left_out(self, left: Counter[str]) -> list[str]:
        told = [counted(count, noun) for noun, count in left.items() if count]
        if not told:
            return []
        where = " Everything is in the run that is linked below." if _link(self._context.run_url) else ""
        return [f"Left out, the least dangerous, as a comment holds only so much: {', '.join(told)}.{where}"]

    def _footer(self) -> str:
        parts = [f"Commit {code(self._context.commit, 60)}"] if self._context.commit else []
        if link := _link(self._context.run_url):
            parts.append(f"[the whole output]({link})")
        return " · ".join([*parts, VERSION, "not included: costs"])


def _in_aws(step: Step) -> str:
    """Tell what the thing that goes is called in AWS: its id, and its name where the id does not hold it."""
    state = step.old or {}
    found = [step.physical_id] if step.physical_id not in ("", step.name) and not is_unknown(step.physical_id) else []
    for part in (state.get("outputs"), state.get("inputs")):
        name = part.get("name") if isinstance(part, Mapping) else None
        if (
            isinstance(name, str)
            and not is_secret(name)
            and not is_unknown(name)
            and name not in (step.physical_id, step.name)
        ):
            found += [name] if name not in step.physical_id else []
            break
    return ", ".join(code(text, 120) for text in dict.fromkeys(found) if text)


def _why(step: Step) -> str:
    if not known(step):
        return "this operation is not known here, and taken for a destruction"
    if DESTRUCTIVE[step.op] == "delete":
        return "left over from an earlier replacement" if leftover(step) else ""
    tainted = step.old is not None and step.old.get("taint") is True
    causes = step.replacing or tuple(sorted(path for path, kind in step.paths.items() if "replace" in kind))
    told = ["it is tainted"] if tainted else []
    told += [f"{some(causes)} {'changes' if len(causes) == 1 else 'change'}"] if causes else []
    if told:
        return f"because {' and '.join(told)}"
    return f"the engine gives no cause; {some(step.changing)} differ" if step.changing else "the engine gives no cause"


def _counts(preview: Preview) -> str:
    """Resources by what happens to them, as the engine counts them; components are among them."""
    steps = [step for step in preview.steps if step.op not in QUIET]
    found = Counter(_outcome(step) for step in steps)
    groups = Counter(_outcome(step) for step in steps if step.component)
    reads = preview.counts.get("read", 0)
    if reads:
        found["read"] = reads
    order = list(dict.fromkeys([*HARMLESS.values(), *DESTRUCTIVE.values(), _LEFT_OVER]))
    harmful = {*DESTRUCTIVE.values(), _LEFT_OVER} | {word(step) for step in steps if not known(step)}
    told = []
    for name in sorted(found, key=lambda name: (order.index(name) if name in order else len(order), name)):
        text = f"{found[name]:,} to {name if name in order else code(name, 60)}"
        text = f"**{text}**" if name in harmful else text
        told.append(f"{text} ({counted(groups[name], 'component')} among them)" if groups[name] else text)
    if len(told) > _MOST_KINDS:
        told = [*told[:_MOST_KINDS], "**and more kinds of operations**"]
    same = preview.counts.get("same", 0) or sum(step.op == "same" for step in preview.steps)
    changed = ", ".join(told) or ("no changes" if not preview.failed else "no steps")
    return changed + (f", {same:,} unchanged" if same else "")


_LEFT_OVER = "delete that an earlier replacement has left over"


def _outcome(step: Step) -> str:
    return _LEFT_OVER if leftover(step) else word(step)


def _link(url: str) -> str:
    """Return an address that is one: what a link cannot hold makes it none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    plain = url.isascii() and url.isprintable() and not set(url) & set(' ()<>[]"`\\')
    return url if parts.scheme in ("https", "http") and parts.netloc and plain and len(url) < 500 else ""


def _hidden(value: object) -> str:
    """JSON that cannot end an HTML comment."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return "".join(f"\\u{ord(character):04x}" if character in "<>&" else character for character in text).replace(
        "--", "-\\u002d"
    )


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
