"""The README is true: every setting stands in its table, and every command that it names exists."""

import json
import re
from collections.abc import Iterator
from enum import Enum
from typing import get_args

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

import settings
from tests.unit.recording import ROOT

README = (ROOT / "README.md").read_text()


def models(annotation: object) -> list[type[BaseModel]]:
    """The sections behind an annotation: one, or one for each arm of a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in models(argument)]


def default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "required"
    value = (
        [item.value for item in field.default] if field.default and isinstance(field.default, tuple) else field.default
    )
    if isinstance(value, Enum):
        value = value.value
    return "none" if value in ((), None, {}) else f"`{json.dumps(value)}`"


def rows() -> Iterator[str]:
    for field in settings.Settings.model_fields.values():
        sections = models(field.annotation)
        if not sections:
            yield f"| `{field.alias}` | {field.description} | {default(field)} |"
        for section in sections:
            arm = ""
            if len(sections) > 1:
                providers = get_args(section.model_fields["provider"].annotation)
                arm = f" ({', '.join(providers)})"
            for inner in section.model_fields.values():
                yield f"| `{field.alias}.{inner.alias}`{arm} | {inner.description} | {default(inner)} |"


def test_the_table_of_settings_is_the_one_of_the_code() -> None:
    """Docstrings are the source; after a change, put the rows that the failure shows into the README."""
    table = [line for line in README.splitlines() if line.startswith(("| `sm-mlops:", "| `aws:region`"))]
    assert table == list(rows()), "\n" + "\n".join(rows())


def test_every_make_target_in_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE))
    assert named
    assert named <= targets
    assert {"sandbox", "sandbox-down", "test", "check", "bench"} <= named


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_every_file_that_the_readme_links_to_exists(path: str) -> None:
    assert (ROOT / path).exists()
