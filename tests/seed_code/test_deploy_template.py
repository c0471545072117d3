"""The deploy product's template and its agreement with the seed repository."""

import importlib
import json
import re
from typing import Any, NamedTuple

import pytest

from awsmodel.cloudformation.evaluation import Evaluation
from tests.seed_code.product_templates import product_template, substituted

TEMPLATE = product_template("model-deploy")
PROJECT = {"SageMakerProjectName": "fraud-deploy", "SageMakerProjectId": "p-abcdefghijkl"}
STAGES = pytest.mark.parametrize(("stage", "name"), [("DeployStaging", "staging"), ("DeployProd", "prod")])


@STAGES
def test_deploy_actions_read_the_files_that_the_build_writes_and_the_function_hands_on(stage: str, name: str) -> None:
    configurations = {action["ActionTypeId"]["Provider"]: action["Configuration"] for action in TEMPLATE.actions(stage)}
    assert configurations["CloudFormation"]["TemplateConfiguration"] == f"Confirmed::{name}-stack.json"
    assert configurations["CloudFormationStackSet"]["Parameters"] == f"Confirmed::{name}-stackset.json"
    render = (TEMPLATE.repository / "model_deploy" / "render.py").read_text(encoding="utf-8")
    assert 'f"{stage}-stack.json"' in render
    assert 'f"{stage}-stackset.json"' in render
    for provider in ("CloudFormation", "CloudFormationStackSet"):
        assert "ParameterOverrides" not in configurations[provider]
        assert configurations[provider]["TemplatePath"] == "Confirmed::endpoint.yaml"


@STAGES
def test_stack_names_are_the_ones_that_the_build_looks_up(
    stage: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(TEMPLATE.repository))
    kind: Any = importlib.import_module("model_deploy.environment").Environment
    environment = kind.__new__(kind)
    object.__setattr__(environment, "project_name", PROJECT["SageMakerProjectName"])
    object.__setattr__(environment, "project_id", PROJECT["SageMakerProjectId"])
    names = {
        substituted(action["Configuration"][key]["Sub"], PROJECT)
        for action in TEMPLATE.actions(stage)
        for key in ("StackName", "StackSetName")
        if key in action["Configuration"]
    }
    assert names == {environment.stack_name(name)}
    stages = TEMPLATE.resources["CleanUp"]["Properties"]["Stages"]
    (removed,) = [one for one in stages if substituted(one["Name"]["Sub"], PROJECT) == environment.stack_name(name)]
    # The clean-up removes a stack as the role that the pipeline deploys it with.
    (deployed,) = [one for one in TEMPLATE.actions(stage) if one["ActionTypeId"]["Provider"] == "CloudFormation"]
    assert removed["RoleArn"] == deployed["Configuration"]["RoleArn"]
    endpoint = TEMPLATE.body["Outputs"][f"{name.title()}EndpointName"]["Value"]["Sub"]
    assert substituted(endpoint, PROJECT) == environment.endpoint_name(name)


def test_stages_are_skipped_by_variables_that_the_function_answers_with() -> None:
    conditions = {
        stage["Name"]: [
            (condition["Result"], rule["Configuration"]["Variable"], rule["Configuration"]["Value"])
            for condition in stage["BeforeEntry"]["Conditions"]
            for rule in condition["Rules"]
        ]
        for stage in TEMPLATE.resources["Pipeline"]["Properties"]["Stages"]
        if "BeforeEntry" in stage
    }
    assert conditions == {
        "DeployStaging": [("SKIP", "#{Confirmed.STAGE}", "yes")],
        "DeployProd": [("SKIP", "#{Confirmed.DEPLOY}", "yes")],
    }
    function = (TEMPLATE.repository.parent / "functions" / "confirm_deployment.py").read_text(encoding="utf-8")
    assert all(f'"{name}"' in function for name in re.findall(r"#\{Confirmed\.(\w+)\}", TEMPLATE.text))


def test_a_test_comes_right_after_its_deployment_and_prod_is_rechecked_first() -> None:
    order = {
        stage: {(one["RunOrder"], one["Name"]) for one in TEMPLATE.actions(stage)}
        for stage in ("DeployStaging", "DeployProd")
    }
    # Traffic is sent beside the deployment, and staging is held until somebody has answered.
    assert order["DeployStaging"] == {
        (1, "DeployStaging"),
        (1, "SendTrafficToStaging"),
        (2, "TestStaging"),
        (3, "ApproveProd"),
    }
    assert order["DeployProd"] == {(1, "Recheck"), (2, "DeployProd"), (2, "SendTrafficToProd"), (3, "SmokeTest")}


def test_an_approval_names_its_package_and_has_an_end() -> None:
    (approval,) = [one for one in TEMPLATE.actions("DeployStaging") if one["Name"] == "ApproveProd"]
    assert approval["TimeoutInMinutes"] == {"Ref": "ApprovalTimeoutMinutes"}
    text = approval["Configuration"]["CustomData"]
    assert "It is #{Confirmed.PACKAGE_ARN}, and staging serves it until you answer." in text
    assert "Commit: #{Commit.CommitId}." in text
    # CodePipeline takes 1,000 characters; an ARN has 160 at the most here, the report and the reason their own bounds.
    assert len(text) < 250


def test_a_rollback_finds_the_stage_that_runs_wait_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TEMPLATE.repository))
    queue: Any = importlib.import_module("model_deploy.queue")
    assert queue.APPROVAL in [action["Name"] for action in TEMPLATE.actions(queue.HELD)]
    module: Any = importlib.import_module("model_deploy.environment")
    environment = module.Environment.__new__(module.Environment)
    object.__setattr__(environment, "project_name", PROJECT["SageMakerProjectName"])
    object.__setattr__(environment, "project_id", PROJECT["SageMakerProjectId"])
    named = substituted(TEMPLATE.resources["Pipeline"]["Properties"]["Name"]["Sub"], PROJECT)
    assert environment.pipeline_name == named
    (build,) = [one for one in TEMPLATE.actions("Build") if one["Name"] == "Build"]
    variables = json.loads(build["Configuration"]["EnvironmentVariables"])
    assert {one["name"]: one["value"] for one in variables}["PIPELINE_EXECUTION_ID"] == (
        "#{codepipeline.PipelineExecutionId}"
    )
    assert "codepipeline:PutApprovalResult" not in TEMPLATE.text, "what the repository runs must not approve itself"


def test_captured_data_does_not_grow_for_ever() -> None:
    rules = TEMPLATE.of_type("AWS::S3::Bucket")["ArtifactBucket"]["LifecycleConfiguration"]["Rules"]
    (captured,) = [rule for rule in rules if rule.get("Prefix") == "data-capture/"]
    assert captured["ExpirationInDays"] == {"Ref": "CapturedDataDays"}


@pytest.mark.parametrize(("rule", "status"), [("ApprovedRule", "Approved"), ("RejectedRule", "Rejected")])
def test_model_events_start_the_pipeline_with_their_package(rule: str, status: str) -> None:
    properties = TEMPLATE.resources[rule]["Properties"]
    assert properties["EventPattern"]["detail"]["ModelApprovalStatus"] == [status]
    # An edit of an approved version's description must deploy nothing.
    assert properties["EventPattern"]["detail"]["UpdatedModelPackageFields"] == [
        "ModelApprovalStatus",
        {"exists": False},
    ]
    (target,) = properties["Targets"]
    assert target["InputTransformer"]["InputPathsMap"] == {"package": "$.detail.ModelPackageArn"}
    sent = json.loads(target["InputTransformer"]["InputTemplate"].replace("<package>", "the-arn"))
    variables = {variable["name"]: variable["value"] for variable in sent["variables"]}
    assert variables == {"Trigger": status.lower(), "ModelPackageArn": "the-arn"}
    declared = {variable["Name"] for variable in TEMPLATE.resources["Pipeline"]["Properties"]["Variables"]}
    assert set(variables) == declared


def test_the_model_reads_models_of_build_projects_and_nothing_of_deploy_projects() -> None:
    (statement,) = [
        one for name, one in TEMPLATE.statements() if name == "ModelRole" and one.get("Sid") == "ReadModels"
    ]
    build = product_template("model-build-train").of_type("AWS::S3::Bucket")["ArtifactBucket"]["BucketName"]["Sub"]
    deploy = TEMPLATE.of_type("AWS::S3::Bucket")["ArtifactBucket"]["BucketName"]["Sub"]
    values = {**PROJECT, "AWS::AccountId": "111122223333", "AWS::Partition": "aws"}
    allowed = [substituted(one["Sub"], values).replace("*", ".*") for one in statement["Resource"]]

    def may(path: str) -> bool:
        return any(re.fullmatch(pattern, f"arn:aws:s3:::{substituted(path, values)}") for pattern in allowed)

    assert may(f"{build}/executions/1/Train/output/model.tar.gz")
    assert not may(f"{build}/data/train.csv")
    assert not may(f"{deploy}/data-capture/prod/requests.jsonl")


@pytest.mark.parametrize("accounts", ["", "444455556666,777788889999"])
def test_other_accounts_read_the_models_of_a_build_project_and_nothing_else(accounts: str) -> None:
    build = product_template("model-build-train").parsed
    given = {**PROJECT, "StageAccountIds": accounts}
    pseudo = {"AWS::AccountId": "111122223333", "AWS::Partition": "aws", "AWS::Region": "eu-west-1"}
    evaluation = Evaluation(build, build.resolve_parameters(given), pseudo, build.mappings)
    evaluation.made["ArtifactBucket"] = Made("bucket", {"Arn": "arn:aws:s3:::bucket"})
    statements = evaluation.properties("ArtifactBucketPolicy")["PolicyDocument"]["Statement"]
    shared = [one for one in statements if one["Effect"] == "Allow"]
    assert [one["Principal"]["AWS"] for one in shared] == ([accounts.split(",")] * 2 if accounts else [])
    assert {(one["Action"], one["Resource"]) for one in shared} == (
        {("s3:GetObject", "arn:aws:s3:::bucket/executions/*"), ("s3:ListBucket", "arn:aws:s3:::bucket")}
        if accounts
        else set()
    )


class Made(NamedTuple):
    """The bucket, as the policy refers to it."""

    physical_id: str
    attributes: dict[str, str]
