"""A Service Catalog portfolio: who may launch its products, in which accounts, with which tags."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from awsmodel.principals import label, principal_type
from components.core.environment import Environment
from components.sections.catalog import Budget, CatalogSpec


@dataclass(frozen=True, kw_only=True)
class PortfolioArgs:
    """What `Portfolio` is made from."""

    environment: Environment
    """The environment."""
    region: str
    """Region of the portfolio."""
    spec: CatalogSpec
    """What the portfolio says of itself, and who may launch from it."""


class Portfolio(pulumi.ComponentResource):
    """A set of products, and who may launch them."""

    portfolio_id: pulumi.Output[str]
    """Id of the portfolio."""

    def __init__(self, name: str, args: PortfolioArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:catalog:Portfolio", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        portfolio = aws.servicecatalog.Portfolio(
            f"{name}-portfolio",
            region=args.region,
            name=args.environment.names.portfolio.value,
            provider_name=args.spec.provider_name,
            description=args.spec.description,
            tags=args.environment.tags,
            opts=child,
        )
        self.portfolio_id = portfolio.id
        tag_options = self._tag_options(name, args)
        for principal in args.spec.principals:
            aws.servicecatalog.PrincipalPortfolioAssociation(
                f"{name}-{label(principal)}",
                region=args.region,
                portfolio_id=portfolio.id,
                principal_arn=principal,
                principal_type=principal_type(principal),
                opts=child,
            )
        for share in args.spec.shares:
            aws.servicecatalog.PortfolioShare(
                f"{name}-{share.recipient}",
                region=args.region,
                portfolio_id=portfolio.id,
                type=share.type,
                principal_id=share.recipient,
                share_principals=share.share_principals,
                share_tag_options=share.share_tag_options,
                # The recipient accepts in its own time; an organization's share needs no acceptance.
                wait_for_acceptance=False,
                opts=pulumi.ResourceOptions(parent=self, depends_on=tag_options),
            )
        if args.spec.budget is not None:
            self._budget(name, args, args.spec.budget)
        self.register_outputs({"portfolioId": portfolio.id})

    def _tag_options(self, name: str, args: PortfolioArgs) -> list[pulumi.Resource]:
        child = pulumi.ResourceOptions(parent=self)
        associations: list[pulumi.Resource] = []
        for key, values in args.spec.tag_options.items():
            for value in values:
                option = aws.servicecatalog.TagOption(
                    f"{name}-{key}-{value}", region=args.region, key=key, value=value, opts=child
                )
                associations.append(
                    aws.servicecatalog.TagOptionResourceAssociation(
                        f"{name}-{key}-{value}-association",
                        region=args.region,
                        resource_id=self.portfolio_id,
                        tag_option_id=option.id,
                        opts=child,
                    )
                )
        return associations

    def _budget(self, name: str, args: PortfolioArgs, budget: Budget) -> None:
        child = pulumi.ResourceOptions(parent=self)
        watched = aws.budgets.Budget(
            f"{name}-budget",
            name=f"{args.environment.names.prefix}-projects-{args.region}",
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(budget.monthly_usd),
            limit_unit="USD",
            cost_filters=[{"name": "TagKeyValue", "values": [f"user:project${args.environment.names.project}"]}],
            notifications=[
                {
                    "comparison_operator": "GREATER_THAN",
                    "threshold": threshold,
                    "threshold_type": "PERCENTAGE",
                    "notification_type": kind,
                    "subscriber_email_addresses": list(budget.emails),
                }
                for kind, threshold in (("ACTUAL", 80), ("FORECASTED", 100))
            ],
            tags=args.environment.tags,
            opts=child,
        )
        aws.servicecatalog.BudgetResourceAssociation(
            f"{name}-budget-association",
            region=args.region,
            budget_name=watched.name,
            resource_id=self.portfolio_id,
            opts=child,
        )
