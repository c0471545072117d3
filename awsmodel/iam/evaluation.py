"""What policies allow: IAM's evaluation of policy documents, as pure functions.

The rules are those of AWS's "Policy evaluation logic" and "IAM JSON policy elements": a deny beats every allow, what
nothing allows is refused, and a permissions boundary allows only what it and the identity's policies both allow.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address, ip_network
from itertools import repeat
from types import MappingProxyType
from typing import Any, Literal

Statement = Mapping[str, Any]
Decision = Literal["allow", "deny", "none"]

Context = Mapping[str, str | Sequence[str]]
"""The condition keys that a request carries, with one value or several; a key that is absent is not in the request."""


class UnknownElementError(ValueError):
    """A policy has an operator that is not known here; guessing what it means could allow too much."""


@dataclass(frozen=True)
class Request:
    """One call to AWS as IAM sees it."""

    action: str
    """`service:Operation`."""
    resource: str
    """ARN that the call acts on; `*` for calls that know no resource."""
    context: Context = field(default_factory=lambda: MappingProxyType({}))
    """Condition keys of the call."""
    principal: str = "*"
    """Who calls, as a policy of a resource names it."""

    def __str__(self) -> str:
        """The request as people read it."""
        keys = ", ".join(f"{key}={value}" for key, value in sorted(self.context.items()))
        return f"{self.action} on {self.resource}" + (f" with {keys}" if keys else "")


def matches(pattern: str, text: str) -> bool:
    """Whether a text fits a pattern in which `*` stands for any characters and `?` for one."""
    return _matches(pattern, text)


def resource_matches(pattern: str, resource: str) -> bool:
    """Whether a resource fits a pattern: a wildcard reaches over a colon only where it is a `*` that one follows.

    The end of the pattern is as good as a colon.
    """
    return _matches(pattern, resource, within_segments=True)


@lru_cache(maxsize=65536)
def action_matches(pattern: str, action: str) -> bool:
    """Whether an action fits a pattern; IAM does not heed the case of actions."""
    # Asked again for each resource and each context of an action.
    return matches(pattern.lower(), action.lower())


def values(value: object) -> Sequence[str]:
    """An element's values; IAM takes one value for a list of it, and booleans and numbers for their text."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, bool):
        return [str(value).lower()]
    # Most are such a list, and are asked for again and again.
    if isinstance(value, list) and set(map(type, value)) == {str}:
        return value
    if isinstance(value, Iterable):
        return [text for item in value for text in ([item] if isinstance(item, str) else values(item))]
    return [str(value)]


def statements(document: Mapping[str, Any]) -> list[Statement]:
    """The statements of a policy document; IAM takes one statement for a list of it.

    A document of another version than 2012-10-17 knows no variables: where it seems to, they come back as plain text.

    Raises:
        ValueError: it has none.
    """
    found = document.get("Statement")
    listed = [found] if isinstance(found, Mapping) else found
    if not isinstance(listed, list | tuple) or not all(isinstance(statement, Mapping) for statement in listed):
        raise ValueError(f"a policy has statements, and this is none: {document!r:.200}")
    return list(listed) if document.get("Version") == "2012-10-17" else [_without_variables(one) for one in listed]


def comparable(value: object) -> object:
    """A policy, or a part of one, in a form that is equal where the meaning is.

    IAM gives the principals of one trust policy in one order and in another, and takes one value for a list of it.
    """
    if isinstance(value, Mapping):
        return {key: comparable(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = [comparable(item) for item in value]
        return items[0] if len(items) == 1 else sorted(items, key=repr)
    return value


def applies(statement: Statement, request: Request) -> bool:
    """Whether a statement speaks of a request, whatever its effect.

    One with a variable that the request gives no value to speaks of none: IAM calls it invalid.

    Raises:
        UnknownElementError: the statement's condition has an operator that IAM does not document.
    """
    try:
        return (
            # What most statements do not name comes first.
            _names(statement, "Action", action_matches, request.action)
            and _names(statement, "Principal", _principal_matches, request.principal)
            and not _excepts(statement, request.principal)
            and _names_resource(statement, request)
            and all(
                _holds(operator, key, values(wanted), request.context)
                for operator, keys in statement.get("Condition", {}).items()
                for key, wanted in keys.items()
            )
        )
    except _UnknownVariableError:
        return False


def decision(policy: Iterable[Statement], request: Request) -> Decision:
    """`deny` where a statement forbids the request, else `allow` where one permits it, else `none`."""
    effects = {statement["Effect"] for statement in policy if applies(statement, request)}
    return "deny" if "Deny" in effects else "allow" if "Allow" in effects else "none"


def allowed(policy: Sequence[Statement], request: Request, boundary: Sequence[Statement] | None = None) -> bool:
    """Whether an identity with these statements, and this boundary, may make the request."""
    return all(decision(part, request) == "allow" for part in (policy, boundary) if part is not None)


def requests(wanted: Iterable[Statement]) -> Iterator[Request]:
    """What allow statements grant, as requests: each action on each resource, with what the condition asks for.

    Patterns stay as they are, as texts: a pattern of another policy that covers them matches them. What a statement
    grants but for some (`NotAction`, `NotResource`) is taken for all. Requests heed the denies among the statements.
    """
    known = list(wanted)
    for statement in known:
        if statement["Effect"] != "Allow":
            continue
        for context in _contexts(statement.get("Condition", {})):
            for action in values(statement.get("Action", "*")):
                for resource in values(statement.get("Resource", "*")):
                    yield heeding(known, Request(action, resource, context))


def heeding(policy: Iterable[Statement], request: Request) -> Request:
    """A request as somebody makes it who knows a policy's denies: with the values that they leave alone.

    A deny that asks for a value by a negated operator, or by `Null` for its presence, refuses a request that says
    nothing. What it leaves alone is taken from the negated operators. What the request says stands.
    """
    wanted: dict[str, str | Sequence[str]] = {}
    for statement in policy:
        if statement["Effect"] == "Deny" and applies({**statement, "Condition": {}}, request):
            for operator, keys in statement.get("Condition", {}).items():
                quantifier, _, name = operator.rpartition(":")
                if _OPERATORS.get(name, (False, None))[0]:
                    wanted |= {key: values(left)[:1] if quantifier else values(left)[0] for key, left in keys.items()}
    return replace(request, context={**wanted, **request.context}) if wanted else request


def missing(
    wanted: Iterable[Statement], policy: Sequence[Statement], boundary: Sequence[Statement] | None = None
) -> list[Request]:
    """What allow statements grant and an identity's policies do not, in the order of the statements."""
    return [request for request in requests(wanted) if not allowed(policy, request, boundary)]


def untrusted(wanted: Iterable[Statement], trust: Sequence[Statement]) -> list[Request]:
    """Who may not assume a role with a trust policy, though statements of another one would let them.

    What a statement lets in but for some (`NotPrincipal`) is taken for everybody.
    """
    asked = (
        replace(request, principal=principal)
        for statement in wanted
        for principal in _flat(statement.get("Principal", "*"))
        for request in requests([{**statement, "Resource": "*"}])
    )
    return [request for request in asked if decision(trust, request) != "allow"]


_ESCAPE = "\0"
"""Comes before a wildcard's sign that is meant as the sign; no policy and no request has it itself."""
_SIGN = re.compile(f"{_ESCAPE}(?P<plain>.)|(?P<wildcard>[*?])", re.DOTALL)


def _matches(pattern: str, text: str, *, within_segments: bool = False) -> bool:
    # Most patterns are plain text, or end in a star: to compile them all takes longer than all else.
    start = pattern.rstrip("*")
    if "*" not in start and "?" not in start and _ESCAPE not in start:
        return text.startswith(start) if start != pattern else text == pattern
    return _expression(pattern, within_segments).fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _expression(pattern: str, within_segments: bool) -> re.Pattern[str]:
    one, parts, end = "[^:]" if within_segments else ".", [], 0
    for found in _SIGN.finditer(pattern):
        parts.append(re.escape(pattern[end : found.start()]))
        end = found.end()
        many = ".*" if pattern[end : end + 1] in ("", ":") else f"{one}*"
        parts.append(re.escape(found["plain"]) if found["plain"] else many if found["wildcard"] == "*" else one)
    return re.compile("".join([*parts, re.escape(pattern[end:])]), re.DOTALL)


def _names(statement: Statement, element: str, match: Callable[[str, str], bool], asked: str) -> bool:
    """Whether an element, or its negation `Not...`, names what is asked for. A statement without either names all."""
    if element in statement:
        return any(map(match, _flat(statement[element]), repeat(asked)))
    if f"Not{element}" in statement and element != "Principal":
        return not any(map(match, _flat(statement[f"Not{element}"]), repeat(asked)))
    return True


def _names_resource(statement: Statement, request: Request) -> bool:
    filled = {
        element: [_filled(value, request.context) for value in _flat(statement[element])]
        for element in ("Resource", "NotResource")
        if element in statement
    }
    return _names(filled, "Resource", resource_matches, request.resource)


def _excepts(statement: Statement, principal: str) -> bool:
    """Whether `NotPrincipal` leaves out a principal: it names the principal itself, an account alone is not enough."""
    return principal in _flat(statement.get("NotPrincipal", ()))


def _flat(element: object) -> Sequence[str]:
    """Values of an element; principals come by kind (`AWS`, `Service`, ...)."""
    # A list first: an abstract class takes longer to say that it is none of it.
    if isinstance(element, list) or not isinstance(element, Mapping):
        return values(element)
    return values(element.values())


def _principal_matches(value: str, principal: str) -> bool:
    """An account's id or its root stands for everybody of the account."""
    if value in ("*", principal):
        return True
    account = value if re.fullmatch(r"\d{12}", value) else value.split(":")[4] if value.endswith(":root") else ""
    return bool(account) and principal.split(":")[4:5] == [account]


_VARIABLE = re.compile(r"\$\{([^},]+)(?:,\s*'([^']*)')?\}")
_SPECIAL = ("*", "?", "$")


class _UnknownVariableError(Exception):
    """A request has no value for a variable of a policy, or several: keys with several values are no variables."""


def _filled(text: str, context: Context) -> str:
    """A pattern with its policy variables filled in; what they stand for has no wildcards."""

    def fill(found: re.Match[str]) -> str:
        name, default = found.group(1), found.group(2)
        known = name if name in _SPECIAL else _known(context, name)
        if known is None:
            known = default
        if not isinstance(known, str):
            raise _UnknownVariableError(name)
        return re.sub(r"[*?]", rf"{_ESCAPE}\g<0>", known)

    return _VARIABLE.sub(fill, text) if "${" in text else text


def _without_variables(statement: Statement) -> Statement:
    """A statement in which what looks like a variable is text: `${$}` is the variable that stands for a dollar."""

    def plain(value: object) -> Any:  # noqa: ANN401 - as what came in
        if isinstance(value, str):
            return value.replace("${", "${$}{")
        if isinstance(value, Mapping):
            return {key: plain(item) for key, item in value.items()}
        return [plain(item) for item in value] if isinstance(value, list | tuple) else value

    return {element: plain(value) for element, value in statement.items()}


def _known(context: Context, key: str) -> str | Sequence[str] | None:
    """What a request has for a key. IAM does not heed the case of keys."""
    if key in context:
        return context[key]
    lower = key.lower()
    return next((value for name, value in context.items() if name.lower() == lower), None)


def _holds(operator: str, key: str, wanted: Sequence[str], context: Context) -> bool:
    known = _known(context, key)
    actual = [] if known is None else values(known)
    # For `Null` and for sets a key whose values are all empty is not there.
    some = [value for value in actual if value]
    quantifier, _, rest = operator.rpartition(":")
    name = rest.removesuffix("IfExists")
    if name == "Null":
        return (not some) == (wanted[0].lower() == "true")
    if name not in _OPERATORS or quantifier not in ("", "ForAllValues", "ForAnyValue"):
        raise UnknownElementError(f"the condition operator {operator!r} is not one of {', '.join(sorted(_OPERATORS))}")
    if rest != name and not actual:
        return True
    negated, match = _OPERATORS[name]
    filled = [_filled(value, context) for value in wanted] if name.startswith(("String", "Arn")) else wanted

    def one(value: str) -> bool:
        return any(match(value, pattern) for pattern in filled) != negated

    if quantifier == "ForAllValues":
        return all(one(value) for value in some)
    if quantifier == "ForAnyValue":
        return any(one(value) for value in some)
    if not actual:
        # A negated operator holds for a request that does not carry the key.
        return negated
    return all(one(value) for value in actual) if negated else any(one(value) for value in actual)


def _arn_matches(value: str, pattern: str) -> bool:
    """ARNs are compared part by part: a wildcard does not reach over a colon, save in the last part."""
    actual, wanted = value.split(":", 5), pattern.split(":", 5)
    return len(actual) == len(wanted) and all(matches(*pair) for pair in zip(wanted, actual, strict=True))


def _number(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    def match(value: str, wanted: str) -> bool:
        try:
            return compare(float(value), float(wanted))
        except ValueError:
            return False

    return match


def _moment(text: str) -> float:
    if re.fullmatch(r"\d{5,}(\.\d+)?", text):
        return float(text)
    # A year, or a month of one, begins with its first day.
    moment = datetime.fromisoformat(text + "-01" * {4: 2, 7: 1}.get(len(text), 0))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _date(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    def match(value: str, wanted: str) -> bool:
        try:
            return compare(_moment(value), _moment(wanted))
        except ValueError:
            return False

    return match


def _address(value: str, wanted: str) -> bool:
    try:
        return ip_address(value) in ip_network(wanted, strict=False)
    except ValueError:
        return False


def _same(value: str, wanted: str) -> bool:
    return value == wanted.replace(_ESCAPE, "")


def _same_ignoring_case(value: str, wanted: str) -> bool:
    return _same(value.lower(), wanted.lower())


def _like(value: str, wanted: str) -> bool:
    return matches(wanted, value)


_COMPARISONS: Mapping[str, tuple[bool, Callable[[float, float], bool]]] = {
    "Equals": (False, lambda actual, wanted: actual == wanted),
    "NotEquals": (True, lambda actual, wanted: actual == wanted),
    "LessThan": (False, lambda actual, wanted: actual < wanted),
    "LessThanEquals": (False, lambda actual, wanted: actual <= wanted),
    "GreaterThan": (False, lambda actual, wanted: actual > wanted),
    "GreaterThanEquals": (False, lambda actual, wanted: actual >= wanted),
}

_OPERATORS: Mapping[str, tuple[bool, Callable[[str, str], bool]]] = {
    "StringEquals": (False, _same),
    "StringNotEquals": (True, _same),
    "StringEqualsIgnoreCase": (False, _same_ignoring_case),
    "StringNotEqualsIgnoreCase": (True, _same_ignoring_case),
    "StringLike": (False, _like),
    "StringNotLike": (True, _like),
    # ArnEquals and ArnLike behave the same, as IAM documents.
    "ArnEquals": (False, _arn_matches),
    "ArnLike": (False, _arn_matches),
    "ArnNotEquals": (True, _arn_matches),
    "ArnNotLike": (True, _arn_matches),
    "Bool": (False, _same_ignoring_case),
    "BinaryEquals": (False, _same),
    "IpAddress": (False, _address),
    "NotIpAddress": (True, _address),
    **{f"Numeric{name}": (negated, _number(compare)) for name, (negated, compare) in _COMPARISONS.items()},
    **{f"Date{name}": (negated, _date(compare)) for name, (negated, compare) in _COMPARISONS.items()},
}
"""By operator: whether it is a negation, and when a request's value matches a policy's."""


def _contexts(condition: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str | Sequence[str]]]:
    """Requests' contexts that meet a condition, one for each value that it takes.

    `Null` and the negated operators ask for nothing that a request must carry, or are met by its absence.
    """
    contexts: list[dict[str, str | Sequence[str]]] = [{}]
    for operator, keys in condition.items():
        quantifier, _, rest = operator.rpartition(":")
        name = rest.removesuffix("IfExists")
        if name == "Null" or _OPERATORS.get(name, (True, None))[0]:
            continue
        for key, wanted in keys.items():
            chosen = values(wanted)
            contexts = [{**context, key: [value] if quantifier else value} for context in contexts for value in chosen]
    return contexts
