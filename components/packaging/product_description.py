"""`product.yaml`: what the catalog shows of a product."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import yaml

from awsmodel.cloudformation.yaml_nodes import fields, items, line, text_of
from components.core.email import email_address
from components.core.faults import nearest
from components.packaging.faults import Report
from components.packaging.yaml_source import parse

_VERSION_SUFFIX = len("-01234567.01234567")

# Service Catalog's limits in characters, from botocore's service model: ProductViewName, ProductViewShortDescription,
# ProductViewOwner, SupportDescription, SupportEmail, SupportUrl, and ProvisioningArtifactName less the hashes.
TEXT_LIMITS: Mapping[str, int] = {
    "name": 8191,
    "description": 8191,
    "owner": 8191,
    "support.description": 8191,
    "support.email": 254,
    "support.url": 2083,
    "version": 8192 - _VERSION_SUFFIX,
}
_LISTS = ("studio.parameters", "endpoints", "notSecret", "exceptions")
_SEED = "seed"
_NO_SEED = "none"
KEYS = (*TEXT_LIMITS, *_LISTS, _SEED)
"""Every key that the file can have, by its path."""
_SECTIONS = {"support": True, "studio": False}
"""Keys that hold keys, and whether they must be there."""
_TYPES: Mapping[str, str] = {
    "tag:yaml.org,2002:int": "a number",
    "tag:yaml.org,2002:float": "a number",
    "tag:yaml.org,2002:bool": "a truth value",
    "tag:yaml.org,2002:timestamp": "a date",
    "tag:yaml.org,2002:null": "nothing",
}


@dataclass(frozen=True)
class ProductDescription:
    """What `product.yaml` says."""

    texts: Mapping[str, str]
    """Every text by its key path: `name`, `support.email`, ..."""
    studio_parameters: Sequence[str]
    """Parameters that a person fills in, in the order in which they are asked for; empty where the file has none."""
    endpoints: Sequence[str]
    """Services that its builds, functions and jobs call, by the last part of their endpoints' names."""
    not_secret: Sequence[str]
    """Files of the repository that look like secrets and are none: paths from `repository/`."""
    exceptions: Sequence[str]
    """What its template means as it is though it looks like a mistake: types, attributes and names."""
    seed: bool
    """Whether a project gets the files of `repository/`; `seed: none` says that it does not."""


def read_description(text: str, report: Report) -> ProductDescription | None:
    """The description, or None where the file is not YAML; every fault is reported."""
    root = parse(text, report)
    return None if root is None else _Reader(root, report).read()


class _Reader:
    """Reads the keys of one file and reports what is wrong with them."""

    def __init__(self, root: yaml.MappingNode, report: Report) -> None:
        self._root = root
        self._report = report

    def read(self) -> ProductDescription:
        nodes = self._nodes()
        texts = {key: self._text(key, nodes[key]) for key in TEXT_LIMITS if key in nodes}
        lists = {key: self._texts(key, nodes[key]) for key in _LISTS if key in nodes}
        seed = nodes.get(_SEED)
        if seed is not None and text_of(seed) != _NO_SEED:
            self._report(line(seed), f"{_SEED}: can only be {_NO_SEED}; leave it out where a project gets repository/")
        studio_parameters, endpoints, not_secret, exceptions = (lists.get(key, ()) for key in _LISTS)
        return ProductDescription(texts, studio_parameters, endpoints, not_secret, exceptions, seed is None)

    def _nodes(self) -> dict[str, yaml.Node]:
        """Nodes by key path, after a report of the keys that are unknown or missing."""
        top = fields(self._root)
        nodes = dict(top)
        for section, required in _SECTIONS.items():
            node = nodes.pop(section, None)
            if isinstance(node, yaml.MappingNode):
                nodes.update({f"{section}.{key}": value for key, value in fields(node).items()})
            elif node is not None:
                self._report(line(node), f"{section}: must hold the keys {self._keys_of(section)}")
            elif required:
                self._report(0, f"{section}: is missing; it holds the keys {self._keys_of(section)}")
        known = KEYS
        for key, node in nodes.items():
            if key not in known:
                self._report(line(node), f"{key}: is not a key of product.yaml{nearest(key, known)}")
        for key in TEXT_LIMITS:
            if key not in nodes and (key.partition(".")[0] in top or "." not in key):
                self._report(0, f"{key}: is missing; it must be text of 1 to {TEXT_LIMITS[key]:,} characters")
        return nodes

    @staticmethod
    def _keys_of(section: str) -> str:
        return ", ".join(key.partition(".")[2] for key in KEYS if key.startswith(f"{section}."))

    def _text(self, key: str, node: yaml.Node) -> str:
        value = text_of(node)
        if value is None:
            self._report(line(node), f"{key}: must be text, not {_kind(node)}")
            return ""
        if not 1 <= len(value) <= TEXT_LIMITS[key]:
            size = f"1 to {TEXT_LIMITS[key]:,} characters"
            self._report(line(node), f"{key}: Service Catalog takes {size}, this has {len(value):,}")
        elif (wrong := _FORMS.get(key, _any_form)(value)) is not None:
            self._report(line(node), f"{key}: {value!r} {wrong}")
        return value

    def _texts(self, key: str, node: yaml.Node) -> tuple[str, ...]:
        values = [text_of(item) for item in items(node)]
        texts = tuple(value for value in values if value)
        if not isinstance(node, yaml.SequenceNode) or len(texts) < len(values):
            self._report(line(node), f"{key}: must be a list of texts")
        return texts


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        kind = _TYPES.get(node.tag, f"a value tagged {node.tag}")
        return kind if kind == "nothing" else f'{kind}; put it in quotes: "{node.value}"'
    return "a list" if isinstance(node, yaml.SequenceNode) else "keys"


def _any_form(_value: str) -> None:
    return None


def _wrong_email(value: str) -> str | None:
    return email_address(value)[1] or None


def _wrong_url(value: str) -> str | None:
    good = re.fullmatch(r"https?://[^\s/]+(/\S*)?", value)
    return None if good else "is not an address of a page: it begins with https:// or http:// and has no spaces"


def _wrong_version(value: str) -> str | None:
    # Service Catalog takes no spaces in the name of a version.
    good = re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z._-]*", value)
    return None if good else "is not a version: letters, digits, dots, dashes and underscores, such as 1.0.0"


_FORMS: Mapping[str, Callable[[str], str | None]] = {
    "support.email": _wrong_email,
    "support.url": _wrong_url,
    "version": _wrong_version,
}
"""What else is asked of some texts: gives what is wrong with a value, or None."""
