"""A template is checked before it is published, and filled in without a byte of it changing elsewhere."""

import re
import string
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from awsmodel.cloudformation.template import Template
from awsmodel.cloudformation.yaml_nodes import fields
from components.packaging import ProductFolderError, read_product
from components.packaging.template import ENVIRONMENT, committed_environment, filled, read_template
from tests.support.product_samples import (
    DESCRIPTION,
    TEMPLATE,
    faults_of,
    lines_of,
    make_product,
    product_with,
    template_with,
)

VALUES = {"Seed": {"Bucket": "seeds-eu", "Key": "churn/1.zip"}, "Names": {"Project": "acme"}}


def many(count: int, entry: str) -> str:
    return "".join(entry.format(n) for n in range(count))


ROLE = "R{0}: {{Type: AWS::IAM::Role}}\n"
FAULTS = {
    "not YAML": (
        TEMPLATE.replace("Properties:", "Properties"),
        ["template.yaml, line 16: is not YAML: while scanning a simple key, could not find expected ':'"],
    ),
    "tag without a value": (
        TEMPLATE.replace("!Sub ", "!<"),
        ["template.yaml, line 16: is not YAML: while scanning a tag, did not find the expected '>'"],
    ),
    "two documents": (
        f"{TEMPLATE}---\nResources: {{}}\n",
        ["template.yaml, line 18: is not YAML: expected a single document in the stream, but found another document"],
    ),
    "key twice": (
        template_with(resources="Repository: {Type: AWS::IAM::Role}\n"),
        ["template.yaml, line 18: key 'Repository' is already in line 13; keep one of them"],
    ),
    "parameter missing": (
        TEMPLATE.replace("  SageMakerProjectId: {Type: String, MaxLength: 20}\n", "").replace(
            "${SageMakerProjectId}", "x"
        ),
        ["template.yaml: Parameters: has no SageMakerProjectId, which SageMaker fills in"],
    ),
    "parameter misspelt": (
        TEMPLATE.replace("SageMakerProjectId: {", "SagemakerProjectId: {").replace("${SageMakerProjectId}", "x"),
        [
            "template.yaml: Parameters: has no SageMakerProjectId, which SageMaker fills in"
            "; did you mean 'SagemakerProjectId'?"
        ],
    ),
    "no resources": (
        TEMPLATE.partition("Resources:")[0] + "Resources: {}\n",
        ["template.yaml, line 12: Resources: is missing or empty"],
    ),
    "no section of resources": (
        TEMPLATE.partition("Resources:")[0],
        ["template.yaml: Resources: is missing or empty"],
    ),
    "account id": (
        TEMPLATE + "    # in 111122223333\n",
        ["template.yaml, line 18: 111122223333 looks like an account id; use ${AWS::AccountId} or a parameter "
            "(if it is meant, name account 111122223333 under exceptions in product.yaml)"
        ],
    ),
    "ARN": (
        template_with(resources="Role: {Type: AWS::IAM::Role, Path: 'arn:aws:iam::x'}\n"),
        ["template.yaml, line 18: 'arn:aws:' holds in one partition only; write arn:${AWS::Partition}: "
            "(if it is meant, name partition aws under exceptions in product.yaml)"
        ],
    ),
    "ARN of another partition": (
        template_with(resources="Role: {Type: AWS::IAM::Role, Path: 'arn:aws-us-gov:iam::x'}\n"),
        ["template.yaml, line 18: 'arn:aws-us-gov:' holds in one partition only; write arn:${AWS::Partition}: "
            "(if it is meant, name partition aws-us-gov under exceptions in product.yaml)"
        ],
    ),
    "too large": (
        TEMPLATE + "#" * (1_048_577 - len(TEMPLATE)),
        ["template.yaml: has 1,048,577 bytes; CloudFormation takes 1,048,576: 1 too many"],
    ),
    "resources": (
        template_with(resources=many(500, ROLE)),
        ["template.yaml, line 12: Resources: has 501 entries; CloudFormation takes 500"],
    ),
    "parameters": (
        template_with(parameters=many(199, "P{0}: {{Type: String}}\n")),
        ["template.yaml, line 2: Parameters: has 201 entries; CloudFormation takes 200"],
    ),
    "outputs": (
        TEMPLATE + "Outputs:\n" + many(201, "  O{0}: {{Value: x}}\n"),
        ["template.yaml, line 18: Outputs: has 201 entries; CloudFormation takes 200"],
    ),
    "mappings": (
        template_with(mappings=many(200, "M{0}: {{a: {{b: c}}}}\n")),
        ["template.yaml, line 6: Mappings: has 201 entries; CloudFormation takes 200"],
    ),
    "keys of a mapping": (
        template_with(mappings="M:\n" + many(201, "  k{0}: {{b: c}}\n")),
        ["template.yaml, line 11: Mappings.M: has 201 keys; CloudFormation takes 200"],
    ),
    "description": (
        f"Description: {'d' * 1025}\n{TEMPLATE}",
        ["template.yaml, line 1: Description: has 1,025 bytes; CloudFormation takes 1,024"],
    ),
    "environment value without a text": (
        TEMPLATE.replace("Project: sm-mlops", "Project:"),
        ['template.yaml, line 10: Mappings.Environment.Names.Project: must be a text on one line; write "" where it '
         "has no value yet"],
    ),
    "environment value that is a number": (
        TEMPLATE.replace("Project: sm-mlops", "Project: 7"),
        ['template.yaml, line 10: Mappings.Environment.Names.Project: must be a text on one line; write "" where it '
         "has no value yet"],
    ),
    "environment value in a block": (
        TEMPLATE.replace("Project: sm-mlops", "Project: |\n        sm-mlops"),
        ['template.yaml, line 10: Mappings.Environment.Names.Project: must be a text on one line; write "" where it '
         "has no value yet"],
    ),
    "environment key without names": (
        TEMPLATE.replace("      Project: sm-mlops\n", ""),
        ["template.yaml, line 9: Mappings.Environment.Names: must hold names with texts"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("template", "faults"), FAULTS.values(), ids=FAULTS)
def test_faults_of_the_template(tmp_path: Path, template: str, faults: list[str]) -> None:
    assert faults_of(make_product(tmp_path, template=template)) == faults


@pytest.mark.parametrize(
    "addition",
    [
        pytest.param("    # 1234567890123 has thirteen digits, a111122223333 and [0-9]{12} are no ids\n", id="numbers"),
        pytest.param("    # arn:${AWS::Partition}:iam::aws:policy/x, and Warn:aws:\n", id="ARNs"),
        pytest.param(
            "    # 763104351884.dkr.ecr.eu-west-1.amazonaws.com, arn:${P}:lambda:x:017000801446:layer:y\n", id="AWS"
        ),
        pytest.param("    # 3b7bbd7e-1e0c-4f3b-9c58-111122223333\n", id="UUID"),
        pytest.param("    # released 202611270830\n", id="moment"),
        pytest.param("#" * (1_048_576 - len(TEMPLATE)), id="size"),
    ],
)
def test_what_is_just_allowed_is_accepted(tmp_path: Path, addition: str) -> None:
    assert read_product(make_product(tmp_path, template=TEMPLATE + addition)).template == TEMPLATE + addition


def test_most_entries_that_are_allowed_are_accepted(tmp_path: Path) -> None:
    template = template_with(
        resources=many(499, ROLE),
        parameters=many(198, "P{0}: {{Type: String}}\n"),
        mappings=many(199, "M{0}: {{a: {{b: c}}}}\n"),
    )
    assert len(read_product(make_product(tmp_path, template=template)).parameters) == 200


def test_rendering_fills_the_mapping_and_nothing_else(tmp_path: Path) -> None:
    assert product_with(tmp_path).render(VALUES) == TEMPLATE.replace(
        """{Bucket: "", Key: ''}""", """{Bucket: "seeds-eu", Key: "churn/1.zip"}"""
    ).replace("Project: sm-mlops", 'Project: "acme"')


def test_rendering_with_the_committed_values_changes_nothing(tmp_path: Path) -> None:
    product = product_with(tmp_path)
    assert product.render(product.environment) == TEMPLATE


def test_rendering_does_not_depend_on_the_order_of_the_values(tmp_path: Path) -> None:
    product = product_with(tmp_path)
    backwards = {key: dict(reversed(values.items())) for key, values in reversed(VALUES.items())}
    assert product.render(backwards) == product.render(VALUES)


def test_a_template_that_needs_no_environment_is_rendered_as_it_is(tmp_path: Path) -> None:
    template = re.sub(r"Mappings:.*(?=Resources:)|      Code: .*\n", "", TEMPLATE, flags=re.DOTALL)
    product = read_product(make_product(tmp_path, description=f"{DESCRIPTION}seed: none\n", template=template))
    assert product.environment == {}
    assert product.render({}) == template


def test_values_must_be_exactly_those_that_the_template_declares(tmp_path: Path) -> None:
    given_values = {"Seed": {"Bucket": "b", "Keys": "k"}, "Network": {"VpcId": "vpc-0a1b2c3d"}}
    with pytest.raises(ProductFolderError) as raised:
        product_with(tmp_path).render(given_values)
    assert lines_of(raised.value, "churn") == [
        "template.yaml: a value is given for Network.VpcId, which Mappings.Environment lacks",
        "template.yaml: a value is given for Seed.Keys, which Mappings.Environment lacks; did you mean 'Seed.Key'?",
        "template.yaml: no value is given for Names.Project of Mappings.Environment",
        "template.yaml: no value is given for Seed.Key of Mappings.Environment; did you mean 'Seed.Keys'?",
    ]


def test_values_that_make_the_template_too_large_are_refused(tmp_path: Path) -> None:
    filler = "#" * (1_048_576 - len(TEMPLATE))
    product = read_product(make_product(tmp_path, template=TEMPLATE + filler))
    with pytest.raises(ProductFolderError) as raised:
        product.render({**VALUES, "Names": {"Project": "sm-mlops"}})
    assert lines_of(raised.value, "churn") == [
        "template.yaml: has 1,048,595 bytes when filled in; CloudFormation takes 1,048,576"
    ]


NAMES = st.text(string.ascii_letters, min_size=1, max_size=8)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
# What may stand around the values: comments and other characters, in any script and with either line end.
NOISE = st.text("abc:é\U0001f600 -\"'{}[]#", max_size=20)


@st.composite
def templates(draw: st.DrawFn) -> tuple[str, dict[str, dict[str, str]]]:
    """A template with values in every style in which one line of YAML can hold them, and new values for them."""
    values = draw(st.dictionaries(NAMES, st.dictionaries(NAMES, TEXTS, min_size=1, max_size=3), min_size=1, max_size=3))
    line_end = draw(st.sampled_from(["\n", "\r\n"]))
    styles = st.sampled_from(['""', "''", "plain", '"in double quotes"', "'é \U0001f600'", "two words", "!!str 7"])
    lines = [f"# {draw(NOISE)}", "Mappings:", f"  {ENVIRONMENT}:"]
    for key, inner in values.items():
        if draw(st.booleans()):
            entries = ", ".join(f"'{name}': {draw(styles)}" for name in inner)
            lines.append(f"    '{key}': {{{entries}}} # {draw(NOISE)}")
        else:
            lines.append(f"    '{key}':   # {draw(NOISE)}")
            lines += [f"      '{name}': {draw(styles)}  # {draw(NOISE)}" for name in inner]
    lines += ["Resources:", f"  R: !Sub {draw(NAMES)} # {draw(NOISE)}"]
    return line_end.join(lines), values


@given(templates())
def test_whatever_stands_around_the_values_stays_and_the_values_arrive(
    case: tuple[str, dict[str, dict[str, str]]],
) -> None:
    text, values = case
    written = filled(parsed(text), values)
    assert committed_environment(parsed(written)) == values
    assert len(written.splitlines()) == len(text.splitlines())
    assert outside(written) == outside(text), "something beside the values changed"


def parsed(text: str) -> Template:
    template = read_template(text, lambda _line, _reason: None)
    assert template is not None
    return template


def outside(text: str) -> list[str]:
    """What is left of a template without the values, found by the parser written in Python."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    inner = fields(fields(fields(root)["Mappings"])[ENVIRONMENT])
    spans = sorted(
        (node.start_mark.index, node.end_mark.index) for values in inner.values() for node in fields(values).values()
    )
    edges = [0, *(edge for span in spans for edge in span), len(text)]
    return [text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]


def test_accounts_and_partitions_can_be_meant(tmp_path: Path) -> None:
    template = TEMPLATE + "    # arn:aws:sns:eu-west-1:111122223333:x, 444455556666\n"
    meant = ["account 111122223333", "account 444455556666", "partition aws"]
    for missing in meant:
        named = ", ".join(name for name in meant if name != missing)
        folder = make_product(
            tmp_path / missing, template=template, description=f"{DESCRIPTION}exceptions: [{named}]\n"
        )
        (fault,) = faults_of(folder)
        assert f"(if it is meant, name {missing} under exceptions in product.yaml)" in fault
    description = f"{DESCRIPTION}exceptions: [{', '.join(meant)}]\n"
    assert read_product(make_product(tmp_path / "all", template=template, description=description)).slug


def test_an_account_in_an_arn_is_one_though_it_reads_as_a_moment(tmp_path: Path) -> None:
    template = TEMPLATE + "    # sns:eu-west-1:202611270830:x\n"
    (fault,) = faults_of(make_product(tmp_path, template=template))
    assert "202611270830 looks like an account id" in fault


WRONG_VALUES = {
    "branch of the repository": (
        "Other: {Type: AWS::CodeCommit::Repository, Properties: {Code: {BranchName: refs/heads/main}}}\n",
        "Other: Code.BranchName: 'refs/heads/main': give the name of the branch alone, without refs/heads/",
    ),
    "branch of a pipeline": (
        "P: {Type: AWS::CodePipeline::Pipeline, "
        "Properties: {Stages: [{Actions: [{Configuration: {BranchName: a..b}}]}]}}\n",
        "P: Stages.*.Actions.*.Configuration.BranchName: 'a..b': git takes no '..' in a branch's name",
    ),
    "tags of a role": (
        "R: {Type: AWS::IAM::Role, Properties: {Tags: [{Key: Owner, Value: a}, {Key: owner, Value: b}]}}\n",
        "R: tag 'owner' differs from 'Owner' in case only, and IAM takes the two for one; keep one of them (if it is "
        "meant, name tags R.Tags under exceptions in product.yaml)",
    ),
    "tags as keys": (
        "P: {Type: AWS::SSM::Parameter, Properties: {Tags: {Owner: a, OWNER: b}}}\n",
        "P: tag 'OWNER' differs from 'Owner' in case only, and IAM takes the two for one; keep one of them (if it is "
        "meant, name tags P.Tags under exceptions in product.yaml)",
    ),
}


@pytest.mark.parametrize(("resources", "reason"), WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_values_that_a_service_refuses_are_refused_before(tmp_path: Path, resources: str, reason: str) -> None:
    folder = make_product(tmp_path, template=template_with(resources=resources))
    assert faults_of(folder) == [f"template.yaml, line 18: {reason}"]


def test_a_repository_of_codecommit_does_not_end_in_git(tmp_path: Path) -> None:
    template = TEMPLATE.replace("-churn\n", "-churn.git\n")
    assert any(" has the form ^[a-zA-Z0-9._" in fault for fault in faults_of(make_product(tmp_path, template=template)))
