"""What a role of a project can never do, whatever its policy says: each with the calls of somebody who tries."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from awsmodel.iam.evaluation import Context, Statement
from awsmodel.regions import known_regions
from components.core.naming import Names
from components.core.network import Network
from components.iam.role_documents import (
    MANAGED_POLICY_LIMIT,
    RoleFacts,
    launch_role,
    project_boundary,
    size,
    use_roles,
)
from components.sections.catalog import CatalogSpec, ProjectSource
from components.sections.iam import CreatedUseRoles, IamSpec
from tests.contract import reference
from tests.support.access import decision

REGION, ACCOUNT = known_regions()["eu-west-1"], "111122223333"
KEYS = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key"
KEY, STATE_KEY = f"{KEYS}/11111111-2222-3333-4444-555555555555", f"{KEYS}/99999999-2222-3333-4444-555555555555"
NETWORK = Network(
    vpc_id="vpc-0a1b2c3d", subnet_ids=("subnet-0a1b2c3d", "subnet-1a2b3c4d"), security_group_ids=("sg-0a1b2c3d",)
)
INSIDE: Context = {
    "sagemaker:OutputKmsKey": KEY,
    "sagemaker:VpcSubnets": ["subnet-0a1b2c3d", "subnet-1a2b3c4d"],
    "sagemaker:VpcSecurityGroupIds": ["sg-0a1b2c3d"],
}
CATALOG = CatalogSpec(products=("any",))
FACTS = RoleFacts(
    names=Names("acme-ml", "dev"), home=REGION, account_id=ACCOUNT, catalog=CATALOG, state_bucket="acme-state"
)
GRANT_OF_USE: Context = {"kms:GrantOperations": ["Decrypt", "GenerateDataKey"]}
OWN: Context = {"aws:ResourceAccount": ACCOUNT}


def facts(*, networks: Mapping[str, Network] | None = None, **catalog: Any) -> RoleFacts:
    return replace(FACTS, networks=networks or {}, catalog=CATALOG.model_copy(update=catalog))


def bounded(action: str, resource: str, context: Context, *, within: RoleFacts = FACTS) -> str:
    return decision(project_boundary(within), "role", action, resource, context)


@pytest.mark.parametrize("named", [None, (), ("acme-data",)], ids=["none-named", "none", "one"])
@pytest.mark.parametrize(
    "bucket",
    [
        "acme-state",
        f"acme-ml-dev-artifacts-{ACCOUNT}-eu-west-1-an",
        f"acme-ml-prod-artifacts-{ACCOUNT}-us-east-2-an",
        f"acme-ml-dev-products-{ACCOUNT}-eu-west-1-an",
        "codepipeline-acme-ml-eu-west-1",
    ],
)
def test_no_project_touches_a_bucket_of_the_platform_or_of_its_state(bucket: str, named: Sequence[str] | None) -> None:
    """`InputDataUrl` is free text: a launch with s3://acme-state/ gave the job's role the state to read."""
    for action, resource in (("s3:GetObject", f"{bucket}/.pulumi/stacks/dev.json"), ("s3:ListBucket", bucket)):
        assert bounded(action, f"arn:aws:s3:::{resource}", OWN, within=facts(data_buckets=named)) == "deny"


@pytest.mark.parametrize(
    ("named", "bucket", "expected"),
    [
        (None, "payroll", "allow"),
        ((), "payroll", "none"),
        (("acme-data",), "payroll", "none"),
        (("acme-data",), "acme-data", "allow"),
        (("acme-data",), "acme-data-of-others", "none"),
        ((), f"sagemaker-p-abcdefghijkl-build-{ACCOUNT}", "allow"),
    ],
)
def test_projects_read_their_own_buckets_and_those_that_the_settings_name(
    named: Sequence[str] | None, bucket: str, expected: str
) -> None:
    within = facts(data_buckets=named)
    for action, resource in (("s3:GetObject", f"{bucket}/a.csv"), ("s3:ListBucket", bucket)):
        assert bounded(action, f"arn:aws:s3:::{resource}", OWN, within=within) == expected
    assert bounded("s3:PutObject", "arn:aws:s3:::acme-data/a.csv", OWN, within=within) == "none"


SEED = f"acme-ml-dev-products-{ACCOUNT}-eu-west-1-an/products/model-deploy/seed/0123456789abcdef.zip"
PUBLISHED: Context = {"s3:ExistingObjectTag/servicecatalog:provisioning": "true", **OWN}
CONNECTION = f"arn:aws:codeconnections:eu-west-1:{ACCOUNT}:connection/11111111-2222-3333-4444-555555555555"
SOURCE = ProjectSource(connection_arn=CONNECTION)


@pytest.mark.parametrize("named", [None, (), ("acme-data",)], ids=["none-named", "none", "one"])
def test_with_a_git_provider_projects_read_what_is_published_and_change_none_of_it(named: Sequence[str] | None) -> None:
    within = facts(data_buckets=named, project_source=SOURCE)
    # What CodeBuild's role is to have for a source in S3.
    for action in ("s3:GetObject", "s3:GetObjectVersion"):
        assert bounded(action, f"arn:aws:s3:::{SEED}", PUBLISHED, within=within) == "allow"
    assert bounded("s3:GetObject", f"arn:aws:s3:::{SEED}", PUBLISHED, within=facts(data_buckets=named)) == "deny"
    assert bounded("s3:GetObject", f"arn:aws:s3:::{SEED}", OWN, within=within) == "deny"
    assert bounded("s3:GetObject", "arn:aws:s3:::acme-state/.pulumi/stacks/dev.json", OWN, within=within) == "deny"
    for action in ("s3:PutObject", "s3:DeleteObject"):
        assert bounded(action, f"arn:aws:s3:::{SEED}", OWN, within=within) == "deny"
    # S3 tells the tag of some calls that change an object; nothing allows them.
    assert bounded("s3:PutObjectTagging", f"arn:aws:s3:::{SEED}", PUBLISHED, within=within) == "none"


def test_of_connections_projects_use_the_one_of_the_settings_and_only_use_it() -> None:
    within = facts(project_source=SOURCE)
    assert bounded("codeconnections:UseConnection", CONNECTION, {}, within=within) == "allow"
    assert bounded("codeconnections:UseConnection", CONNECTION, {}) == "none"
    assert bounded("codeconnections:UseConnection", f"{CONNECTION[:-1]}6", {}, within=within) == "none"
    for action in ("DeleteConnection", "GetConnectionToken", "PassConnection"):
        assert bounded(f"codeconnections:{action}", CONNECTION, {}, within=within) == "none"


def test_a_bucket_of_another_account_that_is_named_like_a_projects_is_none() -> None:
    """Anybody can make a bucket of such a name, and take what is written into it."""
    foreign = {"aws:ResourceAccount": "444455556666"}
    for context, expected in ((OWN, "allow"), (foreign, "none")):
        assert bounded("s3:PutObject", "arn:aws:s3:::sagemaker-mine/model.tar.gz", context) == expected


@pytest.mark.parametrize(
    ("action", "key", "context", "expected"),
    [
        # What `pulumi` would decrypt: the secrets of a stack's state.
        ("kms:Decrypt", STATE_KEY, {}, "none"),
        ("kms:Decrypt", STATE_KEY, {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"}, "none"),
        ("kms:CreateGrant", STATE_KEY, {"kms:GrantIsForAWSResource": "true"}, "none"),
        ("kms:CreateGrant", KEY, {"kms:GrantIsForAWSResource": "false", **GRANT_OF_USE}, "deny"),
        ("kms:CreateGrant", KEY, GRANT_OF_USE, "deny"),
        # What the role of a model in another account is given.
        ("kms:CreateGrant", KEY, {"kms:GrantOperations": ["Decrypt", "DescribeKey"]}, "allow"),
        ("kms:CreateGrant", KEY, {"kms:GrantIsForAWSResource": "true", **GRANT_OF_USE}, "allow"),
        ("kms:Decrypt", KEY, {}, "allow"),
        ("kms:Decrypt", STATE_KEY, {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}, "allow"),
        ("kms:Decrypt", STATE_KEY, {"kms:ViaService": "sns.eu-west-1.amazonaws.com"}, "allow"),
    ],
)
def test_keys_are_used_for_what_projects_reach(action: str, key: str, context: Context, expected: str) -> None:
    assert bounded(action, key, context, within=facts(project_key_arns={"eu-west-1": KEY})) == expected


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("ssm:GetParameter", f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/payroll/password"),
        ("ssm:GetParametersByPath", f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/payroll"),
        ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:payroll-AbCdEf"),
        ("logs:FilterLogEvents", f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/aws/lambda/payroll"),
        ("logs:GetLogEvents", f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/aws/codebuild/acme-ml-dev-delivery"),
        ("sns:Publish", f"arn:aws:sns:eu-west-1:{ACCOUNT}:payroll"),
        ("s3:GetBucketPolicy", "arn:aws:s3:::payroll"),
    ],
)
def test_what_no_product_needs_is_out_of_reach(action: str, resource: str) -> None:
    assert bounded(action, resource, OWN) == "none"


@cache
def creating() -> Mapping[str, reference.Action]:
    """Calls of SageMaker that make something, as AWS's own reference has them."""
    return {
        action.name: action
        for pattern in ("sagemaker:Create*", "sagemaker:Update*")
        for action in reference.actions(pattern)
    }


NEED_NOT_NAME = {
    # An endpoint runs where its models do, and a cluster was made in the network.
    *("sagemaker:CreateEndpointConfig", "sagemaker:UpdateCluster"),
    # What people own: no role of a project gets these.
    *("sagemaker:CreateDomain", "sagemaker:CreateNotebookInstance", "sagemaker:UpdateDomain"),
}
NOT_OF_A_VPC = {"sagemaker:CreateModelCardExportJob", "sagemaker:CreateTransformJob"}
"""The one runs nothing of anybody's, the other where its model does."""


def limits() -> dict[str, Sequence[Statement]]:
    """By who is limited: a project's own roles, and the roles that all share."""
    inside = facts(networks={"eu-west-1": NETWORK}, project_key_arns={"eu-west-1": KEY})
    shared = use_roles(replace(inside, iam=IamSpec(use=CreatedUseRoles(mode="create"))))
    named = {role.key: role.statements for role in shared}
    return {
        "boundary": project_boundary(inside),
        **{key: named[f"use.{key}"] for key in ("SageMaker", "CloudFormation")},
    }


@pytest.mark.parametrize("who", ["boundary", "SageMaker", "CloudFormation"])
def test_nothing_that_names_a_network_runs_outside(who: str) -> None:
    """A repository's own pipeline definition could leave out `VpcConfig`, and train with a way to the internet."""
    policy = limits()[who]
    naming = {name for name, action in creating().items() if action.takes_key("sagemaker:VpcSubnets")}
    assert len(naming) > 10
    for name in naming - NEED_NOT_NAME:
        outside = {key: value for key, value in INSIDE.items() if "Vpc" not in key}
        assert decision(policy, "role", name, "*", outside) == "deny", name
    for name in naming:
        for key in ("sagemaker:VpcSubnets", "sagemaker:VpcSecurityGroupIds"):
            elsewhere = {**INSIDE, key: [*INSIDE[key], "subnet-9"]}
            assert decision(policy, "role", name, "*", elsewhere) == "deny", f"{name}, {key}"


@pytest.mark.parametrize("who", ["boundary", "SageMaker", "CloudFormation"])
def test_jobs_that_no_network_holds_are_not_run_at_all(who: str) -> None:
    policy = limits()[who]
    jobs = {name for name, action in creating().items() if name.endswith("Job") and name.startswith("sagemaker:Create")}
    free = {name for name in jobs if not creating()[name].takes_key("sagemaker:VpcSubnets")} - NOT_OF_A_VPC
    assert free >= {"sagemaker:CreateLabelingJob", "sagemaker:CreateOptimizationJob"}
    for name in (*free, "sagemaker:CreateInferenceComponent"):
        said = {key: value for key, value in INSIDE.items() if creating()[name].takes_key(key)}
        assert decision(policy, "role", name, "*", said) == "deny", name


@pytest.mark.parametrize("who", ["boundary", "SageMaker", "CloudFormation"])
def test_what_is_written_has_the_key(who: str) -> None:
    policy = limits()[who]
    writing = {name for name, action in creating().items() if action.takes_key("sagemaker:OutputKmsKey")}
    assert len(writing) > 8
    plain = {key: value for key, value in INSIDE.items() if key != "sagemaker:OutputKmsKey"}
    for name in writing:
        for context in (plain, {**INSIDE, "sagemaker:OutputKmsKey": STATE_KEY}):
            assert decision(policy, "role", name, "*", context) == "deny", name


def test_what_runs_inside_with_the_key_goes_on() -> None:
    policy = limits()
    jobs = [f"sagemaker:Create{kind}Job" for kind in ("Processing", "Training", "HyperParameterTuning", "Transform")]
    for name in (*jobs, "sagemaker:CreateModel", "sagemaker:CreateDataQualityJobDefinition"):
        assert decision(policy["boundary"], "role", name, "*", INSIDE) == "allow", name
    assert decision(policy["boundary"], "role", "sagemaker:CreateEndpointConfig", "*", {}) == "allow"
    for kind in ("Processing", "Training"):
        job = f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:{kind.lower()}-job/pipelines-1"
        assert decision(policy["SageMaker"], "role", f"sagemaker:Create{kind}Job", job, INSIDE) == "allow"
    tagged = {**INSIDE, "aws:RequestTag/sagemaker:project-id": "p-abcdefghijkl"}
    model = f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:model/any"
    assert decision(policy["CloudFormation"], "role", "sagemaker:CreateModel", model, tagged) == "allow"


def test_a_region_without_a_key_goes_on_without() -> None:
    within = facts(regions=("eu-west-1", "us-east-2"), project_key_arns={"eu-west-1": KEY})
    for region, expected in (("us-east-2", "allow"), ("eu-west-1", "deny"), ("ap-south-1", "deny")):
        context = {"aws:RequestedRegion": region}
        assert bounded("sagemaker:CreateTrainingJob", "*", context, within=within) == expected


@pytest.mark.parametrize(
    ("action", "resource", "key"),
    [
        (f"lambda:{call}", f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:sagemaker-a", "lambda:VpcIds")
        for call in ("CreateFunction", "UpdateFunctionConfiguration")
    ]
    + [
        (f"codebuild:{call}", f"arn:aws:codebuild:eu-west-1:{ACCOUNT}:project/sagemaker-a", "codebuild:vpcConfig.vpcId")
        for call in ("CreateProject", "UpdateProject")
    ],
)
def test_functions_and_builds_run_in_a_vpc(action: str, resource: str, key: str) -> None:
    inside, outside = facts(networks={"eu-west-1": NETWORK}), facts()
    assert bounded(action, resource, {}, within=inside) == "deny"
    assert bounded(action, resource, {key: "vpc-0a1b2c3d"}, within=inside) == "allow"
    assert bounded(action, resource, {}, within=outside) == "allow"


@pytest.mark.parametrize(
    ("resource", "context", "expected"),
    [
        ("subnet/subnet-0a1b2c3d", {"ec2:SubnetID": "subnet-0a1b2c3d"}, "allow"),
        ("subnet/subnet-9", {"ec2:SubnetID": "subnet-9"}, "none"),
        ("security-group/sg-0a1b2c3d", {"ec2:SecurityGroupID": "sg-0a1b2c3d"}, "allow"),
        ("security-group/sg-9", {"ec2:SecurityGroupID": "sg-9"}, "none"),
        ("network-interface/eni-1", {}, "allow"),
    ],
)
def test_interfaces_are_made_in_the_network(resource: str, context: Context, expected: str) -> None:
    """Where a function or a build runs is said by the interfaces that its role may make."""
    arn = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:{resource}"
    assert (
        bounded("ec2:CreateNetworkInterface", arn, context, within=facts(networks={"eu-west-1": NETWORK})) == expected
    )
    assert bounded("ec2:CreateNetworkInterface", arn, context) == "none"


def test_interfaces_of_others_are_not_changed() -> None:
    arn = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:network-interface/eni-1"
    for call in ("AttachNetworkInterface", "DetachNetworkInterface", "ModifyNetworkInterfaceAttribute"):
        assert bounded(f"ec2:{call}", arn, {}, within=facts(networks={"eu-west-1": NETWORK})) == "none"


def test_four_regions_with_a_network_and_a_key_each_fit_into_a_policy() -> None:
    regions = ("eu-west-1", "eu-central-1", "eu-west-2", "us-east-2")
    within = facts(
        regions=regions,
        networks=dict.fromkeys(regions, NETWORK),
        project_key_arns={region: KEY.replace("eu-west-1", region) for region in regions},
        data_buckets=("acme-data", "acme-more-data"),
        project_source=SOURCE,
    )
    assert size(project_boundary(within)) <= MANAGED_POLICY_LIMIT


@pytest.mark.parametrize(
    ("product", "action", "thing"),
    [
        ("model-build-airflow", "airflow-serverless:StartWorkflowRun", "workflow/sagemaker-x"),
        ("model-build-kubernetes", "eks:DescribeCluster", "cluster/shared"),
        ("model-build-stepfunctions", "states:StartExecution", "stateMachine:sagemaker-x"),
    ],
)
def test_services_that_only_some_products_call_are_in_reach_where_one_of_these_is_offered(
    product: str, action: str, thing: str
) -> None:
    arn = f"arn:aws:{action.partition(':')[0]}:eu-west-1:{ACCOUNT}:{thing}"
    others = ("model-build-train", "model-deploy")
    assert bounded(action, arn, {}, within=facts(products=(*others, product))) == "allow"
    assert bounded(action, arn, {}, within=facts(products=others)) == "none"


def test_the_launch_role_makes_what_the_products_on_offer_make() -> None:
    def services(*products: str) -> set[str]:
        statements = launch_role(facts(products=products)).statements
        (passing,) = (one["Condition"] for one in statements if one["Action"] == ["iam:PassRole"])
        passed = {name.split(".")[-3] for name in passing["StringEquals"]["iam:PassedToService"]}
        called = {action.partition(":")[0] for one in statements for action in one["Action"]}
        assert passed & {"eks", "states"} == called & {"eks", "states"}
        return called & {"eks", "states"}

    assert services("model-build-train", "model-deploy", "batch-inference") == set()
    assert services("model-build-stepfunctions", "model-build-kubernetes") == {"eks", "states"}
