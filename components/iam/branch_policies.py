"""What keeps people from changing the branch that pipelines deliver, except by an approved pull request.

The approval rule of CodeCommit stops merges of pull requests and nothing else: a push, or a commit made by the console,
asks nobody. IAM stops these, in a policy of the people, by the key that AWS documents for it in "Limit pushes and
merges to branches in AWS CodeCommit".
"""

from collections.abc import Iterator, Sequence

from components.iam.policies import Statement, allow
from components.iam.role_documents import ManagedPolicyDocument

COMMITTING = (
    "codecommit:CreateCommit",
    "codecommit:DeleteBranch",
    "codecommit:DeleteFile",
    "codecommit:GitPush",
    "codecommit:MergeBranchesByFastForward",
    "codecommit:MergeBranchesBySquash",
    "codecommit:MergeBranchesByThreeWay",
    "codecommit:PutFile",
)
"""What changes a branch and asks for no approval."""

MERGING = (
    "codecommit:MergePullRequestByFastForward",
    "codecommit:MergePullRequestBySquash",
    "codecommit:MergePullRequestByThreeWay",
)
"""What changes a branch by a pull request, which the approval rule can stop."""


def branch_policies(prefix: str, repository_arn: str, branch: str) -> list[ManagedPolicyDocument]:
    """Two policies to attach to people: to those who merge approved pull requests, and to all others.

    Args:
        prefix: what every name of the environment starts with.
        repository_arn: the repository.
        branch: the branch that is delivered.
    """
    return [
        ManagedPolicyDocument(
            key="branch.contributors",
            # Whoever deploys may change policies that begin with the prefix.
            name=f"branch-of-{prefix}-no-changes",
            purpose=f"Lets nobody push or merge into {branch} of {prefix}",
            statements=[*_refused(repository_arn, branch, (*COMMITTING, *MERGING))],
        ),
        ManagedPolicyDocument(
            key="branch.mergers",
            name=f"branch-of-{prefix}-merges-only",
            purpose=f"Lets nobody change {branch} of {prefix} but by merging a pull request that is approved",
            statements=[*_refused(repository_arn, branch, COMMITTING)],
        ),
    ]


def _refused(repository_arn: str, branch: str, actions: Sequence[str]) -> Iterator[Statement]:
    deny = {"Effect": "Deny"}
    # A push names its branches in its second request only: the first must pass, or nothing could be pushed at all.
    yield {
        **allow("ChangeNoBranch", actions, [repository_arn]),
        **deny,
        "Condition": {
            "StringEqualsIfExists": {"codecommit:References": [f"refs/heads/{branch}"]},
            "Null": {"codecommit:References": "false"},
        },
    }
    overriding = ("DisassociateApprovalRuleTemplateFromRepository", "OverridePullRequestApprovalRules")
    batch = "BatchDisassociateApprovalRuleTemplateFromRepositories"
    yield {
        **allow("KeepApprovals", [f"codecommit:{name}" for name in (batch, *overriding)], [repository_arn]),
        **deny,
    }
    template = ("DeleteApprovalRuleTemplate", "UpdateApprovalRuleTemplateContent")
    yield {
        # AWS takes no resource for these.
        **allow("KeepApprovalRule", [f"codecommit:{name}" for name in template], ["*"]),
        **deny,
    }
