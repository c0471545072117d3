"""Whether the roles that others supply exist and let in whom they must, found out before anything is registered.

`judge` decides from what IAM tells and calls nothing; `check` asks. So a role that is misspelt, or not made yet,
stops a preview, and not a deployment that has removed the stack's own role already.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi

from awsmodel.iam import evaluation
from awsmodel.iam.evaluation import Request, Statement, UnknownElementError
from components.core.faults import listed
from components.core.naming import ANY_ACCOUNT_ID
from components.iam.expected_roles import ExpectedRole
from components.providers import iam_roles
from components.providers.aws_access import DENIED, AwsAccess, AwsError, explained

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient


class SuppliedRoleError(pulumi.RunError):
    """A role of the settings cannot do what it is for; the message lists every fault."""


@dataclass(frozen=True)
class Verdict:
    """What is wrong with the roles."""

    faults: list[str] = field(default_factory=list)
    """What cannot work."""
    warnings: list[str] = field(default_factory=list)
    """What could not be looked at, or may work under conditions that are not seen from here."""


def check(roles: Callable[[str], Sequence[ExpectedRole]], access: AwsAccess, region: str) -> None:
    """Look at every role that the settings name.

    Args:
        roles: the roles, for an account; where there is none, nothing is called.
        access: who asks AWS.
        region: any region of the account's partition.

    Raises:
        SuppliedRoleError: there are faults, or AWS does not answer.
    """
    if not roles(ANY_ACCOUNT_ID):
        return
    verdict = Verdict()
    try:
        with explained("check of the roles", ("sts", "iam"), region):
            account_id = access.client("sts", region).get_caller_identity()["Account"]
            iam = access.client("iam", region)
            for wanted in roles(account_id):
                if not wanted.elsewhere or _account(wanted.arn) == account_id:
                    _look(wanted, account_id, iam, verdict)
    except AwsError as error:
        raise SuppliedRoleError(f"roles of the settings: {error}") from error
    if verdict.warnings:
        lines = [
            "roles of the settings may not do what they are for:",
            *(f"  - {one}" for one in verdict.warnings),
        ]
        pulumi.log.warn("\n".join(lines))
    if verdict.faults:
        raise SuppliedRoleError(listed("roles of the settings", verdict.faults, verb="have"))


def _look(wanted: ExpectedRole, account_id: str, iam: "IAMClient", verdict: Verdict) -> None:
    # Imported here: a preview that calls nothing need not wait for it.
    from botocore.exceptions import ClientError  # noqa: PLC0415

    try:
        # A name says nothing of the account: of another one's role, a role here that is named like it is no news.
        role = iam_roles.find(iam, wanted.arn.rpartition("/")[2]) if _account(wanted.arn) == account_id else None
    except ClientError as error:
        if error.response["Error"]["Code"] not in DENIED:
            raise
        verdict.warnings.append(
            f"{wanted.key}: {wanted.arn} could not be looked at; grant iam:GetRole on it to whoever deploys"
        )
    else:
        judge(wanted, account_id, role, verdict)


def judge(wanted: ExpectedRole, account_id: str, role: Mapping[str, Any] | None, verdict: Verdict) -> None:
    """Add to the verdict what is wrong with one role.

    Args:
        wanted: the role of the settings.
        account_id: the account that is deployed to.
        role: the role of its name as IAM describes it, if there is one.
        verdict: what is known so far.
    """
    key, arn = wanted.key, wanted.arn
    if _account(arn) != account_id:
        verdict.faults.append(
            f"{key}: {arn} is a role of account {_account(arn)}, and the stack deploys to {account_id}; services take "
            f"roles of their own account only"
        )
    elif role is None:
        verdict.faults.append(
            f"{key}: there is no role {arn}; let an administrator make it first (`python -m tools iam-policies` prints "
            f"what it needs), or set the ARN right"
        )
    elif role["Arn"] != arn:
        verdict.faults.append(
            f"{key}: there is no role {arn}; the role of this name is {role['Arn']}: set the path right"
        )
    else:
        trust = evaluation.statements(iam_roles.loaded(role["AssumeRolePolicyDocument"]))
        try:
            refused = evaluation.untrusted(wanted.trust, trust)
        except UnknownElementError as error:
            verdict.warnings.append(f"{key}: the trust policy of {arn} cannot be judged: {error}")
            return
        named = [request for request in refused if _is_named(trust, request)]
        if others := _principals(request for request in refused if request not in named):
            verdict.faults.append(
                f"{key}: {arn} does not trust {', '.join(others)}; `python -m tools iam-policies` prints the trust "
                f"policy that it needs"
            )
        if principals := _principals(named):
            verdict.warnings.append(
                f"{key}: {arn} trusts {', '.join(principals)} under conditions, which what it is for may not meet; "
                f"`python -m tools iam-policies` prints the trust policy that it needs"
            )


def _is_named(trust: Sequence[Statement], request: Request) -> bool:
    """Whether a principal is let in on some condition, whatever it is."""
    bare = [
        {key: value for key, value in one.items() if key != "Condition"} for one in trust if one["Effect"] == "Allow"
    ]
    return evaluation.decision(bare, request) == "allow"


def _principals(requests: Iterable[Request]) -> list[str]:
    """Who is meant: of a trust in an account for some of its roles, the roles."""
    named = (evaluation.values(one.context.get("aws:PrincipalArn", one.principal)) for one in requests)
    return list(dict.fromkeys(name for names in named for name in names))


def _account(arn: str) -> str:
    return arn.split(":")[4]
