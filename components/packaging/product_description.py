"""`product.yaml`: what the catalog shows of a product, and what the checks of its folder must know."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, get_origin

import yaml
from annotated_types import MaxLen
from pydantic import AfterValidator, BaseModel, Field, PrivateAttr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from awsmodel.cloudformation.yaml_nodes import fields, line, text_of
from components.core.email import email_address
from components.core.faults import nearest
from components.core.section import Section, fault
from components.packaging.faults import Report
from components.packaging.name_lengths import MAX_PROJECT_ID_LENGTH, PROJECT_ID_LENGTH
from components.packaging.yaml_source import parse

_VERSION_SUFFIX = len("-01234567.01234567")
_NAME_OF_VALUE = "[key]"
"""Stands in pydantic's places for the key of a mapping itself."""

_INTEGER = "tag:yaml.org,2002:int"
_ONLY: Mapping[str, str] = {
    "seed": "can only be none; leave it out where a project gets repository/",
    "roles": "can only be own; leave it out where projects can share roles",
}
_TYPES: Mapping[str, str] = {
    _INTEGER: "a number",
    "tag:yaml.org,2002:float": "a number",
    "tag:yaml.org,2002:bool": "a truth value",
    "tag:yaml.org,2002:timestamp": "a date",
    "tag:yaml.org,2002:null": "nothing",
}


def _email(value: str) -> str:
    # As it is written: what the catalog shows is the text, and not its normal form.
    if wrong := email_address(value)[1]:
        raise fault(f"{value!r} {wrong}")
    return value


def _form(pattern: str, rule: str) -> AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise fault(f"{value!r} is not {rule}")
        return value

    return AfterValidator(check)


_URL = _form(r"https?://[^\s/]+(/\S*)?", "an address of a page: it begins with https:// or http:// and has no spaces")
# Service Catalog takes no spaces in the name of a version.
_VERSION = _form(
    r"[0-9A-Za-z][0-9A-Za-z._-]*", "a version: letters, digits, dots, dashes and underscores, such as 1.0.0"
)

Texts = tuple[Annotated[str, Field(min_length=1)], ...]


def _path(value: str) -> str:
    """Take a path from the root of a repository, and give it without a slash at its end."""
    path = value.removesuffix("/")
    if "\\" in path or any(name in ("", ".", "..") for name in path.split("/")):
        raise fault(
            f"{value!r} is not a path from the root of the base's repository/, such as tests or tests/test_train.py"
        )
    return path


_VALUE_NAME = _form(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", "a value's name: lower-case letters, digits and single dashes")
# Nothing that would make other YAML of the line that it is put into.
_VALUE = _form(
    r"[0-9A-Za-z]([0-9A-Za-z ,._/-]*[0-9A-Za-z])?",
    "a value: letters, digits, spaces, commas, dots, dashes, slashes and underscores, a letter or digit at each end",
)


class Support(Section):
    """Whom people ask."""

    description: Annotated[str, Field(min_length=1, max_length=8191)]
    """Whom to ask; shown beside the product."""
    email: Annotated[str, Field(min_length=1, max_length=254), AfterValidator(_email)]
    """Their mail."""
    url: Annotated[str, Field(min_length=1, max_length=2083), _URL]
    """Their page."""


class Studio(Section):
    """How Studio asks for parameters."""

    parameters: Texts = ()
    """Parameters that a person fills in, in the order in which they are asked for; empty where the file has none."""


class TemplateParts(Section):
    """What the template shares with those of other products."""

    parts: Texts = ()
    """Files of `seed_code/_parts`, without their ending, whose entries come before the template's own."""
    values: Mapping[Annotated[str, _VALUE_NAME], Annotated[str, _VALUE]] = Field(default_factory=dict)
    """What the parts say in the place of `<name>`, by that name."""


class RepositoryFiles(Section):
    """Where the files of a project's repository come from, beside `repository/`."""

    base: Annotated[str, Field(alias="from")] = ""
    """Product whose files they are, those of `repository/` before them; empty where all files are its own."""
    without: tuple[Annotated[str, AfterValidator(_path)], ...] = ()
    """Files and folders of that product that this one leaves out."""


class FolderHints(Section):
    """What the checks of the folder must know; every key can be left out."""

    studio: Studio = Field(default_factory=Studio)
    """How Studio asks for parameters."""
    endpoints: Texts = ()
    """Services that its builds, functions and jobs call, by the last part of their endpoints' names."""
    exceptions: Texts = ()
    """What it means as it is though it looks like a mistake, by the names that refusals tell."""
    template: TemplateParts = Field(default_factory=TemplateParts)
    """What the template shares with those of other products."""
    repository: RepositoryFiles = Field(default_factory=RepositoryFiles)
    """Where the files of a project's repository come from, beside `repository/`."""
    seed: Literal["none"] | None = None
    """`none` where no project gets the files of `repository/`."""
    roles: Literal["own"] | None = None
    """`own` where its projects need a role that no environment shares: then each has to make its own."""
    project_id_length: Annotated[int, Field(ge=PROJECT_ID_LENGTH, le=MAX_PROJECT_ID_LENGTH)] = PROJECT_ID_LENGTH
    """Most characters of a project's id that its names must have room for."""

    _faulty: frozenset[str] = PrivateAttr(default=frozenset())

    @property
    def faulty(self) -> frozenset[str]:
        """Keys that the file has, and whose values are at fault: here they are as if they were not there."""
        return self._faulty

    @property
    def has_seed(self) -> bool:
        """Whether a project gets the files of `repository/`."""
        return self.seed is None


class ProductDescription(FolderHints):
    """What `product.yaml` says. Limits are Service Catalog's, in characters."""

    name: Annotated[str, Field(min_length=1, max_length=8191)]
    """Name of the product; the environment is added to it."""
    description: Annotated[str, Field(min_length=1, max_length=8191)]
    """One or two sentences; shown when a project is created."""
    owner: Annotated[str, Field(min_length=1, max_length=8191)]
    """Who answers for the product."""
    support: Support
    """Whom people ask."""
    version: Annotated[str, Field(min_length=1, max_length=8192 - _VERSION_SUFFIX), _VERSION]
    """The product's own version; the hashes of a published one are added to it."""


def _leaves(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key that holds a value and not keys, by its path."""
    for field in model.model_fields.values():
        inner = _section(field)
        if inner is None:
            yield f"{path}{field.alias}", field
        else:
            yield from _leaves(inner, f"{path}{field.alias}.")


def _section(field: FieldInfo) -> type[Section] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


_LEAVES = dict(_leaves(ProductDescription))
KEYS = tuple(sorted(_LEAVES, key=lambda path: not _LEAVES[path].is_required()))
"""Every key that the file can have, by its path; those that must be there come first."""
TEXT_LIMITS: Mapping[str, int] = {
    key: limit.max_length for key, field in _LEAVES.items() for limit in field.metadata if isinstance(limit, MaxLen)
}
"""The most characters of each text."""


def read_description(text: str, report: Report) -> ProductDescription | FolderHints | None:
    """Read the description, and report every fault.

    Returns:
        The whole of it where nothing is at fault; else what is in order of that which other checks must know; None
        where the file is not YAML.
    """
    root = parse(text, report)
    if root is None:
        return None
    values = fields(root)
    try:
        return ProductDescription.model_validate(_plain(root), by_alias=True, by_name=False)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        for place, reason in dict.fromkeys(_told(root, details) for details in faults):
            report(place, reason)
    wrong = {str(details["loc"][0]) for details in faults}
    known = {str(field.alias) for field in FolderHints.model_fields.values()} - wrong
    hints = FolderHints.model_validate(
        {key: _plain(node) for key, node in values.items() if key in known}, by_alias=True, by_name=False
    )
    hints._faulty = frozenset(wrong)
    return hints


def _plain(node: yaml.Node) -> object:
    """A node's value as a model takes it. A scalar that is neither text nor a number stays a node, which none takes."""
    if isinstance(node, yaml.MappingNode):
        return {key: _plain(value) for key, value in fields(node).items()}
    if isinstance(node, yaml.SequenceNode):
        return tuple(_plain(item) for item in node.value)
    if isinstance(node, yaml.ScalarNode) and node.tag == _INTEGER and node.value.isdecimal():
        return int(node.value)
    text = text_of(node)
    return node if text is None else text


def _told(root: yaml.Node, details: ErrorDetails) -> tuple[int, str]:
    """A fault's line, and what is wrong there. An entry of a list is told as the list."""
    names = [part for part in details["loc"] if isinstance(part, str) and part != _NAME_OF_VALUE]
    path = ".".join(names)
    if details["type"] == "missing":
        # Where it should be, no line tells.
        return 0, f"{path}: is missing; it {_holds(path)}"
    node = root
    for name in names:
        node = fields(node)[name]
    return line(node), f"{path}: {_sentence(path, node, details)}"


def _holds(path: str) -> str:
    """What belongs at a path."""
    if path in TEXT_LIMITS:
        return f"must be text of 1 to {TEXT_LIMITS[path]:,} characters"
    return f"holds the keys {_keys_of(path)}"


def _keys_of(section: str) -> str:
    return ", ".join(key.removeprefix(f"{section}.") for key in KEYS if key.startswith(f"{section}."))


def _sentence(path: str, node: yaml.Node, details: ErrorDetails) -> str:
    match details["type"]:
        case "extra_forbidden":
            return f"is not a key of product.yaml{nearest(path, KEYS)}"
        case "fault":
            return str(details["ctx"]["message"])
        case "literal_error":
            return _ONLY[path]
        case "int_type" | "greater_than_equal" | "less_than_equal":
            allowed = f"{PROJECT_ID_LENGTH} to {MAX_PROJECT_ID_LENGTH}"
            return f"must be a number from {allowed}, the most that SageMaker takes"
        case "model_type":
            return f"must hold the keys {_keys_of(path)}"
    return _of_value(path, node, details)


def _of_value(path: str, node: yaml.Node, details: ErrorDetails) -> str:
    if path in _LEAVES and get_origin(_LEAVES[path].annotation) is tuple:
        return "must be a list of texts"
    if details["type"] == "dict_type":
        return f"must hold names with texts, not {_kind(node)}"
    if details["type"] == "string_type":
        return f"must be text, not {_kind(node)}"
    return f"Service Catalog takes 1 to {TEXT_LIMITS[path]:,} characters, this has {len(details['input']):,}"


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        kind = _TYPES.get(node.tag, f"a value tagged {node.tag}")
        return kind if kind == "nothing" else f'{kind}; put it in quotes: "{node.value}"'
    return "a list" if isinstance(node, yaml.SequenceNode) else "keys"
