"""A product that goes is told of where something was launched from it: by what stays, at a preview already."""

from typing import Any

import pytest

from components.providers.offered_products import OfferedProductsProvider
from tests.support.played_aws import Clients

BUILD, DEPLOY = "eu-west-1/model-build-train", "eu-west-1/model-deploy"


class Catalog:
    """Service Catalog with what was launched, by product."""

    def __init__(self, **launched: list[str]) -> None:
        self.calls: list[str] = []
        self.launched = launched

    def SearchProvisionedProducts(self, **_: object) -> dict[str, Any]:
        found = [(product, name) for product, names in self.launched.items() for name in names]
        return {"ProvisionedProducts": [{"Name": name, "ProductId": product} for product, name in found]}


class Provider(OfferedProductsProvider):
    """The provider with a catalog of the test's own."""

    def __init__(self, catalog: Catalog) -> None:
        self.asked: list[str] = []
        self._clients = Clients(catalog)

    def client(self, service: str, region: str) -> Any:
        self.asked.append(region)
        return self._clients.client(service, region)


def refusals(provider: Provider, olds: dict[str, str], news: dict[str, str]) -> list[str]:
    return [failure.reason for failure in provider.check({"products": olds}, {"products": news}).failures]


def test_a_product_that_goes_is_refused_with_the_projects_that_stand_in_the_way() -> None:
    provider = Provider(Catalog(prod2=["kept", "a"]))
    assert refusals(provider, {BUILD: "prod1", DEPLOY: "prod2"}, {BUILD: "prod1"}) == [
        "product model-deploy (prod2) in eu-west-1 cannot be removed: 2 launched from it still exist: a, kept. "
        "Delete these projects first."
    ]


def test_every_product_that_goes_is_told_of() -> None:
    provider = Provider(Catalog(prod1=["a"], prod2=["b"]))
    assert len(refusals(provider, {BUILD: "prod1", DEPLOY: "prod2"}, {})) == 2


def test_a_product_of_which_nothing_was_launched_may_go() -> None:
    assert refusals(Provider(Catalog(prod1=["a"])), {BUILD: "prod1", DEPLOY: "prod2"}, {BUILD: "prod1"}) == []


@pytest.mark.parametrize("olds", [{}, {"products": {BUILD: "prod1"}}], ids=["first", "later"])
def test_where_nothing_goes_aws_is_not_asked(olds: dict[str, Any]) -> None:
    provider = Provider(Catalog(prod1=["a"]))
    news = {"products": {BUILD: "prod1", DEPLOY: "prod2"}}
    assert provider.check(olds, news).failures == []
    assert provider.asked == []


def test_other_products_are_told_and_the_same_ones_are_no_difference() -> None:
    provider = Provider(Catalog())
    olds = {"products": {BUILD: "prod1"}, "__provider": "x"}
    assert provider.diff("offered", olds, {"products": {BUILD: "prod1"}}).changes is False
    assert provider.diff("offered", olds, {"products": {}}).changes is True
