"""Text of others inside Markdown, so that it stays text: no heading, link, mention or HTML, and no end of a fence."""

import html
import re
from collections.abc import Iterable, Sequence

from tools.preview_comment.values import redacted, safe, shortened, visible

NAME_LENGTH = 160
"""Characters of a name that are shown; longer ones are shortened and carry a hash."""
_MESSAGE_LENGTH = 100_000
"""Characters of a message that are looked at."""


def code(text: str, most: int = NAME_LENGTH) -> str:
    """Make a code span. Markdown interprets nothing in it, and ends it only at as many backticks as it began with."""
    inner = safe(text, most)
    if not inner.strip():
        return "`(nothing)`" if not inner else f"`({len(inner)} spaces)`"
    fence = _fence(inner, 1)
    padding = " " if inner.startswith(("`", " ")) or inner.endswith(("`", " ")) else ""
    return f"{fence}{padding}{inner}{padding}{fence}"


def block(lines: Iterable[str], language: str = "") -> str:
    """Return a fenced block. Its fence is longer than every run of backticks in it."""
    body = "\n".join(lines)
    fence = _fence(body, 3)
    return f"{fence}{language}\n{body}\n{fence}"


def in_html(text: str, most: int = NAME_LENGTH) -> str:
    """Text between HTML tags."""
    return html.escape(safe(text, most))


def message(text: str, most_lines: int = 30, most: int = 400) -> str:
    """Return a message of several lines, in a block."""
    lines = shortened(redacted(text), _MESSAGE_LENGTH).splitlines() or ["(no message)"]
    if len(lines) > most_lines:
        kept = most_lines // 2
        lines = [*lines[:kept], f"... {len(lines) - 2 * kept} more lines ...", *lines[-kept:]]
    return block([shortened(visible(shortened(line, 4 * most)), most) for line in lines], "text")


def some(names: Sequence[str], most: int = 5) -> str:
    """Return the first of several names, and how many more there are."""
    told = ", ".join(code(name, 80) for name in names[:most])
    return told + (f" and {len(names) - most:,} more" if len(names) > most else "")


def counted(count: int, noun: str) -> str:
    """Return a number of things."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"


def _fence(text: str, least: int) -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    return "`" * max(least, longest + 1)
