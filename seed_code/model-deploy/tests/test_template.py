"""The product's template: names, events, stages, and its agreement with the seed repository."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from cfnlint.api import lint

PRODUCT = Path(__file__).parent.parent
REPOSITORY = PRODUCT / "repository"
sys.path.insert(0, str(REPOSITORY))

from model_deploy.environment import Environment  # noqa: E402 - the repository is not installed

TEXT = (PRODUCT / "template.yaml").read_text(encoding="utf-8")
LONGEST = {
    "SageMakerProjectName": "N" * 32,
    "SageMakerProjectId": "i" * 20,
    "AWS::AccountId": "1" * 12,
    "Build": "b" * 32,
}
LIMITS = {
    "AWS::CodeCommit::Repository": ("RepositoryName", 100),
    "AWS::SageMaker::CodeRepository": ("CodeRepositoryName", 63),
    "AWS::S3::Bucket": ("BucketName", 63),
    "AWS::IAM::Role": ("RoleName", 64),
    "AWS::Logs::LogGroup": ("LogGroupName", 512),
    "AWS::CodeBuild::Project": ("Name", 150),
    "AWS::Lambda::Function": ("FunctionName", 64),
    "AWS::CodePipeline::Pipeline": ("Name", 100),
    "AWS::Events::Rule": ("Name", 64),
}
NAMELESS = {"AWS::S3::BucketPolicy", "Custom::CleanUp"}
FILLED = {
    'Seed: {Bucket: "", Key: ""}': "Seed: {Bucket: seeds, Key: seed.zip}",
    '{KmsKeyArn: ""}': (
        '{KmsKeyArn: "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}'
    ),
    '{VpcId: "", SubnetIds: "", SecurityGroupIds: ""}': (
        '{VpcId: vpc-0a1b2c3d, SubnetIds: "subnet-0a1b2c3d,subnet-1a2b3c4d", SecurityGroupIds: sg-0a1b2c3d}'
    ),
    '{TopicArn: ""}': '{TopicArn: "arn:aws:sns:eu-west-1:111122223333:approvals"}',
}


class _Loader(yaml.CSafeLoader):
    """Reads `!Name value` as {"Name": value}."""


def _function(loader: yaml.Loader, name: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    return {name: loader.construct_sequence(node, deep=True)}


_Loader.add_multi_constructor("!", _function)
TEMPLATE = yaml.load(TEXT, Loader=_Loader)
RESOURCES = TEMPLATE["Resources"]


def of_type(kind: str) -> dict[str, Any]:
    return {name: body["Properties"] for name, body in RESOURCES.items() if body["Type"] == kind}


def substituted(value: Any) -> str:
    text = value["Sub"] if isinstance(value["Sub"], str) else value["Sub"][0]
    return re.sub(r"\$\{([\w:]+)\}", lambda found: LONGEST[found.group(1)], text)


def short(value: Any) -> str:
    return re.sub(r"\$\{([\w:]+)\}", lambda found: {**LONGEST, **SHORT}[found.group(1)], value["Sub"])


SHORT = {"SageMakerProjectName": "fraud-deploy", "SageMakerProjectId": "p-abcdefghijkl"}


def test_every_resource_type_states_its_name_or_has_none():
    assert {body["Type"] for body in RESOURCES.values()} == set(LIMITS) | NAMELESS


@pytest.mark.parametrize(
    ("logical", "kind"), [(name, body["Type"]) for name, body in RESOURCES.items() if body["Type"] in LIMITS]
)
def test_longest_name_is_within_the_limit_and_starts_with_sagemaker(logical, kind):
    key, limit = LIMITS[kind]
    name = substituted(RESOURCES[logical]["Properties"][key])
    assert len(name) <= limit
    assert name.split("/")[-1].startswith("sagemaker-")
    if kind == "AWS::S3::Bucket":
        assert "N" not in name, "a project name may have upper case, a bucket name may not"


def test_sums_in_the_comment_are_right():
    sums = re.findall(r"^#   \w+ .* ([\d+]+) += (\d+) of (\d+)$", TEXT, flags=re.M)
    assert len(sums) == 11
    for terms, total, limit in sums:
        assert sum(map(int, terms.split("+"))) == int(total) <= int(limit)


def test_every_named_resource_carries_the_tags():
    wanted = {"sagemaker:project-name", "sagemaker:project-id", "project", "environment"}
    untagged = [
        name
        for name, body in RESOURCES.items()
        if body["Type"] not in NAMELESS
        and {tag["Key"] for tag in body["Properties"].get("Tags", [])} != wanted
    ]
    assert untagged == []


def test_no_account_and_no_partition_is_written_down():
    assert "arn:aws:" not in TEXT
    assert re.findall(r"\b\d{12}\b", TEXT) == []


def test_parameters_are_described_and_all_but_sagemaker_s_have_defaults():
    parameters = TEMPLATE["Parameters"]
    assert [name for name, body in parameters.items() if not body.get("Description")] == []
    assert {name for name, body in parameters.items() if "Default" not in body} == {
        "SageMakerProjectName",
        "SageMakerProjectId",
    }
    interface = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    assert sorted(grouped) == sorted(parameters) == sorted(interface["ParameterLabels"])


def test_build_projects_set_every_variable_that_the_repository_reads():
    read: set[str] = set()

    class Recorder(dict):
        def get(self, name, default=None):
            read.add(name)
            return {"DEPLOYMENT_TARGET": "STACK", "TRIGGER": "push", "ROLLBACK_NEEDS_APPROVAL": "NO"}.get(
                name, "x"
            )

    Environment.load(Recorder())
    for project in of_type("AWS::CodeBuild::Project").values():
        names = {variable["Name"] for variable in project["Environment"]["EnvironmentVariables"]}
        # CodeBuild sets the region itself; the pipeline passes on what started the run.
        assert names | {"AWS_REGION", "TRIGGER", "MODEL_PACKAGE_ARN"} == read


def actions(stage: str) -> list[dict[str, Any]]:
    (found,) = [item for item in RESOURCES["Pipeline"]["Properties"]["Stages"] if item["Name"] == stage]
    return [one for action in found["Actions"] for one in (action["If"][1:] if "If" in action else [action])]


@pytest.mark.parametrize(("stage", "name"), [("DeployStaging", "staging"), ("DeployProd", "prod")])
def test_deploy_actions_read_the_files_that_the_build_writes(stage, name):
    configurations = {
        action["ActionTypeId"]["Provider"]: action["Configuration"] for action in actions(stage)
    }
    assert (
        configurations["CloudFormation"]["TemplateConfiguration"] == f"BuildOutput::build/{name}-stack.json"
    )
    assert (
        configurations["CloudFormationStackSet"]["Parameters"] == f"BuildOutput::build/{name}-stackset.json"
    )
    render = (REPOSITORY / "model_deploy" / "render.py").read_text(encoding="utf-8")
    assert 'f"{stage}-stack.json"' in render
    assert 'f"{stage}-stackset.json"' in render
    for provider in ("CloudFormation", "CloudFormationStackSet"):
        assert "ParameterOverrides" not in configurations[provider]
        assert configurations[provider]["TemplatePath"] == "BuildOutput::endpoint.yaml"


@pytest.mark.parametrize(("stage", "name"), [("DeployStaging", "staging"), ("DeployProd", "prod")])
def test_stack_names_are_the_ones_that_the_build_looks_up(stage, name):
    environment = Environment.__new__(Environment)
    object.__setattr__(environment, "project_name", SHORT["SageMakerProjectName"])
    object.__setattr__(environment, "project_id", SHORT["SageMakerProjectId"])
    names = {
        short(action["Configuration"][key])
        for action in actions(stage)
        for key in ("StackName", "StackSetName")
        if key in action["Configuration"]
    }
    assert names == {environment.stack_name(name)}
    assert environment.stack_name(name) in [
        short(one) for one in RESOURCES["CleanUp"]["Properties"]["Stages"]
    ]
    assert short(TEMPLATE["Outputs"][f"{name.title()}EndpointName"]["Value"]) == environment.endpoint_name(
        name
    )


def test_stages_are_skipped_by_variables_that_the_build_exports():
    exported = yaml.safe_load((REPOSITORY / "buildspec.yml").read_text(encoding="utf-8"))["env"][
        "exported-variables"
    ]
    conditions = {
        stage["Name"]: [
            (condition["Result"], rule["Configuration"]["Variable"], rule["Configuration"]["Value"])
            for condition in stage["BeforeEntry"]["Conditions"]
            for rule in condition["Rules"]
        ]
        for stage in RESOURCES["Pipeline"]["Properties"]["Stages"]
        if "BeforeEntry" in stage
    }
    assert conditions == {
        "DeployStaging": [("SKIP", "#{Build.DEPLOY}", "yes")],
        "Approval": [("SKIP", "#{Build.NEEDS_APPROVAL}", "yes")],
        "DeployProd": [("SKIP", "#{Build.DEPLOY}", "yes")],
    }
    assert {"DEPLOY", "NEEDS_APPROVAL", "PACKAGE_VERSION", "REASON"} == set(exported)
    used = set(re.findall(r"#\{Build\.(\w+)\}", TEXT))
    assert used <= set(exported)


def test_test_comes_right_after_its_deployment_and_prod_is_rechecked_first():
    order = {
        stage: [action["Name"] for action in sorted(actions(stage), key=lambda action: action["RunOrder"])]
        for stage in ("DeployStaging", "DeployProd")
    }
    assert order["DeployStaging"] == ["DeployStaging", "DeployStaging", "TestStaging"]
    assert order["DeployProd"] == ["Recheck", "DeployProd", "DeployProd", "SmokeTest"]


@pytest.mark.parametrize(("rule", "status"), [("ApprovedRule", "Approved"), ("RejectedRule", "Rejected")])
def test_model_events_start_the_pipeline_with_their_package(rule, status):
    properties = RESOURCES[rule]["Properties"]
    assert properties["EventPattern"]["detail"]["ModelApprovalStatus"] == [status]
    (target,) = properties["Targets"]
    assert target["InputTransformer"]["InputPathsMap"] == {"package": "$.detail.ModelPackageArn"}
    sent = yaml.safe_load(target["InputTransformer"]["InputTemplate"].replace("<package>", "the-arn"))
    variables = {variable["name"]: variable["value"] for variable in sent["variables"]}
    assert variables == {"Trigger": status.lower(), "ModelPackageArn": "the-arn"}
    declared = {variable["Name"] for variable in RESOURCES["Pipeline"]["Properties"]["Variables"]}
    assert set(variables) == declared


def test_only_pushes_to_the_branch_of_the_source_start_the_pipeline():
    detail = RESOURCES["PushRule"]["Properties"]["EventPattern"]["detail"]
    assert detail == {
        "event": ["referenceCreated", "referenceUpdated"],
        "referenceType": ["branch"],
        "referenceName": ["main"],
    }
    (source,) = actions("Source")
    assert source["Configuration"]["BranchName"] == "main"
    assert source["Configuration"]["PollForSourceChanges"] == "false"


def test_pipeline_is_deleted_before_the_endpoints():
    assert RESOURCES["Pipeline"]["DependsOn"] == "CleanUp"


def statements() -> list[tuple[str, dict[str, Any]]]:
    found = []
    for name, role in of_type("AWS::IAM::Role").items():
        for policy in role["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                branches = statement["If"][1:] if "If" in statement else [statement]
                found += [(name, branch) for branch in branches if "Action" in branch]
    return found


def test_no_statement_allows_a_whole_service_and_star_is_only_for_calls_without_a_resource():
    for role, statement in statements():
        names = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        assert [name for name in names if "*" in name] == [], role
        if statement["Resource"] == "*":
            calls = {name.split(":")[1] for name in names}
            assert all(call.startswith(("Describe", "List")) for call in calls) or calls in (
                {"GetAuthorizationToken"},
                {"PutMetricData"},
            ), (role, calls)


def worst(value: Any) -> Any:
    """A policy as IAM would get it, with every condition true and every value at its longest."""
    if isinstance(value, list):
        return [worst(item) for item in value]
    if not isinstance(value, dict):
        return value
    (name, inner), *others = value.items()
    if others or name not in {"If", "Sub", "Ref", "GetAtt", "FindInMap"}:
        return {key: worst(item) for key, item in value.items()}
    if name == "If":
        return max((worst(branch) for branch in inner[1:]), key=lambda branch: len(json.dumps(branch)))
    if name == "Sub":
        text = inner if isinstance(inner, str) else inner[0]
        return re.sub(r"\$\{([\w:.]+)\}", lambda found: {**LONGEST, **ARNS}.get(found.group(1), ARN), text)
    return LONGEST.get(str(inner), ARN)


ARN = "arn:aws-us-gov:codepipeline:us-gov-west-1:111111111111:" + "n" * 80
ARNS = {"AWS::Partition": "aws-us-gov", "AWS::Region": "ap-southeast-1", "TargetTestRoleName": "r" * 64}


def test_policies_and_trusts_are_within_iam_s_limits():
    for name, role in of_type("AWS::IAM::Role").items():
        policies = [json.dumps(worst(policy["PolicyDocument"])) for policy in role["Policies"]]
        # IAM counts no white space: 10,240 characters for all inline policies of a role, 2,048 for its trust.
        assert len(re.sub(r"\s", "", "".join(policies))) <= 10_240, name
        assert len(re.sub(r"\s", "", json.dumps(worst(role["AssumeRolePolicyDocument"])))) <= 2_048, name


def test_every_trust_but_lambda_s_asks_for_the_source():
    for name, role in of_type("AWS::IAM::Role").items():
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        if statement["Principal"]["Service"] != "lambda.amazonaws.com":
            assert statement["Condition"]["StringEquals"] == {
                "aws:SourceAccount": {"Ref": "AWS::AccountId"}
            }, name
            assert any("aws:SourceArn" in keys for keys in statement["Condition"].values()), name


def filled(*, with_roles: bool) -> str:
    """The template as the publisher would fill it in."""
    text = TEXT
    for empty, value in FILLED.items():
        assert empty in text
        text = text.replace(empty, value)
    if with_roles:
        supplied = r'\1: "arn:aws:iam::111122223333:role/service-role/supplied"'
        text, count = re.subn(r'^(      \w+): ""$', supplied, text, flags=re.M)
        assert count == 7
    return text


@pytest.mark.parametrize(
    "text",
    [TEXT, filled(with_roles=False), filled(with_roles=True)],
    ids=["as committed", "filled", "with roles"],
)
def test_cfn_lint_finds_nothing(text):
    assert [str(match) for match in lint(text, regions=["us-east-1"])] == []
