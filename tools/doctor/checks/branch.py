"""The branch that is delivered: whether people change it by approved pull requests alone, as far as IAM tells."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from awsmodel.iam.evaluation import Request, allowed
from components.iam.branch_policies import COMMITTING, branch_policies
from components.providers import iam_roles
from components.sections.source import CodeCommitSource
from tools import hints
from tools.doctor.account import Account
from tools.doctor.checks.principal import PrincipalRole
from tools.doctor.findings import SkipError, Verdict, ok, warning

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient


def branch_protection(account: Account) -> Verdict:
    """Check that people have the policies that keep them from pushing to the branch that is delivered."""
    source = _approved(account)
    if account.wanted.delivery is None:
        raise SkipError("the stack file has no sm-mlops:delivery: no pipeline delivers the branch")
    iam, policies = (
        account.client("iam"),
        branch_policies(account.names.prefix, _repository_arn(account), source.branch),
    )
    held = {one.name: _holders(iam, account.arns.policy(one.name)) for one in policies}
    if not any(held.values()):
        return warning(
            f"nobody has {' or '.join(held)}: whoever may push to the repository changes {source.branch} without "
            f"an approval, and the delivery deploys it",
            f"{hints.tool('iam-policies', '-s', account.stack, '--branch')} prints both; attach them to everybody who "
            f"works on the repository",
        )
    told = "; ".join(f"{name}: {', '.join(holders) or 'nobody'}" for name, holders in held.items())
    return ok(f"{told}. Who else may push is not known; ask with --principal")


def principal_branch(person: PrincipalRole) -> Verdict:
    """Check that the role changes the branch that is delivered by approved pull requests alone."""
    account = person.account
    source, repository = _approved(account), _repository_arn(account)
    policy, boundary = iam_roles.read(account.client("iam"), person.needed["RoleName"])
    pushed = {"codecommit:References": f"refs/heads/{source.branch}"}
    asked = [Request(action, repository, pushed) for action in COMMITTING]
    asked.append(Request("codecommit:OverridePullRequestApprovalRules", repository))
    found = [request.action for request in asked if allowed(policy, request, boundary)]
    if found:
        return warning(
            f"{person.arn} may call {', '.join(found)} on {source.branch} of {repository}, which asks for no approval",
            f"attach a policy of {hints.tool('iam-policies', '-s', account.stack, '--branch')} to the role",
        )
    return ok(f"{person.arn} cannot change {source.branch} but by an approved pull request")


def _approved(account: Account) -> CodeCommitSource:
    source = account.wanted.source
    if not isinstance(source, CodeCommitSource):
        raise SkipError(f"the branch is at {source.provider}, whose own rules protect it")
    if source.approvals == 0:
        raise SkipError("sm-mlops:source.approvals is 0: a merge asks for no approval either")
    return source


def _repository_arn(account: Account) -> str:
    source = account.wanted.source
    return account.arns.repository(source.repository or account.names.repository.value)


def _holders(iam: "IAMClient", policy_arn: str) -> Sequence[str]:
    """Groups, roles and users that have a policy; none where there is no such policy."""
    try:
        pages = list(iam.get_paginator("list_entities_for_policy").paginate(PolicyArn=policy_arn))
    except iam.exceptions.NoSuchEntityException:
        return ()
    groups = [one["GroupName"] for page in pages for one in page["PolicyGroups"]]
    roles = [one["RoleName"] for page in pages for one in page["PolicyRoles"]]
    return [*groups, *roles, *(one["UserName"] for page in pages for one in page["PolicyUsers"])]
