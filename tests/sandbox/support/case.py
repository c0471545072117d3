"""One resource type's case: inputs, one change of them, and the paths that a diff of that change names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Properties: TypeAlias = dict[str, Any]
Clients: TypeAlias = Callable[..., Any]

ACCOUNT = "123456789012"
BUCKET = f"sample-{ACCOUNT}-eu-west-1-an"
TAG_PATHS = ("tags.owner", "tagsAll.owner")


@dataclass(frozen=True)
class Case:
    """One resource type: inputs, what changes in them, and what a diff then names."""

    inputs: Properties
    change: Mapping[str, Any]
    paths: frozenset[str]


def case(inputs: Properties, change: Properties, *paths: str) -> Case:
    return Case(inputs, change, frozenset(paths))


def tags(value: str) -> Properties:
    return {"owner": value}
