"""Evaluates policy documents as IAM documents it, for the operators and wildcards that the project's policies use."""

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

Context = Mapping[str, str]
"""The condition keys that a request carries; a key that is absent is absent from the request."""


def _values(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _present(matches: Callable[[str, str], bool]) -> Callable[[str | None, list[str]], bool]:
    return lambda actual, wanted: actual is not None and any(matches(actual, value) for value in wanted)


OPERATORS: Mapping[str, Callable[[str | None, list[str]], bool]] = {
    "ArnLike": _present(fnmatchcase),
    "Bool": _present(str.__eq__),
    "NumericLessThan": _present(lambda actual, value: float(actual) < float(value)),
    "StringEquals": _present(str.__eq__),
    "StringLike": _present(fnmatchcase),
    # A negated operator holds for a request that does not carry the key.
    "StringNotEquals": lambda actual, wanted: actual not in wanted,
    "Null": lambda actual, wanted: (actual is None) == (wanted == ["true"]),
}


def _applies(statement: Mapping[str, Any], principal: str, action: str, resource: str, context: Context) -> bool:
    who = statement.get("Principal", "*")
    names = [who] if isinstance(who, str) else [name for value in who.values() for name in _values(value)]
    return (
        any(name in ("*", principal) for name in names)
        and any(fnmatchcase(action.lower(), pattern.lower()) for pattern in _values(statement["Action"]))
        and any(fnmatchcase(resource, pattern) for pattern in _values(statement["Resource"]))
        and all(
            OPERATORS[operator](context.get(key), _values(wanted))
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def decision(
    statements: Iterable[Mapping[str, Any]], principal: str, action: str, resource: str, context: Context
) -> str:
    """`deny` where a statement forbids it, else `allow` where one permits it, else `none`."""
    effects = {
        statement["Effect"] for statement in statements if _applies(statement, principal, action, resource, context)
    }
    return "deny" if "Deny" in effects else "allow" if "Allow" in effects else "none"
