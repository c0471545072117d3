"""ARNs have the forms of AWS's service authorization reference, and no other module spells one."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from awsmodel.arns import ANY, ArnScope
from awsmodel.regions import known_regions
from tests.support.recording import ROOT

SCOPE = ArnScope.of(known_regions()["cn-north-1"], "111122223333")
FORMS = {
    "arn:aws-cn:iam::111122223333:root": SCOPE.root(),
    "arn:aws-cn:iam::111122223333:role/a": SCOPE.role("a"),
    "arn:aws-cn:iam::111122223333:role/team/a": SCOPE.role("a", "/team/"),
    "arn:aws-cn:iam::111122223333:role/aws-service-role/x.amazonaws.com/a": SCOPE.service_linked_role(
        "x.amazonaws.com/a"
    ),
    "arn:aws-cn:iam::111122223333:policy/a": SCOPE.policy("a"),
    "arn:aws-cn:iam::aws:policy/a": SCOPE.of_account("aws").policy("a"),
    "arn:aws-cn:iam::111122223333:group/*": SCOPE.identity("group", ANY),
    "arn:aws-cn:s3:::a": SCOPE.bucket("a"),
    "arn:aws-cn:s3:::a/b/c": SCOPE.object("a", "b/c"),
    "arn:aws-cn:budgets::111122223333:budget/a": SCOPE.budget("a"),
    "arn:aws-cn:sns:cn-north-1:111122223333:a": SCOPE.topic("a"),
    "arn:aws-cn:kms:cn-north-1:111122223333:key/a": SCOPE.key("a"),
    "arn:aws-cn:codepipeline:cn-north-1:111122223333:a": SCOPE.pipeline("a"),
    "arn:aws-cn:codebuild:cn-north-1:111122223333:project/a": SCOPE.build_project("a"),
    "arn:aws-cn:codebuild:cn-north-1:111122223333:report-group/a": SCOPE.report_group("a"),
    "arn:aws-cn:codecommit:cn-north-1:111122223333:a": SCOPE.repository("a"),
    "arn:aws-cn:events:cn-north-1:111122223333:rule/a": SCOPE.rule("a"),
    "arn:aws-cn:cloudwatch:cn-north-1:111122223333:alarm:a": SCOPE.alarm("a"),
    "arn:aws-cn:lambda:cn-north-1:111122223333:function:a": SCOPE.function("a"),
    "arn:aws-cn:logs:cn-north-1:111122223333:log-group:a": SCOPE.log_group("a"),
    "arn:aws-cn:cloudformation:cn-north-1:111122223333:stack/a/*": SCOPE.stack("a"),
    "arn:aws-cn:cloudformation:cn-north-1::type/resource/*": SCOPE.resource_types(),
    "arn:aws-cn:ec2:cn-north-1:111122223333:network-interface/a": SCOPE.network_interface("a"),
    "arn:aws-cn:ec2:cn-north-1:*:subnet/a": SCOPE.of_account(ANY).subnet("a"),
    "arn:aws-cn:ec2:*:111122223333:security-group/a": SCOPE.in_region(ANY).security_group("a"),
    "arn:aws-cn:sagemaker:cn-north-1:111122223333:model/a": SCOPE.form(
        "sagemaker:{region}:{account}:model/{name}", name="a"
    ),
}

WRITTEN = re.compile(r"\barn:(\{\}|aws[a-z-]*):(?!')")
"""The beginning of an ARN that is put together, or that holds in one partition; in quotes it is told to a person."""


@pytest.mark.parametrize(("arn", "made"), FORMS.items(), ids=FORMS)
def test_an_arn_has_the_form_that_aws_gives_it(arn: str, made: str) -> None:
    assert made == arn


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Texts of a module but its docstrings and patterns, each with its line; `{}` stands for a value."""
    for node in ast.walk(tree):
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if docstring or (isinstance(node, ast.Call) and ast.unparse(node.func) == "re.compile"):
            for part in ast.walk(node):
                if isinstance(part, ast.Constant):
                    part.value = ""
        elif isinstance(node, ast.JoinedStr):
            parts = (str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
            yield node.lineno, "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def modules() -> Iterator[Path]:
    yield ROOT / "__main__.py"
    for folder in ("components", "settings", "tools"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def test_no_other_module_spells_an_arn() -> None:
    spelt = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in modules()
        for line, text in texts(ast.parse(path.read_text(encoding="utf-8")))
        if WRITTEN.search(text)
    ]
    assert spelt == []


def test_the_search_finds_what_it_looks_for() -> None:
    found = 'X = f"arn:{partition}:s3:::x"\nY = "arn:aws:s3:::y"\n'
    left = '"""Of `arn:aws:s3:::z`."""\nZ = re.compile("arn:aws:.*")\n'
    assert [line for line, text in texts(ast.parse(found + left)) if WRITTEN.search(text)] == [1, 2]
