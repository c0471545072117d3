"""A branch that is delivered is changed by approved pull requests alone, whatever else people may do."""

import pytest

from awsmodel.iam.evaluation import Context, Request, Statement, allowed
from components.iam.branch_policies import branch_policies

REPOSITORY = "arn:aws:codecommit:us-east-2:111122223333:acme-dev"
POWER_USER: list[Statement] = [{"Effect": "Allow", "Action": "codecommit:*", "Resource": "*"}]
"""What AWS's own policies give developers."""
CONTRIBUTORS, MERGERS = (one.statements for one in branch_policies("acme-dev", REPOSITORY, "main"))

MAIN = {"codecommit:References": "refs/heads/main"}
PUSHES = ["GitPush", "PutFile", "CreateCommit", "DeleteFile", "DeleteBranch"]
MERGES_OF_BRANCHES = [f"MergeBranchesBy{way}" for way in ("FastForward", "Squash", "ThreeWay")]
MERGES = [f"MergePullRequestBy{way}" for way in ("FastForward", "Squash", "ThreeWay")]


def may(policy: list[Statement], action: str, context: Context = MAIN, resource: str = REPOSITORY) -> bool:
    return allowed(policy, Request(f"codecommit:{action}", resource, context))


@pytest.mark.parametrize("action", [*PUSHES, *MERGES_OF_BRANCHES, *MERGES])
def test_the_branch_is_changed_by_nobody_who_has_the_policy(action: str) -> None:
    """Before, whoever develops pushed past the approvals; the approval rule stops merges of pull requests only."""
    assert may(POWER_USER, action)
    assert not may([*POWER_USER, *CONTRIBUTORS], action)
    assert may([*POWER_USER, *MERGERS], action) is (action in MERGES)


@pytest.mark.parametrize("policy", [CONTRIBUTORS, MERGERS], ids=["contributors", "mergers"])
def test_all_other_work_goes_on(policy: list[Statement]) -> None:
    held = [*POWER_USER, *policy]
    for action in (*PUSHES, *MERGES):
        assert may(held, action, {"codecommit:References": "refs/heads/feature"})
        assert may(held, action, MAIN, REPOSITORY.replace("acme-dev", "other"))
    # The first request of a push names no branch yet; refused, it would end every push.
    assert may(held, "GitPush", {})
    assert may(held, "CreatePullRequest", {})


@pytest.mark.parametrize("policy", [CONTRIBUTORS, MERGERS], ids=["contributors", "mergers"])
@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("OverridePullRequestApprovalRules", REPOSITORY),
        ("DisassociateApprovalRuleTemplateFromRepository", REPOSITORY),
        ("BatchDisassociateApprovalRuleTemplateFromRepositories", REPOSITORY),
        ("UpdateApprovalRuleTemplateContent", "*"),
        ("DeleteApprovalRuleTemplate", "*"),
    ],
)
def test_approvals_are_not_waived(policy: list[Statement], action: str, resource: str) -> None:
    assert may(POWER_USER, action, {}, resource)
    assert not may([*POWER_USER, *policy], action, {}, resource)
