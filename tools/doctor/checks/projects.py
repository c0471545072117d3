"""SageMaker Projects: switched on, and opened to whom the stack file names."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

from awsmodel.principals import label, principal_type
from components.providers.aws_access import AwsError
from components.providers.projects_portfolio import PROVIDER_NAMES, members
from tools import hints
from tools.doctor.account import StackRegion
from tools.doctor.association_events import HISTORY, LAG, associations
from tools.doctor.findings import SkipError, Verdict, broken, ok, skipped, warning


def projects_enabled(region: StackRegion) -> Verdict:
    """Check that SageMaker's portfolio is switched on, and imported."""
    _ = region.account.projects
    if region.projects_status != "Enabled":
        return broken(f"GetSagemakerServicecatalogPortfolioStatus says {region.projects_status}")
    try:
        portfolio = region.found_imported
    except AwsError as error:
        return broken(str(error), "Service Catalog, Portfolios, Imported")
    if portfolio is None:
        return broken(f"enabled, but no imported portfolio is provided by {' or '.join(PROVIDER_NAMES)}")
    return ok(f"enabled; portfolio {portfolio['Id']}, {portfolio['DisplayName']!r}")


def projects_principals(region: StackRegion) -> Verdict:
    """Check that whom the stack file names finds AWS's own templates."""
    wanted = region.account.projects.principals
    return judge_principals(region.imported_id, wanted, region.imported_principals)


def judge_principals(portfolio_id: str, wanted: Iterable[str], present: Iterable[str]) -> Verdict:
    """Whether the wanted principals are associated with a portfolio."""
    missing = sorted(set(wanted) - set(present))
    if missing:
        return broken(f"{portfolio_id} is not associated with {', '.join(missing)}")
    return ok(f"{portfolio_id} is associated with {', '.join(wanted) or 'nobody, as the stack file has it'}")


def principal_identities(region: StackRegion) -> Verdict:
    """Check that single roles, groups and users that are associated exist, and are still those that were associated.

    An association is with the one that existed then: one that is deleted and made anew, with the same name, finds
    nothing, and no listing shows it. So the time at which it was made is compared with the account's event history.
    """
    account, portfolios = region.account, _associated_singles(region)
    singles = sorted({principal for principals in portfolios.values() for principal in principals})
    if not singles:
        return skipped("no single role, group or user of this account is associated: patterns name whoever matches")
    found = members(account.client("iam"), singles)
    gone = [principal for principal in singles if principal not in found]
    if gone:
        return broken(
            f"associated, but IAM has no {', '.join(gone)}", "make it again, or take it out of the stack file"
        )
    # An association that is older than the event history would have been missed long ago.
    made: dict[str, datetime] = {principal: found[principal]["CreateDate"] for principal in singles}
    young = {principal: moment for principal, moment in made.items() if account.now - moment < HISTORY}
    if young:
        since = associations(region.client("cloudtrail"), min(young.values()))
        stale = [
            (principal, portfolio_id)
            for portfolio_id, principals in portfolios.items()
            for principal in sorted(principals & young.keys())
            if not since.after(young[principal], principal, portfolio_id)
        ]
        if stale:
            evidence = "; ".join(
                f"{principal} was made at {made[principal]:%Y-%m-%d %H:%M} UTC, and nobody has associated it with "
                f"{portfolio} since: what is associated is one that is gone"
                for principal, portfolio in stale
            )
            if all(account.now - made[principal] < LAG for principal, _ in stale):
                return warning(f"{evidence}, as far as the event history knows yet", "run this again in 15 minutes")
            return broken(evidence, "; ".join(dict.fromkeys(_anew(region, *item) for item in stale)))
    return ok(f"{', '.join(singles)}: made before it was associated")


def _anew(region: StackRegion, principal: str, portfolio_id: str) -> str:
    """How a principal is associated anew: AWS's portfolio has a provider that sees to it, the stack's own has none."""
    own = region.found_portfolio if region.account.catalog_regions else None
    if own is None or own["Id"] != portfolio_id:
        return region.account.up
    resource = f"**::catalog-{region.name}-{label(principal)}"
    return hints.typed("pulumi", "up", "-s", region.account.stack, "--replace", resource)


def _associated_singles(region: StackRegion) -> dict[str, frozenset[str]]:
    """By portfolio, the single principals of this account that the stack file names and that are associated."""
    account, wanted = region.account, region.account.wanted
    found = {}
    if region.details.name in account.catalog_regions:
        with suppress(SkipError):
            found[region.portfolio_id] = region.portfolio_principals & set(account.catalog.principals)
    if wanted.projects and region.details.name in wanted.project_regions:
        with suppress(SkipError):
            found[region.imported_id] = region.imported_principals & set(wanted.projects.principals)
    return {
        portfolio: frozenset(
            item for item in principals if principal_type(item) == "IAM" and item.split(":")[4] == account.id
        )
        for portfolio, principals in found.items()
    }
