"""The contract of the AWS plugin is well-formed, speaks of real properties, and knows every registered type."""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from typing import get_args

import pulumi
import pulumi_aws
import pytest
from pulumi import _types as sdk
from pydantic import ValidationError

from tests.contract.rows import DATA, Call, Row, rows, upstream
from tests.support.recording import ROOT

# A type of the account or of the partition has no region.
GLOBAL_MODULES = {"iam", "budgets"}


@pytest.fixture(params=sorted(rows()))
def row(request: pytest.FixtureRequest) -> Row:
    return rows()[request.param]


def test_each_type_that_the_program_names_has_a_row() -> None:
    assert named_types() - set(rows()) == set(), "no row tells what the plugin does for these"


def test_a_type_without_a_row_is_told_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = "aws:kms/key:Key"
    others = {name: row for name, row in rows().items() if name != kind}
    monkeypatch.setattr(f"{__name__}.rows", lambda: others)
    with pytest.raises(AssertionError, match=kind):
        test_each_type_that_the_program_names_has_a_row()


def test_the_rows_are_of_the_plugin_that_the_program_runs_with() -> None:
    pinned = re.search(r'"pulumi-aws==([\d.]+)"', (ROOT / "pyproject.toml").read_text())
    assert pinned is not None
    assert upstream().plugin == f"pulumi-aws {pinned[1]}", "read the new release's sources, then say so"


def test_each_row_stands_in_the_file_of_its_module() -> None:
    for path in DATA.glob("*.yaml"):
        types = re.findall(r"^- type: aws:(\w+)/", path.read_text(), re.MULTILINE)
        assert set(types) == ({path.stem} if path.stem != "upstream" else set()), path.name


def test_a_row_has_no_key_that_nothing_reads() -> None:
    known = rows()["aws:kms/key:Key"].model_dump()
    with pytest.raises(ValidationError, match=r"replace\n.*Extra inputs"):
        Row.model_validate({**known, "replace": []})


def test_each_property_is_one_of_the_type(row: Row) -> None:
    """The names are checked against the SDK: a misspelt one would be compared with nothing."""
    kind = resource_class(row.type)
    inputs, outputs = input_names(args_class(kind)), set(sdk.resource_py_to_pulumi_names(kind).values())
    for call in all_calls(row):
        for path in (*call.given, *call.changed, *filter(None, [call.resource])):
            assert is_property(args_class(kind), path), f"{call.action}: {path}"
    for path in (*row.plan_checks, *row.filled_in):
        assert is_property(args_class(kind), path), path
    assert {*row.replaces, *row.never_read, *row.id_changes_with} <= inputs
    assert set(row.outputs) <= outputs - inputs
    assert row.parts_of_import_id <= {"id", *outputs}


def test_each_value_that_only_aws_says_is_among_the_outputs(row: Row) -> None:
    kind = resource_class(row.type)
    names = set(sdk.resource_py_to_pulumi_names(kind).values()) - input_names(args_class(kind)) - {"tagsAll"}
    assert set(row.outputs) == names


def test_what_replaces_is_no_update(row: Row) -> None:
    changed = {path for call in row.update for path in call.changed}
    assert not changed & set(row.replaces)
    assert not set(row.id_changes_with) & set(row.replaces)


def test_a_type_without_an_update_replaces_for_each_input(row: Row) -> None:
    inputs = input_names(args_class(resource_class(row.type))) - {"region"}
    if not row.update:
        assert set(row.replaces) == inputs


def test_a_region_is_said_where_there_is_one(row: Row) -> None:
    assert row.regional == ("region" in input_names(args_class(resource_class(row.type))))
    assert row.regional == (row.module not in GLOBAL_MODULES)


def test_tags_are_set_and_taken_away_where_the_type_has_them(row: Row) -> None:
    """By calls of their own, or within the type's own calls where AWS has no others."""
    within = {
        "aws:servicecatalog/portfolio:Portfolio",
        "aws:servicecatalog/product:Product",
        "aws:codebuild/project:Project",
    }
    tagged = "tags" in input_names(args_class(resource_class(row.type)))
    actions = [call.action for call in row.update if "tags" in call.changed]
    setting = [action for action in actions if re.search(r":(Tag|AddTags)", action)]
    removing = [action for action in actions if re.search(r":(Untag|RemoveTags)", action)]
    expected = 1 if tagged and row.type not in within else 0
    assert (len(setting), len(removing)) == (expected, expected)


def test_an_operation_ends_with_the_read_of_the_type() -> None:
    portfolio = rows()["aws:servicecatalog/portfolio:Portfolio"]
    assert [call.action for call in portfolio.calls("create")] == [
        "servicecatalog:CreatePortfolio",
        "servicecatalog:DescribePortfolio",
    ]
    assert [call.action for call in portfolio.calls("delete")] == ["servicecatalog:DeletePortfolio"]
    association = rows()["aws:servicecatalog/productPortfolioAssociation:ProductPortfolioAssociation"]
    assert association.calls("update") == (), "nothing to update"
    connection = rows()["aws:codeconnections/connection:Connection"]
    assert "codeconnections:ListTagsForResource" not in [call.action for call in connection.calls("create")]


def test_a_row_that_was_not_verified_says_why() -> None:
    known = rows()["aws:kms/key:Key"].model_dump()
    with pytest.raises(ValidationError, match="why_not"):
        Row.model_validate({**known, "verified": False})
    assert not Row.model_validate({**known, "verified": False, "why_not": "its file is not public"}).verified


def all_calls(row: Row) -> Iterator[Call]:
    yield from (*row.create, *row.read, *row.update, *row.delete, *row.import_calls)


@cache
def named_types() -> frozenset[str]:
    """The types of the classes of pulumi-aws that the program's source names as what it builds."""
    found = set()
    for path in (ROOT / "components").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Attribute(value=ast.Attribute(value=ast.Name(id="aws"), attr=module), attr=name):
                    kind = getattr(getattr(pulumi_aws, module), name)
                    if isinstance(kind, type) and issubclass(kind, pulumi.CustomResource):
                        found.add(str(getattr(kind, "pulumi_type")))  # noqa: B009 - mypy knows no such attribute
    return frozenset(found)


def resource_class(token: str) -> type[pulumi.CustomResource]:
    module, name = re.fullmatch(r"aws:(\w+)/\w+:(\w+)", token).groups()  # type: ignore[union-attr] # a row's pattern
    kind: type[pulumi.CustomResource] = getattr(getattr(pulumi_aws, module), name)
    return kind


def args_class(kind: type[pulumi.CustomResource]) -> type:
    """The inputs as a class; a block of the same name pushes its usual name aside."""
    module = sys.modules[kind.__module__]
    args: type = getattr(module, f"{kind.__name__}InitArgs", None) or getattr(module, f"{kind.__name__}Args")
    return args


def input_names(args: type) -> set[str]:
    return set(sdk.input_type_py_to_pulumi_names(args).values())


def is_property(args: type, path: str) -> bool:
    """Whether a path leads to an input; what a map holds is free."""
    head, _, rest = path.partition(".")
    names: Mapping[str, object] = sdk.input_type_types(args)
    if head not in names:
        return False
    if not rest:
        return True
    blocks = [kind for kind in _within(names[head]) if isinstance(kind, type) and sdk.is_input_type(kind)]
    return any(is_property(block, rest) for block in blocks) if blocks else True


def _within(hint: object) -> Iterator[object]:
    yield hint
    for argument in get_args(hint):
        yield from _within(argument)
