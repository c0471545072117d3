"""No name that a template gives can become too long for AWS, whatever a data scientist calls the project."""

import re
from pathlib import Path

import pytest
from botocore.loaders import Loader

from awsmodel.cloudformation.name_limits import FILE, NAMED_BY_REF, name_rules
from components.packaging import ProductFolderError, read_product
from components.packaging.name_lengths import MAX_PROJECT_ID_LENGTH, PROJECT_ID_LENGTH
from tests.support.product_samples import DESCRIPTION, lines_of, make_product, product_with, template_with
from tests.support.product_samples import faults_of as all_faults_of

# A name of a test need not be another in each project, nor lead somewhere.
ABOUT_LENGTHS = re.compile(r" takes \d+ characters")
PROJECT = "SageMakerProjectNameSageMakerPro"
ID = "SageMakerProje"
UUID = "00000000-0000-0000-0000-000000000000"
PARAMETERS = """\
Stage: {Type: String, AllowedValues: [dev, staging, prod]}
Suffix: {Type: String, MaxLength: 5}
Short: {Type: String, MaxLength: 40, Default: x}
Open: {Type: String, Default: x}
"""
MAPPINGS = """\
Zones:
  eu-west-1: {Name: ireland, Cities: [Dublin, Cork]}
  eu-central-1: {Name: germany}
"""


def faults_of(folder: Path) -> list[str]:
    """The faults of a folder that are about the lengths of names."""
    return [fault for fault in all_faults_of(folder) if ABOUT_LENGTHS.search(fault)]


def role(name: str, *, parameters: str = PARAMETERS) -> str:
    """A template with a role of this name; a role's name has at most 64 characters."""
    resources = f"Role:\n  Type: AWS::IAM::Role\n  Properties:\n    RoleName: {name}\n"
    return template_with(resources=resources, parameters=parameters, mappings=MAPPINGS)


def longest(tmp_path: Path, name: str) -> str:
    """The longest value of an expression, read from the fault that it makes behind 64 other characters."""
    padded = f"!Join ['', ['{'_' * 64}', {name}]]"
    (fault,) = faults_of(make_product(tmp_path, template=role(padded)))
    return fault.partition("at its longest it is '")[2].partition("', which has")[0].removeprefix("_" * 64)


def test_the_fault_names_resource_property_value_length_limit_and_excess(tmp_path: Path) -> None:
    name = "!Sub sagemaker-${SageMakerProjectName}-${SageMakerProjectId}-model-v1"
    value = f"sagemaker-{PROJECT}-{ID}-model-v1"
    assert faults_of(make_product(tmp_path, template=role(name))) == [
        "template.yaml, line 28: Role: RoleName of AWS::IAM::Role takes 64 characters; "
        f"at its longest it is {value!r}, which has 66: 2 too many; shorten what is fixed or leave out a part "
        "(if it is meant, name length Role.RoleName under exceptions in product.yaml)"
    ]


def test_a_name_that_just_fits_is_accepted(tmp_path: Path) -> None:
    fits = "!Sub ${SageMakerProjectName}-${SageMakerProjectId}-0123456789abcdef"
    read_product(make_product(tmp_path / "fits", template=role(fits)))
    assert "which has 65: 1 too many" in faults_of(make_product(tmp_path / "over", template=role(f"{fits}_")))[0]


LONGEST = {
    "text": ("plain", "plain"),
    "project name": ("!Ref SageMakerProjectName", PROJECT),
    "project id": ("!Ref SageMakerProjectId", ID),
    "allowed values": ("!Ref Stage", "staging"),
    "most characters": ("!Ref Suffix", "Suffi"),
    "long form": ("{Ref: Suffix}", "Suffi"),
    "account": ("!Ref AWS::AccountId", "000000000000"),
    "partition": ("!Ref AWS::Partition", "aws-us-gov"),
    "domain": ("!Ref AWS::URLSuffix", "amazonaws.com.cn"),
    "sub": ("!Sub 'a-${Suffix}-${!Suffix}-${AWS::AccountId}'", "a-Suffi-${Suffix}-000000000000"),
    "sub with values of its own": ("!Sub ['${Mine}-${Suffix}', {Mine: !Ref Stage}]", "staging-Suffi"),
    "long form of sub": ("{'Fn::Sub': '${Suffix}!'}", "Suffi!"),
    "join": ("!Join ['-', [a, !Ref Suffix, !Ref AWS::NoValue, b]]", "a-Suffi-b"),
    "if, first arm": ("!If [C, longer, long]", "longer"),
    "if, second arm": ("!If [C, long, !Sub 'longer-${Suffix}']", "longer-Suffi"),
    "if, no value": ("!If [C, !Ref AWS::NoValue, x]", "x"),
    "map": ("!FindInMap [Zones, eu-central-1, Name]", "germany"),
    "map by a parameter": ("!FindInMap [Zones, !Ref AWS::Region, Name]", "ireland"),
    "map of lists": ("!FindInMap [Zones, eu-west-1, Cities]", "Dublin"),
    "environment": ("!FindInMap [Environment, Names, Project]", "sm-mlops"),
    "select": ("!Select [1, [a, bb, ccc]]", "bb"),
    "select by a parameter": ("!Select [!Ref Stage, [a, bb, ccc]]", "ccc"),
    "piece of a stack's id": ("!Select [2, !Split ['/', !Ref AWS::StackId]]", UUID),
    "piece of that piece": (
        "!Select [4, !Split ['-', !Select [2, !Split ['/', !Ref AWS::StackId]]]]",
        "000000000000",
    ),
    "piece of a parameter": ("!Select [0, !Split ['-', !Ref Suffix]]", "Suffi"),
    "other piece of a parameter": ("!Select [1, !Split ['f', !Ref Suffix]]", "Suffi"),
    "named resource": ("!Ref Log", "/sagemaker/Suffi"),
    "named resource twice": ("!Sub '${Log}${Log}'", "/sagemaker/Suffi" * 2),
    "attribute of a named resource": ("!GetAtt Repository.Name", f"sagemaker-{PROJECT}-{ID}-churn"),
    "attribute in a list": ("!GetAtt [Repository, Name]", f"sagemaker-{PROJECT}-{ID}-churn"),
    "attribute in a sub": ("!Sub '${Repository.Name}'", f"sagemaker-{PROJECT}-{ID}-churn"),
    "resource that CloudFormation names": ("!Ref Function", "Function" * 8),
}
OTHERS = """\
Log: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Sub '/sagemaker/${Suffix}'}}
Function: {Type: AWS::Lambda::Function}
Topic: {Type: AWS::SNS::Topic}
"""


@pytest.mark.parametrize(("expression", "value"), LONGEST.values(), ids=LONGEST)
def test_the_longest_value_of_an_expression(tmp_path: Path, expression: str, value: str) -> None:
    padding = "_" * 64
    template = role(f"!Join ['', ['{padding}', {expression}]]") + f"  {OTHERS.replace(chr(10), chr(10) + '  ')}"
    (fault,) = faults_of(make_product(tmp_path, template=template))
    assert f"at its longest it is {padding + value!r}, which has {64 + len(value)}: {len(value)} too many" in fault


def stack_name_fault(folder: Path) -> str:
    (fault,) = faults_of(make_product(folder, template=role(f"!Join ['', ['{'_' * 64}', !Ref AWS::StackName]]")))
    return fault


def test_regions_and_stack_names_are_taken_at_their_longest(tmp_path: Path) -> None:
    assert longest(tmp_path / "region", "!Ref AWS::Region") == "us-isof-south-1"
    assert "which has 192: 128 too many" in stack_name_fault(tmp_path / "stack")
    assert longest(tmp_path / "id", "!Ref AWS::StackId").endswith(UUID[-19:])


UNKNOWN = {
    "open parameter": ("!Ref Open", "parameter Open has neither MaxLength nor AllowedValues"),
    "import": ("!ImportValue x", "it uses Fn::ImportValue"),
    "resource without a name": ("!Ref Topic", "it refers to Topic, whose Ref is not its name (AWS::SNS::Topic)"),
    "attribute": ("!GetAtt Topic.TopicArn", "it uses attribute Topic.TopicArn"),
    "list": ("[!Ref SageMakerProjectId]", "a part of it is not a text"),
    "join of a list from elsewhere": ("!Join ['', !GetAZs '']", "Fn::Join takes a list that is not written out"),
    "select from a function": ("!Select [0, !GetAZs '']", "it uses Fn::GetAZs in Fn::Select"),
    "half a function": ("!Select [!Ref SageMakerProjectId]", "Fn::Select takes 2 arguments, not 1"),
    "itself": ("!Ref Role", "Role is named after itself"),
}  # fmt: skip


@pytest.mark.parametrize(("expression", "reason"), UNKNOWN.values(), ids=UNKNOWN)
def test_a_name_whose_length_nobody_can_know_is_refused(tmp_path: Path, expression: str, reason: str) -> None:
    template = role(expression) + f"  {OTHERS.replace(chr(10), chr(10) + '  ')}"
    assert faults_of(make_product(tmp_path, template=template)) == [
        f"template.yaml, line 28: Role: RoleName of AWS::IAM::Role takes 64 characters, and its length is unknown "
        f"because {reason}; build it from parameters with MaxLength or AllowedValues "
        "(if it is meant, name length Role.RoleName under exceptions in product.yaml)"
    ]


def test_a_name_that_leads_nowhere_is_one_fault(tmp_path: Path) -> None:
    assert all_faults_of(make_product(tmp_path, template=role("!Ref Suffx"))) == [
        "template.yaml, line 28: Ref: no parameter or resource is called 'Suffx'; did you mean 'Suffix'?"
    ]


def test_a_project_name_is_never_taken_as_longer_than_the_template_allows(tmp_path: Path) -> None:
    template = role("!Sub 0123456789012345678901234567890123456789012345-${SageMakerProjectName}").replace(
        "SageMakerProjectName: {Type: String, MaxLength: 32}", "SageMakerProjectName: {Type: String, MaxLength: 17}"
    )
    read_product(make_product(tmp_path, template=template))


def test_names_inside_a_resource_are_checked_through_conditions(tmp_path: Path) -> None:
    action = "Configuration: {StackName: !Sub 'deploy-${Suffix}-" + "s" * 120 + "'}"
    resources = f"""\
Pipeline:
  Type: AWS::CodePipeline::Pipeline
  Properties:
    Stages:
      - !If [C, {{Name: Ok, Actions: [{{Name: Ok, {action}}}]}}, !Ref AWS::NoValue]
"""
    (fault,) = faults_of(make_product(tmp_path, template=template_with(resources=resources, parameters=PARAMETERS)))
    assert fault.startswith(
        "template.yaml, line 26: Pipeline: Stages.*.Actions.*.Configuration.StackName of AWS::CodePipeline::Pipeline "
        "takes 128 characters; at its longest it is 'deploy-Suffi-sss"
    )


def test_values_of_the_environment_count_when_they_are_filled_in(tmp_path: Path) -> None:
    resources = """\
Role:
  Type: AWS::IAM::Role
  Properties:
    RoleName: !Join ['-', [!FindInMap [Environment, Names, Project], !Ref SageMakerProjectId]]
"""
    product = product_with(tmp_path, resources=resources)
    fits = {"Seed": {"Bucket": "", "Key": ""}, "Names": {"Project": "p" * 49}}
    product.render(fits)
    with pytest.raises(ProductFolderError) as raised:
        product.render({**fits, "Names": {"Project": "p" * 50}})
    assert lines_of(raised.value, "churn") == [
        "template.yaml, line 21: Role: RoleName of AWS::IAM::Role takes 64 characters; "
        f"at its longest it is '{'p' * 50}-{ID}', which has 65: 1 too many; shorten what is fixed or leave out a part "
        "(if it is meant, name length Role.RoleName under exceptions in product.yaml)"
    ]


def test_so_they_do_in_a_name_made_of_another_and_in_the_form_of_one(tmp_path: Path) -> None:
    resources = """\
Role:
  Type: AWS::IAM::Role
  Properties: {RoleName: !Join ['-', [!FindInMap [Environment, Names, Project], !Ref SageMakerProjectId]]}
Again:
  Type: AWS::IAM::Role
  Properties: {RoleName: !Sub '${Role}-again'}
Alone:
  Type: AWS::IAM::Role
  Properties: {RoleName: !Ref SageMakerProjectId}
"""
    product = product_with(tmp_path, resources=resources)
    with pytest.raises(ProductFolderError) as raised:
        product.render({"Seed": {"Bucket": "", "Key": ""}, "Names": {"Project": "two words"}})
    shown = [
        re.sub(" has the form .* it can be ", " ... ", line).partition(";")[0]
        for line in lines_of(raised.value, "churn")
    ]
    assert shown == [
        "template.yaml, line 20: Role: RoleName of AWS::IAM::Role ... 'two words-p-abcdefgh0123'",
        "template.yaml, line 23: Again: RoleName of AWS::IAM::Role ... 'two words-p-abcdefgh0123-again'",
    ]


FORM = "(if it is meant, name form {} under exceptions in product.yaml)"
BUCKET = "^([a-z0-9][a-z0-9.-]*[a-z0-9])?$"
SHORT_NAMES = {
    "project name in a bucket": (
        "AWS::S3::Bucket",
        "BucketName",
        "!Sub data-${SageMakerProjectName}",
        f"has the form {BUCKET}, and in a project called 'Churn' it can be 'data-Churn'; use SageMakerProjectId, which "
        "has no capitals",
    ),
    "project name in a repository of images": (
        "AWS::ECR::Repository",
        "RepositoryName",
        "!Join ['/', [team, !Ref SageMakerProjectName]]",
        "in a project called 'Churn' it can be 'team/Churn'",
    ),
    "digit first": (
        "AWS::CloudFormation::StackSet",
        "StackSetName",
        "!Sub ${SageMakerProjectName}-set",
        "in a project called '9-churn--Model' it can be '9-churn--Model-set'",
    ),
    "fixed text": (
        "AWS::SageMaker::Endpoint",
        "EndpointName",
        "!Sub sagemaker_${SageMakerProjectId}",
        "and it can be 'sagemaker_p-abcdefgh0123'; change what is fixed",
    ),
    "one of several values": (
        "AWS::Lambda::Function",
        "FunctionName",
        "!Sub ${Where}-${SageMakerProjectId}",
        "and it can be 'eu.west-p-abcdefgh0123'; change what is fixed",
    ),
    "arm of a condition": (
        "AWS::IAM::Role",
        "RoleName",
        "!Join ['-', [!If [C, a, b/c], !Ref SageMakerProjectId]]",
        "and it can be 'b/c-p-abcdefgh0123'; change what is fixed",
    ),
    "name of a stack": (
        "AWS::ECR::Repository",
        "RepositoryName",
        "!Sub ${AWS::StackName}-data",
        "and it can be 'SC-000000000000-pp-abcdefghijklm-data'",
    ),
    "a type that this program does not use": (
        "AWS::Glue::Crawler",
        "Name",
        "!Sub ${SageMakerProjectId}-x",
        None,
    ),
    "a type whose name nothing here makes": (
        "AWS::OpenSearchServerless::Collection",
        "Name",
        "!Sub ${SageMakerProjectName}-x",
        "in a project called 'Churn' it can be 'Churn-x'",
    ),
}


@pytest.mark.parametrize(("kind", "path", "value", "reason"), SHORT_NAMES.values(), ids=SHORT_NAMES)
def test_characters_that_aws_refuses_are_refused_before(
    tmp_path: Path, kind: str, path: str, value: str, reason: str | None
) -> None:
    resources = f"Thing:\n  Type: {kind}\n  Properties:\n    {path}: {value}\n"
    template = template_with(resources=resources, parameters="Where: {Type: String, AllowedValues: [us, eu.west]}\n")
    folder = make_product(tmp_path, template=template)
    if reason is None:
        read_product(folder)
        return
    (fault,) = [fault for fault in all_faults_of(folder) if " has the form " in fault]
    assert fault.startswith(f"template.yaml, line 22: Thing: {path} of {kind} has the form ")
    assert reason in fault
    assert fault.endswith(FORM.format(f"Thing.{path}"))


def test_a_form_and_a_length_can_be_meant(tmp_path: Path) -> None:
    resources = """\
Data: {Type: AWS::S3::Bucket, Properties: {BucketName: !Sub "data-${SageMakerProjectName}"}}
Role: {Type: AWS::IAM::Role, Properties: {RoleName: !Sub "${SageMakerProjectId}-${Open}"}}
"""
    template = template_with(resources=resources, parameters=PARAMETERS)
    meant = f"{DESCRIPTION}exceptions: [form Data.BucketName, length Role.RoleName]\n"
    product = read_product(make_product(tmp_path, template=template, description=meant))
    assert product.render({"Seed": {"Bucket": "b", "Key": "k"}, "Names": {"Project": "p"}})


def test_ids_are_as_long_as_sagemaker_makes_them_unless_the_product_says_more(tmp_path: Path) -> None:
    """The naming of AWS's own project templates has 63 of 64 characters."""
    resources = """\
Start:
  Type: AWS::Events::Rule
  Properties: {Name: !Sub "sagemaker-${SageMakerProjectName}-${SageMakerProjectId}-model"}
"""
    template = template_with(resources=resources)
    read_product(make_product(tmp_path / "as it is", template=template))
    for length, faults in (("14", 0), ("15", 0), ("16", 1), ("20", 1)):
        description = f"{DESCRIPTION}projectIdLength: {length}\n"
        folder = make_product(tmp_path / length, template=template, description=description)
        assert len(faults_of(folder) if faults else []) == faults
    for length in ("13", "21", "many", "[14]"):
        description = f"{DESCRIPTION}projectIdLength: {length}\n"
        assert all_faults_of(make_product(tmp_path / length, description=description)) == [
            "product.yaml, line 9: projectIdLength: must be a number from 14 to 20, the most that SageMaker takes"
        ]


def test_a_long_filler_is_not_told_whole(tmp_path: Path) -> None:
    parameters = "Long: {Type: String, MaxLength: 1024}\n"
    (fault,) = faults_of(make_product(tmp_path, template=role("!Sub sagemaker-${Long}", parameters=parameters)))
    assert "which has 1034: 970 too many" in fault
    assert len(fault) < 400


def test_the_rules_are_those_of_cloudformation_and_botocore() -> None:
    from tests.name_limits import described  # noqa: PLC0415 - loads cfn-lint, for which no other test need wait

    assert FILE.read_text() == described(), "run make name-limits"


def test_the_lengths_of_sagemaker_are_current() -> None:
    shapes = Loader().load_service_model("sagemaker", "service-2")["shapes"]
    longest = (shapes["ProjectEntityName"]["max"], shapes["ProjectId"]["max"])
    assert longest == (len(PROJECT), MAX_PROJECT_ID_LENGTH)
    assert len(ID) == PROJECT_ID_LENGTH


def test_what_a_ref_names_has_a_rule() -> None:
    assert all(name_rules(kind) for kind in NAMED_BY_REF)
