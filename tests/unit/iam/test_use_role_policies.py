"""The roles that work in all projects of an environment: all that a project's own roles may do, on projects' names."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from awsmodel.iam.evaluation import Request, allowed, heeding
from awsmodel.regions import known_regions
from components.core.naming import Names
from components.core.network import Network
from components.iam.policies import document
from components.iam.role_documents import RoleDocument, RoleFacts, launch_role, managed_policies, use_roles
from components.packaging import seed_code
from components.sections.catalog import CatalogSpec, ProjectSource
from components.sections.iam import (
    AdoptedRole,
    CreatedUseRoles,
    IamSpec,
    SuppliedRole,
    SuppliedUseRoles,
    UseRole,
)
from tests.support.access import decision
from tools.launch_permissions.needs import Launch, Need
from tools.launch_permissions.resource_rights import LaunchScope

REGION = known_regions()["eu-west-1"]
ACCOUNT = "111122223333"
TOPIC = f"arn:aws:sns:eu-west-1:{ACCOUNT}:sm-mlops-dev-notifications"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
STACK_SETS = f"arn:aws:iam::{ACCOUNT}:role/AWSCloudFormationStackSetAdministrationRole"
NETWORK = Network(
    vpc_id="vpc-0a1b2c3d", subnet_ids=("subnet-0a1b2c3d", "subnet-1a2b3c4d"), security_group_ids=("sg-0a1b2c3d",)
)
CONNECTION = f"arn:aws:codeconnections:eu-west-1:{ACCOUNT}:connection/11111111-2222-3333-4444-555555555555"
CATALOG = CatalogSpec(
    products=("model-deploy",),
    project_key_arns={REGION.name: KEY},
    project_source=ProjectSource(connection_arn=CONNECTION),
    stack_set_role_arn=STACK_SETS,
)
FACTS = RoleFacts(
    names=Names("sm-mlops", "dev"),
    home=REGION,
    account_id=ACCOUNT,
    iam=IamSpec(use=CreatedUseRoles(mode="create")),
    catalog=CATALOG,
)
OWN = FACTS.use_role_arns
ADOPTED = IamSpec(launch=AdoptedRole(mode="adopt"), use=AdoptedRole(mode="adopt"))
ROLE_OF = {
    "PipelineRole": UseRole.CODE_PIPELINE,
    "CheckPipelineRole": UseRole.CODE_PIPELINE,
    "BuildRole": UseRole.CODE_BUILD,
    "CheckRole": UseRole.CODE_BUILD,
    "FirstPushRole": UseRole.CODE_BUILD,
    "CheckEventsRole": UseRole.EVENTS,
    "FirstPushFunctionRole": UseRole.LAMBDA,
    "EventsRole": UseRole.EVENTS,
    "StackRole": UseRole.CLOUD_FORMATION,
    "StagingStackRole": UseRole.CLOUD_FORMATION,
    "JobRole": UseRole.SAGEMAKER,
    "ModelRole": UseRole.SAGEMAKER,
    "MonitorRole": UseRole.SAGEMAKER,
    "CleanUpRole": UseRole.LAMBDA,
    "ConfirmRole": UseRole.LAMBDA,
}
"""By logical id of a template's own role, the use role in its place."""
IN_PLACE_OF = {
    "-sagemaker": UseRole.SAGEMAKER,
    "-monitoring": UseRole.SAGEMAKER,
    "-events": UseRole.EVENTS,
    "-cloudformation": UseRole.CLOUD_FORMATION,
    "-cloudformation-staging": UseRole.CLOUD_FORMATION,
}


def facts(**changes: Any) -> RoleFacts:
    return replace(FACTS, **changes)


def roles(**changes: Any) -> dict[str, RoleDocument]:
    return {role.key.removeprefix("use."): role for role in use_roles(facts(**changes))}


def needed(slug: str) -> Iterator[Need]:
    """What the template's own roles may do: not the network's part, and no action on what it does not act on."""
    environment = {
        "Notifications.TopicArn": ["", TOPIC],
        "Roles.PermissionsBoundary": ["boundary"],
        "Source.ConnectionArn": [CONNECTION],
        "Seed.Bucket": [FACTS.names.distribution_bucket(ACCOUNT, REGION.name).value],
        "Seed.Key": [f"products/{slug}/seed/0123456789abcdef.zip"],
        **{f"Roles.{role}": [""] for role in UseRole},
    }
    scope = LaunchScope(region=REGION, account_id=ACCOUNT, topic_arn=TOPIC)
    for need in Launch(seed_code.product(slug), scope, environment).role_needs():
        is_object = "/" in need.request.resource
        on_nothing = {"s3:GetObject": not is_object, "s3:ListBucket": is_object}
        if not (need.request.action.startswith("ec2:") or on_nothing.get(need.request.action)):
            yield need


def in_this_environment(request: Request) -> Request:
    """A request on a project's own role or data, as it is made where roles are shared."""
    resource = request.resource
    for suffix, role in IN_PLACE_OF.items():
        if re.fullmatch(rf"arn:aws:iam::{ACCOUNT}:role/sagemaker-\*-(batch|build|deploy){suffix}", resource):
            resource = OWN[role]
    return Request(request.action, resource, request.context)


@pytest.mark.parametrize("slug", ["batch-inference", "model-build-train", "model-deploy"])
def test_a_use_role_may_do_all_that_a_projects_own_role_may(slug: str) -> None:
    shared = roles()
    refused = [
        f"{need.logical_id}: {request}"
        for need in needed(slug)
        if ":s3:::sample" not in need.request.resource
        for policy in [shared[ROLE_OF[need.logical_id]].statements]
        for request in [heeding(policy, in_this_environment(need.request))]
        if not allowed(policy, request)
    ]
    assert refused == []


def test_data_outside_the_projects_is_not_for_shared_roles_to_read() -> None:
    """A project's own role reads the data that its launch names; a shared one would read the data of all."""
    request = Request("s3:GetObject", "arn:aws:s3:::anybodys-data/train.csv")
    assert not allowed(roles()[UseRole.SAGEMAKER].statements, request)


@pytest.mark.parametrize("role", [UseRole.CODE_BUILD, UseRole.CLOUD_FORMATION, UseRole.SAGEMAKER])
def test_no_use_role_makes_a_model_outside_the_network(role: UseRole) -> None:
    model = f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:model/sagemaker-p-1-batch-1"
    inside, anywhere = roles(networks={"eu-west-1": NETWORK})[role], roles()[role]
    assert decision(inside.statements, "", "sagemaker:CreateModel", model, {}) == "deny"
    assert decision(anywhere.statements, "", "sagemaker:CreateModel", model, {}) != "deny"


@pytest.mark.parametrize("role", [role for role in UseRole if role is not UseRole.LAMBDA])
def test_a_use_role_works_for_its_service_in_this_account_only(role: UseRole) -> None:
    (statement,) = roles()[role].trust
    assert statement["Principal"] == {"Service": f"{role.lower()}.amazonaws.com"}
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
    assert all(f":eu-west-1:{ACCOUNT}:" in arn for arn in statement["Condition"]["ArnLike"]["aws:SourceArn"])


def test_lambda_need_not_say_what_it_assumes_the_role_for() -> None:
    """AWS documents no key of such a request, and products' own roles ask for none."""
    (statement,) = roles()[UseRole.LAMBDA].trust
    request = decision([statement], "lambda.amazonaws.com", "sts:AssumeRole", "*", {})
    assert (statement["Principal"], request) == ({"Service": "lambda.amazonaws.com"}, "allow")


def test_no_job_registers_a_model_as_approved() -> None:
    group = f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:model-package-group/sagemaker-fraud"
    for status, expected in (("PendingManualApproval", True), ("Approved", False)):
        request = Request("sagemaker:CreateModelPackage", group, {"sagemaker:ModelApprovalStatus": status})
        assert allowed(roles()[UseRole.SAGEMAKER].statements, request) is expected


def test_nobody_approves_a_model_or_touches_what_no_project_made() -> None:
    package = f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:model-package/sagemaker-fraud/1"
    bucket = "arn:aws:s3:::company-data"
    for role in roles().values():
        assert not allowed(role.statements, Request("sagemaker:UpdateModelPackage", package))
        assert not allowed(role.statements, Request("s3:DeleteBucket", bucket))
        assert not allowed(role.statements, Request("iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/sagemaker-x"))


def test_interfaces_are_made_in_the_network_of_the_region_and_only_where_there_is_one() -> None:
    interface = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:network-interface/*"
    inside, outside = (f"arn:aws:ec2:eu-west-1:*:subnet/{name}" for name in ("subnet-0a1b2c3d", "subnet-9"))
    for role in (UseRole.CODE_BUILD, UseRole.SAGEMAKER, UseRole.LAMBDA):
        without, within = (roles(networks=networks)[role].statements for networks in ({}, {"eu-west-1": NETWORK}))
        for resource in (interface, inside):
            assert allowed(within, Request("ec2:CreateNetworkInterface", resource))
            assert not allowed(without, Request("ec2:CreateNetworkInterface", resource))
        assert not allowed(within, Request("ec2:CreateNetworkInterface", outside))


def test_without_stack_sets_nobody_passes_their_role() -> None:
    request = Request("iam:PassRole", STACK_SETS, {"iam:PassedToService": "cloudformation.amazonaws.com"})
    for role in (UseRole.CODE_PIPELINE, UseRole.LAMBDA):
        assert allowed(roles()[role].statements, request)
        assert not allowed(
            roles(catalog=CATALOG.model_copy(update={"stack_set_role_arn": None}))[role].statements, request
        )


def test_where_projects_make_no_roles_the_launch_role_makes_none_and_passes_the_use_roles() -> None:
    statements = launch_role(facts()).statements
    assert not allowed(
        statements,
        Request(
            "iam:CreateRole",
            f"arn:aws:iam::{ACCOUNT}:role/sagemaker-x",
            {"iam:PermissionsBoundary": FACTS.project_boundary_arn},
        ),
    )
    to_build = {"iam:PassedToService": "codebuild.amazonaws.com"}
    assert allowed(statements, Request("iam:PassRole", OWN[UseRole.CODE_BUILD], to_build))
    assert not allowed(statements, Request("iam:PassRole", OWN[UseRole.SAGEMAKER], to_build))


@pytest.mark.parametrize("networks", [{}, {"eu-west-1": NETWORK}])
def test_the_documents_fit_into_iams_limits(networks: dict[str, Network]) -> None:
    """10,240 characters of inline policies for a role, 2,048 of its trust (4,096 on request); white space is free."""
    adopted = facts(networks=networks, iam=ADOPTED)
    (shared,) = use_roles(adopted)
    for role in (*roles(networks=networks).values(), launch_role(facts())):
        assert len("".join(document(role.statements).split())) <= 10240, role.key
    for role in (*roles(networks=networks).values(), launch_role(facts()), shared):
        assert len("".join(document(role.trust).split())) <= 2048, role.key
    for role in (launch_role(adopted), shared):
        parts = list(managed_policies(role))
        assert [statement for part in parts for statement in part] == list(role.statements)
        assert len(parts) <= 10
        assert all(len("".join(document(part).split())) <= 6144 for part in parts), role.key


def test_the_well_known_roles_are_named_as_awss_console_names_them() -> None:
    adopted = facts(iam=ADOPTED)
    launch, (use,) = launch_role(adopted), use_roles(adopted)
    assert (launch.path, launch.name) == ("/service-role/", "AmazonSageMakerServiceCatalogProductsLaunchRole")
    assert (use.path, use.name) == ("/service-role/", "AmazonSageMakerServiceCatalogProductsUseRole")
    passed = Request("iam:PassRole", use.arn(REGION, ACCOUNT), {"iam:PassedToService": "codebuild.amazonaws.com"})
    assert allowed(launch.statements, passed)


def test_supplied_roles_are_documents_with_the_names_of_their_arns() -> None:
    arns = {role: f"arn:aws:iam::{ACCOUNT}:role/team/Use{role}" for role in UseRole}
    launch_arn = f"arn:aws:iam::{ACCOUNT}:role/team/Launch"
    supplied = facts(
        iam=IamSpec(
            launch=SuppliedRole(mode="supplied", role_arn=launch_arn),
            use=SuppliedUseRoles(mode="supplied", role_arns=arns),
        )
    )
    assert launch_role(supplied).arn(REGION, ACCOUNT) == launch_arn
    assert {role.key: role.arn(REGION, ACCOUNT) for role in use_roles(supplied)} == {
        f"use.{role}": arn for role, arn in arns.items()
    }


@pytest.mark.parametrize(
    ("routes", "launching"),
    [
        ({}, {"servicecatalog"}),
        ({"studio_domains": {REGION.name: ("d-1",)}}, {"cloudformation", "servicecatalog"}),
        ({"studio_domains": {REGION.name: ("d-1",)}, "service_catalog": False}, {"cloudformation"}),
    ],
)
def test_the_launch_role_trusts_whoever_launches_by_the_routes_that_are_offered(
    routes: dict[str, object], launching: set[str]
) -> None:
    trust = launch_role(facts(catalog=CATALOG.model_copy(update=routes))).trust
    for service in ("cloudformation", "servicecatalog"):
        for account, own in ((ACCOUNT, True), ("444455556666", service == "servicecatalog")):
            source = {"aws:SourceAccount": account}
            expected = "allow" if service in launching and own else "none"
            assert decision(trust, f"{service}.amazonaws.com", "sts:AssumeRole", "*", source) == expected
