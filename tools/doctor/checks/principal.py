"""One person's role: whether it is among those that find the products, and what its own policies lack."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from awsmodel.iam import evaluation
from awsmodel.iam.evaluation import Statement, matches
from awsmodel.principals import principal_type
from components.providers import iam_roles
from tools.doctor.account import Account, StackRegion
from tools.doctor.checks.roles import some
from tools.doctor.findings import SkipError, Verdict, broken, ok

PROJECTS = ("sagemaker:CreateProject", "sagemaker:DescribeProject")
"""What Studio calls in the name of its execution role to make a project."""

OFFERED = (
    "servicecatalog:DescribeProduct",
    "servicecatalog:DescribeProvisioningParameters",
    "servicecatalog:ListLaunchPaths",
    "servicecatalog:ProvisionProduct",
    "servicecatalog:SearchProducts",
)
"""What it calls beside that for templates that Service Catalog offers."""


@dataclass
class PrincipalRole:
    """A role, and where it looks."""

    account: Account
    arn: str
    """ARN of the role, as it was asked for."""

    @property
    def name(self) -> str:
        """Name of the role, without its path."""
        return self.arn.rpartition("/")[2]

    @cached_property
    def role(self) -> Mapping[str, Any] | None:
        """IAM's description of the role; None where there is none of this ARN."""
        iam = self.account.client("iam")
        try:
            found: dict[str, Any] = iam.get_role(RoleName=self.name)["Role"]
        except iam.exceptions.NoSuchEntityException:
            return None
        return found

    @property
    def needed(self) -> Mapping[str, Any]:
        """The role.

        Raises:
            SkipError: there is none.
        """
        if self.role is None or self.role["Arn"] != self.arn:
            raise SkipError("needs the role: see `principal-exists`")
        return self.role


def principal_exists(person: PrincipalRole) -> Verdict:
    """Check that there is a role of exactly this ARN; its path is part of it."""
    if person.role is None:
        return broken(f"IAM has no role {person.arn}", "look up the domain's or the user profile's execution role")
    if person.role["Arn"] != person.arn:
        return broken(f"IAM has {person.role['Arn']}, not {person.arn}", "give the ARN with the role's path")
    return ok(f"{person.arn}, made {person.role['CreateDate']:%Y-%m-%d}")


def principal_permissions(person: PrincipalRole) -> Verdict:
    """Check that the role's own policies, and its boundary, let it list templates and make projects."""
    account = person.account
    actions = [*PROJECTS, *(OFFERED if account.catalog.service_catalog else ())]
    wanted: list[Statement] = [{"Effect": "Allow", "Action": actions, "Resource": "*"}]
    for region in account.catalog.studio_domains:
        bucket = account.arns.bucket(account.names.distribution_bucket(account.id, region).value)
        wanted += [
            {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket},
            {"Effect": "Allow", "Action": ["s3:GetObject", "s3:GetObjectTagging"], "Resource": f"{bucket}/studio/*"},
        ]
    if account.catalog.studio_domains:
        wanted.append({"Effect": "Allow", "Action": "iam:PassRole", "Resource": account.role_facts.launch_role_arn})
    policy, boundary = iam_roles.read(account.client("iam"), person.needed["RoleName"])
    missing = evaluation.missing(wanted, policy, boundary)
    if missing:
        return broken(
            f"{person.arn} lacks {some(missing)}",
            "give the role these permissions; AWS's policy AmazonSageMakerFullAccess has those of Service Catalog",
        )
    return ok(f"{person.arn} may list templates and make projects")


def principal_finds_products(person: PrincipalRole, region: StackRegion) -> Verdict:
    """Check that the role is one of those that the stack's portfolio lets in, and the portfolio offers something."""
    verdict = _matched(person, region.portfolio_id, region.portfolio_principals, "catalog.principals")
    pages = region.client("servicecatalog").get_paginator("search_products_as_admin")
    offered = sum(len(page["ProductViewDetails"]) for page in pages.paginate(PortfolioId=region.portfolio_id))
    if not offered:
        return broken(f"{region.portfolio_id} offers nothing")
    return verdict


def principal_finds_projects(person: PrincipalRole, region: StackRegion) -> Verdict:
    """Check that the role is one of those that AWS's portfolio of SageMaker Projects lets in."""
    return _matched(person, region.imported_id, region.imported_principals, "projects.principals")


def _matched(person: PrincipalRole, portfolio_id: str, principals: Iterable[str], setting: str) -> Verdict:
    arn, known = str(person.needed["Arn"]), sorted(principals)
    anywhere = arn.replace(f":{person.account.id}:", "::")
    for principal in known:
        if arn == principal or (principal_type(principal) == "IAM_PATTERN" and matches(principal, anywhere)):
            return ok(f"{portfolio_id} lets in {principal}")
    path = person.needed["Path"]
    hint = f"; its path {path} is part of what must match" if path != "/" else ""
    return broken(
        f"{arn} matches none of {', '.join(known) or 'none'} of {portfolio_id}{hint}",
        f"add it, or a pattern that matches it, to sm-mlops:{setting}; then `{person.account.deploy}`",
    )
