"""The documentation is true: what it names exists, what exists is in it, and each page is found from the README."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import click
import pytest
import yaml

import settings
from tests import settings_page
from tools.cli import commands

ROOT = settings_page.PAGE.parents[1]
README, INDEX, COMMANDS = "README.md", "docs/README.md", "docs/commands.md"

PAGES = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in (ROOT / README, *(ROOT / "docs").glob("*.md"), ROOT / "sandbox" / "README.md")
}
"""Text of each page, by path."""

SECTIONS = {str(field.alias).removeprefix("sm-mlops:") for field in settings.Settings.model_fields.values()}
"""Names of the sections and single keys of a stack file."""

TAGS = {"sm-mlops:made"}
"""What is written like a setting and is a tag."""


def test_the_page_of_settings_is_what_the_docstrings_say() -> None:
    assert settings_page.PAGE.read_text() == settings_page.page(), "run `make docs`"


def test_every_key_of_a_stack_file_has_a_row_or_tells_the_arms_in_that_of_its_section() -> None:
    rows = set(re.findall(r"^\| `([^`]+)`", PAGES["docs/settings.md"], re.MULTILINE))
    sections = {f"sm-mlops:{section}" for section in SECTIONS}
    assert {path for path in settings_page.paths() if not path.endswith(".mode")} - sections <= rows


def test_the_examples_of_the_page_of_settings_are_a_stack_file_in_order() -> None:
    fences = re.findall(r"^```yaml\n(.*?)^```", PAGES["docs/settings.md"], re.MULTILINE | re.DOTALL)
    example = yaml.safe_load("".join(fences))
    assert set(example) == {str(field.alias) for field in settings.Settings.model_fields.values()}
    settings.parse(example, stack="example")


def plain(path: str) -> str:
    """The path of a setting without what depends on the stack file."""
    return re.sub(r"\[\d*\]|\.<region>", "", path.removeprefix("sm-mlops:"))


@pytest.mark.parametrize("page", sorted(PAGES))
def test_every_setting_that_a_page_names_exists(page: str) -> None:
    known = {plain(path) for path in settings_page.paths()}
    words = set(re.findall(r"`(\S+?):?(?: [^`]*)?`", PAGES[page])) - TAGS
    named = {word for word in words if word.startswith("sm-mlops:") or (word.split(".")[0] in SECTIONS and "." in word)}
    assert {word for word in named if plain(word) not in known} == set()


def test_every_make_target_that_a_page_names_exists_and_every_target_is_told() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page, text in PAGES.items():
        named = set(re.findall(r"(?:^ *|`)make ([a-z-]+)", text, re.MULTILINE))
        assert named <= targets, f"{page} names targets that the Makefile does not have"
    assert set(re.findall(r"^\| `make ([a-z-]+)", PAGES[COMMANDS], re.MULTILINE)) == targets


def tools(command: click.Command = commands, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every tool, by what is written after `python -m tools`."""
    if not isinstance(command, click.Group):
        yield name, command
        return
    context = click.Context(command)
    for word in command.list_commands(context):
        inner = command.get_command(context, word)
        assert inner is not None
        yield from tools(inner, f"{name} {word}".lstrip())


@cache
def all_tools() -> Mapping[str, click.Command]:
    return dict(tools())


def test_every_tool_has_a_row() -> None:
    rows = re.findall(r"^\| `python -m tools ([^`]+)`", PAGES[COMMANDS], re.MULTILINE)
    known = all_tools()
    assert sorted(name for row in rows for name in known if f"{row} ".startswith(f"{name} ")) == sorted(known)
    assert len(rows) == len(known)


@pytest.mark.parametrize("page", sorted(PAGES))
def test_every_tool_and_option_that_a_page_names_exists(page: str) -> None:
    for line in re.findall(r"python -m tools ([a-z][^`\n]*)", PAGES[page]):
        tool = next((name for name in all_tools() if f"{line} ".startswith(f"{name} ")), None)
        groups = {name.split()[0] for name in all_tools() if " " in name}
        assert tool or line in groups, f"{page} names `python -m tools {line}`"
        known = {option for parameter in all_tools()[tool].params for option in parameter.opts} if tool else set()
        assert set(re.findall(r"(?<= )--?[a-z][a-z-]*", line)) <= known | {"--help"}, f"{page}: {line}"


@pytest.mark.parametrize("page", sorted(PAGES))
def test_every_place_of_the_repository_that_a_page_names_exists(page: str) -> None:
    tops = {path.name for path in ROOT.iterdir()} - {".venv", ".sandbox", ".checks"}
    text = PAGES[page].replace("seed_code/acme-train", "seed_code/_skeleton")  # what `make product` copies
    for place in re.findall(r"`(?:\./)?([\w.-]+/[\w./<>*-]+)`", text):
        if place.split("/")[0] in tops:
            assert list(ROOT.glob(re.sub(r"<\w+>", "*", place).rstrip("/"))), f"{page} names {place}"


def test_every_page_is_reached_from_the_readme_and_the_index_lists_all_of_docs() -> None:
    reached, ahead = set[str](), {README}
    while ahead:
        page = ahead.pop()
        reached.add(page)
        ahead |= {path for path, _ in links(page) if path in PAGES} - reached
    assert reached == set(PAGES)
    assert {path for path, _ in links(INDEX)} >= {page for page in PAGES if page.startswith("docs/")} - {INDEX}


@pytest.mark.parametrize("page", sorted(PAGES))
def test_every_place_that_a_page_links_to_exists(page: str) -> None:
    for path, anchor in links(page):
        target = ROOT / path
        assert target.exists(), f"{page} links to {path}"
        assert not anchor or anchor in anchors(target.read_text()), f"{page} links to {path}#{anchor}"


def links(page: str) -> set[tuple[str, str]]:
    """What a page links to within the repository: path from its root, and anchor."""
    found = re.findall(r"\]\((?!https:)([^)#]*)#?([^)]*)\)", PAGES[page])
    return {
        (str((Path("/", page).parent / path).resolve().relative_to("/")) if path else page, anchor)
        for path, anchor in found
    }


def anchors(text: str) -> set[str]:
    """What GitHub makes of the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
