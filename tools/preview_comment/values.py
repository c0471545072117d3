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
    r"passw|passphrase|(?:^|[^a-z])(?:pwd|pass)$"
    r"|secret$|secret[_.-]?(?:string|value|binary|key|access|token)"
    r"|private[_.-]?key(?![_.-]?(?:arn|id|name|path))|access[_.-]?key(?![_.-]?(?:arn|id))"
    r"|api[_.-]?key(?![_.-]?(?:arn|id|name|required|source))|token$"
    r"|credential|connection[_.-]?string|webhook[_.-]?url"
    r"|^(?:set-)?cookie$|^x-[a-z-]*(?:auth|key|token)$|(?-i:^(?:Proxy-)?Authorization$)",
    re.IGNORECASE,
)
_TELLING_OPTION = re.compile(
    r"--?[\w-]*(?:passw(?:or)?d|passphrase|secret|token|api-?key|access-?key|private-?key)", re.IGNORECASE
)
_NAMES_IN_PAIRS = frozenset({"name", "key", "header", "headername", "parameterkey", "parametername", "variable"})
_VALUES_IN_PAIRS = frozenset({"value", "values", "defaultvalue", "headervalue", "parametervalue", "stringvalue"})
_REFERENCES = frozenset({"PARAMETER_STORE", "SECRETS_MANAGER"})
"""Types of a build's variables whose values name a secret and hold none."""

_WORD = r"(?:passw(?:or)?d|passphrase|pwd|secret|token|(?:access|api|private|secret)[_-]?key|client[_-]?secret)"
_VALUE = (
    r"(?!\[(?:hidden|secret)\])"
    r"(?:(?P<quote>\\*[\"'])(?:(?P<quoted>.{1,20000}?)(?P=quote)|[^\n]*)|\[[^\]\n]{1,2000}\]|[^\s,;&\"'\\}\])]+)"
)
_FORMS: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = (
    (("akia", "asia"), re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")),
    (("gh", "github_pat_"), re.compile(r"\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}")),
    (("gl",), re.compile(r"\bgl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|imt)-[\w-]{20,}")),
    (("pul-",), re.compile(r"\bpul-[0-9a-f]{40}")),
    (("xox", "xapp-"), re.compile(r"\b(?:xox[a-z]|xapp)-[\w-]{10,}")),
    (("hooks.slack.com",), re.compile(r"(?<=hooks\.slack\.com/)[\w/]{20,}")),
    (("npm_", "pypi-", "hf_"), re.compile(r"\bnpm_[A-Za-z0-9]{36}|\bpypi-[\w-]{20,}|\bhf_[A-Za-z]{20,}")),
    (("sk-", "sk_", "rk_"), re.compile(r"\bsk-[\w-]{20,}|\b[sr]k_(?:live|test)_\w{10,}")),
    (("aiza", "ya29."), re.compile(r"\bAIza[\w-]{35}|\bya29\.[\w-]{20,}")),
    (("sg.", "hvs.", "hvb."), re.compile(r"\bSG\.[\w-]{16,}\.[\w-]{16,}|\bhv[sb]\.[\w-]{20,}")),
    (("dapi", "dckr_pat_", "dop_v1_"), re.compile(r"\bdapi[0-9a-f]{32}|\bdckr_pat_[\w-]{20,}|\bdop_v1_[0-9a-f]{40,}")),
    (("eyj",), re.compile(r"(?<![\w-])eyJ[\w-]{8,4000}\.[\w-]{8,20000}\.[\w-]*")),
    (
        ("private key",),
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,40}-----"
            r".*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,40}-----|\Z)",
            re.DOTALL,
        ),
    ),
    (("@",), re.compile(r"(?<=://)(?:[^\s/\"'<>:@]{0,200}:[^\s\"'<>@]{1,4000}|[^\s/\"'<>:@]{16,4000})(?=@)")),
    (
        ("authorization",),
        re.compile(r"(?i:(?<=authorization))(?P<kept>\\*[\"']?\s*[=:]\s*\\*[\"']?)(?:\w+ +)?[^\s\"'\\,]+"),
    ),
    (("bearer ",), re.compile(r"(?i:(?<=\bbearer ))[^\s\"'\\,&]+")),
    (("basic ",), re.compile(r"(?i:(?<=\bbasic ))(?=[A-Za-z+/]*[0-9=])[A-Za-z0-9+/]{8,}={0,2}")),
    (("cookie",), re.compile(r"(?i:(?<=cookie: )|(?<=cookie:))[^\n\"']+")),
    (
        ("pass", "pwd", "secret", "token", "key"),
        re.compile(rf"(?P<kept>(?<![\w-])--?[\w-]{{0,60}}{_WORD}(?:=|\s+)){_VALUE}", re.IGNORECASE | re.DOTALL),
    ),
    # A value of YAML reaches to the end of its line.
    (
        ("pass", "pwd", "secret", "token", "key"),
        re.compile(
            rf"(?P<kept>^[ \t-]{{0,60}}[\w.-]{{0,60}}{_WORD}:[ \t]+)(?![\"']|\[(?:hidden|secret)\])\S[^\n]*",
            re.IGNORECASE | re.MULTILINE,
        ),
    ),
    (
        ("pass", "pwd", "secret", "token", "key"),
        re.compile(rf"(?P<kept>(?<!\d:){_WORD}(?:\\*[\"'])?\s*(?:=>|[=:])\s*){_VALUE}", re.IGNORECASE | re.DOTALL),
    ),
    (
        ("value",),
        re.compile(
            rf"(?P<kept>{_WORD}\\*[\"']\s*,\s*\\*[\"']\w{{0,20}}values?\\*[\"']\s*:\s*){_VALUE}",
            re.IGNORECASE | re.DOTALL,
        ),
    ),
    (("curl",), re.compile(r"(?P<kept>\s(?:-u|--user)[ =][\"']?[^\s:\"']+:)[^\s\"']+")),
    (("mysql", "sshpass"), re.compile(r"(?P<kept>\b(?:mysql\w*|sshpass)\b[^\n]{0,300}?\s-p ?)\S+")),
)
"""What credentials look like in text: words, in lower case, without one of which there is none, and the form. What
stands in the group `kept` says what it is, and stays."""
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
    """Hide what looks like credentials. To be done before anything is cut: half a secret has no form."""
    lower = text.lower()
    for words, form in _FORMS:
        if any(word in lower for word in words):
            text = form.sub(_hide, text)
    return text


def _hide(found: re.Match[str]) -> str:
    groups = found.groupdict()
    quote = groups.get("quote") or ""
    return f"{groups.get('kept') or ''}{quote}{HIDDEN}{quote}"


def shown(value: object, most: int = 160) -> str:
    """Return a value as people read it: JSON, on one line, without secrets, at most so many characters."""
    return safe(told(plain(value)), most)


def safe(text: str, most: int) -> str:
    """Return a text on one line, without credentials, at most so many characters."""
    # What is seen of a long text is cut before its characters are looked at, and again where that made it longer.
    return shortened(visible(shortened(redacted(text), 4 * most)), most)


def told(value: object) -> str:
    """Return a value as JSON; placeholders as they are."""
    if isinstance(value, str) and value in (SECRET, HIDDEN, LATER, *_MARKED.values()):
        return value
    try:
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    except (RecursionError, TypeError, ValueError):
        return HIDDEN


def plain(value: object, name: str = "", depth: int = 0) -> object:
    """Return a value with placeholders for secrets, unknowns, files, and whatever else the engine marks."""
    if is_unknown(value):
        return LATER
    if telling(name) and value not in (None, "") and not isinstance(value, bool):
        return SECRET
    if depth > _MOST_DEPTH:
        return HIDDEN
    if isinstance(value, list):
        return [SECRET if hides(value, place) else plain(item, name, depth + 1) for place, item in enumerate(value)]
    if isinstance(value, str):
        return _plain_text(value, depth)
    return _plain_mapping(value, depth) if isinstance(value, Mapping) else value


def telling(name: str) -> bool:
    """Whether the name of a value says that it is a secret."""
    return _TELLING_NAME.search(name) is not None


def hides(container: Mapping[Any, Any] | list[Any], key: object) -> bool:
    """Whether a value is a secret by what stands beside it: its name in a pair, or the option that it is given to."""
    if isinstance(container, list):
        before = container[key - 1] if isinstance(key, int) and key > 0 else None
        return isinstance(before, str) and _TELLING_OPTION.fullmatch(before) is not None
    if not isinstance(key, str) or key.lower() not in _VALUES_IN_PAIRS or container.get("type") in _REFERENCES:
        return False
    names = (item for other, item in container.items() if str(other).lower() in _NAMES_IN_PAIRS)
    return any(isinstance(name, str) and telling(name) for name in names)


def json_of(text: str) -> object:
    """Tell what a text that is a JSON object or list stands for, or the text of one as JSON again; else `NOTHING`."""
    if text.lstrip()[:1] + text.rstrip()[-1:] not in ("{}", "[]", '""'):
        return NOTHING
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return NOTHING
    nested = isinstance(found, str) and json_of(found) is not NOTHING
    return found if nested or isinstance(found, dict | list) else NOTHING


def _plain_text(text: str, depth: int) -> object:
    """Return a text; one that is JSON without the secrets that the names in it tell."""
    if (found := json_of(text)) is NOTHING:
        return text
    clean = plain(found, depth=depth + 1)
    return text if clean == found else told(clean)


def _plain_mapping(value: Mapping[Any, Any], depth: int) -> object:
    if _SIGNATURE in value:
        kind = value[_SIGNATURE]
        return _MARKED.get(kind, HIDDEN) if isinstance(kind, str) else HIDDEN
    kept = {str(key): item for key, item in value.items() if not str(key).startswith("__")}
    return {key: SECRET if hides(value, key) else plain(item, key, depth + 1) for key, item in kept.items()}


def is_unknown(value: object) -> bool:
    """Whether the engine does not know a value before the deployment."""
    return isinstance(value, str) and value in _UNKNOWN


def is_secret(value: object) -> bool:
    """Whether the engine marks a value as secret."""
    return value == SECRET or (isinstance(value, Mapping) and _SIGNATURE in value)


def at_path(value: object, path: str) -> object:
    """Find the value at a property path such as `tags["a.b"]`; `SECRET` where it is one, `NOTHING` where none is."""
    for part in parts(path):
        if isinstance(value, Mapping) and _SIGNATURE in value:
            return SECRET
        if isinstance(part, str) and isinstance(value, Mapping) and part in value:
            hidden = telling(part) or hides(value, part)
            value = value[part]
        elif isinstance(part, int) and isinstance(value, list) and part < len(value):
            hidden = hides(value, part)
            value = value[part]
        else:
            return NOTHING
        if hidden and value not in (None, "") and not isinstance(value, bool) and not is_unknown(value):
            return SECRET
    return value


def parts(path: str) -> Iterator[str | int]:
    """Return the names and indexes of a property path."""
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
