"""What people may do with the launch role by the route of templates in S3: launch the platform's, and no others."""

import pytest

from awsmodel.iam.evaluation import Context
from awsmodel.regions import known_regions
from components.core.naming import Names
from components.iam.delivery_policies import StackScope
from components.iam.deployment_policies import scientist_statements
from components.iam.policies import allow
from components.iam.role_documents import MANAGED_POLICY_LIMIT, RoleFacts, size, studio_policy
from components.sections.catalog import CatalogSpec
from tests.support.access import decision

REGION, ACCOUNT = known_regions()["eu-west-1"], "111122223333"
CATALOG = CatalogSpec(products=("any",), studio_domains={"eu-west-1": ("d-1",)})
FACTS = RoleFacts(names=Names("acme-ml", "dev"), home=REGION, account_id=ACCOUNT, catalog=CATALOG)
LAUNCH = f"arn:aws:iam::{ACCOUNT}:role/acme-ml-dev-project-launch"
BUCKET = f"acme-ml-dev-products-{ACCOUNT}-eu-west-1-an"
STACKS = f"arn:aws:cloudformation:eu-west-1:{ACCOUNT}:stack"
PROJECT, OTHER = f"{STACKS}/SP-{ACCOUNT}-p-abcdefghijkl/1", f"{STACKS}/mine/1"
OWN = f"https://{BUCKET}.s3.eu-west-1.amazonaws.com/studio/model-deploy.1.1.0-0a1b2c3d.yaml"
FOREIGN = "https://mine.s3.eu-west-1.amazonaws.com/studio/model-deploy.yaml"
ELSE = [
    allow("Stacks", ["cloudformation:*"], ["*"]),
    allow("Pass", ["iam:PassRole"], ["*"]),
]
"""What a person of a data science team often has besides."""


def asked(action: str, resource: str, context: Context) -> str:
    """What is decided for somebody with the printed policy and much else."""
    policy = studio_policy(FACTS)
    assert policy is not None
    return decision([*policy.statements, *ELSE], "person", f"cloudformation:{action}", resource, context)


@pytest.mark.parametrize(
    "template",
    [
        {},  # the text of a template, instead of its address
        {"cloudformation:TemplateUrl": FOREIGN},
        {
            "cloudformation:TemplateUrl": f"https://mine.s3.amazonaws.com/{BUCKET}.s3.eu-west-1.amazonaws.com/studio/a.yaml"
        },
        {"cloudformation:TemplateUrl": f"https://{BUCKET}.mine.com/studio/a.yaml"},
        {"cloudformation:TemplateUrl": f"https://s3.eu-west-1.amazonaws.com/{BUCKET}-2/studio/a.yaml"},
        {"cloudformation:TemplateUrl": OWN.replace("/studio/", "/products/")},
    ],
)
@pytest.mark.parametrize("stack", [PROJECT, OTHER], ids=["SP", "other"])
@pytest.mark.parametrize("action", ["CreateStack", "UpdateStack", "CreateChangeSet"])
def test_nobody_hands_the_launch_role_to_a_template_of_their_own(action: str, stack: str, template: Context) -> None:
    """With what the documentation told people to grant, `create-stack --role-arn` made anything that the role may."""
    assert asked(action, stack, {"cloudformation:RoleArn": LAUNCH, **template}) == "deny"


@pytest.mark.parametrize("action", ["UpdateStack", "CreateChangeSet"])
def test_a_project_is_not_updated_to_another_template_by_the_role_that_it_has(action: str) -> None:
    for template in ({}, {"cloudformation:TemplateUrl": FOREIGN}):
        assert asked(action, PROJECT, template) == "deny"


def test_stacks_of_their_own_are_nobodys_concern() -> None:
    assert asked("UpdateStack", OTHER, {}) == "allow"
    assert asked("CreateStack", OTHER, {"cloudformation:RoleArn": LAUNCH.replace("acme-ml-dev", "mine")}) == "allow"


@pytest.mark.parametrize(
    "address",
    [
        OWN,
        OWN.replace(".eu-west-1.", "."),
        f"https://s3.eu-west-1.amazonaws.com/{BUCKET}/studio/a.1.0.0.yaml",
        f"https://s3.amazonaws.com/{BUCKET}/studio/a.1.0.0.yaml",
    ],
)
def test_the_printed_policy_alone_launches_what_studio_lists(address: str) -> None:
    policy = studio_policy(FACTS)
    assert policy is not None
    url = {"cloudformation:TemplateUrl": address}

    def may(action: str, resource: str, context: Context) -> str:
        return decision(policy.statements, "person", action, resource, context)

    assert may("cloudformation:CreateStack", PROJECT, {**url, "cloudformation:RoleArn": LAUNCH}) == "allow"
    assert may("cloudformation:CreateStack", PROJECT, url) == "none", "the person's own rights would do the work"
    assert may("cloudformation:UpdateStack", PROJECT, url) == "allow", "SageMaker's UpdateProject names no role"
    assert may("cloudformation:DeleteStack", PROJECT, {}) == "allow"
    for service, expected in (("cloudformation", "allow"), ("lambda", "none")):
        assert may("iam:PassRole", LAUNCH, {"iam:PassedToService": f"{service}.amazonaws.com"}) == expected
    for key, expected in (("studio/a.yaml", "allow"), ("products/a.zip", "none")):
        assert may("s3:GetObject", f"arn:aws:s3:::{BUCKET}/{key}", {}) == expected
    assert size(policy.statements) <= MANAGED_POLICY_LIMIT


def test_without_studio_there_is_nothing_to_grant() -> None:
    assert studio_policy(RoleFacts(names=FACTS.names, home=REGION, account_id=ACCOUNT)) is None


def test_a_deployment_test_launches_templates_of_the_stacks_under_test_only() -> None:
    target = StackScope(scope=FACTS.arns, project="acme-ml-t*", environment="dev")
    statements = scientist_statements(target)
    role = {"cloudformation:RoleArn": LAUNCH.replace("acme-ml", "acme-ml-t1")}
    own = {"cloudformation:TemplateUrl": OWN.replace("acme-ml", "acme-ml-t1")}
    for context, expected in (
        ({**role, **own}, "allow"),
        (role, "none"),
        ({**role, "cloudformation:TemplateUrl": FOREIGN}, "none"),
        ({**own, "cloudformation:RoleArn": LAUNCH.replace("acme-ml-dev-project-launch", "admin")}, "none"),
    ):
        assert decision(statements, "role", "cloudformation:CreateStack", PROJECT, context) == expected
