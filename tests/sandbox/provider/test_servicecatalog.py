"""What is particular to Service Catalog's resource types, and to budgets."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.provider.registry import handler
from sandbox.provider.values import Properties
from tests.sandbox.conftest import Clients
from tests.sandbox.support.case import ACCOUNT, BUCKET
from tests.sandbox.support.catalog_cases import TEMPLATE, Catalog, launch, make_catalog, notification
from tests.sandbox.support.engine import AbortedError, Engine

FAMILY = "aws:servicecatalog/"
PORTFOLIO = f"{FAMILY}portfolio:Portfolio"
PRODUCT = f"{FAMILY}product:Product"
IN_PORTFOLIO = f"{FAMILY}productPortfolioAssociation:ProductPortfolioAssociation"
PRINCIPAL = f"{FAMILY}principalPortfolioAssociation:PrincipalPortfolioAssociation"
CONSTRAINT = f"{FAMILY}constraint:Constraint"
TAG_OPTION = f"{FAMILY}tagOption:TagOption"
TAGGING = f"{FAMILY}tagOptionResourceAssociation:TagOptionResourceAssociation"
BUDGETING = f"{FAMILY}budgetResourceAssociation:BudgetResourceAssociation"
SHARE = f"{FAMILY}portfolioShare:PortfolioShare"
BUDGET = "aws:budgets/budget:Budget"
ORGANIZATION = f"arn:aws:organizations::{ACCOUNT}:organization/o-exampleorgid"


@pytest.fixture(scope="module")
def catalog(aws: Clients) -> Catalog:
    aws("s3").create_bucket(
        Bucket=BUCKET,
        BucketNamespace="account-regional",
        CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
    )
    return make_catalog(aws)


def product(catalog: Catalog, called: str, **version: str) -> Properties:
    parameters = {"name": "1", "templateUrl": catalog.template_url, **version}
    kind = "CLOUD_FORMATION_TEMPLATE"
    return {"name": called, "owner": "one", "type": kind, "provisioningArtifactParameters": parameters}


def test_product_starts_with_the_version_that_the_program_gives(engine: Engine, catalog: Catalog, aws: Clients) -> None:
    made = engine.create(PRODUCT, product(catalog, "first", description="The first."))
    (version,) = aws("servicecatalog").describe_product_as_admin(Id=made.id)["ProvisioningArtifactSummaries"]
    assert (version["Name"], version["Description"]) == ("1", "The first.")
    assert made.outputs["provisioningArtifactParameters"] == made.inputs["provisioningArtifactParameters"]
    assert made.outputs["arn"] == f"arn:aws:catalog:eu-west-1:{ACCOUNT}:product/{made.id}"


def test_other_first_version_replaces_the_product_unless_ignored(engine: Engine, catalog: Catalog) -> None:
    made = engine.create(PRODUCT, product(catalog, "replaced"))
    changed = product(catalog, "replaced", name="2")
    difference = engine.diff(made, changed)
    assert difference.kinds == {"provisioningArtifactParameters.name": "UPDATE_REPLACE"}
    assert difference.delete_first
    assert engine.diff(made, changed, ignore=["provisioningArtifactParameters"]).kinds == {}


def test_version_that_was_added_behind_the_program_is_no_drift(engine: Engine, catalog: Catalog, aws: Clients) -> None:
    made = engine.create(PRODUCT, product(catalog, "versions"))
    aws("servicecatalog").create_provisioning_artifact(
        ProductId=made.id, Parameters={"Name": "2", "Info": {"LoadTemplateFromURL": catalog.template_url}}
    )
    assert engine.refresh(made) == made


@pytest.mark.parametrize(
    ("kind", "inputs", "ident"),
    [
        (
            IN_PORTFOLIO,
            {"portfolioId": "{portfolio}", "productId": "{other_product}"},
            "en:{portfolio}:{other_product}",
        ),
        (
            PRINCIPAL,
            {"portfolioId": "{portfolio}", "principalArn": "arn:aws:iam::123456789012:role/a"},
            "en,arn:aws:iam::123456789012:role/a,{portfolio},IAM",
        ),
        (TAGGING, {"tagOptionId": "{tag_option}", "resourceId": "{product}"}, "{tag_option}:{product}"),
        (BUDGETING, {"budgetName": "one", "resourceId": "{portfolio}"}, "one:{portfolio}"),
        (
            SHARE,
            {"portfolioId": "{portfolio}", "type": "ORGANIZATION", "principalId": ORGANIZATION},
            f"{{portfolio}}:ORGANIZATION:{ORGANIZATION}",
        ),
    ],
)
def test_ids_are_the_official_plugins(
    engine: Engine, catalog: Catalog, kind: str, inputs: dict[str, str], ident: str
) -> None:
    made = engine.create(kind, {key: value.format(**vars(catalog)) for key, value in inputs.items()})
    assert made.id == ident.format(**vars(catalog))
    engine.delete(made)


@pytest.mark.parametrize(
    ("kind", "receiver", "accepted"),
    [
        ("ACCOUNT", "210987654321", False),
        ("ORGANIZATION", ORGANIZATION, True),
        ("ORGANIZATION_MEMBER_ACCOUNT", "210987654321", True),
        ("ORGANIZATIONAL_UNIT", f"arn:aws:organizations::{ACCOUNT}:ou/o-exampleorgid/ou-abcd-11111111", True),
    ],
)
def test_portfolio_is_shared_with(engine: Engine, catalog: Catalog, kind: str, receiver: str, accepted: bool) -> None:
    inputs = {"portfolioId": catalog.portfolio, "type": kind, "principalId": receiver, "sharePrincipals": True}
    made = engine.create(SHARE, inputs)
    assert (made.outputs["accepted"], made.outputs["sharePrincipals"]) == (accepted, True)
    assert engine.refresh(made) == made
    engine.delete(made)
    assert engine.refresh(made) is None


def test_share_is_found_by_the_id_alone_that_aws_answers() -> None:
    share = {"PrincipalId": "o-exampleorgid", "Type": "ORGANIZATION", "Accepted": True}
    share |= {"SharePrincipals": True, "ShareTagOptions": False}
    client = SimpleNamespace(describe_portfolio_shares=lambda **_: {"PortfolioShareDetails": [share]})
    aws: Any = SimpleNamespace(client=lambda _: client)
    assert (handler(SHARE).read(aws, f"port-1:ORGANIZATION:{ORGANIZATION}") or {})["principalId"] == ORGANIZATION
    assert handler(SHARE).read(aws, f"port-1:ORGANIZATION:{ORGANIZATION[:-1]}") is None


def test_tag_option_may_start_switched_off(engine: Engine, aws: Clients) -> None:
    made = engine.create(TAG_OPTION, {"key": "off", "value": "one", "active": False})
    assert aws("servicecatalog").describe_tag_option(Id=made.id)["TagOptionDetail"]["Active"] is False
    assert made.outputs["active"] is False


def test_constraint_edited_by_hand_is_drift(engine: Engine, catalog: Catalog, aws: Clients) -> None:
    inputs = {"portfolioId": catalog.portfolio, "productId": catalog.product, "type": "LAUNCH"}
    made = engine.create(CONSTRAINT, {**inputs, "parameters": launch("one")})
    assert engine.diff(made, {**inputs, "parameters": json.dumps(json.loads(launch("one")), indent=1)}).kinds == {}
    aws("servicecatalog").update_constraint(Id=made.id, Parameters=launch("two"))
    seen = engine.refresh(made)
    assert seen is not None
    assert seen.inputs["parameters"] == launch("two")
    assert engine.diff(seen, made.inputs).kinds == {"parameters": "UPDATE"}
    engine.delete(made)


def test_principal_taken_away_by_hand_is_gone(engine: Engine, catalog: Catalog, aws: Clients) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/gone"
    made = engine.create(PRINCIPAL, {"portfolioId": catalog.portfolio, "principalArn": arn})
    aws("servicecatalog").disassociate_principal_from_portfolio(
        PortfolioId=catalog.portfolio, PrincipalARN=arn, PrincipalType="IAM"
    )
    assert engine.refresh(made) is None


def test_things_in_use_are_not_deleted(engine: Engine, catalog: Catalog) -> None:
    portfolio = engine.create(PORTFOLIO, {"name": "used", "providerName": "one"})
    used = engine.create(PRODUCT, product(catalog, "used"))
    made = engine.create(IN_PORTFOLIO, {"portfolioId": portfolio.id, "productId": used.id})
    for kept in (portfolio, used):
        with pytest.raises(AbortedError, match="in eu-west-1: ResourceInUseException"):
            engine.delete(kept)
    for kept in (made, portfolio, used):
        engine.delete(kept)


def test_product_and_portfolio_are_made_in_the_region_that_they_state(
    engine: Engine, aws: Clients, catalog: Catalog
) -> None:
    aws("s3", "eu-west-2").create_bucket(
        Bucket="templates", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"}
    )
    aws("s3", "eu-west-2").put_object(Bucket="templates", Key="t", Body=TEMPLATE)
    url = "https://templates.s3.eu-west-2.amazonaws.com/t"
    made = engine.create(PRODUCT, {**product(catalog, "there", templateUrl=url), "region": "eu-west-2"})
    found = aws("servicecatalog", "eu-west-2").search_products_as_admin()["ProductViewDetails"]
    assert [one["ProductViewSummary"]["ProductId"] for one in found] == [made.id]


def test_budget_tells_whom_the_program_names_now(engine: Engine, aws: Clients) -> None:
    inputs: dict[str, Any] = {"name": "told", "budgetType": "COST", "timeUnit": "MONTHLY"}
    inputs |= {"limitAmount": "10", "limitUnit": "USD"}
    old = notification(80, "ACTUAL", subscriberEmailAddresses=["old@example.com"])
    made = engine.create(BUDGET, {**inputs, "notifications": [old]})
    assert made.id == f"{ACCOUNT}:told"
    assert made.outputs["arn"] == f"arn:aws:budgets::{ACCOUNT}:budget/told"
    new = notification(80, "ACTUAL", subscriberEmailAddresses=["new@example.com"])
    engine.update(made, {**inputs, "notifications": [new]})
    budget = {"AccountId": ACCOUNT, "BudgetName": "told"}
    (found,) = aws("budgets").describe_notifications_for_budget(**budget)["Notifications"]
    del found["NotificationState"]
    told = aws("budgets").describe_subscribers_for_notification(**budget, Notification=found)["Subscribers"]
    assert told == [{"SubscriptionType": "EMAIL", "Address": "new@example.com"}]


def test_budget_of_a_kind_that_is_not_carried_out_is_refused(engine: Engine) -> None:
    with pytest.raises(AbortedError, match=r"'autoAdjustData'.*sandbox/provider/services/budgets\.py"):
        engine.check(BUDGET, {"name": "auto", "autoAdjustData": {"autoAdjustType": "FORECAST"}})
