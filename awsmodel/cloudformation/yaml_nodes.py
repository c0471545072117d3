"""YAML read as nodes that know their place in the text, so that faults have lines and edits touch one scalar."""

from collections.abc import Iterator, Sequence

import yaml

LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The C parser is some ten times faster and gives the same marks; PyYAML built without it has only the other."""

TEXT = "tag:yaml.org,2002:str"
"""Tag of a scalar that is text, not a number, a date, a truth value or nothing."""


def compose(text: str) -> yaml.Node | None:
    """The document's top node; none where it is empty.

    Raises:
        yaml.YAMLError: the text is not YAML.
    """
    root: yaml.Node | None = yaml.compose(text, Loader=LOADER)
    return root


def children(node: yaml.Node) -> Sequence[yaml.Node]:
    """Keys and values of a mapping, elements of a list; none of anything else."""
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def walk(root: yaml.Node) -> Iterator[tuple[yaml.Node, bool]]:
    """Every node of a document, and whether it is used again through a YAML alias; what is below it then is not."""
    seen: set[int] = set()
    pending = [root]
    while pending:
        node = pending.pop()
        again = id(node) in seen
        yield node, again
        if not again:
            seen.add(id(node))
            pending += children(node)


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
