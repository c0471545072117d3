"""What policy documents say of one call, read from the IAM user guide alone.

The program has an evaluator of its own, with which it judges the policies that it writes. This one shares nothing with
it: a rule that one of them misreads shows where tests hold them against each other.
"""

import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

Keys = Mapping[str, str | Sequence[str]]
"""Condition keys of a call. A list is a key with several values, even where it holds one."""


class PolicyError(Exception):
    """A document says something that the guide does not know."""


class Verdict(Enum):
    """What a document says of a call."""

    DENIED = "denied"
    ALLOWED = "allowed"
    SILENT = "silent"
    """Nothing: which refuses the call, as long as no other document of the same kind allows it."""


@dataclass(frozen=True)
class Call:
    """A call as policies see it."""

    action: str
    resource: str = "*"
    keys: Keys = field(default_factory=dict)
    principal: str = ""
    """ARN of who calls, or the name of a service. Only policies of resources heed it."""


def verdict(documents: Sequence[str], call: Call, *, with_conditions: bool = True) -> Verdict:
    """Return what documents of one kind say together, such as all policies of an identity.

    Raises:
        PolicyError: a condition has an operator that the guide does not know.

    """
    effects = set()
    for document in map(_read, documents):
        for one in _listed(document["Statement"]):
            statement = _Statement(one, call, has_variables=document.get("Version") == "2012-10-17")
            if statement.concerns_the_call(with_conditions):
                effects.add(one["Effect"])
    if "Deny" in effects:
        return Verdict.DENIED
    return Verdict.ALLOWED if "Allow" in effects else Verdict.SILENT


@lru_cache(maxsize=256)
def _read(document: str) -> Any:  # noqa: ANN401 - a document, which nobody changes
    """Return a document. The same ones are asked about each call of a role."""
    return json.loads(document)


@lru_cache(maxsize=4096)
def _actions(text: str) -> re.Pattern[str]:
    """Return what an action of a policy matches."""
    wildcards = {"*": ".*", "?": "."}
    return re.compile("".join(wildcards.get(one) or re.escape(one) for one in text), re.IGNORECASE)


class _UnresolvedError(Exception):
    """A call has no single value for a variable. The guide calls a statement with such a variable invalid."""


_TOKENS = re.compile(r"\$\{(?P<variable>[^}]*)\}|(?P<wildcard>[*?])|(?P<text>[^*?$]+|\$)")
_WITHOUT_VARIABLES = re.compile(r"(?P<wildcard>[*?])|(?P<text>[^*?]+)(?P<variable>(?!))?")
_VARIABLE = re.compile(r"(?P<key>[^,]+?)\s*(?:,\s*'(?P<default>[^']*)')?")
_OPERATOR = re.compile(r"(?:(?P<set>ForAllValues|ForAnyValue):)?(?P<name>[A-Za-z]+?)(?P<if_exists>IfExists)?")


class _Statement:
    def __init__(self, elements: Mapping[str, Any], call: Call, *, has_variables: bool) -> None:
        self.elements = elements
        self.call = call
        self.has_variables = has_variables
        self.keys = {name.lower(): value for name, value in call.keys.items()}

    def concerns_the_call(self, with_conditions: bool) -> bool:
        try:
            return (
                self._covers("Action", self._is_action)
                and self._covers("Resource", self._is_resource)
                and self._covers_the_principal()
                and not (with_conditions and any(not met for met in self._conditions()))
            )
        except _UnresolvedError:
            return False

    def _covers(self, element: str, is_meant: Callable[[str], bool]) -> bool:
        """Policies that roles are trusted by have no resource."""
        named = [is_meant(text) for text in _texts(self.elements.get(element, self.elements.get(f"Not{element}", [])))]
        if f"Not{element}" in self.elements:
            return not any(named)
        return any(named) or (element == "Resource" and element not in self.elements)

    def _is_action(self, text: str) -> bool:
        return _actions(text).fullmatch(self.call.action) is not None

    def _is_resource(self, text: str) -> bool:
        """A wildcard stays within its segment, but a star that ends one reaches on over the colons."""

        def wildcard(sign: str, _: str, after: str) -> str:
            return ".*" if sign == "*" and after in ("", ":") else "[^:]*" if sign == "*" else "[^:]"

        return self._fits(text, self.call.resource, wildcard)

    def _covers_the_principal(self) -> bool:
        if "NotPrincipal" in self.elements:
            # Who is excepted is named himself: a user stays forbidden whose account alone is listed.
            return self.call.principal not in [name for _, name in _principals(self.elements["NotPrincipal"])]
        if "Principal" not in self.elements:
            return True
        return any(self._is_principal(*one) for one in _principals(self.elements["Principal"]))

    def _is_principal(self, kind: str, name: str) -> bool:
        caller = self.call.principal
        if kind != "AWS":
            return name == caller
        account = caller.split(":")[4] if caller.startswith("arn:") else None
        whole_account = name == account or re.fullmatch(rf"arn:[\w-]+:iam::{account}:root", name) is not None
        return name in ("*", caller) or (account is not None and whole_account)

    def _conditions(self) -> Iterator[bool]:
        for written, keys in self.elements.get("Condition", {}).items():
            found = _OPERATOR.fullmatch(written)
            if not found:
                raise PolicyError(f"There is no condition operator {written}")
            for key, wanted in keys.items():
                actual = self.keys.get(key.lower())
                yield self._is_met(found["name"], found["set"], bool(found["if_exists"]), actual, _texts(wanted))

    def _is_met(
        self, name: str, of_set: str | None, if_exists: bool, actual: str | Sequence[str] | None, wanted: list[str]
    ) -> bool:
        present = [] if actual is None else _texts(actual)
        # An empty text is a value for the simple operators, and none for Null and for those of sets.
        values = [value for value in present if value]
        if name == "Null":
            return (not values) is (wanted[0].lower() == "true")
        if if_exists and not present:
            return True
        negated, is_one = self._comparison(name)
        if name.startswith(("String", "Arn")):
            for text in wanted:
                self._filled(text)

        def fits(value: str) -> bool:
            return any(is_one(value, text) for text in wanted) is not negated

        if of_set:
            return (all if of_set == "ForAllValues" else any)(map(fits, values))
        return all(map(fits, present)) if present else negated

    def _comparison(self, name: str) -> tuple[bool, Callable[[str, str], bool]]:
        """Return whether an operator is a negation, and its comparison of an actual value with one of the policy."""
        negated, plain = "Not" in name, name.replace("Not", "", 1)
        comparisons: dict[str, Callable[[str, str], bool]] = {
            "StringEquals": lambda actual, wanted: actual == self._filled(wanted),
            "StringEqualsIgnoreCase": lambda actual, wanted: actual.lower() == self._filled(wanted).lower(),
            "StringLike": lambda actual, wanted: self._fits(wanted, actual, _anywhere),
            "ArnEquals": lambda actual, wanted: self._fits(wanted, actual, _within_components),
            "ArnLike": lambda actual, wanted: self._fits(wanted, actual, _within_components),
            "Bool": lambda actual, wanted: actual.lower() == wanted.lower(),
            "BinaryEquals": lambda actual, wanted: actual == wanted,
            "IpAddress": _readable(lambda actual, wanted: ip_address(actual) in ip_network(wanted, strict=False)),
        }
        if plain in comparisons and not (negated and plain in ("Bool", "BinaryEquals")):
            return negated, comparisons[plain]
        for kind, read in _KINDS.items():
            relation = _RELATIONS.get(plain.removeprefix(kind)) if plain.startswith(kind) else None
            if relation and (not negated or relation is operator.eq):
                return negated, _related(relation, read)
        raise PolicyError(f"There is no condition operator {name}")

    def _filled(self, text: str) -> str:
        return "".join(self._value(one["variable"]) if one["variable"] else one[0] for one in self._tokens(text))

    def _fits(self, pattern: str, text: str, wildcard: Callable[[str, str, str], str]) -> bool:
        """Compare a text with a pattern in which only signs that it holds itself, no values of variables, are wild."""
        expression = ""
        for one in self._tokens(pattern):
            if one["variable"]:
                expression += re.escape(self._value(one["variable"]))
            elif one["wildcard"]:
                expression += wildcard(one[0], pattern[: one.start()], pattern[one.end() : one.end() + 1])
            else:
                expression += re.escape(one[0])
        return re.fullmatch(expression, text, re.DOTALL) is not None

    def _tokens(self, text: str) -> Iterator[re.Match[str]]:
        return (_TOKENS if self.has_variables else _WITHOUT_VARIABLES).finditer(text)

    def _value(self, variable: str) -> str:
        if variable in ("*", "?", "$"):
            return variable
        found = _VARIABLE.fullmatch(variable)
        value = self.keys.get(found["key"].lower()) if found else None
        if isinstance(value, str):
            return value
        if found and value is None and found["default"] is not None:
            return found["default"]
        raise _UnresolvedError(variable)


_RELATIONS: Mapping[str, Callable[[float, float], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}


def _related(relation: Callable[[float, float], bool], read: Callable[[str], float]) -> Callable[[str, str], bool]:
    return _readable(lambda actual, wanted: relation(read(actual), read(wanted)))


def _readable(compare: Callable[[str, str], bool]) -> Callable[[str, str], bool]:
    """Return a comparison in which what is no number, date or address is like none."""

    def compared(actual: str, wanted: str) -> bool:
        try:
            return compare(actual, wanted)
        except ValueError:
            return False

    return compared


def _anywhere(sign: str, _before: str, _after: str) -> str:
    return ".*" if sign == "*" else "."


def _within_components(sign: str, before: str, _after: str) -> str:
    # A variable's name has colons of its own.
    one = "." if re.sub(r"\$\{[^}]*\}", "", before).count(":") >= 5 else "[^:]"
    return f"{one}*" if sign == "*" else one


def _principals(element: str | Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    kinds = element if isinstance(element, Mapping) else {"AWS": element}
    for kind, names in kinds.items():
        for name in _texts(names):
            yield kind, name


def _moment(text: str) -> float:
    """Return the seconds of a date of ISO 8601, in UTC where it says nothing else, or of the epoch's own."""
    if text.isdecimal() and len(text) > 4:
        return float(text)
    whole = f"{text}-01-01"[:10] if len(text) == 4 else f"{text}-01" if len(text) == 7 else text
    moment = datetime.fromisoformat(whole)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


_KINDS: Mapping[str, Callable[[str], float]] = {"Numeric": float, "Date": _moment}


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - any part of a document
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]


def _texts(value: Any) -> list[str]:  # noqa: ANN401 - any part of a document
    return [json.dumps(one) if isinstance(one, bool | int | float) else str(one) for one in _listed(value)]
