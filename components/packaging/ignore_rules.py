"""Git's ignore rules, as `gitignore(5)` and git's wildmatch state them: what one `.gitignore` says of one path.

Written out, because the library for it (pathspec) lets a pattern for a folder decide on everything below the folder:
with the rules `build/` and `!/src/` it packages `src/build/`, which git ignores. A test compares this module with git.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

# Names and patterns are compared byte by byte, as git does; each byte is one character here.
_BYTES = "latin-1"
_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": " \\t",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@\\[-`{-~",
    "space": " \\t-\\r",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
_TOKEN = re.compile(
    r"(?P<escaped>\\.)|(?P<folders>(?:(?<=/)|^)\*{2,}/)|(?P<rest>(?:(?<=/)|^)\*{2,}$)|(?P<stars>\*+)|(?P<one>\?)"
    r"|\[(?P<inverse>[!^]?)(?P<set>(?:\\.|\[:[a-z]*:\]|[^\]\\])(?:\\.|\[:[a-z]*:\]|[^\]\\])*|\](?:\\.|\[:[a-z]*:\]|[^\]\\])*)\]"
    r"|(?P<broken>[\\\[])|(?P<plain>.)",
    re.DOTALL,
)
_MEMBER = re.compile(r"\[:(?P<name>[a-z]*):\]|(?P<low>\\.|[^\\])(?:-(?P<high>\\.|[^\\]))?", re.DOTALL)


@dataclass(frozen=True)
class IgnoreRule:
    """One line of a `.gitignore`."""

    ignores: bool
    """False for a line that begins with an exclamation mark: it takes back what earlier lines say."""
    only_folders: bool
    whole_path: bool
    """Whether the pattern is for the path from the rules' folder; else it is for a name at any depth."""
    pattern: re.Pattern[str]

    def decides(self, path: str, name: str, *, is_folder: bool) -> bool:
        """Whether the rule is about this path, given in the form of `comparable`."""
        if self.only_folders and not is_folder:
            return False
        return self.pattern.fullmatch(path if self.whole_path else name) is not None


def read_rules(content: bytes) -> Sequence[IgnoreRule]:
    """The rules of a `.gitignore`, the last and strongest first."""
    lines = content.decode(_BYTES).removeprefix(b"\xef\xbb\xbf".decode(_BYTES)).split("\n")
    rules = (_rule(line.removesuffix("\r")) for line in reversed(lines))
    return [rule for rule in rules if rule is not None]


def comparable(path: str) -> str:
    """A path in the form in which rules compare it."""
    return path.encode(errors="surrogateescape").decode(_BYTES)


def _rule(line: str) -> IgnoreRule | None:
    # Spaces at the end do not count, unless the first of them is escaped.
    text = re.sub(r"\A((?:\\.|[^\\])*?) +\Z", r"\1", line, flags=re.DOTALL)
    if not text or text.startswith("#"):
        return None
    body = text.removeprefix("!")
    pattern = body.removesuffix("/")
    expression = _expression(pattern.removeprefix("/"))
    if expression is None:
        return None
    return IgnoreRule(body == text, body != pattern, "/" in pattern, re.compile(expression, re.DOTALL))


def _expression(pattern: str) -> str | None:
    """A regular expression for a pattern; None where it is broken, which to git means that it is about no path."""
    # Git compares what comes before the first special character apart, so that for the rest the pattern begins there.
    literal = re.match(r"[^*?\[\\]*", pattern)
    prefix = literal[0] if literal else ""
    pieces = [re.escape(prefix)]
    for token in _TOKEN.finditer(pattern.removeprefix(prefix)):
        if token["broken"]:
            return None
        piece = _set(token["set"], inverse=bool(token["inverse"])) if token["set"] else _piece(token)
        if piece is None:
            return None
        pieces.append(piece)
    return "".join(pieces)


def _piece(token: re.Match[str]) -> str:
    fixed = {"folders": "(?:.*/)?", "rest": ".*", "stars": "[^/]*", "one": "[^/]"}
    return fixed.get(token.lastgroup or "") or re.escape(token[0].removeprefix("\\") or "\\")


def _set(members: str, *, inverse: bool) -> str | None:
    """A regular expression for a set of characters, which never holds the slash; None for an unknown class."""
    inside = []
    for member in _MEMBER.finditer(members):
        if (name := member["name"]) is not None:
            if name not in _CLASSES:
                return None
            inside.append(_CLASSES[name])
            continue
        low = member["low"][-1]
        high = (member["high"] or low)[-1]
        # To git, the beginning of a range is a member even where the range runs backwards.
        inside.append(f"\\x{ord(low):02x}-\\x{max(ord(low), ord(high)):02x}")
    if inverse:
        return f"[^/{''.join(inside)}]"
    return f"(?!/)[{''.join(inside)}]"
