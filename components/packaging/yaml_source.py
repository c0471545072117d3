"""Files of a product folder read as text, and those in YAML as nodes, with a report of what neither can be."""

from collections.abc import Iterator
from pathlib import Path

import yaml

from awsmodel.cloudformation.yaml_nodes import compose, line, walk
from components.packaging.faults import Report


def read_text(path: Path, report: Report) -> str | None:
    """The file's text with its line ends as they are, or None after a report."""
    if path.is_symlink():
        report(0, "is a symbolic link; put the file itself here")
        return None
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        report(0, "is missing; a product folder has product.yaml, template.yaml and repository/")
    except UnicodeDecodeError as error:
        report(0, f"is not UTF-8 text: byte {error.start} is {error.object[error.start]:#04x}")
    except OSError as error:
        report(0, f"cannot be read: {error.strerror}")
    else:
        if not text.startswith("\ufeff"):
            return text
        report(1, "begins with a byte order mark; save it as UTF-8 without one")
    return None


def parse(text: str, report: Report) -> yaml.MappingNode | None:
    """The document's top mapping, or None after a report.

    Duplicate keys and aliases are faults: YAML lets the last of two keys win in silence, and CloudFormation knows no
    aliases. So every node of the result has one place.
    """
    try:
        root = compose(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = ", ".join(part for part in (error.context, error.problem) if part)
        report(mark.line + 1 if mark else 0, f"is not YAML: {reason}")
        return None
    except yaml.reader.ReaderError as error:
        report(text.count("\n", 0, error.position) + 1, f"is not YAML: {error.reason}")
        return None
    if not isinstance(root, yaml.MappingNode):
        report(1, "has no keys; see the files of another product for what belongs here")
        return None
    faults = list(_structure_faults(root))
    for place, reason in faults:
        report(place, reason)
    return None if faults else root


def _structure_faults(root: yaml.Node) -> Iterator[tuple[int, str]]:
    for node, again in walk(root):
        if again:
            yield line(node), "is used again through a YAML alias, which CloudFormation does not know; write it out"
        elif isinstance(node, yaml.MappingNode):
            yield from _duplicates(node)


def _duplicates(node: yaml.MappingNode) -> Iterator[tuple[int, str]]:
    first: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            yield line(key), "a key is text, not a list or a mapping"
        elif key.value in first:
            yield line(key), f"key {key.value!r} is already in line {first[key.value]}; keep one of them"
        else:
            first[key.value] = line(key)
