"""SageMaker Projects in one region: AWS's portfolio switched on, and opened to principals.

Enabling makes AWS share a portfolio with the account and import it; after that somebody must associate each principal
with it. Both are switches of the account that other stacks, and people, use too: `portfolio_claims` tells what is ours.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from awsmodel.principals import principal_type
from components.providers.aws_access import AwsError, AwsResourceProvider, explained
from components.providers.portfolio_claims import Claims

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient
    from types_boto3_servicecatalog import ServiceCatalogClient
    from types_boto3_servicecatalog.type_defs import PortfolioDetailTypeDef

PROVIDER_NAMES = ("Amazon SageMaker", "Amazon SageMaker AI")
"""Names under which AWS provides the portfolio, old and new."""

DISPLAY_NAMES = tuple(f"{provider} Solutions and ML Ops products" for provider in PROVIDER_NAMES)
"""Names of the portfolio itself, old and new."""

WAITS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between looks for the portfolio after it was enabled; AWS shows it after some seconds."""

_PLACE = ("region", "claimant")
_IDENTITIES = {
    "role": ("get_role", "RoleName", "RoleId"),
    "user": ("get_user", "UserName", "UserId"),
    "group": ("get_group", "GroupName", "GroupId"),
}
"""By kind of principal: IAM's call for it, its argument, and the id that a new one of the same name does not have."""


def imported_portfolio(catalog: "ServiceCatalogClient") -> "PortfolioDetailTypeDef | None":
    """SageMaker's portfolio among those that the account has imported; None where there is none.

    Raises:
        AwsError: several could be it.
    """
    found = [item for item in _imported(catalog) if item.get("ProviderName") in PROVIDER_NAMES]
    named = [item for item in found if item.get("DisplayName") in DISPLAY_NAMES] or found
    if len(named) > 1:
        raise AwsError(
            f"several imported portfolios could be that of SageMaker Projects: {_listed(named)}. Stop importing the "
            f"ones that are not AWS's own (Service Catalog, Portfolios, Imported)."
        )
    return named[0] if named else None


def _imported(catalog: "ServiceCatalogClient") -> "list[PortfolioDetailTypeDef]":
    pages = catalog.get_paginator("list_accepted_portfolio_shares").paginate(PortfolioShareType="IMPORTED")
    return [item for page in pages for item in page["PortfolioDetails"]]


def _listed(portfolios: Iterable[Mapping[str, Any]]) -> str:
    rows = [f"{item.get('DisplayName')!r} of {item.get('ProviderName')!r} ({item['Id']})" for item in portfolios]
    return ", ".join(rows) or "none"


def await_portfolio(catalog: "ServiceCatalogClient", sleep: Callable[[float], None]) -> "PortfolioDetailTypeDef":
    """SageMaker's portfolio, as soon as it shows.

    Raises:
        AwsError: it does not show within a minute, or several could be it.
    """
    for seconds in (*WAITS, None):
        portfolio = imported_portfolio(catalog)
        if portfolio is not None:
            return portfolio
        if seconds is not None:
            sleep(seconds)
    raise AwsError(
        f"SageMaker's portfolio is enabled, but does not show among the imported portfolios of the account after "
        f"{sum(WAITS):g} seconds. Looked for provider {' or '.join(map(repr, PROVIDER_NAMES))}; found: "
        f"{_listed(_imported(catalog))}. Run this again; if it stays so, AWS has renamed it."
    )


def associated(catalog: "ServiceCatalogClient", portfolio_id: str) -> set[str]:
    """Principals of a portfolio."""
    pages = catalog.get_paginator("list_principals_for_portfolio").paginate(PortfolioId=portfolio_id)
    return {item["PrincipalARN"] for page in pages for item in page["Principals"]}


def members(iam: "IAMClient", principals: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Tell what IAM says of each single role, user or group that exists."""
    found = {}
    for principal in sorted(principals):
        if principal_type(principal) == "IAM":
            kind, _, path = principal.split(":", 5)[5].partition("/")
            call, argument, _key = _IDENTITIES[kind]
            try:
                answer = getattr(iam, call)(**{argument: path.rpartition("/")[2]})
            except iam.exceptions.NoSuchEntityException:
                continue
            found[principal] = answer[kind.title()]
    return found


def identities(iam: "IAMClient", principals: Iterable[str]) -> dict[str, str]:
    """IAM's unique id of each single role, user or group that exists.

    An association is with that id. Somebody who deletes a role and makes it anew leaves an association that names
    the role and lets nobody in; the id tells.
    """
    keys = {kind: key for kind, (_call, _argument, key) in _IDENTITIES.items()}
    return {
        principal: member[keys[principal.split(":", 5)[5].partition("/")[0]]]
        for principal, member in members(iam, principals).items()
    }


class ProjectsPortfolioProvider(AwsResourceProvider):
    """Switches SageMaker Projects on, and keeps the principals as the settings want them."""

    sleep = staticmethod(time.sleep)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Another region is another resource; so is another claimant. All else is set right in place."""
        replaces = [key for key in _PLACE if olds.get(key) != news.get(key)]
        same = (
            olds.get("status") == "Enabled"
            and sorted(olds.get("principals") or []) == sorted(news["principals"])
            and olds.get("disableOnDelete") == news["disableOnDelete"]
        )
        return DiffResult(changes=bool(replaces) or not same, replaces=replaces, stables=[])

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Switch on and associate. A run that an earlier one has begun is completed."""
        return CreateResult(f"{props['claimant']}@{props['region']}", self._apply(props, {}))

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Switch on again where somebody has switched off; associate and disassociate what differs."""
        return UpdateResult(self._apply(news, olds.get("identities") or {}))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Tell what AWS has: the status, and which of the wanted principals can really find the portfolio."""
        region = props["region"]
        with self._explained(region):
            status = self._status(region)
            portfolio = imported_portfolio(self.client("servicecatalog", region)) if status == "Enabled" else None
            if portfolio is None:
                return ReadResult(id_, {**props, "status": "Disabled", "principals": [], "portfolioId": ""})
            present = associated(self.client("servicecatalog", region), portfolio["Id"])
            wanted = present & set(props["principals"])
            stale = self._stale(region, wanted, props.get("identities") or {})
        return ReadResult(id_, {**props, **_facts(portfolio), "status": status, "principals": sorted(wanted - stale)})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Undo what this stack did and nobody else needs; again is no error."""
        region = props["region"]
        with self._explained(region):
            claims = Claims(self.client("ssm", region), props["claimant"])
            own, others = claims.read()
            needed = frozenset().union(*(claim.wanted for claim in others.values()))
            catalog = self.client("servicecatalog", region)
            portfolio = imported_portfolio(catalog) if self._status(region) == "Enabled" else None
            if portfolio is not None:
                present = associated(catalog, portfolio["Id"])
                self._disassociate(catalog, portfolio["Id"], (own.made & present) - needed)
                if own.enabled and props["disableOnDelete"] and not others:
                    self.client("sagemaker", region).disable_sagemaker_servicecatalog_portfolio()
            claims.hand_over(own.made & needed, others, enabled=own.enabled)
            claims.withdraw()

    def _apply(self, props: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, Any]:
        region, wanted = props["region"], frozenset(props["principals"])
        with self._explained(region):
            claims = Claims(self.client("ssm", region), props["claimant"])
            own, others = claims.read()
            before = own
            enable = self._status(region) != "Enabled"
            if enable or wanted != own.wanted:
                # Written before anything is done: whatever interrupts this, the next run knows what was ours.
                own = replace(own, wanted=wanted, enabled=own.enabled or enable)
                claims.write(own)
            if enable:
                self.client("sagemaker", region).enable_sagemaker_servicecatalog_portfolio()
            catalog = self.client("servicecatalog", region)
            portfolio = await_portfolio(catalog, self.sleep)
            present = associated(catalog, portfolio["Id"])
            stale = self._stale(region, wanted & present, known)
            absent = wanted - present
            if not absent <= own.made:
                own = replace(own, made=own.made | absent)
                claims.write(own)
            needed = frozenset().union(*(claim.wanted for claim in others.values()))
            superfluous = own.made - wanted
            self._disassociate(catalog, portfolio["Id"], (superfluous & present) - needed | stale)
            self._associate(catalog, portfolio["Id"], absent | stale)
            claims.hand_over(superfluous & needed, others, enabled=False)
            final = replace(own, made=own.made & wanted)
            if final != own:
                claims.write(final)
            found = identities(self.client("iam", region), wanted)
        return {
            **{key: props[key] for key in (*_PLACE, "disableOnDelete")},
            **_facts(portfolio),
            "principals": sorted(wanted),
            "status": "Enabled",
            "enabledBefore": not (before.enabled or enable),
            "identities": found,
        }

    def _status(self, region: str) -> str:
        return str(self.client("sagemaker", region).get_sagemaker_servicecatalog_portfolio_status()["Status"])

    def _stale(self, region: str, principals: Iterable[str], known: Mapping[str, str]) -> set[str]:
        """Principals that exist again: their associations are with ones that are gone."""
        now = identities(self.client("iam", region), [item for item in principals if item in known])
        return {principal for principal, identity in now.items() if known[principal] != identity}

    @staticmethod
    def _associate(catalog: "ServiceCatalogClient", portfolio_id: str, principals: Iterable[str]) -> None:
        for principal in sorted(principals):
            catalog.associate_principal_with_portfolio(
                PortfolioId=portfolio_id, PrincipalARN=principal, PrincipalType=principal_type(principal)
            )

    @staticmethod
    def _disassociate(catalog: "ServiceCatalogClient", portfolio_id: str, principals: Iterable[str]) -> None:
        for principal in sorted(principals):
            catalog.disassociate_principal_from_portfolio(
                PortfolioId=portfolio_id, PrincipalARN=principal, PrincipalType=principal_type(principal)
            )

    @staticmethod
    def _explained(region: str) -> AbstractContextManager[None]:
        return explained("SageMaker Projects", ("sagemaker", "servicecatalog", "ssm", "iam"), region)


def _facts(portfolio: Mapping[str, Any]) -> dict[str, Any]:
    return {"portfolioId": portfolio["Id"], "displayName": portfolio["DisplayName"]}


class ProjectsPortfolio(Resource, module="sagemaker", name="ProjectsPortfolio"):
    """SageMaker's portfolio in one region."""

    portfolioId: pulumi.Output[str]  # noqa: N815 - outputs of dynamic resources are named like their properties
    """Id of the imported portfolio."""
    displayName: pulumi.Output[str]  # noqa: N815
    """Name of the imported portfolio."""
    status: pulumi.Output[str]
    """`Enabled`, or `Disabled` where somebody has switched it off."""
    principals: pulumi.Output[list[str]]
    """Principals that find the portfolio."""

    def __init__(
        self,
        name: str,
        *,
        region: str,
        claimant: str,
        principals: Iterable[str],
        disable_on_delete: bool,
        opts: pulumi.ResourceOptions,
    ) -> None:
        props = {
            "region": region,
            "claimant": claimant,
            "principals": sorted(principals),
            "disableOnDelete": disable_on_delete,
            "portfolioId": None,
            "displayName": None,
            "status": None,
            "enabledBefore": None,
            "identities": None,
        }
        super().__init__(ProjectsPortfolioProvider(), name, props, opts)
