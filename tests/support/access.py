"""A request judged by a policy, in one line of a test."""

from collections.abc import Iterable

from awsmodel.iam.evaluation import Context, Decision, Request, Statement
from awsmodel.iam.evaluation import decision as judged

__all__ = ["Context", "decision"]


def decision(statements: Iterable[Statement], principal: str, action: str, resource: str, context: Context) -> Decision:
    """What a policy decides of a principal's request."""
    return judged(statements, Request(action, resource, context, principal))
