"""Requests made up to show that a policy allows more than another one: IAM's own evaluation is the proof.

A comparison of texts can only say that nothing covers a right. Whether something is really allowed that was not, with
all denials and conditions, shows when a request is found that the one allows and the other does not.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, product

from awsmodel.iam.evaluation import Context, Decision, Request, Statement, decision, requests, values

_ANY = "any"
"""What a request has where a pattern has a wildcard, and where a policy has a variable."""

_UNUSUAL = {"Principal": f"arn:{_ANY}:iam::{_ANY}:{_ANY}", "Action": f"{_ANY}:{_ANY}", "Resource": f"arn:{_ANY}"}
"""By element: a name that no policy has, for what means all but some names."""

_NAMES = 8
_CONTEXTS = 48
_VARIABLE = re.compile(r"\$\{([^},]+)(?:,[^}]*)?\}")
_LITERAL = {"*": "*", "?": "?", "$": "$"}


def newly_allowed(right: Statement, before: Sequence[Statement], after: Sequence[Statement]) -> bool:
    """Whether something of what a statement is about is allowed by one policy, and was not by another."""
    return any(
        allowed == "allow" and had in ("deny", "none") for had, allowed in _decisions(right, before, after, before)
    )


def no_longer_denied(right: Statement, before: Sequence[Statement], after: Sequence[Statement]) -> bool:
    """Whether something of what a statement is about was denied by one policy, and is not by another."""
    return any(had == "deny" and denied in ("allow", "none") for had, denied in _decisions(right, before, after, after))


def _decisions(
    right: Statement, before: Sequence[Statement], after: Sequence[Statement], others: Sequence[Statement]
) -> Iterator[tuple[Decision, Decision]]:
    try:
        for request in _requests(right, others):
            yield decision(before, request), decision(after, request)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        # A policy that IAM would refuse, or a condition whose meaning is not known, proves nothing.
        return


def _requests(right: Statement, others: Sequence[Statement]) -> Iterator[Request]:
    """Requests that a statement is about, made up to be outside of what other statements are about."""
    names = [list(islice(_samples(right, element, others), _NAMES)) for element in _UNUSUAL]
    contexts = list(islice(_contexts(right, others), _CONTEXTS))
    for (principal, action, resource), context in product(product(*names), contexts):
        yield Request(action, resource, context, principal)


def _samples(right: Statement, element: str, others: Iterable[Statement]) -> Iterator[str]:
    """Names that an element means. Of all but some, those that other statements leave out are the likely difference."""
    if element in right:
        found = map(_one_of, _named(right[element]))
        yield from (_somebody_of(name) for name in found) if element == "Principal" else found
        return
    yield _UNUSUAL[element]
    for other in others if f"Not{element}" in right else ():
        yield from map(_one_of, _named([other.get(f"Not{element}", ()), other.get(element, ())]))


def _somebody_of(principal: str) -> str:
    """A principal; of an account that is named by its number, somebody of it."""
    return f"arn:{_ANY}:iam::{principal}:{_ANY}" if re.fullmatch(r"\d{12}", principal) else principal


def _named(element: object) -> Sequence[str]:
    if isinstance(element, Mapping):
        element = list(element.values())
    return [name for item in element for name in _named(item)] if isinstance(element, list | tuple) else values(element)


def _contexts(right: Statement, others: Sequence[Statement]) -> Iterator[Context]:
    """Contexts that meet a statement's condition: bare, and with values that other statements' conditions speak of."""
    condition = right.get("Condition") or {}
    texts = [*_named(right.get("Resource", ())), *_named([list(keys.values()) for keys in condition.values()])]
    variables = {found[1]: _ANY for text in texts for found in _VARIABLE.finditer(text) if found[1] not in _LITERAL}
    spoken = [
        (key, value)
        for other in others
        for keys in (other.get("Condition") or {}).values()
        for key, named in keys.items()
        for value in (_ANY, *map(_one_of, _named(named)))
    ]
    for request in requests([{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}]):
        for near in _near(request.context):
            own = {**variables, **near}
            taken = {key.lower() for key in own}
            yield own
            yield from ({**own, key: value} for key, value in spoken if key.lower() not in taken)


def _near(context: Context) -> Iterator[Mapping[str, str]]:
    """A context as a condition names it, and with values beside these: wildcards filled, one more, one less."""
    texts = {key: _filled(values(value)[0]) for key, value in context.items()}
    yield texts
    if texts:
        yield from ({key: change(text) for key, text in texts.items()} for change in (_one_of, _less, _more))


def _less(text: str) -> str:
    return _stepped(text, -1)


def _more(text: str) -> str:
    return _stepped(text, 1)


def _stepped(text: str, by: int) -> str:
    """A number beside a number, an address of a network, or the text itself."""
    return f"{float(text) + by:g}" if re.fullmatch(r"-?\d+(\.\d+)?", text) else text.partition("/")[0]


def _one_of(pattern: str) -> str:
    """A text that fits a pattern."""
    return _filled(re.sub(r"(?<!\{)\*", _ANY, re.sub(r"(?<!\{)\?", _ANY[0], pattern)))


def _filled(text: str) -> str:
    return _VARIABLE.sub(lambda found: _LITERAL.get(found[1], _ANY), text)
