"""The documentation is true: every setting stands in its table, and every command and place that it names exists."""

import json
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import get_args, get_origin

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import settings
from components.core.section import descriptions
from tests.unit.recording import ROOT
from tools.cli import COMMANDS

DISCRIMINATORS = ("provider", "mode")
"""Keys that tell the arms of a union apart."""

PAGES = {str(path.relative_to(ROOT)): path.read_text() for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))}
"""Text of the README and of what it leads to, by path."""

README = PAGES["README.md"]


def models(annotation: object) -> list[type[BaseModel]]:
    """The sections behind an annotation: one, or one for each arm of a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in models(argument)]


def default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value and isinstance(value, tuple):
        value = [item.value for item in value]
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, BaseModel):
        value = next((getattr(value, key) for key in DISCRIMINATORS if hasattr(value, key)), None)
    return "none" if value in ((), None, {}) else f"`{json.dumps(value)}`"


def rows(model: type[BaseModel] = settings.Settings, prefix: str = "", arm: str = "") -> Iterator[str]:
    """A row for every key that a stack file can have; `[]` stands for the entries of a list."""
    described = descriptions(model)
    for name, field in model.model_fields.items():
        if arm and name in DISCRIMINATORS and prefix.count(".") > 1:
            continue  # the row of the section itself names the arms
        path, sections = f"{prefix}{field.alias}", models(field.annotation)
        if not sections or prefix:
            yield f"| `{path}`{arm} | {described[name]} | {default(field)} |"
        origin = get_origin(field.annotation)
        mark = "[]" if origin is tuple else ".<region>" if origin is Mapping else ""
        for section in sections:
            tags = arm_tags(section) if len(sections) > 1 else ()
            yield from rows(section, f"{path}{mark}.", f" ({', '.join(tags)})" if tags else "")


def arm_tags(section: type[BaseModel]) -> tuple[str, ...]:
    """The values with which an arm of a union is meant."""
    fields = section.model_fields
    return next(get_args(fields[key].annotation) for key in DISCRIMINATORS if key in fields)


def test_the_table_of_settings_is_the_one_of_the_code() -> None:
    """Docstrings are the source; after a change, put the rows that the failure shows into the README."""
    table = [line for line in README.splitlines() if line.startswith(("| `sm-mlops:", "| `aws:region`"))]
    assert table == list(rows()), "\n" + "\n".join(rows())


def test_every_make_target_in_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE))
    assert named
    assert named <= targets
    assert {"sandbox", "sandbox-demo", "sandbox-down", "test", "check", "bench"} <= named


def test_every_tool_is_in_the_readme_and_every_tool_that_a_page_names_exists() -> None:
    named = {name for page in PAGES.values() for name in re.findall(r"python -m tools ([a-z-]+)", page)}
    assert named == set(COMMANDS)
    assert set(re.findall(r"^\| `python -m tools ([a-z-]+)", README, re.MULTILINE)) == set(COMMANDS)


def test_the_readme_leads_to_every_page_of_the_documentation() -> None:
    linked = set(re.findall(r"\]\((docs/[^)#]+)", README))
    assert linked == set(PAGES) - {"README.md"}


@pytest.mark.parametrize("page", sorted(PAGES))
def test_every_place_that_a_page_links_to_exists(page: str) -> None:
    for path, anchor in re.findall(r"\]\((?!https:)([^)#]*)#?([^)]*)\)", PAGES[page]):
        target = ((ROOT / page).parent / path).resolve() if path else ROOT / page
        assert target.exists(), f"{page} links to {path}"
        assert not anchor or anchor in anchors(target.read_text()), f"{page} links to {path}#{anchor}"


def anchors(text: str) -> set[str]:
    """What GitHub makes of the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
