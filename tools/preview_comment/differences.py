"""Two values told apart: of long text the lines that differ, of JSON the places, and nothing of a secret.

Everything is judged by the values themselves and shown without secrets: where nothing of a difference may be shown, it
is told that there is one.
"""

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from tools.preview_comment.values import (
    NOTHING,
    SECRET,
    hides,
    is_secret,
    is_unknown,
    json_of,
    plain,
    redacted,
    safe,
    shortened,
    shown,
    telling,
    visible,
)

_LONG = 100
"""Characters of a text beyond which only what differs is shown, with some of what stands around it."""
_AROUND = 30
_LINES_AROUND = 1
_MOST_COMPARED = 400
"""Lines on each side that are compared one by one."""
_MOST_DEPTH = 12
_IDENTITIES = ("name", "Name", "key", "Key", "Sid", "id", "Id", "sid")
"""Properties by which an item of a list is found again."""


Place = tuple[str, object, object]
"""A property path, and the values there before and after."""


def places(path: str, old: object, new: object, depth: int = 0) -> Iterator[Place]:
    """Where two values differ, as deep inside as both sides are alike; `NOTHING` stands for no value."""
    if depth > _MOST_DEPTH or NOTHING in (old, new) or is_secret(old) or is_secret(new):
        yield path, old, new
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _in_mappings(path, old, new, depth)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _in_lists(path, old, new, depth)
    elif isinstance(old, str) and isinstance(new, str):
        both = json_of(old), json_of(new)
        if NOTHING in both or both[0] == both[1] or type(both[0]) is not type(both[1]):
            yield path, old, new
        else:
            yield from places(f"{path} (JSON) ", *both, depth + 1)
    else:
        yield path, old, new


def _in_mappings(path: str, old: Mapping[str, Any], new: Mapping[str, Any], depth: int) -> Iterator[Place]:
    for key in sorted({*old, *new}, key=str):
        before, after = old.get(key, NOTHING), new.get(key, NOTHING)
        if before == after or str(key).startswith("__"):
            continue
        place = f"{path}{key}" if path.endswith(" ") else f"{path}.{key}"
        if telling(str(key)) or hides(old, key) or hides(new, key):
            yield place, _hidden(before), _hidden(after)
        else:
            yield from places(place, before, after, depth + 1)


def _hidden(value: object) -> object:
    public = value is NOTHING or value is None or value == "" or isinstance(value, bool) or is_unknown(value)
    return value if public else SECRET


def _in_lists(path: str, old: list[Any], new: list[Any], depth: int) -> Iterator[Place]:
    """Items that have a name are found again by it; others by their place, or where the longest common runs end."""
    before, after = _named(old), _named(new)
    if before is not None and after is not None:
        for name in dict.fromkeys([*before, *after]):
            sides = before.get(name, NOTHING), after.get(name, NOTHING)
            if sides[0] != sides[1]:
                yield from places(f"{path}[{name}]", *sides, depth + 1)
    elif len(old) == len(new):
        for place, sides in enumerate(zip(old, new, strict=True)):
            if sides[0] != sides[1]:
                secret = hides(old, place) or hides(new, place)
                one, other = map(_hidden, sides) if secret else sides
                yield from places(f"{path}[{place}]", one, other, depth + 1)
    elif max(len(old), len(new)) > _MOST_COMPARED:
        yield path, old, new
    else:
        yield from _come_and_gone(path, old, new)


def _come_and_gone(path: str, old: list[Any], new: list[Any]) -> Iterator[Place]:
    clean = [[_Text(shown(item)) for item in _clean(side)] for side in (old, new)]
    raw = [[repr(item) for item in side] for side in (old, new)]
    for tag, first, past, start, end in SequenceMatcher(None, raw[0], raw[1], autojunk=False).get_opcodes():
        if tag != "equal":
            yield from ((f"{path}[{place}]", clean[0][place], NOTHING) for place in range(first, past))
            yield from ((f"{path}[{place}]", NOTHING, clean[1][place]) for place in range(start, end))


class _Text(str):
    """A value as it is shown, made where all that stands beside it was known."""

    __slots__ = ()


def _clean(items: list[Any]) -> list[Any]:
    found = plain(items)
    return found if isinstance(found, list) else [found] * len(items)


def _named(items: list[Any]) -> dict[str, Any] | None:
    """Return the items by name, where each has one of its own."""
    for key in _IDENTITIES:
        if items and all(isinstance(item, dict) and isinstance(item.get(key), str) for item in items):
            found = {item[key]: item for item in items}
            return found if len(found) == len(items) else None
    return {} if not items else None


def lines(path: str, old: object, new: object, why: str = "") -> Iterator[str]:
    """Lines of a `diff` block about one place."""
    name = safe(path.strip(), 160)
    if isinstance(old, str) and isinstance(new, str) and not isinstance(old, _Text) and _is_long(old, new):
        before, after = (redacted(_text(value)) for value in (old, new))
        if before == after:
            yield f"!   {name}: changes, and what changes is not shown{why}"
        elif "\n" in before or "\n" in after:
            yield f"!   {name}: changes in these lines{why}"
            yield from _changed_lines(before.split("\n"), after.split("\n"))
        else:
            around = _around(before, after)
            yield from _two(name, *around, why)
        return
    sides = [None if value is NOTHING else value if isinstance(value, _Text) else shown(value) for value in (old, new)]
    if sides[0] is not None and sides[0] == sides[1]:
        yield f"!   {name}: changes, and what changes is not shown{why}"
    else:
        yield from _two(name, sides[0], sides[1], why)


def _text(value: str) -> str:
    found = plain(value)
    return found if isinstance(found, str) else shown(found)


def _is_long(old: str, new: str) -> bool:
    if is_unknown(old) or is_unknown(new):
        return False
    return max(len(old), len(new)) > _LONG or max(old.count("\n"), new.count("\n")) > 1


def _two(name: str, old: str | None, new: str | None, why: str) -> Iterator[str]:
    if old is not None:
        yield f"-   {name}: {shortened(old, 200)}{why if new is None else ''}"
    if new is not None:
        yield f"+   {name}: {shortened(new, 200)}{why}"


def _around(old: str, new: str) -> tuple[str, str]:
    """Tell what differs of two texts on one line, and a little of what stands before and after it."""
    before = _common(old, new)
    after = _common(old[before:][::-1], new[before:][::-1])
    told = []
    for text in (old, new):
        start, end = max(0, before - _AROUND), min(len(text), len(text) - after + _AROUND)
        middle = visible(shortened(text[start:end], 400))
        told.append(f'"{"…" * (start > 0)}{shortened(middle, 180)}{"…" * (end < len(text))}"')
    return told[0], told[1]


def _common(old: str, new: str) -> int:
    """How many characters two texts begin with in common."""
    least, most = 0, min(len(old), len(new))
    while least < most:
        middle = (least + most + 1) // 2
        if old[least:middle] == new[least:middle]:
            least = middle
        else:
            most = middle - 1
    return least


def _changed_lines(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    first = 0
    while first < min(len(old), len(new)) and old[first] == new[first]:
        first += 1
    last = 0
    while last < min(len(old), len(new)) - first and old[-1 - last] == new[-1 - last]:
        last += 1
    start = max(0, first - _LINES_AROUND)
    old, new = (side[start : min(len(side), len(side) - last + _LINES_AROUND)] for side in (old, new))
    if max(len(old), len(new)) > _MOST_COMPARED:
        yield f"    @@ line {start + 1}: {len(old):,} lines become {len(new):,} @@"
        yield from (f"-     {_line(line)}" for line in old[:10])
        yield from (f"+     {_line(line)}" for line in new[:10])
        return
    for group in SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(_LINES_AROUND):
        yield f"    @@ line {start + group[0][1] + 1} @@"
        for tag, one, two, three, four in group:
            if tag == "equal":
                yield from (f"      {_line(line)}" for line in old[one:two])
            elif tag == "replace" and two - one == four - three:
                yield from _pairs(old[one:two], new[three:four])
            else:
                yield from (f"-     {_line(line)}" for line in old[one:two])
                yield from (f"+     {_line(line)}" for line in new[three:four])


def _pairs(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    sides = [_around(*pair) if max(map(len, pair)) > 180 else None for pair in zip(old, new, strict=True)]
    for place, line in enumerate(old):
        found = sides[place]
        yield f"-     {found[0] if found else _line(line)}"
    for place, line in enumerate(new):
        found = sides[place]
        yield f"+     {found[1] if found else _line(line)}"


def _line(line: str) -> str:
    return shortened(visible(shortened(line, 400)), 180)
