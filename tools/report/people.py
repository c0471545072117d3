"""Who works with the platform, and what its roles may do, as IAM, Service Catalog and SNS have it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from awsmodel.iam import evaluation
from awsmodel.iam.evaluation import Statement
from awsmodel.regions import known_regions
from components.iam import role_documents
from components.providers import iam_roles
from components.sections.source import CodeCommitSource
from tools.doctor.account import Account, StackRegion
from tools.doctor.checks.source import PENDING, subscribed
from tools.report.asking import all_asked, asked, each
from tools.report.links import Console
from tools.report.model import Known, Person, Right, Role

_AWS = "AWSServiceRole"
"""Roles that AWS makes for itself begin so."""


def people(account: Account) -> list[Known[Person]]:
    """Everybody whom the platform gives something, by what they are given."""
    return [
        *all_asked(account, lambda: list(_scientists(account)), "data scientists"),
        *all_asked(account, lambda: list(_approvers(account)), "reviewers"),
        *all_asked(account, lambda: list(_told(account)), "who is told by mail"),
    ]


def _scientists(account: Account) -> Iterator[Person]:
    """Whoever may launch: they are the portfolio's principals."""
    if account.wanted.catalog is None or not account.wanted.catalog.service_catalog:
        return
    regions: dict[str, list[str]] = defaultdict(list)
    for name in account.catalog_regions:
        region = StackRegion(account, known_regions()[name])
        if region.found_portfolio is not None:
            for principal in sorted(region.portfolio_principals):
                regions[principal].append(name)
    for principal, where in regions.items():
        may = f"sees and launches the products, in {', '.join(where)}"
        yield Person(part="data scientist", who=principal, may=may, source="Service Catalog, the portfolio's access")


def _approvers(account: Account) -> Iterator[Person]:
    source = account.wanted.source
    if not isinstance(source, CodeCommitSource) or not source.approvals:
        return
    may = f"approves changes of the platform: a pull request to {source.branch} needs {source.approvals}"
    name = account.names.approval_rule_template.value
    codecommit = account.client("codecommit")
    try:
        found = codecommit.get_approval_rule_template(approvalRuleTemplateName=name)["approvalRuleTemplate"]
    except codecommit.exceptions.ApprovalRuleTemplateDoesNotExistException:
        return
    told = f"CodeCommit, the approval rule template {found['approvalRuleTemplateName']}"
    yield Person(part="reviewer", who="whoever may approve in CodeCommit, but the author", may=may, source=told)


def _told(account: Account) -> Iterator[Person]:
    for email, arn in sorted((subscribed(account) or {}).items()):
        may = "is asked to confirm mails of the platform" if arn == PENDING else "gets the platform's mails"
        yield Person(part="told by mail", who=email, may=may, source="SNS, the topic's subscriptions")


def roles(account: Account) -> list[Known[Role]]:
    """Every role that begins with the stack's prefix, or that its settings name, and is there."""
    iam = account.client("iam")
    pages = iam.get_paginator("list_roles").paginate()
    wanted = {role.name for role in role_documents.roles(account.role_facts)} if account.wanted.catalog else set()
    found = [
        role
        for page in pages
        for role in page["Roles"]
        if role["RoleName"] in wanted or role["RoleName"].startswith(f"{account.names.prefix}-")
    ]
    own = sorted((role for role in found if not role["RoleName"].startswith(_AWS)), key=lambda role: role["RoleName"])
    return each(lambda role: asked(account, partial(_role, account, role), role["RoleName"]), own)


def _role(account: Account, listed: Mapping[str, Any]) -> Role:
    iam, name = account.client("iam"), listed["RoleName"]
    # A listing does not tell the boundary.
    role = iam_roles.find(iam, name) or listed
    trust = evaluation.statements(iam_roles.loaded(role["AssumeRolePolicyDocument"]))
    return Role(
        name=name,
        trusted=sorted({who for statement in trust for who in _principals(statement)}),
        rights=_rights(iam_roles.role_statements(iam, name)),
        bounded="PermissionsBoundary" in role,
        link=Console(account.home).role(name),
    )


def _principals(statement: Statement) -> Iterator[str]:
    principal = statement.get("Principal", "*")
    yield from (
        who
        for value in (principal.values() if isinstance(principal, Mapping) else [principal])
        for who in evaluation.values(value)
    )


def _rights(statements: Sequence[Statement]) -> list[Right]:
    """What statements allow, by service; what they deny stands in the policies only."""
    actions: dict[str, set[str]] = defaultdict(set)
    for statement in statements:
        if statement["Effect"] == "Allow":
            told = evaluation.values(statement["Action"]) if "Action" in statement else ["*:all but some"]
            for action in told:
                service, _, name = action.partition(":")
                actions[service].add(name or "*")
    return [Right(service=service, actions=sorted(names)) for service, names in sorted(actions.items())]
