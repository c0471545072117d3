"""Principals of Service Catalog portfolios: single roles, groups and users, or patterns of them."""

from typing import Literal


def principal_type(principal: str) -> Literal["IAM", "IAM_PATTERN"]:
    """Give `IAM_PATTERN` for an ARN without account, `IAM` for one of a single role, group or user."""
    return "IAM" if principal.split(":")[4] else "IAM_PATTERN"


def label(principal: str) -> str:
    """Account and name of a principal, for a logical name: in a URN two colons would part two names."""
    account, _, resource = principal.split(":", 4)[4].partition(":")
    return f"{account or 'any-account'}/{resource}"
