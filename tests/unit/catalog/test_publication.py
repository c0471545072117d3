"""What a template can ask of its environment is what it gets: the page, the check and the publisher mean the same."""

from pathlib import Path

import pytest

from components.catalog.publication import template_values
from components.core.naming import Names
from components.core.network import Network
from components.packaging import read_product
from components.packaging.template import ENVIRONMENT_VALUES
from components.sections.iam import UseRole
from tests.support.product_samples import TEMPLATE, make_product

EVERYTHING = "".join(
    f"    {group}:\n" + "".join(f'      {key}: ""\n' for key in keys) for group, keys in ENVIRONMENT_VALUES.items()
)
USE_ROLES = {role: f"arn:aws:iam::111122223333:role/{role}" for role in UseRole}


@pytest.mark.parametrize("use_roles", [{}, USE_ROLES], ids=["own roles", "use roles"])
def test_each_value_that_a_template_can_ask_for_is_given(tmp_path: Path, use_roles: dict[UseRole, str]) -> None:
    start, end = TEMPLATE.index("    Seed:"), TEMPLATE.index("\nResources:")
    product = read_product(make_product(tmp_path, template=TEMPLATE[:start] + EVERYTHING + TEMPLATE[end:]))
    values = template_values(
        product,
        Names("acme", "dev"),
        bucket="bucket",
        connection_arn="connection",
        key_arn="key",
        topic_arn="topic",
        network=Network(
            vpc_id="vpc-0a1b2c3d",
            subnet_ids=("subnet-0a1b2c3d", "subnet-1a2b3c4d"),
            security_group_ids=("sg-0a1b2c3d",),
        ),
        use_role_arns=use_roles,
    )
    assert {group: list(keys) for group, keys in values.items()} == {
        group: list(keys) for group, keys in ENVIRONMENT_VALUES.items()
    }
    empty = {f"{group}.{key}" for group, keys in values.items() for key, value in keys.items() if not value}
    assert empty == ({"Roles.PermissionsBoundary"} if use_roles else {f"Roles.{role}" for role in UseRole})
