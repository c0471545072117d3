"""A request judged by a policy, in one line of a test."""

from collections.abc import Iterable

from components.permissions import Context, Decision, Request, Statement
from components.permissions import decision as judged

__all__ = ["Context", "decision"]


def decision(statements: Iterable[Statement], principal: str, action: str, resource: str, context: Context) -> Decision:
    """What a policy decides of a principal's request."""
    return judged(statements, Request(action, resource, context, principal))
