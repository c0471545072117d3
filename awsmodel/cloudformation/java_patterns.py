"""Java's regular expressions, as CloudFormation and AWS's service models have them, for Python's engine.

CloudFormation matches `AllowedPattern` with Java's `Pattern` against the whole value. What Python has no equal for
makes a pattern that nobody here can judge: it is told as unknown, never guessed.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache

# POSIX classes are US-ASCII in Java; the others are of Unicode.
_ASCII_CLASSES: Mapping[str, str] = {
    "ASCII": r"\x00-\x7f",
    "Alnum": "a-zA-Z0-9",
    "Alpha": "a-zA-Z",
    "Blank": r" \t",
    "Cntrl": r"\x00-\x1f\x7f",
    "Digit": "0-9",
    "Graph": "!-~",
    "Lower": "a-z",
    "Print": " -~",
    "Punct": r"!-/:-@\[-`{-~",
    "Space": r" \t-\r",
    "Upper": "A-Z",
    "XDigit": "0-9a-fA-F",
}
_CATEGORIES = ("L", "M", "N", "P", "S", "Z", "C")
_LONG_NAMES: Mapping[str, str] = {
    "javaLowerCase": "Ll",
    "javaUpperCase": "Lu",
    "IsAlphabetic": "L",
    "IsLetter": "L",
    "IsDigit": "Nd",
    "IsLowercase": "Ll",
    "IsUppercase": "Lu",
    "IsPunctuation": "P",
}
_ESCAPES: Mapping[str, str] = {"h": r" \t\xa0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000", "e": r"\x1b"}
_CLASS_ESCAPE = re.compile(r"\\([pP])(?:\{(\^?)([^}]*)\}|([A-Z]))")
_TOKEN = re.compile(
    r"\\Q(?P<quoted>.*?)(?:\\E|\Z)|(?P<property>\\[pP](?:\{[^}]*\}|[A-Z]))|\\x\{(?P<code>[0-9A-Fa-f]+)\}"
    r"|\\(?P<escaped>[0-9A-Za-z])|(?P<literal>\\.)|(?P<open>\[\^?)|(?P<group>\(\?<(?![=!]))|(?P<flags>\(\?[a-zA-Z-]+[:)])"
    r"|(?P<plain>.)",
    re.DOTALL,
)


@lru_cache(maxsize=1024)
def java_pattern(text: str) -> re.Pattern[str] | None:
    """The pattern for `fullmatch`; none where it is not valid, or has something that Python has no equal for."""
    try:
        return re.compile(_translated(text), re.ASCII)
    except (re.error, _UnknownError, OverflowError, RecursionError):
        return None


class _UnknownError(ValueError):
    """Something that Python has no equal for."""


def _translated(text: str) -> str:
    pieces: list[str] = []
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        assert token is not None  # noqa: S101 - any character is a token
        position = token.end()
        if token["open"] is not None:
            inside, position = _set(text, position)
            pieces.append(f"{token['open']}{inside}]")
        else:
            pieces.append(_piece(token, in_set=False))
    return "".join(pieces)


def _set(text: str, position: int) -> tuple[str, int]:
    """What stands in a class, and where it ends. A class in a class, and an intersection, are Java's own."""
    pieces: list[str] = []
    while True:
        token = _TOKEN.match(text, position)
        if token is None:
            raise _UnknownError
        position = token.end()
        if token["plain"] == "]" and pieces:
            break
        if token["open"] is not None or text.startswith("&&", token.start()):
            raise _UnknownError
        piece = _piece(token, in_set=True)
        # Python warns of what looks like an operation on sets; a range that ends in a class is a dash to Java.
        pieces.append(re.escape(piece) if piece in ("[", "&", "|", "~") else piece)
    return "".join(_dashes(pieces)), position


def _dashes(pieces: list[str]) -> list[str]:
    """A dash beside a class of characters is a dash; Python refuses it."""
    classes = ("\\w", "\\d", "\\s", "\\W", "\\D", "\\S")
    return [
        r"\-"
        if piece == "-" and 0 < place < len(pieces) - 1 and {pieces[place - 1], pieces[place + 1]} & set(classes)
        else piece
        for place, piece in enumerate(pieces)
    ]


def _piece(token: re.Match[str], *, in_set: bool) -> str:
    kinds: Mapping[str, Callable[[str], str]] = {
        "quoted": re.escape,
        "property": lambda text: _property(text, in_set=in_set),
        "code": lambda text: re.escape(chr(int(text, 16))),
        "escaped": lambda letter: _escaped(letter, in_set=in_set),
        "group": lambda _text: "(?P<",
        "flags": lambda flags: _flags(flags, first=token.start() == 0),
    }
    kind = token.lastgroup or ""
    return kinds[kind](token[kind]) if kind in kinds else token[0]


def _flags(flags: str, *, first: bool) -> str:
    # Python has flags for the whole at its beginning only; Java's `d`, `u`, `x` and `U` mean something else there.
    if (flags.endswith(")") and not first) or set(flags) - set("(?ims-:)"):
        raise _UnknownError
    return flags


def _escaped(letter: str, *, in_set: bool) -> str:
    if letter in "wdsWDStnrfx0123456789u" or (letter in "bB" and not in_set):
        return f"\\{letter}"
    if letter == "A" and not in_set:
        return r"\A"
    if letter in "zZ" and not in_set:
        return r"\Z"
    if letter == "a":
        return r"\x07"
    if letter in _ESCAPES:
        return _ESCAPES[letter] if in_set else f"[{_ESCAPES[letter]}]"
    raise _UnknownError


def _property(text: str, *, in_set: bool) -> str:
    found = _CLASS_ESCAPE.fullmatch(text)
    assert found is not None  # noqa: S101 - the token has this form
    name = found[3] if found[3] is not None else found[4]
    negated = (found[1] == "P") is not bool(found[2])
    characters = _characters(name)
    if not in_set:
        return f"[{'^' * negated}{characters}]"
    return _others(name) if negated else characters


@lru_cache(maxsize=64)
def _characters(name: str) -> str:
    """The characters of a class, as they stand in a set."""
    if name in _ASCII_CLASSES:
        return _ASCII_CLASSES[name]
    return _ranges(_member(name))


@lru_cache(maxsize=64)
def _others(name: str) -> str:
    """The characters that a class has not got."""
    if name in _ASCII_CLASSES:
        inside = re.compile(f"[{_ASCII_CLASSES[name]}]")
        return _ranges(lambda character: inside.match(character) is None)
    member = _member(name)
    return _ranges(lambda character: not member(character))


def _member(name: str) -> Callable[[str], bool]:
    category = _LONG_NAMES.get(name, name.removeprefix("Is").removeprefix("general_category=").removeprefix("gc="))
    if category[:1] not in _CATEGORIES or len(category) > 2:
        raise _UnknownError
    return lambda character: unicodedata.category(character).startswith(category)


def _ranges(member: Callable[[str], bool]) -> str:
    """The characters of the basic plane that are members, as ranges."""
    pieces, start = [], None
    for code in range(0x10001):
        if code < 0x10000 and member(chr(code)):
            start = code if start is None else start
        elif start is not None:
            pieces.append(f"\\u{start:04x}-\\u{code - 1:04x}")
            start = None
    return "".join(pieces)


def sample_of(text: str) -> str | None:
    """A text that the pattern takes; none where nobody here can tell one."""
    pattern = java_pattern(text)
    if pattern is None:
        return None
    for sample in _SAMPLES:
        if pattern.fullmatch(sample):
            return sample
    made = _shortest(pattern.pattern)
    return made if made is not None and pattern.fullmatch(made) else None


_SAMPLES = ("sample", "Sample1", "1", "a", "A", "sample-1", "a@example.com", "111122223333", "2026-01-01", "1.0.0")
_REPEATED = re.compile(r"\{(\d+)(?:,\d*)?\}|([*?])|\+")


def _shortest(text: str) -> str | None:
    """A text that a pattern of characters, classes and groups takes: of each the first, as often as it must be."""
    made = ""
    position = 0
    while position < len(text) and text[position] != "|":
        piece, position = _first(text, position)
        if piece is None:
            return None
        repeated = _REPEATED.match(text, position)
        if repeated is not None:
            piece = piece * (int(repeated[1]) if repeated[1] else 0 if repeated[2] else 1)
            position = repeated.end() + text[repeated.end() : repeated.end() + 1].count("?")
        made += piece
    return made


_ATOM = re.compile(r"[\^$]|\\A|\\Z|\[(?:\\.|[^\]\\])(?:\\.|[^\]\\])*\]|\\.|[^()\[\]\\]", re.DOTALL)
_CANDIDATES = "a0A-_.:/@ " + "".join(map(chr, range(0x21, 0x7F)))


def _first(text: str, position: int) -> tuple[str | None, int]:
    """What the next part takes, and where it ends."""
    if text[position] == "(":
        end, depth, inside = position, 0, False
        while end < len(text):
            if text[end] == "\\":
                end += 1
            elif inside:
                inside = text[end] != "]"
            elif text[end] == "[":
                inside = True
            else:
                depth += (text[end] == "(") - (text[end] == ")")
                if depth == 0:
                    break
            end += 1
        inner = re.sub(r"^\?(?::|P<\w+>)", "", text[position + 1 : end])
        # What only looks ahead or back takes nothing; the whole is tried at the end.
        return ("" if inner.startswith("?") else _shortest(inner)), end + 1
    atom = _ATOM.match(text, position)
    if atom is None:
        return None, position
    if atom[0] in ("^", "$", r"\A", r"\Z"):
        return "", atom.end()
    try:
        form = re.compile(atom[0], re.ASCII)
    except re.error:  # the second mark of a quantifier, as of `0++`, is nothing by itself
        return None, atom.end()
    return next((one for one in _CANDIDATES if form.fullmatch(one)), None), atom.end()
