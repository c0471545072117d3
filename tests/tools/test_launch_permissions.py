"""Whether the launch role can launch the products is told before anybody launches one."""

import json
from collections.abc import Sequence
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from shutil import copytree
from textwrap import indent
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from awsmodel.iam.evaluation import Statement
from components import packaging
from components.packaging import Product, ProductFolderError, read_product, seed_code
from components.packaging.faults import Fault
from components.providers import iam_roles
from components.sections.iam import AdoptedRole, CreatedUseRoles, IamSpec, RolesOfProjects, UseRoles
from tests.support import product_samples
from tests.support.played_aws import Clients
from tests.support.recording import EXAMPLE
from tools.faults import ToolError
from tools.launch_permissions import command, roles
from tools.launch_permissions.choices import Path as Way
from tools.launch_permissions.choices import explore
from tools.launch_permissions.findings import Finding, check
from tools.launch_permissions.needs import Launch
from tools.launch_permissions.resource_rights import TYPES
from tools.stack_file import StackFile

BUILD, DEPLOY = "model-build-train", "model-deploy"
AIRFLOW, STATES, KUBERNETES = "model-build-airflow", "model-build-stepfunctions", "model-build-kubernetes"
PRODUCTS = [seed_code.product(slug) for slug in (BUILD, DEPLOY)]
ALL = [*PRODUCTS, *(seed_code.product(slug) for slug in (STATES, AIRFLOW, KUBERNETES))]
"""Those that need every grant of our role."""
OURS = roles.ours(None)


def without(action: str, role: roles.LaunchRole = OURS) -> roles.LaunchRole:
    """A role that may do all but one thing."""
    policy = [
        {**statement, "Action": [one for one in statement["Action"] if one != action]} for statement in role.policy
    ]
    assert policy != list(role.policy), f"the role never had {action}"
    return replace(role, policy=policy, exact=False)


def changed(tmp_path: Path, more: str, *, old: str = "", new: str = "") -> Product:
    """A copy of the deploy product with resources added to its template, or a text of it replaced."""
    folder = tmp_path / DEPLOY
    (folder / "repository").mkdir(parents=True)
    (folder / "repository" / "README.md").write_text("# Changed\n")
    source = seed_code.SEED_CODE / DEPLOY
    (folder / "product.yaml").write_text(product_samples.without_parts((source / "product.yaml").read_text()))
    text = seed_code.product(DEPLOY).template
    assert old in text
    text = text.replace(old, new) if old else text
    (folder / "template.yaml").write_text(text.replace("\nOutputs:\n", f"\n{more}\nOutputs:\n"))
    copytree(source / "functions", folder / "functions")
    copytree(seed_code.SEED_CODE / "_parts", tmp_path / "_parts", dirs_exist_ok=True)
    return packaging.read_product(folder)


def told(findings: Sequence[Finding]) -> set[tuple[str, str]]:
    return {(finding.logical_id, finding.action) for finding in findings}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command.command, arguments)


@pytest.mark.parametrize("use", [RolesOfProjects(), CreatedUseRoles(mode="create"), AdoptedRole(mode="adopt")])
def test_our_role_lacks_nothing_has_nothing_useless_and_bounds_nothing_that_a_template_gives(use: UseRoles) -> None:
    found = check(ALL, roles.ours(None, iam=IamSpec(use=use)))
    assert (found.missing, found.beyond_boundary, found.useless) == ([], [], [])


@pytest.mark.parametrize(
    ("action", "resources", "operations"),
    [
        ("codecommit:ListRepositories", {"Repository"}, ["create", "update", "delete"]),
        ("codebuild:UpdateProject", {"BuildProject", "CheckProject", "FirstPushProject", "TestProject"}, ["update"]),
        (
            "events:RemoveTargets",
            {
                *("PushRule", "BranchRule", "RequestRule", "FailedCheckRule"),
                *("ApprovedRule", "RejectedRule", "FailureRule"),
            },
            ["update", "delete"],
        ),
        ("lambda:InvokeFunction", {"CleanUp", "FirstPush"}, ["create", "update", "delete"]),
        ("cloudformation:UpdateStack", {"(stack)"}, ["update"]),
        ("s3:DeleteBucketPolicy", {"ArtifactBucketPolicy"}, ["delete"]),
        ("s3:PutLifecycleConfiguration", {"ArtifactBucket"}, ["create", "update"]),
        (
            "logs:PutRetentionPolicy",
            {
                *("BuildLogs", "CheckLogs", "TestLogs", "CleanUpLogs", "ConfirmLogs"),
                *("FirstPushLogs", "FirstPushFunctionLogs"),
            },
            ["create", "update"],
        ),
        ("sns:Publish", {"(stack)"}, ["create", "update", "delete"]),
    ],
)
def test_a_right_that_is_taken_away_is_missed_on_exactly_its_resources(
    action: str, resources: set[str], operations: list[str]
) -> None:
    missing = check([seed_code.product(DEPLOY)], without(action)).missing
    assert told(missing) == {(resource, action) for resource in resources}
    assert {tuple(finding.operations) for finding in missing} == {tuple(operations)}


def test_a_grant_that_no_product_needs_is_told_down_to_the_value_of_its_condition() -> None:
    passing = {"StringEquals": {"iam:PassedToService": ["lambda.amazonaws.com", "glue.amazonaws.com"]}}
    more: list[Statement] = [
        {"Effect": "Allow", "Action": ["s3:CreateBucket", "s3:PutBucketWebsite"], "Resource": ["*"]},
        {"Effect": "Allow", "Action": ["iam:PassRole"], "Resource": ["*"], "Condition": passing},
        {"Effect": "Allow", "Action": ["events:Put*", "glue:*"], "Resource": ["*"]},
    ]
    useless = check(ALL, replace(OURS, policy=[*OURS.policy, *more])).useless
    assert [(grant["Action"], grant["Condition"]) for grant in useless] == [
        ("s3:PutBucketWebsite", {}),
        ("iam:PassRole", {"StringEquals": {"iam:PassedToService": "glue.amazonaws.com"}}),
        ("glue:*", {}),
    ]


def test_what_every_call_of_cloudformation_carries_can_be_asked_for() -> None:
    conditions = {"aws:RequestedRegion": OURS.scope.region.name, "aws:PrincipalAccount": OURS.scope.account_id}
    asked = {"StringEquals": conditions, "Bool": {"aws:ViaAWSService": "true"}}
    through = {"ForAnyValue:StringEquals": {"aws:CalledVia": "cloudformation.amazonaws.com"}}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {**asked, **through}}
    assert check(PRODUCTS, replace(OURS, policy=[everything], exact=False)).missing == []


def test_roles_are_passed_to_their_services_and_made_only_with_the_boundary() -> None:
    for key, value in (("iam:PassedToService", "lambda.amazonaws.com"), ("iam:PermissionsBoundary", "")):
        policy = [dict(statement) for statement in OURS.policy]
        for statement in policy:
            asked = statement.get("Condition", {}).get("StringEquals", {})
            if key in asked:
                others = [one for one in asked[key] if one != value] if isinstance(asked[key], list) else "other"
                statement["Condition"] = {"StringEquals": {**asked, key: others}}
        missing = check([seed_code.product(DEPLOY)], replace(OURS, policy=policy)).missing
        made = {"iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"}
        assert {finding.action for finding in missing} == ({"iam:PassRole"} if value else made)
        if value:
            functions = {(name, value) for name in ("CleanUpFunction", "ConfirmFunction", "FirstPushFunction")}
            assert {(finding.logical_id, finding.context[key]) for finding in missing} == functions


def test_a_finding_names_the_choice_that_it_hangs_on_and_no_other() -> None:
    missing = check(PRODUCTS, without("logs:AssociateKmsKey")).missing
    # Some groups are there only for a repository at a Git provider.
    choices_of = {finding.logical_id.startswith("FirstPush"): {*finding.choice} for finding in missing}
    assert choices_of == {False: {"Encryption.KmsKeyArn"}, True: {"Encryption.KmsKeyArn", "RepositoryId"}}
    assert all(finding.choice["Encryption.KmsKeyArn"].startswith("arn:aws:kms:") for finding in missing)
    rules = check(PRODUCTS, replace(OURS, policy=_only_rules(OURS.policy, "rule/sagemaker-*-push"))).missing
    choices = {finding.logical_id: finding.choice for finding in rules if finding.action == "events:PutRule"}
    assert choices["ApprovedRule"] == {}
    assert [*choices["FailureRule"]] == [*choices["TrainingRule"]] == ["Notifications.TopicArn"]


def _only_rules(policy: Sequence[Statement], name: str) -> list[Statement]:
    return [
        {**statement, "Resource": [f"arn:aws:events:*:*:{name}"]} if statement["Sid"] == "Rules" else statement
        for statement in policy
    ]


@pytest.mark.parametrize(
    ("resource", "missing"),
    [
        (
            "{Type: AWS::S3::Bucket, DeletionPolicy: Retain, "
            "Properties: {BucketName: !Sub 'reports-${SageMakerProjectId}'}}",
            {"s3:CreateBucket", "s3:ListBucket"},
        ),
        (
            "{Type: AWS::SNS::Topic}",
            {
                *("sns:CreateTopic", "sns:DeleteTopic", "sns:GetDataProtectionPolicy", "sns:GetTopicAttributes"),
                *("sns:ListSubscriptionsByTopic", "sns:SetTopicAttributes"),
            },
        ),
        (
            "{Type: AWS::Lambda::Permission, Properties: {Action: lambda:InvokeFunction, "
            "FunctionName: !Ref CleanUpFunction, Principal: events.amazonaws.com}}",
            {"lambda:AddPermission", "lambda:GetPolicy", "lambda:RemovePermission"},
        ),
        (
            "{Type: AWS::Events::Rule, Properties: {Name: !Sub 'sagemaker-${SageMakerProjectId}-x', State: ENABLED, "
            "Targets: "
            "[{Id: x, Arn: !GetAtt CleanUpFunction.Arn, RoleArn: !Sub 'arn:${AWS::Partition}:iam::1:role/other'}]}}",
            {"iam:PassRole"},
        ),
    ],
)
def test_a_template_that_needs_a_new_right_fails(tmp_path: Path, resource: str, missing: set[str]) -> None:
    found = check([changed(tmp_path, f"  More: {resource}\n")], OURS)
    assert told(found.missing) == {("More", action) for action in missing}


def test_a_property_that_needs_a_new_right_fails(tmp_path: Path) -> None:
    old = "      OwnershipControls:\n"
    product = changed(
        tmp_path, "", old=old, new=f"      AccelerateConfiguration: {{AccelerationStatus: Enabled}}\n{old}"
    )
    assert told(check([product], OURS).missing) == {
        ("ArtifactBucket", "s3:GetAccelerateConfiguration"),
        ("ArtifactBucket", "s3:PutAccelerateConfiguration"),
    }


def test_a_role_that_its_boundary_would_cut_fails(tmp_path: Path) -> None:
    product = changed(tmp_path, "", old="codepipeline:StartPipelineExecution", new="dynamodb:PutItem")
    found = check([product], OURS)
    assert (found.missing, told(found.beyond_boundary)) == ([], {("EventsRole", "dynamodb:PutItem")})


def test_a_type_that_nobody_has_looked_at_is_not_known_and_the_rest_is_told(tmp_path: Path) -> None:
    product = changed(tmp_path, "  Queue: {Type: AWS::SQS::Queue}\n")
    found = check([product], without("codebuild:CreateProject"))
    assert found.unknown == [
        "seed_code/model-deploy/template.yaml: Queue: which rights the handlers of AWS::SQS::Queue use"
    ]
    assert ("BuildProject", "codebuild:CreateProject") in told(found.missing)
    assert check([product], OURS).useless == [], "the queue may need what nothing else does"


OF_A_PROJECT = """\
Parameters:
  SageMakerProjectName: {{Type: String, MaxLength: 32}}
  SageMakerProjectId: {{Type: String, MaxLength: 20}}
{parameters}
Resources:
{resources}
"""


def project(tmp_path: Path, resources: str, parameters: str = "") -> Product:
    """A small product of these resources."""
    text = OF_A_PROJECT.format(resources=indent(resources, "  "), parameters=indent(parameters, "  "))
    description = product_samples.DESCRIPTION + "seed: none\n"
    return read_product(product_samples.make_product(tmp_path, template=text, description=description))


GROUP = """\
L:
  Type: AWS::Logs::LogGroup
  Properties: {LogGroupName: !Sub "/aws/codebuild/sagemaker-${SageMakerProjectId}"}
"""


def test_a_parameter_that_systems_manager_holds_is_read_as_who_launches(tmp_path: Path) -> None:
    parameter = "Image: {Type: AWS::SSM::Parameter::Value<String>, Default: /images/train}"
    missing = check([project(tmp_path, GROUP, parameter)], OURS).missing
    (found,) = [one for one in missing if one.action == "ssm:GetParameters"]
    assert (found.logical_id, found.resource.partition(":ssm:")[2]) == (
        "Image",
        f"{OURS.scope.region.name}:{OURS.scope.account_id}:parameter/images/train",
    )


def test_sections_that_change_a_template_in_ways_not_known_are_told(tmp_path: Path) -> None:
    text = "Transform: AWS::LanguageExtensions\n" + OF_A_PROJECT.format(resources=indent(GROUP, "  "), parameters="")
    folder = product_samples.make_product(
        tmp_path, template=text, description=f"{product_samples.DESCRIPTION}seed: none\n"
    )
    product = read_product(folder)
    found = check([product], OURS)
    assert found.unknown == [f"seed_code/{product.slug}/template.yaml: what its section Transform does"]


ROLE = """\
Role:
  Type: AWS::IAM::Role
  Properties:
    RoleName: !Sub sagemaker-${SageMakerProjectId}-x
    AssumeRolePolicyDocument: {Statement: {Effect: Allow, Principal: {Service: codebuild.amazonaws.com}, Action: "*"}}
    Policies: [{PolicyName: x, PolicyDocument: {Statement: STATEMENT}}]
"""
UNKNOWN_VALUES = {
    "connection": (
        "P: {Type: AWS::CodePipeline::Pipeline, Properties: {Name: !Sub 'sagemaker-${SageMakerProjectId}', Stages: "
        "[{Actions: [{Configuration: {ConnectionArn: !Ref Given}}]}]}}\n",
        [],
        {("P", "codeconnections:PassConnection"), ("P", "codestar-connections:PassConnection")},
    ),
    "tags": (
        "T: {Type: AWS::SNS::Topic, Properties: {TopicName: !Sub 'x-${SageMakerProjectId}', Tags: !Ref Given}}\n",
        [],
        set(),
    ),
    "code": (
        "F: {Type: AWS::Lambda::Function, Properties: {FunctionName: !Sub 'sagemaker-${SageMakerProjectId}', "
        "Role: !Ref Given, Code: !Ref Given}}\n",
        [],
        set(),
    ),
    "scaled endpoint": (
        "S: {Type: AWS::ApplicationAutoScaling::ScalableTarget, Properties: {ServiceNamespace: sagemaker, "
        "ResourceId: !Ref Given, ScalableDimension: x, MinCapacity: 1, MaxCapacity: 2}}\n",
        [],
        set(),
    ),
    "receiver of a custom resource": (
        "C: {Type: Custom::Thing, Properties: {ServiceToken: !Ref Given}}\n",
        [
            "C: whom ServiceToken names, on which lambda:InvokeFunction hangs, is known at a launch only",
            "C: whom ServiceToken names, on which sns:Publish hangs, is known at a launch only",
        ],
        set(),
    ),
    "function that this check has not": (
        "L: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Sub ['/x/${N}', {N: {'Fn::Length': [a]}}]}}\n",
        ["L: what Fn::Length gives (Fn::Length is not supported)"],
        set(),
    ),
    "function of the launch": (
        "L: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Select [3, !Split [':', !Ref Given]]}}\n",
        [],
        set(),
    ),
    "policies": (ROLE.replace("[{PolicyName", "!Ref Given #"), [], set()),
    "no statements": (ROLE.replace("Statement: STATEMENT", "Version: x"), [], set()),
}


@pytest.mark.parametrize(("resources", "unknown", "asked"), UNKNOWN_VALUES.values(), ids=UNKNOWN_VALUES)
def test_what_only_a_launch_knows_is_unknown_and_ends_nothing(
    tmp_path: Path, resources: str, unknown: Sequence[str], asked: set[tuple[str, str]]
) -> None:
    meant = "exceptions: [length L.LogGroupName]\n" if "Fn::Length" in resources else ""
    folder = product_samples.make_product(
        tmp_path,
        template=OF_A_PROJECT.format(
            resources=indent(
                resources + "Last: {Type: AWS::Logs::LogGroup, Properties: {KmsKeyId: !Ref Given}}\n", "  "
            ),
            parameters="  Given: {Type: String, MaxLength: 200}",
        ),
        description=f"{product_samples.DESCRIPTION}seed: none\n{meant}",
    )
    found = check([read_product(folder)], replace(without("logs:CreateLogGroup"), project_boundary=()))
    assert [reason.partition("template.yaml: ")[2] for reason in found.unknown if " Role: " not in reason] == unknown
    assert asked | {("Last", "logs:CreateLogGroup")} <= told(found.missing)


@pytest.mark.parametrize(
    ("statement", "action"),
    [
        ("{Effect: Allow, Action: 's3:GetObject', Resource: '*'}", "s3:GetObject"),
        ("[{Effect: Allow, Action: ['s3:GetObject'], Resource: ['*']}]", "s3:GetObject"),
        ("{Effect: Allow, NotAction: 'iam:*', Resource: '*'}", "*"),
        ("{Effect: Allow, Action: 's3:GetObject', NotResource: 'arn:x'}", "s3:GetObject"),
    ],
)
def test_policies_of_roles_are_read_in_every_spelling(tmp_path: Path, statement: str, action: str) -> None:
    product = project(tmp_path, ROLE.replace("STATEMENT", statement))
    found = check([product], replace(OURS, project_boundary=(), exact=False))
    assert found.unknown == []
    assert [finding.action for finding in found.beyond_boundary] == [action]


PATTERNS = {
    "default": ("{Type: String, Default: a@example.com, AllowedPattern: '[^@]+@[^@]+'}", "a@example.com"),
    "first allowed value": ("{Type: String, AllowedValues: [x1, x2]}", "x1"),
    "class of Java": (r"{Type: String, AllowedPattern: '\p{Lower}{3}[0-9]\-x'}", "aaa0-x"),
    "alternatives in a group": ("{Type: String, AllowedPattern: 'ml[.](m5|c5)[.]large'}", "ml.m5.large"),
    "what Python has no equal for": ("{Type: String, AllowedPattern: '[a-z&&[^x]]+'}", "*"),
}


@pytest.mark.parametrize(("parameter", "value"), PATTERNS.values(), ids=PATTERNS)
def test_values_of_parameters_come_from_what_the_template_says(tmp_path: Path, parameter: str, value: str) -> None:
    resources = "L: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Sub '/${SageMakerProjectId}/${Given}'}}\n"
    folder = product_samples.make_product(
        tmp_path,
        template=OF_A_PROJECT.format(resources=indent(resources, "  "), parameters=f"  Given: {parameter}"),
        description=f"{product_samples.DESCRIPTION}seed: none\nexceptions: [length L.LogGroupName]\n"
        if "AllowedValues" not in parameter
        else f"{product_samples.DESCRIPTION}seed: none\n",
    )
    launch = Launch(read_product(folder), OURS.scope, {})
    assert next(iter(launch.options["Given"])) == value


def test_a_product_that_cannot_be_read_takes_no_other_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = seed_code.product

    def product(slug: str) -> Product:
        if slug == BUILD:
            raise ProductFolderError(BUILD, [Fault("template.yaml", 3, "is not YAML")])
        return real(slug)

    monkeypatch.setattr(seed_code, "product", product)
    result = run("--product", BUILD, "--product", DEPLOY)
    assert result.exit_code == 2
    assert "not known: product folder 'model-build-train' has a fault:" in result.output
    assert "nothing else is missing for model-deploy" in result.output


def test_the_policy_of_aws_is_told_with_its_date_and_does_not_suffice() -> None:
    role = roles.managed(None)
    assert role.title.endswith("v12 of 2026-02-12")
    missing = told(check(PRODUCTS, role).missing)
    assert {("BuildRole", "iam:CreateRole"), ("ArtifactBucket", "s3:PutBucketVersioning")} <= missing
    assert ("BuildProject", "codebuild:CreateProject") not in missing
    assert ("CleanUpFunction", "lambda:TagResource") in missing, "it takes tags of SageMaker only"
    choices = [
        finding.choice["Roles.CodeBuild"]
        for finding in check(PRODUCTS, role).missing
        if (finding.logical_id, finding.action) == ("BuildProject", "iam:PassRole")
    ]
    assert set(choices) == {""}, "AWS's own role may be passed, the project's own may not"


def test_the_table_knows_every_right_that_the_registrys_handlers_name() -> None:
    seen = set()
    for name, kind in TYPES.items():
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", name).schema
        assert {right.when for right in kind.rights} <= {"", *schema["properties"]}, name
        assert kind.name in ("", *schema["properties"]), name
        handlers = {key: value for key, value in schema.get("handlers", {}).items() if key != "list"}
        named = {action for handler in handlers.values() for action in handler["permissions"]}
        named |= set(schema.get("tagging", {}).get("permissions", ()))
        known = {right.action for right in kind.rights}
        assert named - known - kind.unused.keys() == set(), f"{name}: sort these rights in, or say why not"
        assert kind.unused.keys() <= named - known, name
        if handlers:
            seen.add(name)
    assert TYPES.keys() - seen == {"AWS::CloudFormation::CustomResource", "AWS::CodeBuild::Project"}


class Iam:
    """A role with an inline and two attached policies, on two pages each, and perhaps a boundary."""

    def __init__(self, boundary: bool) -> None:
        self.calls: list[str] = []
        self._boundary = boundary

    def ListRolePolicies(self, RoleName: str, Marker: str = "") -> Any:
        assert RoleName == "launch"
        return {"PolicyNames": ["b"]} if Marker else {"PolicyNames": ["a"], "IsTruncated": True, "Marker": "2"}

    def GetRolePolicy(self, RoleName: str, PolicyName: str) -> Any:
        return {"RoleName": RoleName, "PolicyName": PolicyName, "PolicyDocument": self._allow(f"{PolicyName}:*")}

    def ListAttachedRolePolicies(self, RoleName: str, Marker: str = "") -> Any:  # noqa: ARG002
        arn = f"arn:aws:iam::111122223333:policy/{'d' if Marker else 'c'}"
        page = {"AttachedPolicies": [{"PolicyName": arn[-1], "PolicyArn": arn}]}
        return page if Marker else {**page, "IsTruncated": True, "Marker": "2"}

    def GetPolicy(self, PolicyArn: str) -> Any:
        return {"Policy": {"Arn": PolicyArn, "DefaultVersionId": "v3"}}

    def GetPolicyVersion(self, PolicyArn: str, VersionId: str) -> Any:
        assert VersionId == "v3"
        return {"PolicyVersion": {"Document": self._allow(f"{PolicyArn[-1]}:*")}}

    def GetRole(self, RoleName: str) -> Any:
        role = {"Path": "/", "RoleName": RoleName, "RoleId": "A" * 16, "Arn": "a" * 20, "CreateDate": 0}
        boundary = {"PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/e"}
        return {"Role": {**role, "PermissionsBoundary": boundary} if self._boundary else role}

    @staticmethod
    def _allow(action: str) -> str:
        return json.dumps({"Statement": {"Effect": "Allow", "Action": action, "Resource": "*"}})


@pytest.mark.parametrize("bounded", [False, True])
def test_a_role_that_exists_is_read_with_all_its_policies_and_its_boundary(bounded: bool) -> None:
    policy, boundary = iam_roles.read(Clients(Iam(bounded)).client("iam", "eu-west-1"), "launch")
    assert [statement["Action"] for statement in policy] == ["a:*", "b:*", "c:*", "d:*"]
    assert [statement["Action"] for statement in boundary or ()] == (["e:*"] if bounded else [])
    assert (boundary is None) is not bounded


def test_a_role_that_exists_is_judged_in_its_account_for_what_the_stack_publishes() -> None:
    stack = StackFile("prod", EXAMPLE)
    vars(stack)["access"] = Clients(Iam(boundary=True))
    role = roles.existing("arn:aws:iam::111122223333:role/team/launch", stack)
    assert (role.scope.account_id, role.exact) == ("111122223333", False)
    assert role.environment["Roles.PermissionsBoundary"] == ["sm-mlops-prod-project-boundary"]
    missing = check(PRODUCTS, role).missing
    rules = {finding.resource for finding in missing if finding.action == "events:PutRule"}
    assert {rule for rule in rules if rule.endswith("push")} == {
        f"arn:aws:events:{role.scope.region.name}:111122223333:rule/sagemaker-*-{kind}-push"
        for kind in ("build", "deploy")
    }


def test_tags_that_a_request_sets_and_that_its_resource_has_can_be_asked_for() -> None:
    asked = {
        "codebuild:CreateProject": {"StringEquals": {"aws:RequestTag/environment": "dev"}},
        "codebuild:UpdateProject": {"StringEquals": {"aws:ResourceTag/environment": "dev"}},
        "codebuild:DeleteProject": {"StringEquals": {"aws:RequestTag/environment": "dev"}},
        "events:TagResource": {"ForAllValues:StringLike": {"aws:TagKeys": ["sagemaker:*", "project", "environment"]}},
        "events:UntagResource": {"StringEquals": {"aws:ResourceTag/environment": "prod"}},
    }
    tagged = [
        {"Effect": "Allow", "Action": action, "Resource": "*", "Condition": condition}
        for action, condition in asked.items()
    ]
    bare = without("codebuild:CreateProject")
    for action in list(asked)[1:]:
        bare = without(action, bare)
    missing = check(PRODUCTS, replace(bare, policy=[*bare.policy, *tagged])).missing
    assert {finding.action for finding in missing} == {"codebuild:DeleteProject", "events:UntagResource"}


def test_a_boundary_of_the_launch_role_counts() -> None:
    everything = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    bounded = replace(OURS, policy=everything, boundary=without("s3:CreateBucket").policy, exact=False)
    assert told(check(PRODUCTS, bounded).missing) == {("ArtifactBucket", "s3:CreateBucket")}


def test_the_command_passes_tells_and_refuses_by_its_exit_code() -> None:
    passed = run(*(word for product in ALL for word in ("--product", product.slug)))
    assert passed.exit_code == 0
    everything = ", ".join(product.slug for product in ALL)
    assert f"own roles: nothing is missing for {everything}" in passed.output
    assert "of the environment: nothing is missing for model-build-train, model-deploy.\n" in passed.output
    found = run("--managed", "--product", DEPLOY)
    assert found.exit_code == 1
    assert "model-deploy: ArtifactBucket (AWS::S3::Bucket)" in found.output
    assert "s3:PutBucketVersioning" in found.output
    for arguments, reason in (
        (["--managed", "--role-arn", "x"], "give one of them"),
        (["--role-arn", "x"], "needs --stack"),
        (["--role-arn", "x", "--stack", "dev", "--folder", str(EXAMPLE)], "not the ARN of a role"),
        (["--product", "nowhere"], "--product: 'nowhere' is not allowed"),
        (["--stack", "nowhere", "--folder", str(EXAMPLE)], "no Pulumi.nowhere.yaml"),
    ):
        refused = run(*arguments)
        assert isinstance(refused.exception, ToolError), arguments
        assert reason in str(refused.exception)


def test_machines_get_each_missing_right_with_its_product_choice_resource_and_action() -> None:
    (result,) = json.loads(run("--managed", "--json", "--product", BUILD).output)
    assert result["role"].startswith("AWS's AmazonSageMakerAdmin-ServiceCatalogProductsServiceRolePolicy")
    assert {
        "product": "model-build-train",
        "choice": {"RepositoryId": ""},
        "logicalId": "PushRule",
        "type": "AWS::Events::Rule",
        "operations": ["create", "update"],
        "action": "events:TagResource",
        "resource": "arn:aws:events:eu-west-1:000000000000:rule/sagemaker-*-build-push",
        "context": {},
    } in result["missing"]


def test_a_stacks_names_and_products_are_meant(tmp_path: Path) -> None:
    assert run("--stack", "prod", "--folder", str(EXAMPLE)).exit_code == 0
    role = roles.ours(StackFile("prod", EXAMPLE))
    assert role.environment["Roles.PermissionsBoundary"] == ["sm-mlops-prod-project-boundary"]
    text = (StackFile("dev", EXAMPLE).path).read_text()
    supplied = text.replace(
        "  sm-mlops:catalog:\n",
        "  sm-mlops:iam: {launch: {mode: supplied, roleArn: 'arn:aws:iam::1:role/own'}}\n  sm-mlops:catalog:\n",
    )
    (tmp_path / "Pulumi.own.yaml").write_text(supplied.replace("iam::1:", "iam::111122223333:"))
    with pytest.raises(ToolError, match=r"Pulumi\.own\.yaml: arn:aws:iam::111122223333:role/own launches"):
        roles.ours(StackFile("own", tmp_path))


@given(st.lists(st.integers(min_value=1, max_value=3), max_size=5))
def test_every_way_is_taken_once_and_choices_that_never_meet_do_not_multiply(sizes: list[int]) -> None:
    options = {str(number): [str(value) for value in range(size)] for number, size in enumerate(sizes)}

    def together(way: Way) -> tuple[str, ...]:
        return tuple(way[name] for name in options)

    ways = [result for _, result in explore(options, together)]
    expected = 1
    for size in sizes:
        expected *= size
    assert len(set(ways)) == len(ways) == expected

    apart = [taken for name in options for taken, _ in explore(options, itemgetter(name))]
    assert len(apart) == sum(sizes)
