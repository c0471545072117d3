"""What whoever pushes to a project's repository, or launches a project, may not reach with the roles that work for it.

Each refusal stands beside what the same role needs the same right for, so that no role is refused by having none.
"""

from collections.abc import Sequence
from functools import cache

import pytest

from awsmodel.cloudformation.template import Template
from awsmodel.iam.evaluation import Context, Request, Statement, allowed
from awsmodel.regions import known_regions
from components.core.naming import Names
from components.iam.role_documents import RoleFacts, project_boundary, use_roles
from components.packaging import seed_code
from components.sections.catalog import CatalogSpec
from components.sections.iam import CreatedUseRoles, IamSpec, UseRole
from tests.seed_code.product_templates import PRODUCTS, REQUIRED, SEED_CODE, product_template
from tools.launch_permissions.needs import Launch
from tools.launch_permissions.resource_rights import LaunchScope

REGION, ACCOUNT, ELSEWHERE = known_regions()["eu-west-1"], "111122223333", "444455556666"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
CONNECTION = f"arn:aws:codeconnections:eu-west-1:{ACCOUNT}:connection/11111111-2222-3333-4444-555555555555"
STACK_SETS = f"arn:aws:iam::{ACCOUNT}:role/AWSCloudFormationStackSetAdministrationRole"
OWN, OTHER = "p-abcdefghijkl", "p-mnopqrstuvwx"
PIPELINE = f"codepipeline:eu-west-1:{ACCOUNT}:sagemaker-fraud-{OWN}-modeldeploy"
BUCKET = f"s3:::sagemaker-{OWN}-deploy-{ACCOUNT}"
OWN_MODELS = {"ModelBuildProjectName": "fraud"}
FOLDER = "sagemaker-fraud-p-ab"
"""CodePipeline cuts a pipeline's name at 20 characters to make the folder of its artifacts."""


@cache
def statements(product: str, role: str, **parameters: str) -> Sequence[Statement]:
    """What a role of a project called fraud may do."""
    environment = {
        **{f"Roles.{one}": [""] for one in UseRole},
        "Encryption.KmsKeyArn": [KEY],
        "Notifications.TopicArn": [f"arn:aws:sns:eu-west-1:{ACCOUNT}:sm-mlops-dev-notifications"],
        "Network.VpcId": [""],
        "Source.ConnectionArn": [CONNECTION],
    }
    named = {"SageMakerProjectName": "fraud", "SageMakerProjectId": OWN}
    # All that a project can ask for, so that its roles may most.
    most = {"MonitoringSchedule": "rate(1 day)", "RetrainOnDrift": "YES", "TargetModelRoleName": "sagemaker-models"}
    declared = product_template(product).parsed.parameters
    chosen = {name: str(one["Default"]) for name, one in declared.items() if "Default" in one}
    chosen |= named | {name: value for name, value in {**OWN_MODELS, **most, **parameters}.items() if name in declared}
    scope = LaunchScope(region=REGION, account_id=ACCOUNT)
    options = {name: [value] for name, value in chosen.items()}
    return Launch(seed_code.product(product), scope, environment, parameters=options).role_statements(role)


def facts(*, stack_sets: bool) -> RoleFacts:
    return RoleFacts(
        names=Names("sm-mlops", "dev"),
        home=REGION,
        account_id=ACCOUNT,
        iam=IamSpec(use=CreatedUseRoles(mode="create")),
        catalog=CatalogSpec(products=PRODUCTS, stack_set_role_arn=STACK_SETS if stack_sets else None),
    )


def shared(role: UseRole, *, stack_sets: bool = False) -> Sequence[Statement]:
    """What the role that projects share may do."""
    (found,) = [one for one in use_roles(facts(stack_sets=stack_sets)) if one.key == f"use.{role}"]
    return found.statements


def may(policy: Sequence[Statement], action: str, resource: str, context: Context | None = None) -> bool:
    arn = resource if resource == "*" else f"arn:aws:{resource}"
    return allowed(policy, Request(action, arn, context or {}))


def tagged(project: str, stage: str = "prod", name: str = "fraud") -> dict[str, str]:
    keys = {"sagemaker:project-id": project, "sagemaker:project-name": name, "stage": stage}
    return {f"aws:ResourceTag/{key}": value for key, value in keys.items()}


def tagging(project: str, stage: str = "prod", name: str = "fraud") -> dict[str, str]:
    return {key.replace("Resource", "Request"): value for key, value in tagged(project, stage, name).items()}


# ------------------------------------------------------------------------------------------ what nobody has looked at
@pytest.mark.parametrize("repository", ["", "acme/churn"], ids=["CodeCommit", "provider"])
@pytest.mark.parametrize("product", PRODUCTS)
def test_the_code_of_a_branch_is_checked_with_no_right_to_change_anything(product: str, repository: str) -> None:
    own = statements(product, "CheckRole", RepositoryId=repository)
    place = f"codecommit:eu-west-1:{ACCOUNT}:sagemaker-fraud-{OWN}-{product}"
    build = {"batch-inference": "batch", "model-deploy": "deploy"}.get(product, "build")
    bucket = f"s3:::sagemaker-{OWN}-{build}-{ACCOUNT}"
    fetches = may(own, "codecommit:GitPull", place), may(own, "s3:GetObject", f"{bucket}/{FOLDER}/SourceOutp/1a2b3c4")
    assert fetches == (not repository, bool(repository))
    for call in ("GitPush", "MergePullRequestByFastForward", "UpdatePullRequestApprovalState", "PutFile"):
        assert not may(own, f"codecommit:{call}", place), call
    assert not may(own, "s3:PutObject", f"{bucket}/{FOLDER}/SourceOutp/1a2b3c4")
    assert not may(own, "codeconnections:UseConnection", CONNECTION.removeprefix("arn:aws:"))
    assert {action.partition(":")[0] for one in own for action in listed(one["Action"])} <= {
        *("codecommit", "kms", "logs", "s3"),
    }


@pytest.mark.parametrize("role", ["PipelineRole", "CheckPipelineRole", "FirstPushRole"])
@pytest.mark.parametrize("product", PRODUCTS)
def test_a_connection_is_used_for_the_projects_own_repository_alone(product: str, role: str) -> None:
    connection = CONNECTION.removeprefix("arn:aws:")
    for service in ("codeconnections", "codestar-connections"):
        own, other = ({f"{service}:FullRepositoryId": name} for name in ("acme/churn", "acme/payroll"))
        allowed_for = statements(product, role, RepositoryId="acme/churn")
        assert may(allowed_for, f"{service}:UseConnection", connection, own)
        assert not may(allowed_for, f"{service}:UseConnection", connection, other)
        assert not may(statements(product, role, RepositoryId=""), f"{service}:UseConnection", connection, own)


def listed(value: object) -> list[str]:
    return [value] if isinstance(value, str) else [str(one) for one in value] if isinstance(value, list) else []


# ------------------------------------------------------------------------------------------- prod only with an approval
AROUND_THE_APPROVAL = [
    # Answering for the person, or telling the pipeline to go on without one.
    ("codepipeline:PutApprovalResult", f"{PIPELINE}/DeployStaging/ApproveProd"),
    ("codepipeline:OverrideStageCondition", f"{PIPELINE}/DeployStaging"),
    ("codepipeline:EnableStageTransition", f"{PIPELINE}/DeployProd"),
    ("codepipeline:RetryStageExecution", f"{PIPELINE}/DeployProd"),
    ("codepipeline:RollbackStage", f"{PIPELINE}/DeployProd"),
    ("codepipeline:StartPipelineExecution", PIPELINE),
    ("codepipeline:UpdatePipeline", PIPELINE),
    ("codepipeline:PutJobSuccessResult", "*"),
    # The function that settles it.
    ("lambda:UpdateFunctionCode", f"lambda:eu-west-1:{ACCOUNT}:function:sagemaker-{OWN}-deploy-confirm"),
    ("lambda:UpdateFunctionConfiguration", f"lambda:eu-west-1:{ACCOUNT}:function:sagemaker-{OWN}-deploy-confirm"),
    ("lambda:InvokeFunction", f"lambda:eu-west-1:{ACCOUNT}:function:sagemaker-{OWN}-deploy-confirm"),
    # What is deployed, in the place of what was approved.
    ("s3:PutObject", f"{BUCKET}/{FOLDER}/Confirmed/1a2b3c4"),
    ("s3:PutObject", f"{BUCKET}/{FOLDER}/SourceOutp/1a2b3c4"),
    ("s3:PutBucketPolicy", BUCKET),
    # Prod itself.
    *(
        (f"cloudformation:{call}", f"cloudformation:eu-west-1:{ACCOUNT}:stack/sagemaker-fraud-{OWN}-deploy-prod/1")
        for call in ("CreateStack", "UpdateStack", "CreateChangeSet", "ExecuteChangeSet", "DeleteStack")
    ),
    *(
        (f"sagemaker:{call}", f"sagemaker:eu-west-1:{ACCOUNT}:endpoint/sagemaker-{OWN}-prod")
        for call in ("CreateEndpoint", "UpdateEndpoint", "UpdateEndpointWeightsAndCapacities", "DeleteEndpoint")
    ),
    *(
        ("iam:PassRole", f"iam::{ACCOUNT}:role/sagemaker-{OWN}-deploy-{role}")
        for role in ("cloudformation", "cloudformation-staging", "sagemaker", "confirm")
    ),
    # The builds' own frame, and the registry, by whose word versions are deployed.
    ("codebuild:UpdateProject", f"codebuild:eu-west-1:{ACCOUNT}:project/sagemaker-fraud-{OWN}-modeldeploy"),
    ("codebuild:StartBuild", f"codebuild:eu-west-1:{ACCOUNT}:project/sagemaker-fraud-{OWN}-modeldeploy"),
    ("sagemaker:UpdateModelPackage", f"sagemaker:eu-west-1:{ACCOUNT}:model-package/sagemaker-fraud/1"),
    ("sagemaker:PutModelPackageGroupPolicy", f"sagemaker:eu-west-1:{ACCOUNT}:model-package-group/sagemaker-fraud"),
    ("sagemaker:CreateModelPackage", f"sagemaker:eu-west-1:{ACCOUNT}:model-package-group/sagemaker-fraud"),
    ("sts:AssumeRole", f"iam::{ACCOUNT}:role/sagemaker-{OWN}-deploy-cloudformation"),
]
"""Calls that would bring to prod what nobody has approved, each on what it would have to be made on."""

STACK_SET_PROJECT = {
    "DeploymentTarget": "STACKSET",
    "ProdAccountIds": ELSEWHERE,
    "TargetTestRoleName": "sagemaker-endpoint-test",
}


@pytest.mark.parametrize("parameters", [{}, STACK_SET_PROJECT], ids=["stacks", "stack-sets"])
def test_no_call_that_a_build_may_make_reaches_prod_around_the_approval(parameters: dict[str, str]) -> None:
    policy = statements("model-deploy", "BuildRole", **parameters)
    context = {**tagged(OWN), "iam:PassedToService": "cloudformation.amazonaws.com"}
    assert [call for call in AROUND_THE_APPROVAL if may(policy, *call, context)] == []
    assert may(policy, "s3:PutObject", f"{BUCKET}/{FOLDER}/BuildOutpu/1a2b3c4")
    assert may(policy, "sagemaker:InvokeEndpoint", f"sagemaker:eu-west-1:{ACCOUNT}:endpoint/sagemaker-{OWN}-prod")


@pytest.mark.parametrize("role", ["BuildRole", "JobRole"])
def test_neither_does_any_that_a_training_may_make(role: str) -> None:
    policy = statements("model-build-train", role)
    calls = [call for call in AROUND_THE_APPROVAL if call[0] != "sagemaker:CreateModelPackage"]
    assert [call for call in calls if may(policy, *call, {"iam:PassedToService": "cloudformation.amazonaws.com"})] == []
    group = f"sagemaker:eu-west-1:{ACCOUNT}:model-package-group/sagemaker-fraud"
    approved = {**tagged(OWN), "sagemaker:ModelApprovalStatus": "Approved"}
    assert not may(policy, "sagemaker:CreateModelPackage", group, approved)


def test_the_unapproved_stack_of_staging_reaches_nothing_of_prod() -> None:
    policy = statements("model-deploy", "StagingStackRole")
    prod, staging = (f"sagemaker:eu-west-1:{ACCOUNT}:endpoint/sagemaker-{OWN}-{stage}" for stage in ("prod", "staging"))
    model = f"sagemaker:eu-west-1:{ACCOUNT}:model/model-1"
    target = f"application-autoscaling:eu-west-1:{ACCOUNT}:scalable-target/1a2b"
    scaling = {"application-autoscaling:service-namespace": "sagemaker"}
    alarm = f"cloudwatch:eu-west-1:{ACCOUNT}:alarm:sagemaker-{OWN}"
    for call in ("CreateEndpoint", "UpdateEndpoint", "UpdateEndpointWeightsAndCapacities", "DeleteEndpoint"):
        assert not may(policy, f"sagemaker:{call}", prod)
        assert may(policy, f"sagemaker:{call}", staging)
    for stage, expected in (("prod", False), ("staging", True)):
        assert may(policy, "sagemaker:DeleteModel", model, tagged(OWN, stage)) is expected
        assert may(policy, "sagemaker:AddTags", model, {**tagged(OWN, stage), **tagging(OWN, "staging")}) is expected
        assert may(policy, "application-autoscaling:RegisterScalableTarget", target, scaling | tagged(OWN, stage)) is (
            expected
        )
        assert may(policy, "cloudwatch:PutMetricAlarm", f"{alarm}-{stage}-errors") is expected
    assert not may(
        policy, "lambda:InvokeFunction", f"lambda:eu-west-1:{ACCOUNT}:function:sagemaker-{OWN}-deploy-confirm"
    )


@pytest.mark.parametrize(("role", "stage"), [("StagingStackRole", "staging"), ("StackRole", "prod")])
def test_a_stage_that_is_monitored_no_more_loses_its_monitoring(role: str, stage: str) -> None:
    """Its stack deletes what an earlier setting made, after the project was updated without it."""
    policy = statements("model-deploy", role, MonitoringSchedule="")
    pipeline = f"sagemaker:eu-west-1:{ACCOUNT}:pipeline/sagemaker-{OWN}-drift-{stage}"
    assert may(policy, "sagemaker:DeletePipeline", pipeline)
    for kind in ("drift", "retrain"):
        rule = f"events:eu-west-1:{ACCOUNT}:rule/sagemaker-{OWN}-deploy-{kind}-{stage}"
        assert may(policy, "events:RemoveTargets", rule)
        assert may(policy, "events:DeleteRule", rule)
    assert not may(policy, "iam:PassRole", f"iam::{ACCOUNT}:role/sagemaker-{OWN}-deploy-monitoring")


def test_what_stages_go_by_and_deploy_comes_from_the_function_and_from_no_build() -> None:
    """A build exports what the repository's code says, and an artifact of a build is what that code has written."""
    template = product_template("model-deploy")
    stages = template.resources["Pipeline"]["Properties"]["Stages"]
    actions = [action for stage in stages for action in template.actions(stage["Name"])]
    settled = {
        one["Namespace"] for one in actions if one["ActionTypeId"]["Category"] == "Invoke" and "Namespace" in one
    }
    handed_on = {
        artifact["Name"]
        for one in actions
        if one["ActionTypeId"]["Category"] == "Invoke"
        for artifact in one.get("OutputArtifacts", ())
    }
    conditions = [
        rule["Configuration"]["Variable"]
        for stage in stages
        for conditions in (stage.get("BeforeEntry"), stage.get("OnSuccess"))
        if conditions
        for condition in conditions["Conditions"]
        for rule in condition["Rules"]
    ]
    assert len(conditions) == 2
    assert all(variable.removeprefix("#{").split(".")[0] in settled for variable in conditions)
    deployed = [one for one in actions if one["ActionTypeId"]["Category"] == "Deploy"]
    assert len(deployed) == 4
    for action in deployed:
        assert {artifact["Name"] for artifact in action["InputArtifacts"]} <= handed_on
    # Between a function's last look and the deployment nobody is asked: only a function may stand there.
    before = [one["ActionTypeId"]["Category"] for one in template.actions("DeployProd") if one["RunOrder"] == 1]
    assert before == ["Invoke"]


def test_whoever_invokes_the_function_tells_it_nothing_that_a_build_has_said() -> None:
    template = product_template("model-deploy")
    stages = template.resources["Pipeline"]["Properties"]["Stages"]
    asked = [
        action["Configuration"]["UserParameters"]
        for stage in stages
        for action in template.actions(stage["Name"])
        if action["ActionTypeId"]["Category"] == "Invoke"
    ]
    assert asked == [
        '{"step":"confirm","trigger":"#{variables.Trigger}","package":"#{variables.ModelPackageArn}"}',
        '{"step":"recheck","package":"#{Confirmed.PACKAGE_ARN}"}',
    ]


# ------------------------------------------------------------------------------------ roles that tests assume elsewhere
ANY_ROLES = (
    f"iam::{ACCOUNT}:role/Administrator",
    f"iam::{ACCOUNT}:role/sagemaker-{OTHER}-deploy-cloudformation",
    f"iam::{ACCOUNT}:role/sagemaker-endpoint-test",
    f"iam::{ELSEWHERE}:role/Administrator",
)
"""Roles that trust the account, which a project's launch could name or its builds could ask for."""

TEST_ROLE = f"iam::{ELSEWHERE}:role/sagemaker-endpoint-test"


@pytest.mark.parametrize("stack_sets", [False, True])
def test_the_boundary_lets_a_project_into_no_role_but_those_of_tests_elsewhere(stack_sets: bool) -> None:
    policies = (
        project_boundary(facts(stack_sets=stack_sets)),
        shared(UseRole.CODE_BUILD, stack_sets=stack_sets),
    )
    for policy in policies:
        assert [arn for arn in ANY_ROLES if may(policy, "sts:AssumeRole", arn)] == []
        assert may(policy, "sts:AssumeRole", TEST_ROLE) is stack_sets


@pytest.mark.parametrize("name", ["Administrator", "team/sagemaker-x", "sagemaker-", "*", "sagemaker-*", "?agemaker-x"])
def test_a_launch_names_no_other_role_for_its_tests(name: str) -> None:
    template = product_template("model-deploy").parsed
    own = {"SageMakerProjectName": "fraud", "SageMakerProjectId": OWN}
    with pytest.raises(ValueError, match="TargetTestRoleName"):
        template.resolve_parameters({**own, "TargetTestRoleName": name})
    template.resolve_parameters({**own, "TargetTestRoleName": "sagemaker-endpoint-test"})


def test_the_builds_of_a_project_assume_the_role_that_it_names_elsewhere_and_none_here() -> None:
    policy = statements("model-deploy", "BuildRole", **STACK_SET_PROJECT)
    assert may(policy, "sts:AssumeRole", TEST_ROLE)
    assert [arn for arn in ANY_ROLES if may(policy, "sts:AssumeRole", arn)] == []
    assert not may(
        statements("model-deploy", "BuildRole", TargetTestRoleName="sagemaker-x"), "sts:AssumeRole", TEST_ROLE
    )


# ------------------------------------------------------------------------------------------------------ other projects
@cache
def begun() -> Template:
    """What `make product` copies: it is no product, and has no parts."""
    return Template.parse((SEED_CODE / "_skeleton" / "template.yaml").read_text())


@pytest.mark.parametrize("product", [*PRODUCTS, "_skeleton"])
@pytest.mark.parametrize("ident", ["p", "p-", "p-a-b", "x", "p-A", "p-a*", "sagemaker", "p-abcdefghijklmnopqrs"])
def test_no_projects_names_begin_with_those_of_another(product: str, ident: str) -> None:
    template = begun() if product[0] == "_" else product_template(product).parsed
    given = {"SageMakerProjectName": "fraud", **REQUIRED.get(product, {})}
    with pytest.raises(ValueError, match="SageMakerProjectId"):
        template.resolve_parameters({**given, "SageMakerProjectId": ident})
    template.resolve_parameters({**given, "SageMakerProjectId": OWN})


GROUP = f"sagemaker:eu-west-1:{ACCOUNT}:model-package-group/sagemaker-victim"
JOB = f"sagemaker:eu-west-1:{ACCOUNT}:training-job/pipelines-1a2b-train"
TRIAL = f"sagemaker:eu-west-1:{ACCOUNT}:experiment-trial-component/1a2b-aws-training-job"
MODEL = f"sagemaker:eu-west-1:{ACCOUNT}:model/model-1a2b"
CONFIG = f"sagemaker:eu-west-1:{ACCOUNT}:endpoint-config/config-1a2b"
TARGET = f"application-autoscaling:eu-west-1:{ACCOUNT}:scalable-target/1a2b"
SCALING = {"application-autoscaling:service-namespace": "sagemaker"}
OF_ANOTHER = tagged(OTHER, name="victim")
NOT_MADE: dict[str, str] = {}


def made_by(call: str) -> dict[str, str]:
    return {**tagging(OWN), "sagemaker:TaggingAction": call}


@pytest.mark.parametrize(
    ("product", "role", "action", "resource", "theirs", "ours"),
    [
        # A group that is taken over by a tag would let the project register into it.
        (
            "model-build-train",
            "BuildRole",
            "sagemaker:AddTags",
            GROUP,
            OF_ANOTHER | tagging(OWN),
            tagged(OWN) | tagging(OWN),
        ),
        (
            "model-build-train",
            "BuildRole",
            "sagemaker:AddTags",
            GROUP,
            tagging(OWN),
            made_by("CreateModelPackageGroup"),
        ),
        (
            "model-build-train",
            "BuildRole",
            "sagemaker:CreateModelPackageGroup",
            GROUP,
            tagging(OWN, name="victim"),
            tagging(OWN),
        ),
        ("model-build-train", "JobRole", "sagemaker:CreateModelPackage", GROUP, OF_ANOTHER, tagged(OWN)),
        (
            "model-build-train",
            "JobRole",
            "sagemaker:CreateModelPackage",
            GROUP.replace("package-group", "package") + "/7",
            OF_ANOTHER,
            NOT_MADE,
        ),
        (
            "model-build-train",
            "JobRole",
            "sagemaker:AddTags",
            JOB,
            OF_ANOTHER | tagging(OWN),
            made_by("CreateTrainingJob"),
        ),
        ("model-build-train", "JobRole", "sagemaker:StopTrainingJob", JOB, OF_ANOTHER, tagged(OWN)),
        (
            "model-build-train",
            "JobRole",
            "sagemaker:AddTags",
            TRIAL,
            OF_ANOTHER | tagging(OWN),
            made_by("CreateTrialComponent"),
        ),
        ("model-build-train", "JobRole", "sagemaker:UpdateTrialComponent", TRIAL, OF_ANOTHER, tagged(OWN)),
        # What carries the project's tag can be removed: so nothing of others may be tagged.
        ("model-deploy", "StackRole", "sagemaker:AddTags", MODEL, OF_ANOTHER | tagging(OWN), made_by("CreateModel")),
        ("model-deploy", "StackRole", "sagemaker:AddTags", MODEL, tagging(OWN), tagged(OWN) | tagging(OWN)),
        ("model-deploy", "StackRole", "sagemaker:DeleteModel", MODEL, OF_ANOTHER, tagged(OWN)),
        ("model-deploy", "StackRole", "sagemaker:UpdateEndpoint", CONFIG, OF_ANOTHER, tagged(OWN)),
        (
            "model-deploy",
            "StackRole",
            "application-autoscaling:TagResource",
            TARGET,
            OF_ANOTHER | tagging(OWN),
            tagging(OWN),
        ),
        (
            "model-deploy",
            "StackRole",
            "application-autoscaling:DeregisterScalableTarget",
            TARGET,
            SCALING | OF_ANOTHER,
            SCALING | tagged(OWN),
        ),
        (
            "model-deploy",
            "StackRole",
            "application-autoscaling:RegisterScalableTarget",
            TARGET,
            SCALING | OF_ANOTHER,
            SCALING | tagging(OWN),
        ),
        (
            "model-deploy",
            "ConfirmRole",
            "sagemaker:PutModelPackageGroupPolicy",
            GROUP,
            OF_ANOTHER,
            tagged(OTHER, name="fraud"),
        ),
    ],
)
def test_a_project_reaches_its_own_things_and_not_those_of_another(
    product: str, role: str, action: str, resource: str, theirs: dict[str, str], ours: dict[str, str]
) -> None:
    parameters = STACK_SET_PROJECT if role == "ConfirmRole" else {}
    policy = statements(product, role, **parameters)
    assert not may(policy, action, resource, theirs)
    assert may(policy, action, resource, ours)


@pytest.mark.parametrize(
    ("role", "resource", "making"),
    [
        (UseRole.CODE_BUILD, GROUP, "CreateModelPackageGroup"),
        (UseRole.SAGEMAKER, JOB, "CreateTrainingJob"),
        (UseRole.SAGEMAKER, TRIAL, "CreateTrialComponent"),
        (UseRole.CLOUD_FORMATION, MODEL, "CreateModel"),
        (UseRole.CLOUD_FORMATION, CONFIG, "CreateEndpointConfig"),
    ],
)
def test_a_shared_role_tags_what_is_made_and_nothing_that_people_own(role: UseRole, resource: str, making: str) -> None:
    """Projects that share roles are not separated; what is no project's stays out of reach."""
    policy = shared(role)
    assert may(policy, "sagemaker:AddTags", resource, made_by(making))
    assert not may(policy, "sagemaker:AddTags", resource, tagging(OWN))
