"""A template and the parts that it shares with other products: fragments of CloudFormation in `seed_code/_parts`.

A part is a file of sections with entries, written as in any template. Its entries come before the template's own, as
they are written, in the order of `template.parts` of `product.yaml`; where it says `<short>`, the value of that name
under `template.values` takes the place, and `<<name>>` is `<name>` itself, as EventBridge writes its own. A line
`- !Part name` of a list, in the template or in a part, stands for the entries of `_parts/lists/name.yaml`, which is a
list itself: so roles of several products have statements in common. What is published is one whole template, and a
product without parts is published as it is written.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from awsmodel.cloudformation.yaml_nodes import fields, key_line, line
from components.core.faults import nearest, not_one_of
from components.packaging.faults import Report
from components.packaging.identity import digest
from components.packaging.product_description import TemplateParts
from components.packaging.yaml_source import parse, read_text

DESCRIPTION = "product.yaml"
TEMPLATE = "template.yaml"
PARTS = "_parts"
"""Folder of the parts, beside the products' folders."""
LISTS = "lists"
"""Folder of the parts that are lists, in that of the parts."""

_SECTIONS = ("Parameters", "Mappings", "Conditions", "Rules", "Resources", "Outputs")
_INDENT = 2
_NAME = r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
_VALUE = re.compile(rf"<<(?P<plain>{_NAME})>>|<(?P<name>{_NAME})>")
_LIST = re.compile(r"^( *)- !Part (\S+)$", re.MULTILINE)

FileReports = Callable[[str], Report]
"""Gives what takes the faults of a file, by its path from the product's folder."""


@dataclass(frozen=True)
class WholeTemplate:
    """A template's text, parts included, which knows where each line of it stands."""

    text: str
    places: Sequence[tuple[str, int]] = ()
    """File, as a path from the product's folder, and line of each line of the text; none where all is the template's
    own."""
    digests: Mapping[str, str] | None = None
    """Hashes of what makes the text, by path from the product's folder; none where the template alone does."""

    def place(self, number: int) -> tuple[str, int]:
        """File and line of a line of the text, counted from 1; 0 stands for no line."""
        return self.places[number - 1] if 0 < number <= len(self.places) else (TEMPLATE, number)

    @property
    def manifest(self) -> Mapping[str, str]:
        """Hashes of what makes the text, by path from the product's folder."""
        return {TEMPLATE: digest(self.text)} if self.digests is None else self.digests


def read_whole_template(folder: Path, given: TemplateParts, reports: FileReports) -> WholeTemplate | None:
    """The template of a folder with its parts, or None after a report."""
    text = read_text(folder / TEMPLATE, reports(TEMPLATE))
    if text is None or (given == TemplateParts() and not _LIST.search(text)):
        _report_unused(given.values, (), reports)
        return None if text is None else WholeTemplate(text)
    return _Composition(folder, given, reports).of(text)


def _report_unused(values: Mapping[str, str], used: Sequence[str], reports: FileReports) -> None:
    for name in values:
        if name not in used:
            reports(DESCRIPTION)(0, f"template.values.{name}: no part asks for it; take it out")


def _list_path(name: str) -> str:
    return f"../{PARTS}/{LISTS}/{name}.yaml"


_Line = tuple[str, tuple[str, int]]
"""A line of the text, and its place: file and number."""


def _with_list(line: _Line, lists: Mapping[str, Sequence[str]]) -> Iterator[_Line]:
    """A line of the whole, or the entries that it stands for."""
    if (found := _LIST.match(line[0])) is None:
        yield line
        return
    for number, content in enumerate(lists[found[2]], 1):
        yield (f"{found[1]}{content}" if content else "", (_list_path(found[2]), number))


@dataclass(frozen=True)
class _File:
    """A file of sections, and where in it they stand."""

    path: str
    lines: Sequence[str]
    root: yaml.MappingNode

    @property
    def sections(self) -> Mapping[str, yaml.Node]:
        return fields(self.root)

    def heading(self, section: str) -> int:
        """Line of a section's key."""
        return key_line(self.root, section)

    def entries(self, section: str) -> Iterator[_Line]:
        """What stands under a section's key, up to the next: each line with its place."""
        first = self.heading(section)
        after = [self.heading(other) for other in self.sections if self.heading(other) > first]
        last = min(after, default=len(self.lines) + 1) - 1
        while last > first and not self.lines[last - 1].strip():
            last -= 1
        return ((self.lines[number - 1], (self.path, number)) for number in range(first + 1, last + 1))


class _Composition:
    """Puts a template and its parts together."""

    def __init__(self, folder: Path, given: TemplateParts, reports: FileReports) -> None:
        self._folder = folder
        self._given = given
        self._reports = reports
        self._used: list[str] = []
        self._sound = True

    def of(self, text: str) -> WholeTemplate | None:
        own = self._file(TEMPLATE, text)
        parts = [part for name in self._names() if (part := self._part(name)) is not None]
        lists = {name: self._list(name) for name in self._list_names([own, *parts])}
        if self._sound:
            _report_unused(self._given.values, self._used, self._reports)
        if own is None or not self._sound:
            return None
        wanted = [section for section in _SECTIONS if any(section in part.sections for part in parts)]
        self._check_form(own, wanted)
        self._check_names([own, *parts])
        if not self._sound:
            return None
        lines = [one for line in self._merged(own, parts, wanted) for one in _with_list(line, lists)]
        return WholeTemplate(
            "\n".join(line for line, _ in lines) + "\n",
            [place for _, place in lines],
            {
                DESCRIPTION: digest(json.dumps(self._given.model_dump(), sort_keys=True)),
                **{file.path: digest("\n".join(file.lines)) for file in (own, *parts)},
                **{_list_path(name): digest("\n".join(found)) for name, found in lists.items()},
            },
        )

    def _fault(self, path: str, number: int, reason: str) -> None:
        self._sound = False
        self._reports(path)(number, reason)

    def _names(self) -> Iterator[str]:
        """The parts that there are, each once."""
        known = sorted(path.stem for path in (self._folder.parent / PARTS).glob("*.yaml"))
        for index, name in enumerate(self._given.parts):
            if name not in known:
                self._fault(DESCRIPTION, 0, f"template.parts: {not_one_of(name, known)}")
            elif name in self._given.parts[:index]:
                self._fault(DESCRIPTION, 0, f"template.parts: {name!r} is there twice; keep one of them")
            else:
                yield name

    def _part(self, name: str) -> _File | None:
        path = f"../{PARTS}/{name}.yaml"
        text = read_text(self._folder / path, lambda number, reason: self._fault(path, number, reason))
        return None if text is None else self._file(path, text)

    def _list_names(self, files: Sequence[_File | None]) -> Iterator[str]:
        """The lists that are asked for and that there are, each once."""
        known = sorted(path.stem for path in (self._folder.parent / PARTS / LISTS).glob("*.yaml"))
        seen: set[str] = set()
        for file in filter(None, files):
            for number, content in enumerate(file.lines, 1):
                if (found := _LIST.match(content)) is None or found[2] in seen:
                    continue
                seen.add(found[2])
                if found[2] in known:
                    yield found[2]
                else:
                    self._fault(file.path, number, f"!Part: {not_one_of(found[2], known)}")

    def _list(self, name: str) -> Sequence[str]:
        """The lines of a list; none after a report."""
        path = _list_path(name)
        text = read_text(self._folder / path, lambda number, reason: self._fault(path, number, reason))
        lines = [] if text is None else text.removesuffix("\n").split("\n")
        for number, content in enumerate(lines, 1):
            if not re.match(r"- |  |#|$", content):
                self._fault(path, number, "each entry of a list begins a line with `- `, and goes on after 2 spaces")
            elif _LIST.match(content):
                self._fault(path, number, "!Part: a list takes in no other; name both where they are used")
        return [self._filled(path, number, content) for number, content in enumerate(lines, 1)]

    def _file(self, path: str, text: str) -> _File | None:
        lines = text.removesuffix("\n").split("\n")
        is_part = path != TEMPLATE
        if is_part:
            lines = [self._filled(path, number, content) for number, content in enumerate(lines, 1)]
        root = parse("\n".join(lines), lambda number, reason: self._fault(path, number, reason))
        if root is None:
            return None
        file = _File(path, lines, root)
        if is_part:
            for section in file.sections:
                if section not in _SECTIONS:
                    self._fault(path, file.heading(section), f"{section}: {not_one_of(section, _SECTIONS)}")
            self._check_form(file, file.sections)
        return file

    def _filled(self, path: str, number: int, content: str) -> str:
        if content.lstrip().startswith("#"):
            return content

        def value(found: re.Match[str]) -> str:
            if found["plain"]:
                return f"<{found['plain']}>"
            name = found["name"]
            if name not in self._given.values:
                known = list(self._given.values)
                reason = f"no value is given for {found[0]}; name it under template.values in {DESCRIPTION}"
                self._fault(path, number, f"{reason}{nearest(name, known)}")
            else:
                self._used.append(name)
            return self._given.values.get(name, name)

        return _VALUE.sub(value, content)

    def _check_form(self, file: _File, sections: Sequence[str] | Mapping[str, yaml.Node]) -> None:
        """Entries of parts and template stand below each other, so all are indented alike."""
        for section in sections:
            node = file.sections.get(section)
            if node is None or (isinstance(node, yaml.ScalarNode) and not node.value):
                continue
            columns = {key.start_mark.column for key, _ in node.value} if isinstance(node, yaml.MappingNode) else set()
            if columns != {_INDENT} or line(node) == file.heading(section):
                reason = f"{section}: each entry begins a line of its own, after {_INDENT} spaces, where parts are used"
                self._fault(file.path, file.heading(section), reason)

    def _check_names(self, files: Sequence[_File]) -> None:
        first: dict[tuple[str, str], tuple[str, int]] = {}
        for file in files:
            for section in _SECTIONS:
                for name in fields(file.sections.get(section)):
                    place = (file.path, key_line(file.sections[section], name))
                    other = first.setdefault((section, name), place)
                    if other != place:
                        where = f"{other[0]}, line {other[1]}"
                        self._fault(*place, f"{section}.{name} is in {where}, too; keep one of them")

    def _merged(self, own: _File, parts: Sequence[_File], wanted: Sequence[str]) -> Iterator[_Line]:
        headings = {own.heading(section): section for section in wanted if section in own.sections}
        for number, content in enumerate(own.lines, 1):
            yield content, (own.path, number)
            if number in headings:
                yield from self._of_parts(parts, headings[number])
        for section in wanted:
            if section not in own.sections:
                giver = next(part for part in parts if section in part.sections)
                yield f"{section}:", (giver.path, giver.heading(section))
                yield from self._of_parts(parts, section)

    def _of_parts(self, parts: Sequence[_File], section: str) -> Iterator[_Line]:
        for part in parts:
            if section in part.sections:
                place = (part.path, part.heading(section))
                for content, place in part.entries(section):
                    yield content, place
                if section == "Resources":
                    yield "", place
