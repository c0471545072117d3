"""The cases of Service Catalog's resource types, and of the budgets that are hung on them."""

import json
from dataclasses import dataclass
from typing import Any

from tests.sandbox.support.case import ACCOUNT, BUCKET, TAG_PATHS, Case, Clients, case, tags

TEMPLATE = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})


@dataclass(frozen=True)
class Catalog:
    """What the resources of the cases refer to."""

    portfolio: str
    product: str
    """In the portfolio."""
    other_product: str
    tag_option: str
    template_url: str


def make_catalog(aws: Clients) -> Catalog:
    """Make what the cases refer to; the bucket is there."""
    catalog = aws("servicecatalog")
    aws("s3").put_object(Bucket=BUCKET, Key="template.json", Body=TEMPLATE)
    url = f"https://{BUCKET}.s3.eu-west-1.amazonaws.com/template.json"
    portfolio = catalog.create_portfolio(DisplayName="sample", ProviderName="sample")["PortfolioDetail"]["Id"]
    product, other = (
        catalog.create_product(
            Name=name,
            Owner="sample",
            ProductType="CLOUD_FORMATION_TEMPLATE",
            ProvisioningArtifactParameters={"Info": {"LoadTemplateFromURL": url}},
        )["ProductViewDetail"]["ProductViewSummary"]["ProductId"]
        for name in ("sample", "other")
    )
    catalog.associate_product_with_portfolio(ProductId=product, PortfolioId=portfolio)
    option = catalog.create_tag_option(Key="sample", Value="sample")["TagOptionDetail"]["Id"]
    return Catalog(portfolio, product, other, option, url)


def launch(role: str) -> str:
    """Return the parameters of a launch constraint."""
    return json.dumps({"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/{role}"})


def notification(threshold: float, kind: str, **subscribers: list[str]) -> dict[str, Any]:
    """Return a budget's notification."""
    how = {"comparisonOperator": "GREATER_THAN", "thresholdType": "PERCENTAGE"}
    return {**how, "threshold": threshold, "notificationType": kind, **subscribers}


def make_catalog_cases(c: Catalog, topic: str) -> dict[str, Case]:
    """Return the cases by type."""
    version = {"name": "1", "templateUrl": c.template_url, "type": "CLOUD_FORMATION_TEMPLATE"}
    spent = notification(80, "ACTUAL", subscriberEmailAddresses=["a@example.com", "b@example.com"])
    forecast = notification(99.5, "FORECASTED", subscriberSnsTopicArns=[topic])
    return {
        "aws:servicecatalog/portfolio:Portfolio": case(
            {"name": "one", "providerName": "one", "description": "one", "tags": tags("a")},
            {"name": "two", "providerName": "two", "description": "two", "tags": tags("b")},
            "name",
            "providerName",
            "description",
            *TAG_PATHS,
        ),
        "aws:servicecatalog/product:Product": case(
            {
                "name": "one",
                "owner": "one",
                "type": "CLOUD_FORMATION_TEMPLATE",
                "provisioningArtifactParameters": version,
                "supportEmail": "one@example.com",
                "tags": tags("a"),
            },
            {"name": "two", "owner": "two", "supportEmail": "two@example.com", "tags": tags("b")},
            "name",
            "owner",
            "supportEmail",
            *TAG_PATHS,
        ),
        "aws:servicecatalog/productPortfolioAssociation:ProductPortfolioAssociation": case(
            {"productId": c.other_product, "portfolioId": c.portfolio}, {}
        ),
        "aws:servicecatalog/principalPortfolioAssociation:PrincipalPortfolioAssociation": case(
            {"portfolioId": c.portfolio, "principalArn": "arn:aws:iam:::role/one*", "principalType": "IAM_PATTERN"},
            {},
        ),
        "aws:servicecatalog/constraint:Constraint": case(
            {"portfolioId": c.portfolio, "productId": c.product, "type": "LAUNCH", "parameters": launch("one")},
            {"parameters": launch("two"), "description": "two"},
            "parameters",
            "description",
        ),
        "aws:servicecatalog/tagOption:TagOption": case(
            {"key": "one", "value": "one"}, {"value": "two", "active": False}, "value", "active"
        ),
        "aws:servicecatalog/tagOptionResourceAssociation:TagOptionResourceAssociation": case(
            {"resourceId": c.portfolio, "tagOptionId": c.tag_option}, {}
        ),
        "aws:servicecatalog/portfolioShare:PortfolioShare": case(
            {"portfolioId": c.portfolio, "type": "ACCOUNT", "principalId": "210987654321"},
            {"sharePrincipals": True, "shareTagOptions": True},
            "sharePrincipals",
            "shareTagOptions",
        ),
        "aws:servicecatalog/budgetResourceAssociation:BudgetResourceAssociation": case(
            {"budgetName": "sample", "resourceId": c.product}, {}
        ),
        "aws:budgets/budget:Budget": case(
            {
                "name": "one",
                "budgetType": "COST",
                "timeUnit": "MONTHLY",
                "limitAmount": "100",
                "limitUnit": "USD",
                "costFilters": [{"name": "TagKeyValue", "values": ["user:project$one", "user:project$two"]}],
                "notifications": [spent, forecast],
                "tags": tags("a"),
            },
            {
                "limitAmount": "200",
                "timePeriodStart": "2024-02-01_00:00",
                "notifications": [spent],
                "tags": tags("b"),
            },
            "limitAmount",
            "timePeriodStart",
            "notifications[1]",
            *TAG_PATHS,
        ),
    }
