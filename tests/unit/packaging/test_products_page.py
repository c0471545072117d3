"""docs/products.md is true: its tables are those of the code, and its example is what `make product` makes."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from awsmodel.regions import known_regions
from components.core.naming import ANY_ACCOUNT_ID, Names
from components.core.network import Network
from components.iam import project_policies
from components.iam.policies import Statement
from components.iam.role_documents import RoleFacts
from components.packaging import ProductFolderError, read_product
from components.packaging.product_description import KEYS
from components.packaging.template import ENVIRONMENT_VALUES, REQUIRED_PARAMETERS
from tests.support.recording import ROOT
from tools import product

PAGE = (ROOT / "docs/products.md").read_text()
REGION = known_regions()["eu-west-1"]
NAMES = Names("<project>", "<environment>")


def table(heading: str) -> list[str]:
    """Rows of the first table under a heading, without its head."""
    part = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\|.*\|$", part, re.MULTILINE)
    return rows[2:]


def test_product_yaml_has_these_keys() -> None:
    assert [re.findall(r"`([^`]+)`", row)[0] for row in table("product.yaml, key by key")] == list(KEYS)


def test_an_environment_gives_these_values() -> None:
    rows = [
        f"| `{group}` | `{key}` | {meaning} |"
        for group, keys in ENVIRONMENT_VALUES.items()
        for key, meaning in keys.items()
    ]
    assert table("What the environment hands in") == rows, "\n" + "\n".join(rows)


def places(statement: Statement) -> list[tuple[str, str]]:
    """Services and names of a statement's resources, with `*` for any."""
    parts = [arn.split(":", 5) for arn in listed(statement["Resource"])]
    return [(part[2], part[5]) if len(part) > 1 else ("", "*") for part in parts]


def listed(value: object) -> list[str]:
    return [value] if isinstance(value, str) else [str(item) for item in value] if isinstance(value, list) else []


def code(words: Sequence[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def test_the_launch_role_makes_these_names() -> None:
    names: dict[str, dict[str, None]] = {}
    for statement in project_policies.launch_statements(REGION, ANY_ACCOUNT_ID, "boundary", None):
        for service, name in places(statement):
            if "sagemaker-*" in name:
                names.setdefault(service, {})[name] = None
    rows = [
        f"| {service} | {code(list(found))} |".replace(ANY_ACCOUNT_ID, "<account>") for service, found in names.items()
    ]
    assert table("Names") == rows, "\n" + "\n".join(rows)


BOUNDS = project_policies.ProjectBounds(
    home=REGION,
    account_id=ANY_ACCOUNT_ID,
    topic_arn=RoleFacts(names=NAMES, home=REGION, account_id=ANY_ACCOUNT_ID).topic_arn,
    closed_buckets=["<state>", *Names("<project>", "<environment>").buckets_of_project("<account>")],
    data_buckets=["<data>"],
    key_arns=[f"arn:aws:kms:eu-west-1:{ANY_ACCOUNT_ID}:key/<project key>"],
    networks=[Network.model_construct(vpc_id="", subnet_ids=("<subnets>",), security_group_ids=("<groups>",))],
)


def condition(statement: Statement) -> str:
    """What a condition asks for; an ARN without what every one begins with."""
    asked = [
        f"`{key}` {operator.rpartition(':')[2]} {code([name.split(':', 5)[-1] for name in listed(values)])}"
        for operator, keys in statement.get("Condition", {}).items()
        for key, values in keys.items()
    ]
    return "; ".join(asked).replace(ANY_ACCOUNT_ID, "<account>")


def test_the_boundary_lets_projects_do_this() -> None:
    rows = []
    for statement in project_policies.boundary_statements(BOUNDS):
        never = "never " if statement["Effect"] == "Deny" else ""
        on = [f"{service}:{name}".removeprefix(":") for service, name in places(statement)]
        where = "anything" if on == ["*"] else code(on)
        rows.append(f"| {never}{code(listed(statement['Action']))} | {where} | {condition(statement)} |")
    assert table("Roles and their boundary") == rows, "\n" + "\n".join(rows)
    assert f"`{NAMES.project_boundary.value}`" in PAGE


@pytest.mark.parametrize("file", ["product.yaml", "template.yaml", "repository/buildspec.yml"])
def test_the_example_is_what_make_product_makes(file: str) -> None:
    blocks = dict(
        re.findall(r"^`seed_code/acme-train/([\w./]+)`:\n\n```yaml\n(.*?)```$", PAGE, re.MULTILINE | re.DOTALL)
    )
    assert blocks[file] == (product.SKELETON / file).read_text()


def test_the_parameters_that_sagemaker_fills_in_are_named() -> None:
    assert all(f"`{name}`" in PAGE for name in REQUIRED_PARAMETERS)


def test_the_refusal_on_the_page_is_what_the_check_says(tmp_path: Path) -> None:
    template = product.make("acme-train", tmp_path) / "template.yaml"
    wrong = template.read_text().replace("!GetAtt ArtifactBucket.Arn", "!GetAtt ArtifactBuckt.Arn", 1)
    template.write_text(wrong)
    with pytest.raises(ProductFolderError) as refused:
        read_product(template.parent)
    assert f"```\nseed_code/acme-train/{refused.value.faults[0]}\n```" in PAGE
