"""What a catalog offers, all products together: the place where a preview can tell that one of them may not go.

Pulumi asks nobody when it previews that something goes. What stays is checked at every preview, and of what stays this
knows what there was before.
"""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, Resource, UpdateResult

from components.providers.aws_access import AwsResourceProvider, explained
from components.providers.product_version import refusal

_INPUTS = ("region", "products")


class OfferedProductsProvider(AwsResourceProvider):
    """Makes nothing; refuses to let go of products from which something was launched."""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """No product that goes has anything launched from it; AWS is asked only where one goes."""
        offered = news.get("products")
        if not isinstance(offered, dict):  # not known before it is made
            return CheckResult(news, [])
        gone = {place: ident for place, ident in (olds.get("products") or {}).items() if place not in offered}
        found = [self._refusal(place, ident) for place, ident in sorted(gone.items())]
        return CheckResult(news, [CheckFailure("products", reason) for reason in found if reason])

    def _refusal(self, place: str, product_id: str) -> str:
        region, _, slug = place.partition("/")
        client = self.client("servicecatalog", region)
        with explained(f"product {slug}", "servicecatalog", region):
            return refusal(client, f"{slug} ({product_id})", product_id, region)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Other products are told."""
        return DiffResult(changes=any(olds.get(key) != news.get(key) for key in _INPUTS), replaces=[], stables=[])

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Remember the products."""
        return CreateResult("offered", {key: props[key] for key in _INPUTS})

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Remember the products."""
        return UpdateResult({key: news[key] for key in _INPUTS})


class OfferedProducts(Resource, module="servicecatalog", name="OfferedProducts"):
    """The products of a catalog, by region and folder."""

    def __init__(
        self, name: str, *, region: str, products: Mapping[str, pulumi.Input[str]], opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__(OfferedProductsProvider(), name, {"region": region, "products": products}, opts)
