"""What pydantic finds wrong with settings, in the words of a stack file: key path, value, what is allowed."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from components.core.faults import nearest, not_one_of
from components.core.section import descriptions

DISCRIMINATORS = ("provider", "mode")
"""Keys whose value says which arm of a union a section is."""

EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "a section with keys",
    "int_type": "a whole number",
    "mapping_type": "a section with keys",
    "model_attributes_type": "a section with keys",
    "model_type": "a section with keys",
    "string_type": "text",
    "tuple_type": "a list",
}
"""What pydantic's error types ask for."""


@dataclass(frozen=True, kw_only=True)
class Wording:
    """The sections that a stack file can have, for telling what is wrong with one."""

    root: type[BaseModel]
    """The whole file."""
    prefix: str
    """What stands before each of its keys; it is not said where keys are listed."""
    secret: str
    """What stands in place of a value that the stack keeps encrypted."""
    moved: Mapping[tuple[str, str], str]
    """Keys of former releases, by section and name, and where what they said is said now."""

    def faults(self, error: ValidationError) -> Iterator[str]:
        """Every fault, each as key path and sentence."""
        for details in error.errors(include_url=False):
            # pydantic counts only the entries that are in order: it calls a list short when some of them are wrong.
            if details["type"] == "too_short" and len(details["input"]) >= details["ctx"]["min_length"]:
                continue
            parts = (part for part, _ in self._steps(details["loc"]) if part != "[key]")
            path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
            yield f"{path.removeprefix('.')}: {self._sentence(details)}"

    def _sentence(self, details: ErrorDetails) -> str:
        kind, value = details["type"], details["input"]
        if value == self.secret:
            return "is stored as a secret, but nothing in it is one; set it in plain text"
        if kind in EXPECTED:
            hint = " (put it in quotes)" if kind == "string_type" and isinstance(value, int) else ""
            return f"expected {EXPECTED[kind]}, got {json.dumps(value)}{hint}"
        return self._of_place(details) or _of_value(details) or f"{details['msg']}, got {json.dumps(value)}"

    def _of_place(self, details: ErrorDetails) -> str | None:
        """Tell what is wrong with a key, which depends on the section that it is in."""
        place = details["loc"]
        match details["type"]:
            case "extra_forbidden":
                return self._unknown_key(place)
            case "missing":
                return f"missing; {self._purpose(place)}"
            case "union_tag_not_found":
                return f"{details['ctx']['discriminator']} is missing (allowed: {', '.join(self._arms(place))})"
            case "union_tag_invalid":
                return not_one_of(details["ctx"]["tag"], self._arms(place))
        return None

    def _unknown_key(self, location: Sequence[int | str]) -> str:
        section, key = (str(part).removeprefix(self.prefix) for part in (location[0], location[-1]))
        if (section, key) in self.moved:
            return f"has moved; say it as {self.prefix}{self.moved[section, key]}"
        aliases = (str(field.alias) for field in self._section(location).model_fields.values())
        allowed = [alias.removeprefix(self.prefix) for alias in aliases]
        return f"unknown key{nearest(key, allowed)} (allowed: {', '.join(allowed)})"

    def _purpose(self, location: Sequence[int | str]) -> str:
        section = self._section(location)
        names = {field.alias: name for name, field in section.model_fields.items()}
        sentence = descriptions(section)[names[str(location[-1])]].split(". ")[0].rstrip(".")
        return sentence[:1].lower() + sentence[1:]

    def _arms(self, location: Sequence[int | str]) -> list[str]:
        """Every value of the discriminator of the union at a location."""
        fields = self._section(location).model_fields.values()
        field = next(field for field in fields if field.alias == location[-1])
        return [tag for section in _models(field.annotation) for tag in _arm_tags(section)]

    def _section(self, location: Sequence[int | str]) -> type[BaseModel]:
        """Return the section that holds the key at the end of a location."""
        *_, (_, section) = self._steps(location)
        return section

    def _steps(self, location: Sequence[int | str]) -> Iterator[tuple[int | str, type[BaseModel]]]:
        """Return the parts of a location that a stack file has, each with the section that it is a key of.

        pydantic also names the arm of a union by the value of its discriminator; no stack file has such a part.
        """
        sections: list[type[BaseModel]] = [self.root]
        for part in location:
            arms = {tag: section for section in sections for tag in _arm_tags(section)}
            if len(sections) > 1 and part in arms:
                sections = [arms[str(part)]]
                continue
            yield part, sections[0]
            field = next((field for field in sections[0].model_fields.values() if field.alias == part), None)
            if field is not None:
                sections = _models(field.annotation) or sections


def _of_value(details: ErrorDetails) -> str | None:
    """Tell what is wrong with a value, wherever it stands."""
    told = _VALUES.get(details["type"])
    return told(details["input"], details.get("ctx", {})) if told else None


def _quoted(words: str) -> list[str]:
    return re.findall(r"'([^']+)'", words)


def _too_short(count: int, least: int) -> str:
    if least == 1:
        return "the list is empty; it needs at least one entry"
    return f"{count} {'entry' if count == 1 else 'entries'}; at least {least}"


def _models(annotation: object) -> list[type[BaseModel]]:
    """Return the sections behind an annotation: the one, that of a list's entries, or one for each arm of a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]


def _arm_tags(section: type[BaseModel]) -> tuple[str, ...]:
    """Return the values of its discriminator with which a section is meant."""
    fields = section.model_fields
    return next((get_args(fields[name].annotation) for name in DISCRIMINATORS if name in fields), ())


_VALUES: Mapping[str, Callable[[Any, Mapping[str, Any]], str]] = {
    "fault": lambda _, context: str(context["message"]),
    "literal_error": lambda value, context: not_one_of(value, _quoted(context["expected"])),
    "enum": lambda value, context: not_one_of(value, _quoted(context["expected"])),
    "too_short": lambda value, context: _too_short(len(value), context["min_length"]),
    "too_long": lambda _, context: f"{context['actual_length']} entries; at most {context['max_length']}",
    "greater_than_equal": lambda value, context: f"{value} is too small; at least {context['ge']}",
    "less_than_equal": lambda value, context: f"{value} is too large; at most {context['le']}",
}
"""How each of pydantic's error types reads that says more of a value than that its type is wrong."""
