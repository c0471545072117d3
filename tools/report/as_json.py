"""A report for machines."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass

from tools.preview_comment.values import redacted
from tools.report.model import NotKnown, Report


def as_json(report: Report) -> str:
    """Return everything that a report holds, without credentials: logs may have some.

    Keys are the fields of the model in camelCase. What AWS did not tell is `{"notKnown": "<why>"}`, and has its name as
    `what` where it stands among others.
    """
    return json.dumps(_plain(report), indent=2)


def _plain(value: object) -> object:
    if isinstance(value, NotKnown):
        return {"notKnown": _plain(value.why)} | ({"what": _plain(value.what)} if value.what else {})
    if is_dataclass(value) and not isinstance(value, type):
        return {_key(one.name): _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in value]
    return redacted(value) if isinstance(value, str) else value


def _key(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
