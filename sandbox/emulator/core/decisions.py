"""What AWS itself decides about an account, and no call of the account's own changes.

POST /sandbox/decisions with a JSON object changes the decisions that it names; an empty object takes all back.
"""

import json
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """The decisions as they stand; by default those on an account that everything is open to."""

    codecommit: bool = True
    """Whether the account is admitted to CodeCommit."""
    retired_images: list[str] = field(default_factory=list)
    """Build images that CodeBuild no longer offers."""
    quotas: dict[str, float] = field(default_factory=dict)
    """Values of quotas, by code, beside AWS's defaults."""


_current = Decisions()


def current() -> Decisions:
    """Return the decisions as they stand."""
    return _current


def decide(text: str) -> None:
    """Put the decisions of a JSON object in the place of those that stand.

    Raises:
        ValueError: the text is no such object.

    """
    global _current  # noqa: PLW0603 - there is one AWS
    wanted: Any = json.loads(text)
    known = {one.name for one in fields(Decisions)}
    if not isinstance(wanted, dict) or not wanted.keys() <= known:
        raise ValueError(f"the decisions are {', '.join(sorted(known))}")
    _current = Decisions(**wanted)
