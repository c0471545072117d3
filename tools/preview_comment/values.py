"""Values of a preview as text that is safe to show: one line, nothing hidden in it, and no secrets.

The engine marks secrets; beside these marks nothing is trusted: values of telling names and texts that look like
credentials are left out, too, and so is every marked value of a kind that is not known here.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

SECRET = "[secret]"  # noqa: S105 - what stands for one
HIDDEN = "[hidden]"
LATER = "(known after the deployment)"
NOTHING = object()
"""There is no value at a path."""

_SIGNATURE = "4dabf18193072939515e22adb298388d"
"""Key of a marked object, in the engine's wire format (`sdk/go/common/resource/sig`)."""
_MARKED = {
    "1b47061264138c4ac30d75fd1eb44270": SECRET,
    "c44067f5952c0a294b673a41bacd8c17": "(a file)",
    "0def7320c3a5731c473e5ecbe6d01bc7": "(an archive)",
    "5cf8f73096256a8f31e491e813e4eb8e": "(another resource)",
}
_UNKNOWN = {
    "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
    "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
    "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
    "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
    "030794c1-ac77-496b-92df-f27374a8bd58",
    "e48ece36-62e2-4504-bad9-02848725956a",
    "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    "output<string>",
    "<unknown>",
}
"""What the engine writes for values that it does not know yet, by their types."""
_TELLING_NAME = re.compile(
    r"passw|passphrase|^secret$|secret_?(string|value|binary|key|access)|private_?key(?!_?(arn|id))"
    r"|access_?key(?!_?id)|(auth|access|refresh|bearer|api|session|oauth|id)_?token|api_?key(?!_?(arn|id))"
    r"|credential|connection_?string|webhook_?url",
    re.IGNORECASE,
)
_CREDENTIAL = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{20,}|\bpul-[0-9a-f]{40}|\bxox[abprs]-[\w-]{10,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:.|\n)*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
    r"|(?i:(?<=password=)|(?<=password: )|(?<=secret_access_key=)|(?<=secret=)|(?<=token=)|(?<=bearer ))[^\s\"'&]+"
)
_STEP = re.compile(r'\.?([^.\["\]]+)|\[(\d{1,9})\]|\["((?:\\.|[^"\\])*)"\]')
_MOST_DEPTH = 30


def visible(text: str) -> str:
    """One line of a text, in which every character shows: line ends, controls and changes of direction as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


def shortened(text: str, most: int) -> str:
    """At most so many characters of a text; a shortened one carries a hash, so that no two look the same."""
    if len(text) <= most:
        return text
    mark = f"…{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}…"
    kept = most - len(mark)
    return text[: kept - kept // 3] + mark + text[len(text) - kept // 3 :]


def redacted(text: str) -> str:
    """A text without what looks like credentials."""
    return _CREDENTIAL.sub(HIDDEN, text)


def shown(value: object, most: int = 160) -> str:
    """A value as people read it: JSON, on one line, without secrets, at most so many characters."""
    return safe(told(plain(value)), most)


def safe(text: str, most: int) -> str:
    """A text on one line, without credentials, at most so many characters."""
    # Cut to what matters first, as the rest takes its time; where it is cut, it is cut again.
    return shortened(visible(redacted(shortened(text, 4 * most))), most)


def told(value: object) -> str:
    """A value as JSON; placeholders as they are."""
    if isinstance(value, str) and value in (SECRET, HIDDEN, LATER, *_MARKED.values()):
        return value
    try:
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    except (RecursionError, TypeError, ValueError):
        return HIDDEN


def plain(value: object, name: str = "", depth: int = 0) -> object:
    """A value with placeholders for secrets, unknowns, files, and whatever else the engine marks."""
    if is_unknown(value):
        return LATER
    if _TELLING_NAME.search(name) and value not in (None, ""):
        return SECRET
    if depth > _MOST_DEPTH:
        return HIDDEN
    if isinstance(value, list):
        return [plain(item, name, depth + 1) for item in value]
    return _plain_mapping(value, depth) if isinstance(value, Mapping) else value


def _plain_mapping(value: Mapping[Any, Any], depth: int) -> object:
    if _SIGNATURE in value:
        kind = value[_SIGNATURE]
        return _MARKED.get(kind, HIDDEN) if isinstance(kind, str) else HIDDEN
    kept = {str(key): item for key, item in value.items() if not str(key).startswith("__")}
    return {key: plain(item, key, depth + 1) for key, item in kept.items()}


def is_unknown(value: object) -> bool:
    """Whether the engine does not know a value before the deployment."""
    return isinstance(value, str) and value in _UNKNOWN


def is_secret(value: object) -> bool:
    """Whether the engine marks a value as secret."""
    return value == SECRET or (isinstance(value, Mapping) and _SIGNATURE in value)


def at_path(value: object, path: str) -> object:
    """The value at a property path such as `tags["a.b"]` or `rules[0].id`, without secrets; else `NOTHING`."""
    name = ""
    for part in _parts(path):
        if isinstance(value, Mapping) and _SIGNATURE in value:
            return SECRET
        if isinstance(part, str) and isinstance(value, Mapping) and part in value:
            value, name = value[part], part
        elif isinstance(part, int) and isinstance(value, list) and part < len(value):
            value = value[part]
        else:
            return NOTHING
        if _TELLING_NAME.search(name):
            return plain(value, name)
    return plain(value, name)


def _parts(path: str) -> Iterator[str | int]:
    for found in _STEP.finditer(path):
        plain_name, index, quoted = found.groups()
        if index is not None:
            yield int(index)
        elif quoted is not None:
            yield re.sub(r"\\(.)", r"\1", quoted)
        else:
            yield plain_name


def _visible(character: str) -> str:
    if character.isprintable() and unicodedata.category(character) not in ("Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return character
    escapes: Mapping[str, Any] = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return str(escapes.get(character) or f"\\u{ord(character):04x}")
