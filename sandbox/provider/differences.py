"""What differs between a resource as it is and as the program wants it."""

import json
import re
from collections.abc import Mapping

from sandbox.provider.values import Value, has_unknown

ADD, DELETE, UPDATE = "ADD", "DELETE", "UPDATE"

_KEY = re.compile(r"arn:[\w-]+:kms:[\w-]*:\d*:key/[\w-]+")


def same(have: Value, want: Value) -> bool:
    """Say whether AWS would treat both values alike."""
    return not differences(have, want)


def differences(have: Value, want: Value, path: str = "", server_side: frozenset[str] = frozenset()) -> dict[str, str]:
    """Return the kind of each change from `have` to `want`, by Pulumi's property path.

    Absent and empty are the same. `server_side` names nested properties that AWS fills in where the program
    says nothing.
    """
    if has_unknown(want):
        if isinstance(want, str) or type(have) is not type(want):
            return {path: UPDATE if not _empty(have) else ADD}
    elif _alike(have, want):
        return {}
    if isinstance(have, Mapping) and isinstance(want, Mapping):
        found: dict[str, str] = {}
        for key in sorted(have.keys() | want.keys()):
            if key in want or key not in server_side:
                found |= differences(have.get(key), want.get(key), _member(path, key), server_side)
        return found
    if isinstance(have, list) and isinstance(want, list):
        found = {}
        for index in range(max(len(have), len(want))):
            one, other = (items[index] if index < len(items) else None for items in (have, want))
            found |= differences(one, other, f"{path}[{index}]", server_side)
        return found
    return {path: ADD if _empty(have) else DELETE if _empty(want) else UPDATE}


def in_no_order(value: Value) -> Value:
    """Return a list in an order of its own, so that two with the same members are equal; others unchanged."""
    return sorted(value, key=lambda item: json.dumps(item, sort_keys=True)) if isinstance(value, list) else value


def _member(path: str, key: str) -> str:
    if not key.replace("_", "").isalnum():
        return f'{path}["{key}"]'
    return f"{path}.{key}" if path else key


def _empty(value: Value) -> bool:
    return value is None or value is False or (isinstance(value, str | int | list | dict) and not value)


def _alike(have: Value, want: Value) -> bool:
    if (_empty(have) and _empty(want)) or have == want:
        return True
    if isinstance(have, str) and isinstance(want, str) and _key_id(have) == _key_id(want):
        return True
    return _document(have) is not None and _document(have) == _document(want)


def _key_id(value: str) -> str:
    """Return the id of a KMS key given by its ARN or id: AWS takes either and answers with one of them."""
    # Of nothing else: a policy that names a key is not the same as another with the same end.
    return value.rpartition("/")[2] if _KEY.fullmatch(value) else value


def _document(value: Value) -> Value:
    """Return a JSON document in a form where policies that mean the same are equal; None for other values."""
    if not isinstance(value, str) or value[:1] not in ("{", "["):
        return None
    try:
        return _normal(json.loads(value))
    except ValueError:
        return None


def _normal(value: Value) -> Value:
    if isinstance(value, dict):
        return {key: _normal(item) for key, item in value.items()}
    if isinstance(value, list):
        items = [_normal(item) for item in value]
        if all(isinstance(item, str) for item in items):
            items = sorted(items)
        return items[0] if len(items) == 1 else items
    return value
