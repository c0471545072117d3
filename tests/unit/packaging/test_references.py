"""A template leads nowhere: whoever wrote it is told the line and what was probably meant, before it is published."""

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from awsmodel.cloudformation.template import Template
from components.packaging import ProductFolderError, read_product, seed_code
from components.packaging.exceptions import Exceptions
from components.packaging.resource_types import FILE, resource_type
from components.packaging.template import ENVIRONMENT, ENVIRONMENT_VALUES, read_template
from components.packaging.template_references import check_references
from tests.seed_code.product_templates import PRODUCTS
from tests.support.product_samples import DESCRIPTION, TEMPLATE, faults_of, make_product, template_with

PARAMETERS = "Stage: {Type: String, AllowedValues: [dev, prod]}\nBucketName: {Type: String, MaxLength: 20}\n"
MAPPINGS = "Sizes:\n  dev: {Size: small, Days: '1'}\n  prod: {Size: large}\n"
BUCKET = "Bucket: {Type: AWS::S3::Bucket}\n"


def template(value: str, *, conditions: str = "HasStage: !Equals [!Ref Stage, dev]", more: str = "") -> str:
    """A template with a value in line 24, where anything may stand."""
    resources = f"Role:\n  Type: AWS::IAM::Role\n  Metadata:\n    Value: {value}\n{BUCKET}{more}"
    text = template_with(resources=resources, parameters=PARAMETERS, mappings=MAPPINGS)
    return f"{text}Conditions:\n  {conditions}\n"


VALUE_LINE = template("HERE").split("HERE")[0].count("\n") + 1
NOWHERE = {
    "parameter": ("!Ref Stag", "Ref: no parameter or resource is called 'Stag'; did you mean 'Stage'?"),
    "resource": ("!Ref Buket", "Ref: no parameter or resource is called 'Buket'; did you mean 'Bucket'?"),
    "long form": ("{Ref: Buket}", "Ref: no parameter or resource is called 'Buket'; did you mean 'Bucket'?"),
    "pseudo parameter": (
        "!Ref AWS::AcountId",
        "Ref: no parameter or resource is called 'AWS::AcountId'; did you mean 'AWS::AccountId'?",
    ),
    "nothing near": ("!Ref Queue", "Ref: no parameter or resource is called 'Queue'"),
    "variable": ("!Sub 'a-${Stag}'", "Fn::Sub: no parameter or resource is called 'Stag'; did you mean 'Stage'?"),
    "variable beside own ones": (
        "!Sub ['${Own}-${Stag}', {Own: x}]",
        "Fn::Sub: no parameter or resource is called 'Stag'; did you mean 'Stage'?",
    ),
    "value of an own variable": (
        "!Sub ['${Own}', {Own: !Ref Stag}]",
        "Ref: no parameter or resource is called 'Stag'; did you mean 'Stage'?",
    ),
    "attribute of nothing": (
        "!GetAtt Buket.Arn",
        "Fn::GetAtt: no resource is called 'Buket'; did you mean 'Bucket'?",
    ),
    "attribute of a parameter": ("!Sub '${Stage.Arn}'", "Fn::Sub: no resource is called 'Stage'"),
    "attribute": (
        "!GetAtt Role.Arm",
        "Fn::GetAtt: AWS::IAM::Role has no attribute 'Arm'; did you mean 'Arn'? (allowed: Arn, RoleId) "
        "(if it is meant, name Role.Arm under exceptions in product.yaml)",
    ),
    "attribute in a list": (
        "!GetAtt [Role, Name]",
        "Fn::GetAtt: AWS::IAM::Role has no attribute 'Name' (allowed: Arn, RoleId) "
        "(if it is meant, name Role.Name under exceptions in product.yaml)",
    ),
    "attribute in a variable": (
        "!Sub '${Role.RoleID}'",
        "Fn::Sub: AWS::IAM::Role has no attribute 'RoleID'; did you mean 'RoleId'? (allowed: Arn, RoleId) "
        "(if it is meant, name Role.RoleID under exceptions in product.yaml)",
    ),
    "mapping": (
        "!FindInMap [Size, dev, Size]",
        "Fn::FindInMap: no mapping is called 'Size'; did you mean 'Sizes'?",
    ),
    "first key": (
        "!FindInMap [Sizes, pord, Size]",
        "Fn::FindInMap: Mappings.Sizes has no key 'pord'; did you mean 'prod'? (allowed: dev, prod)",
    ),
    "second key": (
        "!FindInMap [Sizes, dev, Sise]",
        "Fn::FindInMap: Mappings.Sizes.dev has no key 'Sise'; did you mean 'Size'? (allowed: Size, Days)",
    ),
    "second key of one of the values": (
        "!FindInMap [Sizes, !Ref Stage, Days]",
        "Fn::FindInMap: Mappings.Sizes.prod has no key 'Days' (allowed: Size)",
    ),
    "second key wherever": (
        "!FindInMap [Sizes, !Ref AWS::Region, Sise]",
        "Fn::FindInMap: Mappings.Sizes has no key 'Sise'; did you mean 'Size'? (allowed: Size, Days)",
    ),
    "key of the environment": (
        "!FindInMap [Environment, Seed, Buckt]",
        "Fn::FindInMap: Mappings.Environment.Seed has no key 'Buckt'; did you mean 'Bucket'? (allowed: Bucket, Key)",
    ),
    "key that an environment has": (
        "!FindInMap [Environment, Names, Environment]",
        "Fn::FindInMap: Mappings.Environment.Names does not ask for Environment; add Environment: \"\" there",
    ),
    "half of a look-up": ("!FindInMap [Sizes, dev]", "Fn::FindInMap takes a mapping and two keys, not 2 parts"),
    "condition": ("!If [HasStag, a, b]", "Fn::If: no condition is called 'HasStag'; did you mean 'HasStage'?"),
    "function": ("!Fnd [a]", "Fn::Fnd is no function of CloudFormation; did you mean 'Fn::And'?"),
    "function in long form": (
        "{'Fn::FindInMapp': [a, b, c]}",
        "Fn::FindInMapp is no function of CloudFormation; did you mean 'Fn::FindInMap'?",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("value", "fault"), NOWHERE.values(), ids=NOWHERE)
def test_what_leads_nowhere_is_refused_with_its_line_and_what_is_meant(tmp_path: Path, value: str, fault: str) -> None:
    assert faults_of(make_product(tmp_path, template=template(value))) == [f"template.yaml, line {VALUE_LINE}: {fault}"]


GOOD = (
    *("!Ref Stage", "!Ref Bucket", "!Ref AWS::StackName", "{'Fn::Sub': '${Stage} ${!Nothing} ${Bucket.Arn}'}"),
    *("!GetAtt [Bucket, Arn]", "!GetAtt [Bucket, !Ref Stage]", "!If [HasStage, !Ref Bucket, !Ref AWS::NoValue]"),
    *("!FindInMap [Sizes, !Ref Stage, Size]", "!FindInMap [Sizes, !Ref AWS::Region, Days]"),
    *("!FindInMap [Sizes, dev, Sise, {DefaultValue: x}]", "!Sub ['${Own}', {Own: !Ref Stage}]"),
    "!Select [0, !GetAZs '']",
)


@pytest.mark.parametrize("value", GOOD)
def test_what_leads_somewhere_is_accepted(tmp_path: Path, value: str) -> None:
    read_product(make_product(tmp_path, template=template(value)))


RESOURCES = {
    "condition of a resource": ("Thing: {Type: AWS::S3::Bucket, Condition: HasStag}", "Condition: no condition is "
                                "called 'HasStag'; did you mean 'HasStage'?"),
    "order": ("Thing: {Type: AWS::S3::Bucket, DependsOn: Buket}", "DependsOn: no resource is called 'Buket'; did you "
              "mean 'Bucket'?"),
    "order of several": ("Thing: {Type: AWS::S3::Bucket, DependsOn: [Role, Buket]}", "DependsOn: no resource is called "
                         "'Buket'; did you mean 'Bucket'?"),
    "no type": ("Thing: {Properties: {}}", "Thing: has no Type"),
    "type": ("Thing: {Type: AWS::S3::Buckets}", "Thing: CloudFormation has no resource type 'AWS::S3::Buckets'; did "
             "you mean 'AWS::S3::Bucket'? (if it is meant, name AWS::S3::Buckets under exceptions in product.yaml)"),
}  # fmt: skip


@pytest.mark.parametrize(("resource", "fault"), RESOURCES.values(), ids=RESOURCES)
def test_a_resource_depends_on_what_there_is(tmp_path: Path, resource: str, fault: str) -> None:
    text = template("x", more=f"{resource}\n")
    place = text[: text.index("Thing:")].count("\n") + 1
    assert faults_of(make_product(tmp_path, template=text)) == [f"template.yaml, line {place}: {fault}"]


CONDITIONS = {
    "parameter": ("!Equals [!Ref Stag, dev]", "Ref: no parameter or resource is called 'Stag'; did you mean 'Stage'?"),
    "resource": ("!Equals [!Ref Role, dev]", "Ref: Conditions are decided before the resource 'Role' is made"),
    "attribute": (
        "!Equals [!GetAtt Role.Arn, dev]",
        "Fn::GetAtt: Conditions are decided before the resource 'Role' is made",
    ),
    "condition": ("!Not [!Condition HasStag]", "Condition: no condition is called 'HasStag'; did you mean 'HasStage'?"),
    "condition in long form": (
        "!Not [{Condition: HasStag}]",
        "Condition: no condition is called 'HasStag'; did you mean 'HasStage'?",
    ),
}


@pytest.mark.parametrize(("condition", "fault"), CONDITIONS.values(), ids=CONDITIONS)
def test_a_condition_asks_for_what_is_known_before_a_launch(tmp_path: Path, condition: str, fault: str) -> None:
    text = template("x", conditions=f"HasStage: !Equals [!Ref Stage, dev]\n  Other: {condition}")
    place = text[: text.index("Other:")].count("\n") + 1
    assert faults_of(make_product(tmp_path, template=text)) == [f"template.yaml, line {place}: {fault}"]


def test_an_output_is_of_what_there_is(tmp_path: Path) -> None:
    text = template("x") + "Outputs:\n  Role:\n    Condition: HasStag\n    Value: !GetAtt Role.Arn\n"
    assert faults_of(make_product(tmp_path, template=text)) == [
        f"template.yaml, line {text.count(chr(10)) - 1}: Condition: no condition is called 'HasStag'; "
        "did you mean 'HasStage'?"
    ]


def test_the_line_within_a_text_over_several_is_that_of_the_variable(tmp_path: Path) -> None:
    text = template("!Sub |\n        first ${Stage}\n        second ${Stag}")
    (fault,) = faults_of(make_product(tmp_path, template=text))
    assert fault.startswith(f"template.yaml, line {VALUE_LINE + 2}: Fn::Sub: no parameter or resource is called 'Stag'")


def test_all_that_leads_nowhere_is_told_at_once(tmp_path: Path) -> None:
    text = template("!If [HasStag, !Ref Buket, !GetAtt Role.Arm]", more="Thing: {Type: AWS::S3::Bukket}\n")
    assert len(faults_of(make_product(tmp_path, template=text))) == 4


def test_the_environment_is_asked_for_what_it_has(tmp_path: Path) -> None:
    text = TEMPLATE.replace("      Project: sm-mlops", "      Projct: sm-mlops\n    Netwerk: {VpcId: ''}")
    assert faults_of(make_product(tmp_path, template=text)) == [
        "template.yaml, line 10: Mappings.Environment.Names.Projct: no environment has it; did you mean 'Project'? "
        "(allowed: Project, Environment)",
        "template.yaml, line 11: Mappings.Environment.Netwerk: no environment has it; did you mean 'Network'? "
        "(allowed: Names, Seed, Source, Encryption, Roles, Network, Notifications)",
    ]


# Names ----------------------------------------------------------------------------------------------------------------


def bucket_named(name: str, kind: str = "AWS::S3::Bucket", key: str = "BucketName") -> str:
    return template("x", more=f"Data:\n  Type: {kind}\n  Properties:\n    {key}: {name}\n")


ONE_FOR_ALL = ("churn-data", "!Sub 'churn-${AWS::AccountId}-${Stage}'", "!Join ['-', [churn, !Ref AWS::Region]]",
               "!If [HasStage, !Ref SageMakerProjectId, churn]",
               "!FindInMap [Environment, Names, Project]")  # fmt: skip


@pytest.mark.parametrize("name", ONE_FOR_ALL)
def test_a_name_that_two_projects_would_fight_over_is_refused(tmp_path: Path, name: str) -> None:
    text = bucket_named(name)
    place = text[: text.index("BucketName:", text.index("Data:"))].count("\n") + 1
    assert faults_of(make_product(tmp_path, template=text)) == [
        f"template.yaml, line {place}: Data.BucketName: two projects would fight over it: it is the same in both, and "
        "one account and region has one AWS::S3::Bucket of it; make SageMakerProjectId, SageMakerProjectName or "
        "AWS::StackName a part of it (if it is meant, name Data.BucketName under exceptions in product.yaml)"
    ]


@pytest.mark.parametrize(
    "name",
    [
        *("!Sub 'churn-${SageMakerProjectId}'", "!Join ['-', [churn, !Ref SageMakerProjectId]]", "!Ref BucketName"),
        *("!Sub ['churn-${Id}', {Id: !Select [2, !Split ['/', !Ref AWS::StackId]]}]",),
        *("!If [HasStage, !Ref SageMakerProjectId, !Ref AWS::NoValue]",),
    ],
)
def test_a_name_with_a_part_of_the_project_is_accepted(tmp_path: Path, name: str) -> None:
    text = bucket_named(name)
    assert [fault for fault in lenient(tmp_path, text) if "fight" in fault] == []


def test_a_name_is_looked_at_whatever_the_type_calls_it(tmp_path: Path) -> None:
    for kind, key in (
        ("AWS::CodePipeline::Pipeline", "Name"),
        ("AWS::Events::Rule", "Name"),
        ("AWS::ECS::Cluster", "ClusterName"),
    ):
        (fault,) = lenient(tmp_path / kind.replace("::", "-"), bucket_named("churn", kind, key))
        assert f"one {kind} of it" in fault


def test_a_name_within_another_thing_may_be_the_same(tmp_path: Path) -> None:
    text = bucket_named("churn", "AWS::IAM::Policy", "PolicyName")
    assert lenient(tmp_path, text) == []


def lenient(folder: Path, text: str) -> list[str]:
    """The faults of a template; none where there are none."""
    try:
        read_product(make_product(folder, template=text))
    except ProductFolderError as error:
        return [str(fault) for fault in error.faults]
    return []


# What is meant --------------------------------------------------------------------------------------------------------


def test_what_looks_like_a_mistake_and_is_none_is_named_in_the_description(tmp_path: Path) -> None:
    text = template("!GetAtt Role.New", more="Thing: {Type: AWS::New::Thing}\n")
    text = text.replace(BUCKET.strip(), "Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: churn}}")
    named = f"{DESCRIPTION}exceptions: [Role.New, AWS::New::Thing, Bucket.BucketName]\n"
    read_product(make_product(tmp_path, description=named, template=text))
    assert len(faults_of(make_product(tmp_path / "untold", template=text))) == 3


def test_an_exception_that_nothing_needs_is_refused(tmp_path: Path) -> None:
    assert faults_of(make_product(tmp_path, description=f"{DESCRIPTION}exceptions: [Role.New]\n")) == [
        "product.yaml: exceptions: nothing needs 'Role.New'; take it out"
    ]


# Seed code ------------------------------------------------------------------------------------------------------------

UNUSED = TEMPLATE.replace("Bucket: !FindInMap [Environment, Seed, Bucket]", "Bucket: x")


def test_a_repository_that_no_project_gets_is_refused(tmp_path: Path) -> None:
    assert faults_of(make_product(tmp_path, template=UNUSED)) == [
        "template.yaml, line 7: no project gets the files of repository/: nothing asks for Seed.Bucket of "
        "Mappings.Environment; give an AWS::CodeCommit::Repository both as Code.S3, or write `seed: none` in "
        "product.yaml"
    ]


def test_a_repository_that_no_project_gets_may_be_meant(tmp_path: Path) -> None:
    described = f"{DESCRIPTION}seed: none\n"
    folder = make_product(tmp_path, description=described, template=UNUSED)
    assert [file.path for file in read_product(folder).files] == ["README.md", "src/train.py"]
    shutil.rmtree(folder / "repository")
    alone = read_product(folder)
    assert (alone.files, bool(alone.seed_zip())) == ((), True)
    assert faults_of(make_product(tmp_path / "used", description=described)) == [
        "template.yaml, line 7: product.yaml says `seed: none`, but a resource takes the files of repository/"
    ]
    assert faults_of(make_product(tmp_path / "other", description=f"{DESCRIPTION}seed: all\n", template=TEMPLATE))[
        0
    ].startswith("product.yaml, line 9: seed: can only be none; leave it out where a project gets repository/")


# Macros ---------------------------------------------------------------------------------------------------------------

MACROS = {
    "transform": ("Transform: AWS::Serverless-2016-10-31\n", ""),
    "transforms": ("Transform: [AWS::LanguageExtensions, Own]\n", ""),
    "transform with parameters": ("Transform: {Name: AWS::Include, Parameters: {Location: x}}\n", ""),
    "include among the resources": ("", "'Fn::Transform': {Name: AWS::Include, Parameters: {Location: x}}\n"),
    "loop": ("Transform: AWS::LanguageExtensions\n", "'Fn::ForEach::All': [One, [a], {'T${One}': {Type: X}}]\n"),
    "module": ("", "Part: {Type: Own::Part::Of::MODULE}\n"),
}


@pytest.mark.parametrize(("top", "resource"), MACROS.values(), ids=MACROS)
def test_what_a_macro_may_add_is_not_refused_and_told_as_not_known(tmp_path: Path, top: str, resource: str) -> None:
    text = top + template("!GetAtt Unseen.Arn", more=resource)
    notes = [str(note) for note in read_product(make_product(tmp_path, template=text)).notes]
    assert len(notes) == 1
    assert re.fullmatch(
        r"template\.yaml, line \d+: what .+ is known to CloudFormation only; names that may lead there are not checked",
        notes[0],
    )


def test_a_transform_that_adds_no_names_leaves_all_checks(tmp_path: Path) -> None:
    text = "Transform: AWS::LanguageExtensions\n" + template("!GetAtt Unseen.Arn")
    assert "no resource is called 'Unseen'" in faults_of(make_product(tmp_path, template=text))[0]


def test_a_loop_hands_its_element_to_what_is_in_it(tmp_path: Path) -> None:
    loop = "'Fn::ForEach::All': [One, [a], {'T${One}': {Type: AWS::S3::Bucket, Properties: {X: !Ref One}}}]\n"
    text = "Transform: AWS::LanguageExtensions\n" + template("x", more=loop)
    assert lenient(tmp_path, text) == []


def test_a_type_of_somebody_else_is_told_as_not_checked(tmp_path: Path) -> None:
    text = template("!GetAtt Monitor.Anything", more="Monitor: {Type: Datadog::Monitors::Monitor}\n")
    (note,) = read_product(make_product(tmp_path, template=text)).notes
    assert (
        note.reason
        == "Monitor: Datadog::Monitors::Monitor is not a type of AWS; its name and attributes are not checked"
    )


def test_a_custom_resource_and_a_nested_stack_have_the_attributes_that_somebody_gives_them(tmp_path: Path) -> None:
    more = "Custom: {Type: Custom::Thing}\nInner: {Type: AWS::CloudFormation::Stack}\n"
    assert lenient(tmp_path, template("!Sub '${Custom.Any} ${Inner.Outputs.Any}'", more=more)) == []


# The shipped templates ------------------------------------------------------------------------------------------------


def misspelt(root: yaml.Node) -> Iterator[list[tuple[int, str]]]:
    """Misspells each name that leads somewhere, many at a time; their lines and the names as they then stand.

    None of them hides another: of a text and of a list one is misspelt at a time, and types are before the rest.
    """
    rounds: dict[tuple[int, int], list[tuple[yaml.ScalarNode, re.Match[str], int]]] = {}
    counts: Counter[int] = Counter()
    for node, pattern, place, number in names(root):
        for match in re.finditer(pattern, node.value):
            turn = -1 if node.value.startswith("AWS::") and pattern is WHOLE else counts[id(node)]
            rounds.setdefault((number, turn), []).append((node, match, place))
            counts[id(node)] += 1
    for together in rounds.values():
        found = []
        for node, match, place in together:
            node.value = f"{match.string[: match.end(1)]}Zz{match.string[match.end(1) :]}"
            # A literal block keeps its lines, and begins on the one below its mark.
            below = 1 + match.string.count("\n", 0, match.start()) if node.style == "|" else 0
            found.append((place + below, match[1] + "Zz"))
        yield found
        for node, match, _ in together:
            node.value = match.string


WHOLE, FIRST_PART, SECOND_PART = r"^([\w:]+)$", r"^(\w+)\.", r"^\w+\.([\w.]+)$"
IN_TEXT, ATTRIBUTE_IN_TEXT = r"\$\{([\w:]+)[.}]", r"\$\{\w+\.([\w.]+)\}"


def names(node: yaml.Node, keys: tuple[str, ...] = ()) -> Iterator[tuple[yaml.ScalarNode, str, int, int]]:
    """Scalars of a template that hold such names: with a pattern for the name in it, its line, its place in a list."""
    place = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        # What a custom resource's function gives, nobody else knows.
        attribute = [FIRST_PART] if node.value.startswith("FirstPush.") else [FIRST_PART, SECOND_PART]
        patterns = {"!Ref": [WHOLE], "!GetAtt": attribute, "!Sub": [IN_TEXT, ATTRIBUTE_IN_TEXT]}
        by_key = [WHOLE] if keys[-1:] in [("Condition",), ("DependsOn",)] and len(keys) == 3 else []
        by_type = [WHOLE] if len(keys) == 3 and keys[-1] == "Type" and node.value.startswith("AWS::") else []
        for pattern in patterns.get(node.tag, [*by_key, *by_type] if keys[:1] != ("Parameters",) else []):
            yield node, pattern, place, 0
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            leads = node.tag == "!FindInMap" or (node.tag == "!If" and number == 0)
            text = node.tag == "!Sub" and number == 0
            if (leads or text) and isinstance(item, yaml.ScalarNode) and item.tag.startswith("tag:"):
                yield item, IN_TEXT_OF_OTHERS if text else WHOLE, item.start_mark.line + 1, number
            else:
                yield from names(item, keys)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from names(value, (*keys, key.value))


IN_TEXT_OF_OTHERS = r"\$\{(AWS::\w+|SageMakerProject\w+)[.}]"
"""Variables that the shipped templates do not bring with the text."""


def faults(template: Template) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    check_references(template, lambda line, reason: found.append((line, reason)), Exceptions())
    return found


@pytest.mark.parametrize("product", PRODUCTS)
def test_each_name_of_a_shipped_template_misspelt_is_refused_with_its_line(product: str) -> None:
    parsed = read_template(seed_code.product(product).template, lambda line, reason: pytest.fail(f"{line}: {reason}"))
    assert parsed is not None
    assert faults(parsed) == []
    count = 0
    for together in misspelt(parsed.root):
        found = faults(parsed)
        for (place, wrong), times in Counter(together).items():
            told = [reason for line, reason in found if line == place and wrong in reason]
            assert len(told) >= times, f"line {place}: {wrong} was accepted"
        count += len(together)
    assert count >= parsed.text.count("!Ref ") + 3 * parsed.text.count("!FindInMap ")


@pytest.mark.parametrize("product", PRODUCTS)
def test_each_name_of_a_shipped_template_made_the_same_for_all_is_refused(product: str) -> None:
    parsed = read_template(seed_code.product(product).template, lambda line, reason: pytest.fail(f"{line}: {reason}"))
    assert parsed is not None
    named = re.findall(r"^      (\w*Name): !Sub .*\$\{SageMakerProject", parsed.text, re.MULTILINE)
    text = re.sub(r"^(      \w*Name: )!Sub .*\$\{SageMakerProject.*", r"\1one-for-all", parsed.text, flags=re.MULTILINE)
    same = read_template(text, lambda line, reason: pytest.fail(f"{line}: {reason}"))
    assert same is not None
    fights = [reason for _, reason in faults(same) if "fight" in reason]
    assert len(fights) == len(named) >= 10


# What is known --------------------------------------------------------------------------------------------------------


def test_the_resource_types_are_those_of_the_pinned_schemas() -> None:
    from tests.resource_types import described  # noqa: PLC0415 - loads cfn-lint, for which no other test need wait

    assert FILE.read_text() == described(), "run `make resource-types`"


def test_the_resource_types_are_small_enough_to_read_in_every_preview() -> None:
    assert FILE.stat().st_size < 200_000
    bucket = resource_type("AWS::S3::Bucket")
    assert bucket is not None
    assert bucket.identity == ["BucketName"]


def test_every_value_of_the_environment_has_its_meaning() -> None:
    assert ENVIRONMENT == "Environment"
    for group, keys in ENVIRONMENT_VALUES.items():
        assert keys, group
        assert all(meaning.endswith(".") for meaning in keys.values())
