"""Roles that somebody else makes and that the settings name: what must be true of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from awsmodel.iam.evaluation import Statement


@dataclass(frozen=True, kw_only=True)
class ExpectedRole:
    """A role that the settings name."""

    key: str
    """The setting, its whole path."""
    arn: str
    """The role."""
    trust: Sequence[Statement] = ()
    """Who must be able to act as it."""
    elsewhere: bool = False
    """Whether it may be a role of another account, where nobody can look from here."""
