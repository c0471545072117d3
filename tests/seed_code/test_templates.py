"""What holds of every product's template, so that a second look at one tells what the other does."""

import contextlib
import importlib
import itertools
import json
import re
from typing import Any

import pytest

from awsmodel.cloudformation.evaluation import Evaluation
from awsmodel.cloudformation.template import Template
from tests.seed_code.product_templates import (
    PRODUCTS,
    REQUIRED,
    ProductTemplate,
    product_template,
    shipped,
    substituted,
)

SAGEMAKERS_OWN = ["SageMakerProjectName", "SageMakerProjectId"]
STATE_MACHINE = "AWS::StepFunctions::StateMachine"
"""What one product has beside what all have."""
NAME_OF = {
    "AWS::CodeCommit::Repository": "RepositoryName",
    "AWS::SageMaker::CodeRepository": "CodeRepositoryName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::CodeBuild::Project": "Name",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::CodePipeline::Pipeline": "Name",
    "AWS::Events::Rule": "Name",
    STATE_MACHINE: "StateMachineName",
}
LOG_DELIVERY = {
    *("CreateLogDelivery", "DeleteLogDelivery", "DescribeLogGroups", "DescribeResourcePolicies"),
    *("GetLogDelivery", "ListLogDeliveries", "PutResourcePolicy", "UpdateLogDelivery"),
}
"""What a state machine takes to log, of which no call knows a resource."""
NAMELESS = {"AWS::S3::BucketPolicy", "Custom::CleanUp", "Custom::FirstPush"}
OF_CLUSTERS = {"AWS::EKS::AccessEntry", "AWS::EKS::PodIdentityAssociation"}
"""Made in somebody's cluster, which names them."""
LONGEST = {
    "SageMakerProjectName": "N" * 32,
    "SageMakerProjectId": "i" * 20,
    "AWS::AccountId": "1" * 12,
    "AWS::Partition": "aws-us-gov",
    "AWS::Region": "ap-southeast-1",
    "Build": "b" * 32,
    "TargetTestRoleName": "r" * 64,
    # Parts of an image's URI, which has 255 characters at most.
    "Account": "1" * 12,
    "Region": "ap-southeast-1",
    "Name": "n" * 200,
    # sagemaker-<id>-deploy-<account>, the longer of the two products' names.
    "ArtifactBucket.Arn": "arn:aws-us-gov:s3:::sagemaker-" + "i" * 20 + "-deploy-" + "1" * 12,
}
MOST_SUBNETS = ["arn:*:ec2:*:*:subnet/subnet-" + "0" * 17] * 16
MOST_IDS = ["subnet-" + "0" * 17] * 16
"""Of subnets or of security groups: a condition that joins nothing to them has the ids alone."""
LONG_ARN = "arn:aws-us-gov:codepipeline:us-gov-west-1:111111111111:" + "n" * 80
FILLED = {
    '{KmsKeyArn: ""}': ('{KmsKeyArn: "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}'),
    '{VpcId: "", SubnetIds: "", SecurityGroupIds: ""}': (
        '{VpcId: vpc-0a1b2c3d, SubnetIds: "subnet-0a1b2c3d,subnet-1a2b3c4d", SecurityGroupIds: sg-0a1b2c3d}'
    ),
    '{TopicArn: ""}': '{TopicArn: "arn:aws:sns:eu-west-1:111122223333:approvals"}',
}


def test_a_name_begins_with_sagemaker_which_the_launch_role_is_limited_to(template: ProductTemplate) -> None:
    made = {body["Type"] for body in template.resources.values()} - OF_CLUSTERS
    assert made | {STATE_MACHINE} == set(NAME_OF) | NAMELESS
    for kind, key in NAME_OF.items():
        for properties in template.of_type(kind).values():
            assert properties[key]["Sub"].split("/")[-1].startswith("sagemaker-")
    (bucket,) = template.of_type("AWS::S3::Bucket").values()
    assert "SageMakerProjectName" not in bucket["BucketName"]["Sub"], "it may have upper case, a bucket may not"


def test_the_sums_in_the_comment_are_right(template: ProductTemplate) -> None:
    sums = re.findall(r"^#   .* ([\d+]+) += (\d+) of (\d+)\b", template.text, flags=re.MULTILINE)
    assert len(sums) >= 10
    for terms, total, limit in sums:
        assert sum(map(int, terms.split("+"))) == int(total) <= int(limit)


def test_every_named_resource_carries_the_tags(template: ProductTemplate) -> None:
    wanted = {"sagemaker:project-name", "sagemaker:project-id", "project", "environment"}
    for name, body in template.resources.items():
        if body["Type"] not in NAMELESS:
            assert {tag["Key"] for tag in body["Properties"]["Tags"]} == wanted, name


def test_parameters_are_described_and_asked_for_in_one_order(template: ProductTemplate) -> None:
    parameters = template.body["Parameters"]
    assert [name for name, body in parameters.items() if not body.get("Description")] == []
    unset = [name for name, body in parameters.items() if "Default" not in body]
    assert unset == [*SAGEMAKERS_OWN, *REQUIRED.get(template.product, {})]
    interface = template.body["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    asked_for = shipped(template.product).studio_parameters
    # The order of the text is nobody's: those of the template's parts come first.
    assert sorted(parameters) == sorted(grouped)
    assert grouped == list(interface["ParameterLabels"]) == [*SAGEMAKERS_OWN, *asked_for]


def test_what_products_have_in_common_is_the_same_in_all() -> None:
    bodies = [product_template(product).body for product in PRODUCTS]
    assert all(body["Mappings"] == bodies[0]["Mappings"] for body in bodies)
    common = set.intersection(*(set(body["Parameters"]) for body in bodies))
    assert common == {*SAGEMAKERS_OWN, "RepositoryId", "PythonPackageIndexUrl", "ArtifactsOnProjectDeletion"}
    for first, second in itertools.combinations(bodies, 2):
        for name in first["Parameters"].keys() & second["Parameters"].keys():
            # A default and its reason may differ: models live in one product's bucket and not in another's.
            rules = [
                {key: value for key, value in body["Parameters"][name].items() if key not in ("Default", "Description")}
                for body in (first, second)
            ]
            assert rules[0] == rules[1], name
        for name in first["Conditions"].keys() & second["Conditions"].keys():
            assert first["Conditions"][name] == second["Conditions"][name]


@pytest.mark.parametrize(
    ("product", "module", "reader", "not_of_the_project"),
    [
        (
            "batch-inference",
            "batch_inference.project",
            "Project.load",
            # What only deployments are told has its default.
            {
                *("AWS_REGION", "DEPLOYMENT_TARGET", "MODEL_PACKAGE_ARN", "PIPELINE_EXECUTION_ID", "STARTED_BY"),
                *("PROD_ACCOUNT_IDS", "ROLLBACK_NEEDS_APPROVAL", "STAGING_ACCOUNT_IDS", "TARGET_MODEL_ROLE_NAME"),
                *("TARGET_TEST_ROLE_NAME", "TRIGGER", "EVENTS_ROLE_ARN", "MONITORING_ROLE_ARN", "MONITORING_SCHEDULE"),
                "RETRAIN_ON_DRIFT",
            },
        ),
        (
            "model-build-kubernetes",
            "on_kubernetes.run",
            "BuildSettings.from_environment",
            {"AWS_REGION", "CODEBUILD_RESOLVED_SOURCE_VERSION", "SPOT_TRAINING", "TUNING_JOBS", "CACHE_DAYS"},
        ),
        (
            "model-build-train",
            "pipelines.settings",
            "Settings.from_environment",
            # The options stand in the repository's buildspec.yml.
            {"AWS_REGION", "CODEBUILD_RESOLVED_SOURCE_VERSION", "SPOT_TRAINING", "TUNING_JOBS", "CACHE_DAYS"},
        ),
        (
            "model-build-stepfunctions",
            "pipelines.settings",
            "Settings.from_environment",
            # The last three are options of a SageMaker pipeline.
            {
                *("AWS_REGION", "CODEBUILD_RESOLVED_SOURCE_VERSION", "SPOT_TRAINING"),
                *("CACHE_DAYS", "MLFLOW_APP_ARN", "TUNING_JOBS"),
            },
        ),
        (
            "model-deploy",
            "model_deploy.environment",
            "Environment.load",
            {"AWS_REGION", "TRIGGER", "MODEL_PACKAGE_ARN", "PIPELINE_EXECUTION_ID"},
        ),
    ],
)
def test_build_projects_set_every_variable_that_the_repository_reads(
    product: str, module: str, reader: str, not_of_the_project: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    template = product_template(product)
    read: set[str] = set()

    class Recorder(dict[str, str]):
        def get(self, name: str, default: object = None) -> Any:
            read.add(name)
            return default

    for folder in reversed(template.repositories):
        monkeypatch.syspath_prepend(str(folder))
    kind, method = reader.split(".")
    with contextlib.suppress(Exception):  # nothing is set; what was asked for is all that is wanted
        getattr(getattr(importlib.import_module(module), kind), method)(Recorder())
    builds = template.of_type("AWS::CodeBuild::Project")
    # These two run none of it.
    for project in (body for name, body in builds.items() if name not in ("CheckProject", "FirstPushProject")):
        stated = project["Environment"]["EnvironmentVariables"]
        names = {one["If"][1]["Name"] if "If" in one else one["Name"] for one in stated}
        # pip reads its index itself.
        assert names == (read - not_of_the_project) | {"PIP_INDEX_URL"}


def test_only_pushes_to_the_branch_of_the_source_start_the_pipeline(template: ProductTemplate) -> None:
    (source,) = template.actions("Source")
    condition, codecommit, connected = source["Configuration"]["If"]
    assert (condition, source["ActionTypeId"]["Provider"]["If"][0]) == ("UsesCodeCommit", "UsesCodeCommit")
    assert codecommit["PollForSourceChanges"] == connected["DetectChanges"] == "false"
    _, _, (trigger,) = template.resources["Pipeline"]["Properties"]["Triggers"]["If"]
    assert trigger["GitConfiguration"]["Push"] == [{"Branches": {"Includes": [connected["BranchName"]]}}]
    assert template.resources["PushRule"]["Properties"]["EventPattern"]["detail"] == {
        "event": ["referenceCreated", "referenceUpdated"],
        "referenceType": ["branch"],
        "referenceName": [codecommit["BranchName"]],
    }
    assert template.resources["Repository"]["Properties"]["Code"]["BranchName"] == "main"
    assert codecommit["BranchName"] == connected["BranchName"] == "main"


def test_nothing_is_made_after_the_pipeline_whose_first_run_fills_the_bucket(template: ProductTemplate) -> None:
    for text in (template.text, filled(template.text, with_roles=False), filled(template.text, with_roles=True)):
        parsed = Template.parse(text)
        # First in the text, it is made right after what it needs, and before all else.
        others = {name: parsed.resources.pop(name) for name in list(parsed.resources) if name != "Pipeline"}
        parsed.resources.update(others)
        own = dict.fromkeys([*SAGEMAKERS_OWN, *REQUIRED.get(template.product, {})], "p-x")
        order = Evaluation(parsed, parsed.resolve_parameters(own), {}).order()
        # What checks at a Git provider is made like it, and after it: of the two one has to be the last.
        assert [name for name in order if name != "CheckPipeline"][-1] == "Pipeline"


def test_no_statement_allows_a_whole_service_and_star_is_only_for_calls_without_a_resource(
    template: ProductTemplate,
) -> None:
    for role, statement in template.statements():
        names = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        assert [name for name in names if "*" in name] == [], role
        if statement["Resource"] == "*" and statement["Effect"] == "Allow":
            calls = {name.split(":")[1] for name in names}
            assert all(call.startswith(("Describe", "List")) for call in calls) or calls in (
                {"GetAuthorizationToken"},
                {"GetMetricStatistics"},
                {"PutMetricData"},
                {"CreateStackSet"},
                {"CreateWorkflow"},
                {"PutJobFailureResult", "PutJobSuccessResult"},
                LOG_DELIVERY,
            ), (role, calls)


def test_only_the_clean_up_reaches_everything_in_the_bucket(template: ProductTemplate) -> None:
    everything = {"Sub": "${ArtifactBucket.Arn}/*"}
    reach = {
        role
        for role, statement in template.statements()
        if everything in (statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]])
    }
    assert reach == {"CleanUpRole"}


def test_every_trust_but_lambdas_asks_for_the_source(template: ProductTemplate) -> None:
    for name, role in template.of_type("AWS::IAM::Role").items():
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        if "If" in statement:
            assert name == "ControllerRole"
            other, pods = (choice["Condition"]["StringEquals"] for choice in statement["If"][1:])
            assert list(other) == ["aws:PrincipalAccount"]
            # EKS documents no source keys for pod identity, and these tags.
            tags = ("eks-cluster-arn", "kubernetes-namespace", "kubernetes-service-account")
            assert list(pods) == [f"aws:RequestTag/{tag}" for tag in tags]
        elif statement["Principal"]["Service"] != "lambda.amazonaws.com":
            assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}, name
            assert any("aws:SourceArn" in keys for keys in statement["Condition"].values()), name


def worst(value: Any) -> Any:  # noqa: PLR0911 - any part of a policy
    """A policy as IAM would get it, with every condition true and every value at its longest."""
    if isinstance(value, list):
        return [worst(item) for item in value]
    if not isinstance(value, dict):
        return value
    (name, inner), *others = value.items()
    if name == "Split":
        return MOST_SUBNETS if ":subnet/" in json.dumps(inner) else MOST_IDS
    if others or name not in {"If", "Sub", "Ref", "GetAtt", "FindInMap"}:
        return {key: worst(item) for key, item in value.items()}
    if name == "If":
        return max((worst(branch) for branch in inner[1:]), key=lambda branch: len(json.dumps(branch)))
    if name == "Sub":
        text = inner if isinstance(inner, str) else inner[0]
        return substituted(text, dict.fromkeys(re.findall(r"\$\{([\w:.]+)\}", text), LONG_ARN) | LONGEST)
    return LONGEST.get(str(inner), LONG_ARN)


def test_policies_and_trusts_are_within_iams_limits(template: ProductTemplate) -> None:
    for name, role in template.of_type("AWS::IAM::Role").items():
        policies = [json.dumps(worst(document)) for document in template.policies(name)]
        # IAM counts no white space: 10,240 characters for all inline policies of a role, 2,048 for its trust.
        assert len(re.sub(r"\s", "", "".join(policies))) <= 10_240, name
        assert len(re.sub(r"\s", "", json.dumps(worst(role["AssumeRolePolicyDocument"])))) <= 2_048, name


def test_every_check_that_is_skipped_has_its_reason(template: ProductTemplate) -> None:
    skips = [
        (name, skip)
        for name, body in template.resources.items()
        for skip in body.get("Metadata", {}).get("checkov", {}).get("skip", [])
    ]
    assert skips
    assert [(name, skip["id"]) for name, skip in skips if len(skip.get("comment", "").split()) < 5] == []


def filled(text: str, *, with_roles: bool) -> str:
    """The template as the publisher would fill it in."""
    for empty, value in FILLED.items():
        assert empty in text
        text = text.replace(empty, value)
    if with_roles:
        supplied = r'\1: "arn:aws:iam::111122223333:role/service-role/supplied"'
        text, count = re.subn(r'^(      \w+): ""$', supplied, text, flags=re.MULTILINE)
        assert count == 7
    return text
