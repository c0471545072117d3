"""Quotas of AWS that releases and launches use up: how near their limit they are."""

from dataclasses import dataclass
from typing import Any

from components.providers.product_version import artifacts
from tools.doctor.account import Account, StackRegion
from tools.doctor.findings import SkipError, Verdict, broken, ok, warning

NEAR = 0.8
"""Share of a quota at which it is told."""


@dataclass(frozen=True, kw_only=True)
class Quota:
    """A quota as Service Quotas knows it."""

    service: str
    code: str
    name: str
    default: int
    """AWS's default, where Service Quotas knows no value of the account's own."""


PORTFOLIOS = Quota(service="servicecatalog", code="L-C6458716", name="portfolios per region", default=100)
PRODUCTS = Quota(service="servicecatalog", code="L-764CF6A1", name="products per region", default=350)
VERSIONS = Quota(service="servicecatalog", code="L-A5846085", name="versions per product", default=100)
PRINCIPALS = Quota(service="servicecatalog", code="L-E8959660", name="principals per portfolio", default=100)
PIPELINES = Quota(service="codepipeline", code="L-78D200AD", name="pipelines per region", default=1000)
BUILD_PROJECTS = Quota(service="codebuild", code="L-ACCF6C0D", name="build projects per region", default=5000)


def quota_roles(account: Account) -> Verdict:
    """Check that the account can have more roles: each project makes several."""
    summary = account.client("iam").get_account_summary()["SummaryMap"]
    return _judge("roles per account", summary["Roles"], summary["RolesQuota"], "iam", "L-FE177D64")


def quota_portfolios(region: StackRegion) -> Verdict:
    """Check that the region can have more portfolios."""
    used = _count(region.client("servicecatalog"), "list_portfolios", "PortfolioDetails")
    return _of(region, PORTFOLIOS, used)


def quota_products(region: StackRegion) -> Verdict:
    """Check that the region can have more products."""
    return _of(region, PRODUCTS, len(region.products))


def quota_principals(region: StackRegion) -> Verdict:
    """Check that the stack's portfolio can have more principals."""
    return _of(region, PRINCIPALS, len(region.portfolio_principals))


def quota_versions(region: StackRegion) -> Verdict:
    """Check that the product of the stack that has most versions can have more: each release makes one."""
    client = region.client("servicecatalog")
    named = {product.product_name for product in region.readable}
    counts = {name: len(artifacts(client, product_id)) for name, product_id in region.products.items() if name in named}
    if not counts:
        raise SkipError("needs a product: see `product`")
    fullest = max(sorted(counts), key=lambda name: counts[name])
    return _of(region, VERSIONS, counts[fullest], f" of {fullest!r}")


def quota_pipelines(region: StackRegion) -> Verdict:
    """Check that the region can have more pipelines: each project makes one or two."""
    return _of(region, PIPELINES, _count(region.client("codepipeline"), "list_pipelines", "pipelines"))


def quota_build_projects(region: StackRegion) -> Verdict:
    """Check that the region can have more build projects: each project makes two to four."""
    return _of(region, BUILD_PROJECTS, _count(region.client("codebuild"), "list_projects", "projects"))


def _count(client: Any, operation: str, member: str) -> int:  # noqa: ANN401 - a botocore client
    return sum(len(page[member]) for page in client.get_paginator(operation).paginate())


def _of(region: StackRegion, quota: Quota, used: int, whose: str = "") -> Verdict:
    client = region.client("service-quotas")
    try:
        limit = client.get_service_quota(ServiceCode=quota.service, QuotaCode=quota.code)["Quota"]["Value"]
    except client.exceptions.NoSuchResourceException:
        limit = quota.default
    return _judge(f"{quota.name}{whose}", used, limit, quota.service, quota.code)


def _judge(what: str, used: int, limit: float, service: str, code: str) -> Verdict:
    evidence = f"{used} of {limit:g} {what}"
    fix = f"delete what is not needed, or ask for more: Service Quotas, {service}, {code}"
    if used >= limit:
        return broken(evidence, fix)
    return warning(evidence, fix) if used >= NEAR * limit else ok(evidence)
