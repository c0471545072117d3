"""What bounds the roles of a delivery lets them work, and lets whoever deploys give himself nothing of the account."""

import json
from collections.abc import Sequence
from functools import cache

import pytest

from awsmodel.arns import ArnScope
from awsmodel.iam import evaluation
from awsmodel.iam.evaluation import Context, Request, Statement, allowed
from components.delivery import delivery_documents
from components.iam import delivery_policies, deployment_policies, role_documents
from components.iam.delivery_policies import StackScope
from components.iam.role_documents import MANAGED_POLICY_LIMIT, RoleDocument
from settings import parse
from settings.roles import role_facts
from tests.contract.policies import variants
from tests.support.delivery_example import SECTION, example

ACCOUNT = "111122223333"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/delivery-boundary-sm-mlops-dev"
OF_PROJECTS = f"arn:aws:iam::{ACCOUNT}:policy/sm-mlops-dev-project-boundary"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/{{}}"
ADMINISTRATOR: list[Statement] = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
"""What a role that deploys can write as its own policy: its name is one of those that it may change."""

WITH_DELIVERY = ["dev with delivery and tests", "dev from GitHub", "dev from a supplied connection", "dev in a VPC"]


@cache
def bounded(variant: str) -> tuple[Sequence[Statement], Sequence[RoleDocument]]:
    """A stack's boundary, and its roles as they are made within it."""
    stack, values = variants()[variant]
    settings = parse({**values, "sm-mlops:iam": {"permissionsBoundaryArn": BOUNDARY}}, stack)
    catalog, facts = role_facts(settings, ACCOUNT), delivery_documents.delivery_facts(settings, ACCOUNT)
    assert facts is not None
    roles = [*delivery_documents.documents(facts), *role_documents.roles(catalog)]
    if settings.deployment_tests is not None:
        target = StackScope(scope=facts.scope, project="sm-mlops-t*", environment="dev", boundary_arn=BOUNDARY)
        roles += [
            deployment_policies.testing_role(target),
            deployment_policies.scientist_role(target, settings.names),
        ]
    return delivery_documents.boundary(facts, catalog).statements, roles


@pytest.mark.parametrize("variant", WITH_DELIVERY)
def test_every_role_may_do_within_it_what_it_is_given(variant: str) -> None:
    statements, roles = bounded(variant)
    ours = {"aws:ResourceTag/mlops:project": "sm-mlops"}
    for role in roles:
        for request in evaluation.requests(role.statements):
            context = {**ours, **request.context} if request.action.startswith("kms:") else request.context
            resource = request.resource
            if resource == "*" and "kms:ViaService" in request.context:
                resource = f"arn:aws:kms:us-east-2:{ACCOUNT}:key/1"
            if "/service-role/" in resource:
                continue  # the stack adopts none of the account's well-known roles
            asked = Request(request.action, resource, context)
            assert evaluation.decision(statements, asked) == "allow", f"{role.key}: {asked}"


@pytest.mark.parametrize("variant", WITH_DELIVERY)
def test_it_fits_into_one_policy_and_its_name_is_none_that_a_deployment_changes(variant: str) -> None:
    statements, _ = bounded(variant)
    text = json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))
    assert len(text) <= MANAGED_POLICY_LIMIT
    scope = ArnScope("aws", "us-east-2", ACCOUNT)
    change = delivery_policies.change_statements(StackScope(scope=scope, project="sm-mlops", environment="dev"))
    assert not allowed(change, Request("iam:CreatePolicyVersion", BOUNDARY))


ESCALATIONS: list[tuple[str, str, Context]] = [
    ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/me", {}),
    ("iam:AttachUserPolicy", f"arn:aws:iam::{ACCOUNT}:user/me", {}),
    ("iam:CreateAccessKey", f"arn:aws:iam::{ACCOUNT}:user/me", {}),
    ("iam:CreateRole", ROLE.format("sm-mlops-dev-x"), {}),
    ("iam:CreateRole", ROLE.format("sm-mlops-dev-x"), {"iam:PermissionsBoundary": "arn:aws:iam::aws:policy/other"}),
    ("iam:CreateRole", ROLE.format("admin"), {"iam:PermissionsBoundary": BOUNDARY}),
    ("iam:PutRolePermissionsBoundary", ROLE.format("sm-mlops-dev-x"), {"iam:PermissionsBoundary": "other"}),
    ("iam:DeleteRolePermissionsBoundary", ROLE.format("sm-mlops-dev-delivery-up-dev"), {}),
    ("iam:PutRolePolicy", ROLE.format("sm-mlops-dev-of-others"), {}),
    ("iam:AttachRolePolicy", ROLE.format("sm-mlops-dev-of-others"), {}),
    ("iam:UpdateAssumeRolePolicy", ROLE.format("admin"), {}),
    ("iam:UpdateAssumeRolePolicy", ROLE.format("service-role/AmazonSageMakerServiceCatalogProductsLaunchRole"), {}),
    ("iam:CreatePolicyVersion", BOUNDARY, {}),
    # What an administrator attaches to people.
    ("iam:CreatePolicyVersion", f"arn:aws:iam::{ACCOUNT}:policy/studio-launch-sm-mlops-dev", {}),
    ("iam:SetDefaultPolicyVersion", BOUNDARY, {}),
    ("iam:DeletePolicyVersion", BOUNDARY, {}),
    # With another text of it, a project's role could have any right.
    ("iam:CreatePolicyVersion", OF_PROJECTS, {}),
    ("iam:DeletePolicy", OF_PROJECTS, {}),
    ("iam:PassRole", ROLE.format("admin"), {"iam:PassedToService": "lambda.amazonaws.com"}),
    ("iam:PassRole", ROLE.format("sm-mlops-dev-x"), {"iam:PassedToService": "ec2.amazonaws.com"}),
    ("sts:AssumeRole", ROLE.format("admin"), {}),
    ("sts:AssumeRole", ROLE.format("sm-mlops-dev-delivery-up-prod"), {}),
    ("sts:AssumeRole", "arn:aws:iam::444455556666:role/admin", {}),
    ("lambda:UpdateFunctionCode", f"arn:aws:lambda:us-east-2:{ACCOUNT}:function:payments", {}),
    ("codebuild:UpdateProject", f"arn:aws:codebuild:us-east-2:{ACCOUNT}:project/payments", {}),
    ("cloudformation:UpdateStack", f"arn:aws:cloudformation:us-east-2:{ACCOUNT}:stack/payments/1", {}),
    ("s3:GetObject", "arn:aws:s3:::payments/customers.csv", {}),
    ("s3:ListBucket", "arn:aws:s3:::payments", {}),
    ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:us-east-2:{ACCOUNT}:secret:payments", {}),
    ("ssm:GetParameter", f"arn:aws:ssm:us-east-2:{ACCOUNT}:parameter/payments", {}),
    ("kms:Decrypt", f"arn:aws:kms:us-east-2:{ACCOUNT}:key/1", {"aws:ResourceTag/mlops:project": "payments"}),
    ("kms:Decrypt", f"arn:aws:kms:us-east-2:{ACCOUNT}:key/1", {}),
    ("ec2:RunInstances", "*", {}),
    ("organizations:LeaveOrganization", "*", {}),
]


@pytest.mark.parametrize(("action", "resource", "context"), ESCALATIONS)
def test_whoever_deploys_gives_himself_nothing_beyond_it(action: str, resource: str, context: Context) -> None:
    request = Request(action, resource, context)
    assert allowed(ADMINISTRATOR, request), "so it was without a boundary"
    for variant in WITH_DELIVERY:
        assert not allowed(ADMINISTRATOR, request, bounded(variant)[0]), variant


def test_a_stack_beside_it_in_the_account_makes_the_roles_of_its_projects_and_rewrites_no_boundary() -> None:
    stack, values = variants()["dev"]
    both = {SECTION: example(stacks=[{"stack": "dev"}, {"stack": "prod"}])}
    settings = parse({**values, **both, "sm-mlops:iam": {"permissionsBoundaryArn": BOUNDARY}}, stack)
    facts = delivery_documents.delivery_facts(settings, ACCOUNT)
    assert facts is not None
    statements = delivery_documents.boundary(facts, role_facts(settings, ACCOUNT)).statements
    of_prod, of_test = (OF_PROJECTS.replace("-dev-", f"-{one}-") for one in ("prod", "t0a1b2-dev"))
    made = Request("iam:CreateRole", ROLE.format("sagemaker-x"), {"iam:PermissionsBoundary": of_prod})
    assert allowed(ADMINISTRATOR, made, statements)
    assert not allowed(ADMINISTRATOR, Request("iam:CreatePolicyVersion", of_prod), statements)
    tested = Request(made.action, made.resource, {"iam:PermissionsBoundary": of_test})
    assert not allowed(ADMINISTRATOR, tested, statements)
    assert allowed(ADMINISTRATOR, tested, bounded("dev with delivery and tests")[0]), "each test makes a boundary"


def test_roles_are_made_within_it_and_those_of_projects_within_theirs() -> None:
    statements, _ = bounded("dev with delivery and tests")
    for name, boundary in (("sm-mlops-dev-x", BOUNDARY), ("sagemaker-fraud-p-1-build", OF_PROJECTS)):
        request = Request("iam:CreateRole", ROLE.format(name), {"iam:PermissionsBoundary": boundary})
        assert allowed(ADMINISTRATOR, request, statements)


def test_no_cluster_of_the_account_is_at_its_mercy_where_a_product_for_kubernetes_is_offered() -> None:
    stack, values = variants()["dev with delivery and tests"]
    catalog = {**values["sm-mlops:catalog"], "products": ["model-build-kubernetes", "model-deploy"]}
    settings = parse({**values, "sm-mlops:catalog": catalog}, stack)
    facts = delivery_documents.delivery_facts(settings, ACCOUNT)
    assert facts is not None
    statements = delivery_documents.boundary(facts, role_facts(settings, ACCOUNT)).statements
    cluster, entry = f"arn:aws:eks:us-east-2:{ACCOUNT}:cluster/prod", f"access-entry/prod/role/{ACCOUNT}/sagemaker-x/1"
    arn = cluster.replace("cluster/prod", entry)
    for action, resource in (
        ("eks:DeleteCluster", cluster),
        ("eks:UpdateClusterConfig", cluster),
        ("eks:AssociateAccessPolicy", arn),
        ("eks:CreateAccessEntry", cluster),
    ):
        assert not allowed(ADMINISTRATOR, Request(action, resource, {}), statements), action
    own = {"eks:principalArn": ROLE.format("sagemaker-x"), "eks:accessEntryType": "STANDARD"}
    own["eks:kubernetesGroups"] = "sagemaker-fraud"
    assert allowed(ADMINISTRATOR, Request("eks:CreateAccessEntry", cluster, own), statements)
