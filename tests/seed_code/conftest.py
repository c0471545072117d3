"""The products' templates in turn."""

import pytest

from tests.seed_code.product_templates import PRODUCTS, ProductTemplate, product_template


@pytest.fixture(params=PRODUCTS)
def template(request: pytest.FixtureRequest) -> ProductTemplate:
    return product_template(request.param)
