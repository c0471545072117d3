"""The emulated Service Catalog: what an administrator may do, and in which order."""

import json
from typing import Any

import pytest

from tests.sandbox.conftest import Client, Clients
from tests.sandbox.support.catalog import Catalog, make_catalog
from tests.sandbox.support.refusals import refusal


@pytest.fixture(scope="module")
def sc(aws: Clients) -> Client:
    return aws("servicecatalog")


@pytest.fixture
def catalog(aws: Clients, emulator: dict[str, Any]) -> Catalog:
    return make_catalog(aws, emulator["url"])


def test_a_catalog_is_taken_down_in_one_order_only(sc: Client, catalog: Catalog) -> None:
    portfolio, product = catalog.portfolio, catalog.product
    sc.create_portfolio_share(PortfolioId=portfolio, AccountId="210987654321")
    (constraint,) = sc.list_constraints_for_portfolio(PortfolioId=portfolio)["ConstraintDetails"]

    code, message = refusal(lambda: sc.delete_portfolio(Id=portfolio))
    assert (code, message) == (
        "ResourceInUseException",
        f"Portfolio {portfolio} is in use: it still has products, principals, shares, constraints.",
    )
    code, message = refusal(lambda: sc.delete_product(Id=product))
    assert code == "ResourceInUseException"
    assert portfolio in message
    code, message = refusal(lambda: sc.disassociate_product_from_portfolio(ProductId=product, PortfolioId=portfolio))
    assert code == "ResourceInUseException"
    assert constraint["ConstraintId"] in message

    sc.delete_constraint(Id=constraint["ConstraintId"])
    sc.disassociate_product_from_portfolio(ProductId=product, PortfolioId=portfolio)
    sc.disassociate_principal_from_portfolio(PortfolioId=portfolio, PrincipalARN=catalog.scientist)
    sc.delete_portfolio_share(PortfolioId=portfolio, AccountId="210987654321")
    sc.delete_portfolio(Id=portfolio)
    sc.delete_product(Id=product)
    assert refusal(lambda: sc.describe_portfolio(Id=portfolio))[0] == "ResourceNotFoundException"
    assert refusal(lambda: sc.describe_product_as_admin(Id=product))[0] == "ResourceNotFoundException"


def test_a_product_reads_back_and_takes_updates(sc: Client, catalog: Catalog) -> None:
    sc.update_product(
        Id=catalog.product,
        Description="Another",
        SupportEmail="help@example.com",
        AddTags=[{"Key": "team", "Value": "ml"}],
        RemoveTags=["sagemaker:studio-visibility"],
    )
    read = sc.describe_product_as_admin(Id=catalog.product)

    summary = read["ProductViewDetail"]["ProductViewSummary"]
    assert (summary["ShortDescription"], summary["SupportEmail"], summary["Owner"]) == (
        "Another",
        "help@example.com",
        "Platform",
    )
    assert read["Tags"] == [{"Key": "team", "Value": "ml"}]
    assert [one["Name"] for one in read["ProvisioningArtifactSummaries"]] == ["1.0.0"]
    found = sc.search_products_as_admin(PortfolioId=catalog.portfolio)["ProductViewDetails"]
    assert [one["ProductViewSummary"]["ProductId"] for one in found] == [catalog.product]


def test_a_repeated_request_makes_nothing_twice(sc: Client) -> None:
    request = {"DisplayName": "Once", "ProviderName": "Platform", "IdempotencyToken": "once"}
    first, second = (sc.create_portfolio(**request)["PortfolioDetail"]["Id"] for _ in range(2))
    assert first == second


def test_versions_are_added_deprecated_and_deactivated(sc: Client, catalog: Catalog) -> None:
    second = catalog.add_version("2.0.0", catalog.put_template("second.yaml"))
    sc.update_provisioning_artifact(
        ProductId=catalog.product, ProvisioningArtifactId=catalog.artifact, Guidance="DEPRECATED", Active=False
    )

    details = sc.list_provisioning_artifacts(ProductId=catalog.product)["ProvisioningArtifactDetails"]
    assert [(one["Name"], one["Guidance"], one["Active"]) for one in details] == [
        ("1.0.0", "DEPRECATED", False),
        ("2.0.0", "DEFAULT", True),
    ]
    sc.delete_provisioning_artifact(ProductId=catalog.product, ProvisioningArtifactId=catalog.artifact)
    last = refusal(lambda: sc.delete_provisioning_artifact(ProductId=catalog.product, ProvisioningArtifactId=second))
    assert last == ("ResourceInUseException", f"{second} is the last provisioning artifact of {catalog.product}.")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "S3 error"),
        ("Resources: ]", "YAML not well-formed. (line 1"),
        ("Description: nothing", "At least one Resources member must be defined"),
        ("Resources: {A: {Properties: {}}}", "/Resources/A"),
        (
            "Resources: {A: {Type: AWS::SNS::Topic, Properties: {TopicName: !Ref B}}}",
            "Unresolved resource dependencies [B]",
        ),
    ],
)
def test_a_version_needs_a_template_that_cloudformation_takes(catalog: Catalog, text: str | None, reason: str) -> None:
    url = catalog.put_text("bad.yaml", text) if text else catalog.put_text("there.yaml", "x").replace("there", "gone")

    code, message = refusal(lambda: catalog.add_version("bad", url))

    assert code == "InvalidParametersException"
    assert reason in message


def test_a_version_comes_from_s3_only(catalog: Catalog) -> None:
    assert refusal(lambda: catalog.add_version("bad", "https://example.com/a.yaml"))[0] == "InvalidParametersException"


def test_a_version_keeps_the_template_that_it_was_made_from(sc: Client, catalog: Catalog) -> None:
    catalog.put_text("first.yaml", "Parameters: {Other: {Type: String}}\nResources: {A: {Type: AWS::SNS::Topic}}")

    read = sc.describe_provisioning_artifact(
        ProductId=catalog.product,
        ProvisioningArtifactId=catalog.artifact,
        IncludeProvisioningArtifactParameters=True,
    )

    names = [one["ParameterKey"] for one in read["ProvisioningArtifactParameters"]]
    assert names == ["SageMakerProjectName", "SageMakerProjectId", "Size"]


def test_a_product_has_at_most_100_versions(catalog: Catalog) -> None:
    url = catalog.put_text("tiny.yaml", "Resources: {A: {Type: AWS::SNS::Topic}}")
    for number in range(99):
        catalog.add_version(str(number), url)

    assert refusal(lambda: catalog.add_version("one too many", url))[0] == "LimitExceededException"


@pytest.mark.parametrize(
    ("arn", "kind", "allowed"),
    [
        ("arn:aws:iam::123456789012:role/service-role/Studio", "IAM", True),
        ("arn:aws:iam::123456789012:role/Studio*", "IAM", False),
        ("Studio", "IAM", False),
        ("arn:aws:iam:::role/Studio*", "IAM_PATTERN", True),
        ("arn:aws:iam::123456789012:role/Studio*", "IAM_PATTERN", False),
    ],
)
def test_a_principal_is_a_full_arn_or_a_pattern(
    sc: Client, catalog: Catalog, arn: str, kind: str, allowed: bool
) -> None:
    def associate() -> None:
        sc.associate_principal_with_portfolio(PortfolioId=catalog.portfolio, PrincipalARN=arn, PrincipalType=kind)

    if allowed:
        associate()
        associate()
    else:
        assert refusal(associate)[0] == "InvalidParametersException"
    principals = sc.list_principals_for_portfolio(PortfolioId=catalog.portfolio)["Principals"]
    assert principals.count({"PrincipalARN": arn, "PrincipalType": kind}) == int(allowed)


@pytest.mark.parametrize(
    ("kind", "parameters", "code"),
    [
        ("LAUNCH", {"LocalRoleName": "Launch"}, "DuplicateResourceException"),
        ("LAUNCH", {}, "InvalidParametersException"),
        ("LAUNCH", {"RoleArn": "arn:aws:iam::1:role/a", "LocalRoleName": "a"}, "InvalidParametersException"),
        ("RESOURCE_UPDATE", {"Properties": {}}, "InvalidParametersException"),
        ("NOTIFICATION", {"NotificationArns": []}, "InvalidParametersException"),
        ("TEMPLATE", {}, "InvalidParametersException"),
        ("OTHER", {}, "InvalidParametersException"),
    ],
)
def test_constraints_are_checked(
    sc: Client, catalog: Catalog, kind: str, parameters: dict[str, object], code: str
) -> None:
    ids = {"PortfolioId": catalog.portfolio, "ProductId": catalog.product}
    text = json.dumps(parameters)
    assert refusal(lambda: sc.create_constraint(**ids, Type=kind, Parameters=text))[0] == code


def test_a_constraint_needs_the_product_in_the_portfolio(sc: Client, catalog: Catalog) -> None:
    other = sc.create_portfolio(DisplayName="Other", ProviderName="Platform")["PortfolioDetail"]["Id"]
    text = json.dumps({"Properties": {"TagUpdateOnProvisionedProduct": "ALLOWED"}})

    def create(portfolio: str) -> dict[str, Any]:
        made: dict[str, Any] = sc.create_constraint(
            PortfolioId=portfolio, ProductId=catalog.product, Type="RESOURCE_UPDATE", Parameters=text
        )
        return made

    assert refusal(lambda: create(other))[0] == "ResourceNotFoundException"
    made = create(catalog.portfolio)["ConstraintDetail"]
    read = sc.describe_constraint(Id=made["ConstraintId"])
    assert (read["ConstraintParameters"], read["Status"]) == (text, "AVAILABLE")


def test_shares_read_back_by_their_kind(sc: Client, catalog: Catalog) -> None:
    node = {"Type": "ORGANIZATIONAL_UNIT", "Value": "ou-abcd-12345678"}
    token = sc.create_portfolio_share(
        PortfolioId=catalog.portfolio, OrganizationNode=node, SharePrincipals=True, ShareTagOptions=True
    )["PortfolioShareToken"]

    (share,) = sc.describe_portfolio_shares(PortfolioId=catalog.portfolio, Type="ORGANIZATIONAL_UNIT")[
        "PortfolioShareDetails"
    ]
    assert (share["PrincipalId"], share["SharePrincipals"], share["ShareTagOptions"]) == (node["Value"], True, True)
    assert sc.describe_portfolio_share_status(PortfolioShareToken=token)["Status"] == "COMPLETED"
    assert sc.describe_portfolio_shares(PortfolioId=catalog.portfolio, Type="ACCOUNT")["PortfolioShareDetails"] == []


def test_lists_come_in_pages(sc: Client, catalog: Catalog) -> None:
    for number in range(5):
        arn = f"arn:aws:iam::123456789012:role/r{number}"
        sc.associate_principal_with_portfolio(PortfolioId=catalog.portfolio, PrincipalARN=arn, PrincipalType="IAM")

    pages = sc.get_paginator("list_principals_for_portfolio").paginate(
        PortfolioId=catalog.portfolio, PaginationConfig={"PageSize": 2}
    )

    assert [len(page["Principals"]) for page in pages] == [2, 2, 2]


def test_tag_options_and_budgets_hang_on_a_product(sc: Client, catalog: Catalog) -> None:
    option = sc.create_tag_option(Key="cost-centre", Value="42")["TagOptionDetail"]["Id"]
    sc.associate_tag_option_with_resource(ResourceId=catalog.product, TagOptionId=option)
    sc.associate_budget_with_resource(BudgetName="monthly", ResourceId=catalog.product)

    read = sc.describe_product_as_admin(Id=catalog.product)
    assert [one["Id"] for one in read["TagOptions"]] == [option]
    assert read["Budgets"] == [{"BudgetName": "monthly"}]
    again = refusal(lambda: sc.create_tag_option(Key="cost-centre", Value="42"))
    assert again[0] == "DuplicateResourceException"
    assert refusal(lambda: sc.delete_tag_option(Id=option))[0] == "ResourceInUseException"
    sc.disassociate_tag_option_from_resource(ResourceId=catalog.product, TagOptionId=option)
    sc.delete_tag_option(Id=option)


def test_enabling_projects_brings_a_portfolio_after_a_while(aws: Clients, sc: Client) -> None:
    sagemaker = aws("sagemaker")
    for _ in range(2):
        sagemaker.enable_sagemaker_servicecatalog_portfolio()
    assert sagemaker.get_sagemaker_servicecatalog_portfolio_status()["Status"] == "Enabled"

    shown = [sc.list_accepted_portfolio_shares(PortfolioShareType="IMPORTED")["PortfolioDetails"] for _ in range(2)]
    assert [[one["ProviderName"] for one in listing] for listing in shown] == [[], ["Amazon SageMaker"]]
    imported = shown[1][0]["Id"]
    assert refusal(lambda: sc.delete_portfolio(Id=imported))[0] == "AccessDeniedException"
    assert imported not in [one["Id"] for one in sc.list_portfolios()["PortfolioDetails"]]

    sagemaker.disable_sagemaker_servicecatalog_portfolio()
    assert sagemaker.get_sagemaker_servicecatalog_portfolio_status()["Status"] == "Disabled"
    assert sc.list_accepted_portfolio_shares()["PortfolioDetails"] == []
