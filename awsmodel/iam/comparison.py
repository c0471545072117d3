"""What a change of a policy means: its statements compared one by one, and what it allows that it did not allow before.

Pure functions over documents of the IAM policy language: policies of identities, trust policies, and policies of
buckets, keys and topics. The comparison errs towards showing: a right counts as new unless one statement of the old
policy covers all of it, though two together, or a denial elsewhere, might make it none. Documents need not be well
formed: what cannot be read is told, never guessed.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice, product
from typing import Any, Literal, cast

from awsmodel.iam import synthetic_requests

MOST_RIGHTS = 20_000
"""Combinations of principal, action and resource of one statement up to which each is compared."""

_TRIED = 8
"""Rights of one statement that requests are made up for: one that shows the difference is enough."""

Kind = Literal["added", "removed", "changed"]

_ELEMENTS = ("Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition")
_ANYONE = "AWS: *"
_ROOT = re.compile(r"arn:[^:]*:iam::(\d{12}):root")


@dataclass(frozen=True)
class StatementChange:
    """One statement that is new, gone or other than it was."""

    kind: Kind
    name: str
    """Its Sid, else its place in the document: `statement 2`."""
    differences: tuple[tuple[str, str, str], ...]
    """`+` or `-`, the element, and a value of it, in the order of IAM's grammar."""
    broader: tuple[str, ...]
    """What is allowed that was not: the rights, as text."""
    narrower: tuple[str, ...]
    """What is not allowed any more."""
    proved: bool = False
    """Whether a request shows that it is broader: IAM allows it now and did not, or does not deny it any more."""


@dataclass(frozen=True)
class PolicyChanges:
    """All that differs between two policy documents; empty where they mean the same."""

    statements: tuple[StatementChange, ...] = ()
    unreadable: tuple[str, ...] = ()
    """Which of the documents are no policies, and why; nothing is compared then."""

    @property
    def broader(self) -> tuple[str, ...]:
        """What is allowed that was not."""
        return tuple(right for change in self.statements for right in change.broader)

    @property
    def narrower(self) -> tuple[str, ...]:
        """What is not allowed any more."""
        return tuple(right for change in self.statements for right in change.narrower)

    def __bool__(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.statements or self.unreadable)


def compare(
    before: object,
    after: object,
    *,
    had: Iterable[object] = (),
    has: Iterable[object] = (),
    narrower: bool = True,
) -> PolicyChanges:
    """What changes from one policy document to another, given as JSON text or as what it stands for; None is no policy.

    The order of statements and values, one value for a list of it, the spelling of accounts as principals and the case
    of actions and condition keys make no difference. Never fails, whatever it is given.

    Args:
        before: the policy as it was.
        after: the policy as it is.
        had: other policies that whoever has this one had beside it: what they allow is not new. None stands for one
            that is not known; then nothing can be proved.
        has: other policies that whoever has this one has beside it.
        narrower: whether it matters what is not allowed any more; to find it takes as long as to find what is.
    """
    read: list[list[_Statement]] = []
    unreadable: list[str] = []
    for name, given in (("before", before), ("after", after)):
        try:
            read.append(_statements(given))
        except (ValueError, RecursionError) as error:
            unreadable.append(f"the policy {name} the change cannot be read: {error}")
    if unreadable:
        return PolicyChanges(unreadable=tuple(unreadable))
    old, new = read
    beside = [[_others(given) for given in others] for others in (had, has)]
    known = all(listed is not None for others in beside for listed in others)
    all_old, all_new = (
        [*own, *(statement for listed in others for statement in listed or ())]
        for own, others in zip(read, beside, strict=True)
    )
    try:
        return PolicyChanges(
            tuple(_change(pair, all_old, all_new, known=known, narrower=narrower) for pair in _pairs(old, new))
        )
    except RecursionError:
        return PolicyChanges(unreadable=("the policy cannot be read: its values are nested too deep",))


def _others(given: object) -> list["_Statement"] | None:
    """The statements of a policy beside the compared one; None where it is not known."""
    try:
        return None if given is None else _statements(given)
    except (ValueError, RecursionError):
        return None


def statement_lines(statement: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A statement as element and value, one pair for each value, in the order of IAM's grammar."""
    return list(_Statement(statement, 0).lines)


@dataclass(frozen=True)
class _Names:
    """The values of one element; negated, everything but them."""

    values: tuple[str, ...]
    negated: bool = False

    @cached_property
    def exact(self) -> frozenset[str]:
        """The values, to be found at once: nearly every one is covered by itself, or by none."""
        return frozenset(self.values)

    @cached_property
    def lower(self) -> frozenset[str]:
        """The same in lower case."""
        return frozenset(value.lower() for value in self.values)

    @cached_property
    def patterns(self) -> tuple[str, ...]:
        """Those that may cover others than themselves."""
        return tuple(value for value in self.values if "*" in value or "?" in value)


@dataclass(frozen=True, eq=False)
class _Statement:
    source: Mapping[str, Any]
    place: int

    @property
    def name(self) -> str:
        sid = self.source.get("Sid")
        return sid if isinstance(sid, str) and sid else f"statement {self.place + 1}"

    @property
    def denies(self) -> bool:
        """What is no denial is taken for a permission: the careful reading of an effect that IAM would refuse."""
        return self.source.get("Effect") == "Deny"

    @cached_property
    def lines(self) -> tuple[tuple[str, str], ...]:
        found: list[tuple[str, str]] = []
        others = sorted(key for key in self.source if key not in (*_ELEMENTS, "Sid"))
        for element in (*_ELEMENTS, *others):
            if element in self.source:
                found += [(element, value) for value in _values(element, self.source[element])]
        return tuple(dict.fromkeys(found))

    @cached_property
    def identity(self) -> frozenset[tuple[str, str]]:
        return frozenset(map(_alike, self.lines))

    @cached_property
    def principals(self) -> _Names:
        return self._names("Principal")

    @cached_property
    def actions(self) -> _Names:
        return self._names("Action")

    @cached_property
    def resources(self) -> _Names:
        return self._names("Resource")

    @cached_property
    def conditions(self) -> Mapping[tuple[str, str], frozenset[str]]:
        found: dict[tuple[str, str], frozenset[str]] = {}
        for operator, keys in _mapping(self.source.get("Condition")).items():
            for key, value in _mapping(keys).items():
                found[operator, key.lower()] = frozenset(_texts(value))
        return found

    def _names(self, element: str) -> _Names:
        if element in self.source:
            return _Names(tuple(dict.fromkeys(_values(element, self.source[element]))))
        if f"Not{element}" in self.source:
            return _Names(tuple(dict.fromkeys(_values(element, self.source[f"Not{element}"]))), negated=True)
        # A trust policy names no resource and a policy of an identity no principal: those that carry it are meant.
        return _Names(("",))

    def part(self, right: "_Right | None") -> Mapping[str, Any]:
        """The statement, as far as it is about one of its rights."""
        if right is None:
            return self.source
        listed = zip(("Principal", "Action", "Resource"), right, strict=True)
        own = {element: [_bare(value) for value in names.values] for element, names in listed if not names.negated}
        kept = {key: value for key, value in self.source.items() if key.removeprefix("Not") not in own}
        return kept | {element: values for element, values in own.items() if values != [""]}


@dataclass(frozen=True)
class _Pair:
    """A statement before and after; one of them may be missing."""

    old: _Statement | None
    new: _Statement | None


def _statements(given: object) -> list[_Statement]:
    if isinstance(given, str):
        given = json.loads(given) if given.strip() else None
    if given is None or given == {}:
        return []
    if not isinstance(given, Mapping) or "Statement" not in given:
        raise ValueError("it has no statements")
    found = given["Statement"]
    listed = [found] if isinstance(found, Mapping) else found
    if not isinstance(listed, list) or not all(isinstance(statement, Mapping) for statement in listed):
        raise ValueError("its statements are no list of mappings")
    return [_Statement({str(key): value for key, value in item.items()}, place) for place, item in enumerate(listed)]


def _pairs(old: Sequence[_Statement], new: Sequence[_Statement]) -> list[_Pair]:
    """Statements that differ, with those that they were: by Sid, else by what they have most in common."""
    same = Counter(item.identity for item in old) & Counter(item.identity for item in new)
    left_old, left_new = _without(old, same), _without(new, same)
    partner: dict[int, _Statement] = {}
    sids = {item.source["Sid"]: item for item in left_old if isinstance(item.source.get("Sid"), str)}
    for item in left_new:
        sid = item.source.get("Sid")
        if isinstance(sid, str) and sid in sids:
            partner[item.place] = sids.pop(sid)
    taken = {known.place for known in partner.values()}
    for item in left_new:
        if item.place in partner:
            continue
        candidates = [known for known in left_old if known.place not in taken and known.denies == item.denies]
        likeness = [(len(item.identity & known.identity), -known.place) for known in candidates]
        # Beside the effect, at least half of the smaller statement is the same.
        if likeness and max(likeness)[0] > 1:
            best = candidates[likeness.index(max(likeness))]
            if 2 * max(likeness)[0] > min(len(item.identity), len(best.identity)):
                partner[item.place] = best
                taken.add(best.place)
    taken = {known.place for known in partner.values()}
    pairs = [_Pair(partner.get(item.place), item) for item in left_new]
    return pairs + [_Pair(item, None) for item in left_old if item.place not in taken]


def _without(statements: Iterable[_Statement], same: Mapping[frozenset[tuple[str, str]], int]) -> list[_Statement]:
    left, remaining = [], dict(same)
    for statement in statements:
        if remaining.get(statement.identity, 0):
            remaining[statement.identity] -= 1
        else:
            left.append(statement)
    return left


def _change(
    pair: _Pair, old: Sequence[_Statement], new: Sequence[_Statement], *, known: bool, narrower: bool
) -> StatementChange:
    before, after = pair.old, pair.new
    gone = [("-", *line) for line in before.lines if not after or _alike(line) not in after.identity] if before else []
    come = [("+", *line) for line in after.lines if not before or _alike(line) not in before.identity] if after else []
    order = {element: place for place, element in enumerate(_ELEMENTS)}
    shown = sorted([*gone, *come], key=lambda line: order.get(line[1], len(order)))
    kind: Kind = "added" if before is None else "removed" if after is None else "changed"
    one = after or before
    gains = _gains(before, after, old, new)
    return StatementChange(
        kind=kind,
        name=one.name if one else "",
        differences=tuple(shown),
        broader=tuple(text for gain in gains for text in gain.told()),
        narrower=tuple(text for gain in _gains(after, before, new, old) for text in gain.told()) if narrower else (),
        proved=known and any(gain.proved(old, new) for gain in gains),
    )


LIFTED = "no longer denied: "
"""Begins what is told of a denial that is gone; the other way round it is one that is new."""

_Right = tuple[_Names, _Names, _Names]
"""One principal, action and resource of a statement, or all but some."""


@dataclass(frozen=True)
class _Gain:
    """Rights of one statement that nothing covers: of a permission that is new, or of a denial that is gone."""

    statement: _Statement
    rights: Mapping[_Right, bool]
    """The rights, and whether they are there under a stricter condition; none where they are too many to compare."""

    def told(self) -> Iterator[str]:
        start = LIFTED * self.statement.denies
        if not self.rights:
            yield f"{start}{self.statement.name} names too many rights to compare them one by one: read it as new"
        groups: dict[tuple[str, str, bool], list[str]] = {}
        for (principal, action, resource), weaker in self.rights.items():
            groups.setdefault((_said(principal), _said(resource), weaker), []).append(_said(action))
        merged: dict[tuple[str, tuple[str, ...], bool], list[str]] = {}
        for (who, what, weaker), actions in groups.items():
            merged.setdefault((who, tuple(actions), weaker), []).append(what)
        for (who, done, weaker), resources in merged.items():
            named = [resource for resource in resources if resource]
            yield start + _told(who, done, named, weaker, self.statement.conditions)

    def proved(self, old: Sequence[_Statement], new: Sequence[_Statement]) -> bool:
        shows = synthetic_requests.no_longer_denied if self.statement.denies else synthetic_requests.newly_allowed
        tried = islice(self.rights, _TRIED) if self.rights else [None]
        for right in tried:
            # What speaks of other actions decides nothing, and takes its time.
            before, after = (
                [item.source for item in statements if right is None or _concerns(item, right[1])]
                for statements in (old, new)
            )
            if shows(self.statement.part(right), before, after):
                return True
        return False


def _concerns(statement: _Statement, actions: _Names) -> bool:
    """Whether a statement may speak of one of some actions; false only where that is certain."""
    names = statement.actions
    if names.negated or actions.negated or not actions.lower.isdisjoint(names.lower):
        return True
    if names.patterns or actions.patterns:
        return any(_may_overlap(one.lower(), other.lower()) for one in names.values for other in actions.values)
    return False


def _gains(
    before: _Statement | None, after: _Statement | None, old: Sequence[_Statement], new: Sequence[_Statement]
) -> list[_Gain]:
    """What the change of one statement allows: rights that nothing old allows, and denials that nothing new makes."""
    found = []
    if after and not after.denies:
        found.append(_uncovered(after, [statement for statement in old if not statement.denies]))
    if before and before.denies:
        found.append(_uncovered(before, [statement for statement in new if statement.denies]))
    return [gain for gain in found if gain]


def _uncovered(wanted: _Statement, others: Sequence[_Statement]) -> _Gain | None:
    """The rights of a statement that no other one covers."""
    axes = (wanted.principals, wanted.actions, wanted.resources)
    parts = [_parts(names) for names in axes]
    if len(parts[0]) * len(parts[1]) * len(parts[2]) > MOST_RIGHTS:
        return _Gain(wanted, {})
    full: list[tuple[set[_Names], ...]] = []
    loose: list[tuple[set[_Names], ...]] = []
    lower = {value.lower() for part in parts[1] for value in part.values}
    for other in others:
        if not other.actions.negated and not other.actions.patterns and other.actions.lower.isdisjoint(lower):
            continue
        if reach := _reach(other, parts):
            (full if _implies(wanted.conditions, other.conditions) else loose).append(reach)
    rights = {
        right: _reached(right, loose)
        for right in cast("Iterator[_Right]", product(*parts))
        if not _reached(right, full)
    }
    return _Gain(wanted, rights) if rights else None


def _reached(right: _Right, reaches: Iterable[tuple[set[_Names], ...]]) -> bool:
    return any(all(part in axis for part, axis in zip(right, reach, strict=True)) for reach in reaches)


def _told(
    principal: str,
    actions: Sequence[str],
    resources: Sequence[str],
    weaker: bool,
    conditions: Mapping[tuple[str, str], frozenset[str]],
) -> str:
    text = ", ".join(actions)
    if resources:
        text += f" on {', '.join(resources)}"
    if principal:
        text += f" by {principal}"
    if weaker:
        return f"{text}, under {'a weaker condition' if conditions else 'no condition'}"
    return text + (", under a condition" if conditions else "")


def _parts(names: _Names) -> list[_Names]:
    """What is compared one by one: each value, or all values of a negated element together."""
    return [names] if names.negated else [_Names((value,)) for value in names.values]


def _said(names: _Names) -> str:
    return f"all but {', '.join(names.values)}" if names.negated else names.values[0]


def _reach(other: _Statement, parts: Sequence[Sequence[_Names]]) -> tuple[set[_Names], ...]:
    """Which principals, actions and resources another statement covers; nothing where one of them is none."""
    # Actions first: they tell most statements apart.
    actions = {part for part in parts[1] if _all_covered(other.actions, part, _action_covered)}
    resources = actions and {part for part in parts[2] if _all_covered(other.resources, part, _covered)}
    principals = resources and {part for part in parts[0] if _all_covered(other.principals, part, _principal_covered)}
    return (principals, actions, resources) if principals else ()


def _all_covered(names: _Names, part: _Names, covered: Callable[[_Names, str], bool]) -> bool:
    if part.negated:
        if names.negated:
            return all(covered(part, value) for value in names.values)
        return "*" in names.exact or _ANYONE in names.exact
    (wanted,) = part.values
    if names.negated:
        return not any(_may_overlap(value.lower(), wanted.lower()) for value in names.values)
    return covered(names, wanted)


def _covered(names: _Names, text: str) -> bool:
    """Whether a resource of an element matches all that another one does."""
    return text in names.exact or any(_covers(pattern, text, within_segments=True) for pattern in names.patterns)


def _action_covered(names: _Names, text: str) -> bool:
    lower = text.lower()
    return lower in names.lower or any(_covers(pattern.lower(), lower) for pattern in names.patterns)


def _principal_covered(names: _Names, text: str) -> bool:
    """IAM knows no wildcards in principals, save the one that is everybody."""
    return text in names.exact or _ANYONE in names.exact


def _covers(pattern: str, text: str, *, within_segments: bool = False) -> bool:
    """Whether a pattern matches all that another one matches.

    Those of resources reach over a colon only where a `*` stands before one, or at the end.
    """
    start = pattern.rstrip("*")
    if "*" not in start and "?" not in start:
        return text.startswith(start) if start != pattern else text == pattern
    return pattern == text or _pattern(pattern, within_segments).fullmatch(text) is not None


@lru_cache(maxsize=16384)
def _pattern(pattern: str, within_segments: bool) -> re.Pattern[str]:
    # A `?` is one character; another pattern's `*` may be many.
    one = "[^*:]" if within_segments else "[^*]"
    plain = re.sub(r"\*+", "*", pattern)
    many = ("[^:]*" if within_segments and after not in ("", ":") else ".*" for after in [*plain[1:], ""])
    parts = ({"*": star, "?": one}.get(part) or re.escape(part) for part, star in zip(plain, many, strict=True))
    return re.compile("".join(parts), re.DOTALL)


def _may_overlap(pattern: str, other: str) -> bool:
    """Whether something may match both; false only where that is certain."""
    if not re.search(r"[*?]", other):
        return _covers(pattern, other)
    one, two = (re.split(r"[*?]", text, maxsplit=1)[0] for text in (pattern, other))
    return one.startswith(two) or two.startswith(one)


_Conditions = Mapping[tuple[str, str], frozenset[str]]


def _implies(strict: _Conditions, loose: _Conditions) -> bool:
    """Whether every request that meets the one condition meets the other; false where that is not certain."""
    return all(
        any(
            _bounds(operator, values, strict[candidate, key])
            for candidate in _as_strict(operator)
            if (candidate, key) in strict
        )
        for (operator, key), values in loose.items()
    )


_STRICTER: Mapping[str, Sequence[str]] = {
    "StringLike": ("StringEquals",),
    "StringEqualsIgnoreCase": ("StringEquals",),
    # The two behave the same, as IAM documents.
    "ArnLike": ("ArnEquals",),
    "ArnEquals": ("ArnLike",),
}
"""By operator: those that, with values which it takes, ask for as much."""


def _as_strict(operator: str) -> Iterator[str]:
    """Operators that ask for as much as one does, or for more."""
    quantifier, colon, rest = operator.rpartition(":")
    name = rest.removesuffix("IfExists")
    for one in (name, *_STRICTER.get(name, ())):
        yield f"{quantifier}{colon}{one}"
        if name != rest:
            yield f"{quantifier}{colon}{one}IfExists"


def _bounds(operator: str, loose: frozenset[str], strict: frozenset[str]) -> bool:
    name = operator.rpartition(":")[2].removesuffix("IfExists")
    if strict == loose:
        return True
    if name in ("StringNotEquals", "StringNotLike", "ArnNotEquals", "ArnNotLike", "StringNotEqualsIgnoreCase"):
        return loose <= strict
    if name in ("StringLike", "ArnLike", "ArnEquals"):
        return all(any(_covers(pattern, value) for pattern in loose) for value in strict)
    if name == "StringEqualsIgnoreCase":
        return {value.lower() for value in strict} <= {value.lower() for value in loose}
    return name in ("StringEquals", "IpAddress") and strict <= loose


def _values(element: str, value: object) -> list[str]:
    """An element's values as text; principals with their kind, conditions with operator and key."""
    if element in ("Principal", "NotPrincipal"):
        if isinstance(value, Mapping):
            return [_principal(kind, text) for kind, given in value.items() for text in _texts(given)]
        return [_principal("AWS", text) for text in _texts(value)]
    if element == "Condition":
        return [
            f"{operator} {key} {text}"
            for operator, keys in _mapping(value).items()
            for key, given in _mapping(keys).items()
            for text in _texts(given)
        ]
    texts = _texts(value)
    return [_lower_service(text) for text in texts] if element in ("Action", "NotAction") else texts


def _alike(line: tuple[str, str]) -> tuple[str, str]:
    """A line as IAM takes it: without heed to the case of an action."""
    element, value = line
    return (element, value.lower()) if element in ("Action", "NotAction") else line


def _lower_service(action: str) -> str:
    """IAM does not heed the case of actions; people write the service in lower case."""
    service, colon, operation = action.partition(":")
    return f"{service.lower()}{colon}{operation}"


def _bare(value: str) -> str:
    """A principal without its kind; other values as they are."""
    kind, colon, name = value.partition(": ")
    return name if colon and kind.isalpha() else value


def _principal(kind: object, text: str) -> str:
    """One account may be written as its number or as its root."""
    root = _ROOT.fullmatch(text)
    return f"{kind}: {root.group(1) if root else text}"


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, bool):
        return [str(value).lower()]
    if isinstance(value, Mapping) or value is None:
        return [json.dumps(value, sort_keys=True, default=str)]
    if isinstance(value, Iterable):
        return [text for item in value for text in _texts(item)]
    return [str(value)]


def _mapping(value: object) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {str(key): item for key, item in value.items()}
    # A condition that IAM would refuse: kept as it is, so that a change of it shows.
    return {} if value is None else {json.dumps(value, sort_keys=True, default=str): None}
