"""YAML read as nodes that know their place in the text, so that faults have lines and edits touch one scalar."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from components.packaging.faults import Report

# The C parser is some ten times faster and gives the same marks; PyYAML built without it has only the other.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

TEXT = "tag:yaml.org,2002:str"
"""Tag of a scalar that is text, not a number, a date, a truth value or nothing."""


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
        root = yaml.compose(text, Loader=_LOADER)
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
    for line, reason in faults:
        report(line, reason)
    return None if faults else root


def _structure_faults(root: yaml.Node) -> Iterator[tuple[int, str]]:
    seen: set[int] = set()
    pending = [root]
    while pending:
        node = pending.pop()
        if id(node) in seen:
            yield line(node), "is used again through a YAML alias, which CloudFormation does not know; write it out"
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            yield from _duplicates(node)
        pending += children(node)


def _duplicates(node: yaml.MappingNode) -> Iterator[tuple[int, str]]:
    first: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            yield line(key), "a key is text, not a list or a mapping"
        elif key.value in first:
            yield line(key), f"key {key.value!r} is already in line {first[key.value]}; keep one of them"
        else:
            first[key.value] = line(key)


def children(node: yaml.Node) -> Sequence[yaml.Node]:
    """Keys and values of a mapping, elements of a list; none of anything else."""
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def line(node: yaml.Node) -> int:
    """Line in which the node begins, counted from 1."""
    return node.start_mark.line + 1


def key_line(node: yaml.Node | None, name: str) -> int:
    """Line of a mapping's key, counted from 1; 0 where the mapping has no such key."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((line(key) for key, _ in pairs if key.value == name), 0)


def fields(node: yaml.Node | None) -> dict[str, yaml.Node]:
    """Values of a mapping by key, in the order of the text; empty for anything else."""
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {key.value: value for key, value in node.value}


def items(node: yaml.Node | None) -> Sequence[yaml.Node]:
    """Elements of a list; empty for anything else."""
    return node.value if isinstance(node, yaml.SequenceNode) else []


def text_of(node: yaml.Node | None) -> str | None:
    """Text of a scalar whose type is text, else None."""
    return node.value if isinstance(node, yaml.ScalarNode) and node.tag == TEXT else None


def quoted(value: str) -> str:
    """The text as one YAML scalar in double quotes, on one line and in ASCII."""
    return yaml.safe_dump(value, default_style='"', width=float("inf")).removesuffix("\n")
