"""A report to show to others: no account id, no e-mail address, nobody's name, and nothing that people wrote."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, is_dataclass, replace
from typing import Any

from tools.report.model import FREE, PERSONAL, Report

LEFT_OUT = "(left out)"

_ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")
_EMAIL = re.compile(r"[^\s<>@:/,;\"'()]+@[\w-]+(?:\.[\w-]+)+")


def redacted(report: Report) -> Report:
    """Return a report without what must not leave the company.

    Accounts become `account-1`, people and their roles `person-1`, the same each time. What people or programs wrote,
    such as logs, reasons of failures, descriptions and commit messages, is left out: it may hold anything. What
    projects and models are called stays.
    """
    names = sorted(set(_names(report)), key=lambda name: (-len(name), name))
    made: Report = _Redaction(names).of(report)
    return made


def _names(value: object) -> Iterator[str]:
    """Everything that says who somebody is: the text, and the name at the end of an ARN."""
    if is_dataclass(value) and not isinstance(value, type):
        for one in fields(value):
            inner = getattr(value, one.name)
            if _is(one, PERSONAL):
                yield from (name for name in (inner, inner.rpartition("/")[2]) if len(name) > 2)
            else:
                yield from _names(inner)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from _names(item)


def _is(one: "Field[Any]", metadata: Mapping[str, bool]) -> bool:
    return metadata.items() <= one.metadata.items()


@dataclass
class _Redaction:
    names: Sequence[str]
    """The longest first: one may be a part of another."""
    _stand_ins: dict[str, str] = field(default_factory=dict)

    def of(self, value: Any) -> Any:  # noqa: ANN401 - whatever a model holds, and the same of it
        if isinstance(value, str):
            return self._text(value)
        if is_dataclass(value) and not isinstance(value, type):
            found = {one.name: self._field(one, getattr(value, one.name)) for one in fields(value)}
            return replace(value, **found)
        if isinstance(value, Mapping):
            return {self._text(key): self.of(one) for key, one in value.items()}
        if isinstance(value, Sequence):
            return [self.of(one) for one in value]
        return value

    def _field(self, one: "Field[Any]", value: Any) -> Any:  # noqa: ANN401
        if not _is(one, FREE) or not value:
            return self.of(value)
        return LEFT_OUT if isinstance(value, str) else [LEFT_OUT] if isinstance(value, Sequence) else self.of(value)

    def _text(self, text: str) -> str:
        for name in self.names:
            if name in text:
                text = text.replace(name, self._stand_in("person", name))
        text = _EMAIL.sub(lambda found: self._stand_in("person", found[0]), text)
        return _ACCOUNT.sub(lambda found: self._stand_in("account", found[0]), text)

    def _stand_in(self, kind: str, name: str) -> str:
        if name not in self._stand_ins:
            number = 1 + sum(one.startswith(f"{kind}-") for one in self._stand_ins.values())
            self._stand_ins[name] = f"{kind}-{number}"
        return self._stand_ins[name]
