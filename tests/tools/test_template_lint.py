"""A template is linted as it is published: with what each kind of environment fills in."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from components.packaging import Product, read_product, seed_code
from components.packaging.template import ENVIRONMENT_VALUES
from tests.seed_code.product_templates import PRODUCTS
from tests.support.product_samples import TEMPLATE, make_product, template_with
from tools import template_lint
from tools.template_lint import choices, template_faults

BUILD = "model-build-train"


def test_every_two_kinds_of_values_are_given_together_apart_and_in_turn() -> None:
    ways = [set(choice.given) for choice in choices(seed_code.product(BUILD))]
    kinds = set(ENVIRONMENT_VALUES) - {"Names", "Seed"}
    for one in kinds:
        for other in kinds - {one}:
            assert {(one in way, other in way) for way in ways} == {
                (a, b) for a in (True, False) for b in (True, False)
            }


def test_each_value_of_a_parameter_has_its_turn() -> None:
    ways = list(choices(seed_code.product("model-deploy")))
    assert {way.parameters["DeploymentTarget"] for way in ways} == {"STACK", "STACKSET"}
    assert {way.parameters["PythonPackageIndexUrl"] for way in ways} == {"", "https://sample.example.com"}


def test_roles_are_bounded_where_the_environment_gives_none() -> None:
    for choice in choices(seed_code.product(BUILD)):
        own = choice.environment["Roles"]["CodeBuild"] == ""
        assert bool(choice.environment["Roles"]["PermissionsBoundary"]) is own
        assert choice.environment["Seed"]["Bucket"]


@pytest.mark.parametrize("slug", PRODUCTS)
def test_cfn_lint_finds_nothing_in_what_is_published(slug: str) -> None:
    assert template_faults(seed_code.product(slug)) == []


def test_a_state_machine_of_the_repository_is_linted_with_its_file(tmp_path: Path) -> None:
    states = {"A": {"Type": "Pas", "End": True}}
    files = {"a.asl.json": json.dumps({"StartAt": "A", "States": states}), "b.asl.json": "{"}
    (one, other) = template_faults(read_product(make_product(tmp_path, files=files)))
    assert one.startswith("seed_code/churn/repository/a.asl.json: 'Pas' is not one of")
    assert one.endswith("[E3601]")
    assert other.startswith("seed_code/churn/repository/b.asl.json: is not JSON: ")


def test_what_stands_after_a_functions_code_is_told_with_its_line_and_the_code_with_its_file(tmp_path: Path) -> None:
    resources = (
        "Role: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}\n"
        "Function:\n  Type: AWS::Lambda::Function\n  Properties:\n    Role: !GetAtt Role.Arn\n"
        "    Runtime: python3.13\n    Handler: index.handler\n    Code:\n      ZipFile: functions/it.py\n"
        "Bucket:\n  Type: AWS::S3::Bucket\n  Properties:\n    Versoning: x\n"
    )
    folder = make_product(tmp_path, template=template_with(resources=resources))
    (folder / "functions").mkdir()
    (folder / "functions" / "it.py").write_text("def handler(event, context):\n    return event\n")
    product = read_product(folder)
    number = product.template.split("Versoning")[0].count("\n") + 1
    assert template_faults(product)[-1] == (
        f"seed_code/churn/template.yaml, line {number}: "
        "Additional properties are not allowed ('Versoning' was unexpected) [E3002]"
    )
    code = product.render(product.environment).split("    return event")[0].count("\n") + 1
    assert product.place(code) == ("functions/it.py", 2)


NETWORK = 'Network: {VpcId: "", SubnetIds: "", SecurityGroupIds: ""}'


def product_with(tmp_path: Path, resources: str) -> Product:
    text = template_with(resources=resources).replace("    Names:", f"    {NETWORK}\n    Names:")
    return read_product(make_product(tmp_path, template=text))


def test_what_is_wrong_in_any_environment_is_told_once_with_its_line(tmp_path: Path) -> None:
    product = product_with(tmp_path, "Bucket:\n  Type: AWS::S3::Bucket\n  Properties:\n    Versoning: x\n")
    assert template_faults(product) == [
        "seed_code/churn/template.yaml, line 22: "
        "Additional properties are not allowed ('Versoning' was unexpected) [E3002]"
    ]


def test_what_is_wrong_in_some_environments_is_told_with_one_of_them(tmp_path: Path) -> None:
    group = "Group:\n  Type: AWS::EC2::SecurityGroup\n  Properties:\n    GroupDescription: x\n"
    product = product_with(tmp_path, f"{group}    VpcId: !FindInMap [Environment, Network, VpcId]\n")
    (fault,) = template_faults(product)
    assert fault.startswith("seed_code/churn/template.yaml, line 23: ")
    assert fault.endswith("[W1034] (in an environment without any)")


def test_a_template_that_asks_for_little_is_linted_once(tmp_path: Path) -> None:
    assert len(list(choices(read_product(make_product(tmp_path, template=TEMPLATE))))) == 1


def test_a_text_is_looked_at_once_and_again_where_anything_that_decides_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, looks, today = tmp_path / "kept", list[str](), datetime(2026, 11, 28, tzinfo=UTC)

    def look(text: str, _parameters: object) -> list[tuple[int, str]]:
        looks.append(text)
        return [(1, "found by a look")]

    monkeypatch.setattr(template_lint, "_KEPT", kept)
    monkeypatch.setattr(template_lint, "_look", look)
    monkeypatch.setattr(template_lint, "_now", lambda: today)
    monkeypatch.chdir(tmp_path)
    buckets = "Bucket: {Type: AWS::S3::Bucket}\n", "Other: {Type: AWS::S3::Bucket}\n"
    product, other = (product_with(tmp_path / bucket[:3], bucket) for bucket in buckets)

    def looks_of(one: Product) -> int:
        before = len(looks)
        (fault,) = template_faults(one)
        assert fault.endswith("found by a look")
        return len(looks) - before

    ways = len(list(choices(product)))
    assert [looks_of(one) for one in (product, product, other, product)] == [ways, 0, ways, 0]
    for file in kept.glob("*/*"):
        file.write_text("[")
    assert [looks_of(product) for _ in range(2)] == [ways, 0]
    today += timedelta(days=1)
    assert [looks_of(product) for _ in range(2)] == [ways, 0]
    assert [folder.name for folder in kept.iterdir()] == ["2026-11-29"]
    Path(".cfnlintrc").write_text("append_rules: [rules]\n")
    assert [looks_of(product) for _ in range(2)] == [ways, ways], "what such a file names may change, too"
    Path(".cfnlintrc").rename("no folder")
    monkeypatch.setattr(template_lint, "_KEPT", tmp_path / "no folder" / "kept")
    assert looks_of(product) == ways
