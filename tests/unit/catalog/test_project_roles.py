"""Who makes the roles of the catalog, in each mode, over the whole program."""

import json
from typing import Any

import pytest

from awsmodel.iam.evaluation import Request, allowed
from components.catalog.project_roles import RoleError
from components.sections.iam import UseRole
from tests.support.delivery_example import SECTION, example
from tests.support.recording import Recording, recorded, run_program, stack_values
from tests.unit.settings.test_settings import faults

ACCOUNT = "111122223333"
LAUNCH = f"arn:aws:iam::{ACCOUNT}:role/team/Launch"
USE = {str(role): f"arn:aws:iam::{ACCOUNT}:role/team/Use{role}" for role in UseRole}
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/company-boundary"
SUPPLIED = {"mode": "supplied", "roleArn": LAUNCH}
ADOPTED = "pulumi-python:dynamic/iam:AdoptedRole"


def values(**iam: Any) -> dict[str, Any]:
    return {**stack_values("dev"), "sm-mlops:iam": iam}


def run(**iam: Any) -> Recording:
    return recorded(values(**iam))


def iam_resources(recording: Recording) -> list[str]:
    found = (one for one in recording.resources if one.type.startswith("aws:iam/") or one.type == ADOPTED)
    return sorted(one.name for one in found if "Exclusive" not in one.type)


def published(recording: Recording) -> dict[str, str]:
    """What the templates of both products are told of roles."""
    told = [one.inputs["environment"]["Roles"] for one in recording.of_type("pulumi-python:dynamic/s3:ProductFiles")]
    assert told[0] == told[1]
    roles: dict[str, str] = told[0]
    return roles


def test_the_stack_makes_a_launch_role_and_projects_make_their_own(dev: Recording) -> None:
    assert iam_resources(dev) == ["catalog-roles-boundary", "catalog-roles-launch", "catalog-roles-launch-policy"]
    assert published(dev) == {**dict.fromkeys(USE, ""), "PermissionsBoundary": "sm-mlops-dev-project-boundary"}


def test_with_every_role_supplied_the_program_registers_nothing_in_iam() -> None:
    """Appendix B's separation of duties: whoever deploys needs no right to make a role."""
    own = dict.fromkeys(("launch", "pipeline", "build", "events", "delivery"), SUPPLIED)
    recording = run(**own, use={"mode": "supplied", "roleArns": USE})
    assert iam_resources(recording) == []
    assert published(recording) == {**USE, "PermissionsBoundary": ""}
    launches = [
        one for one in recording.of_type("aws:servicecatalog/constraint:Constraint") if one.inputs["type"] == "LAUNCH"
    ]
    assert [json.loads(one.inputs["parameters"]) for one in launches] == [{"RoleArn": LAUNCH}] * 2


def test_one_use_role_for_each_service_works_in_all_projects() -> None:
    recording = run(use={"mode": "create"})
    assert "catalog-roles-boundary" not in iam_resources(recording), "projects make no role that it would bound"
    roles = {one.name: one.inputs["name"] for one in recording.of_type("aws:iam/role:Role")}
    assert roles == {
        "catalog-roles-launch": "sm-mlops-dev-project-launch",
        **{f"catalog-roles-use-{key.lower()}": f"sm-mlops-dev-use-{key.lower()}" for key in USE},
    }
    assert published(recording) == {
        "PermissionsBoundary": "",
        **{key: f"arn:aws:iam::{ACCOUNT}:role/sm-mlops-dev-use-{key.lower()}" for key in USE},
    }


def test_adopted_roles_are_the_accounts_well_known_ones() -> None:
    recording = run(launch={"mode": "adopt"}, use={"mode": "adopt"})
    assert iam_resources(recording) == ["catalog-roles-launch", "catalog-roles-use"]
    use = f"arn:aws:iam::{ACCOUNT}:role/service-role/AmazonSageMakerServiceCatalogProductsUseRole"
    assert published(recording) == {"PermissionsBoundary": "", **dict.fromkeys(USE, use)}
    launch, shared = (recording.named(name).inputs for name in iam_resources(recording))
    assert (launch["path"], launch["name"]) == ("/service-role/", "AmazonSageMakerServiceCatalogProductsLaunchRole")
    passing = [statement for text in launch["policies"] for statement in json.loads(text)["Statement"]]
    assert allowed(passing, Request("iam:PassRole", use, {"iam:PassedToService": "lambda.amazonaws.com"}))
    others, functions = json.loads(shared["trust"])["Statement"]
    assert others["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert "lambda.amazonaws.com" not in others["Principal"]["Service"]
    assert functions["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert "Condition" not in functions


def test_a_boundary_of_the_company_bounds_every_role_that_the_stack_makes() -> None:
    recording = run(use={"mode": "create"}, permissionsBoundaryArn=BOUNDARY)
    roles = recording.of_type("aws:iam/role:Role")
    assert len(roles) == 7
    assert {one.inputs["permissionsBoundary"] for one in roles} == {BOUNDARY}


INLINE = "aws:iam/rolePoliciesExclusive:RolePoliciesExclusive"
ATTACHED = "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive"


def everything(**iam: Any) -> Recording:
    """Every role that a stack can make: those of projects, of the delivery, of pull requests and of tests."""
    options = {"options": [{"name": "plain", "region": "us-east-2"}]}
    more = {SECTION: example(pullRequests="comment"), "sm-mlops:deploymentTests": options}
    return run_program({**values(use={"mode": "create"}, **iam), **more})


def test_every_role_that_the_stack_makes_has_its_own_policies_and_no_others() -> None:
    recording = everything()
    roles = recording.of_type("aws:iam/role:Role")
    assert len(roles) > 20
    for role in roles:
        name, own = role.inputs["name"], [role.name]
        (inline,) = [one for one in recording.of_type(INLINE) if one.inputs["roleName"] == name]
        (attached,) = [one for one in recording.of_type(ATTACHED) if one.inputs["roleName"] == name]
        policies = [one for one in recording.of_type("aws:iam/rolePolicy:RolePolicy") if one.inputs["role"] == name]
        attachments = [
            one
            for one in recording.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
            if one.inputs["role"] == name
        ]
        # Mocks name no policy that the program does not name.
        assert len(inline.inputs["policyNames"]) == len(policies), name
        assert sorted(attached.inputs["policyArns"]) == sorted(one.inputs["policyArn"] for one in attachments), name
        # IAM deletes no role that has policies, and both lists go before what they list: so says their order.
        assert inline.depends_on == {*own, *(one.name for one in policies)}, name
        assert attached.depends_on == {*own, *(one.name for one in attachments)}, name


AUDIT = "arn:aws:iam::aws:policy/SecurityAudit"
GUARD = f"arn:aws:iam::{ACCOUNT}:policy/company/guard"


def test_what_others_may_attach_is_listed_where_a_role_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    held = {"sm-mlops-dev-project-launch": [GUARD, AUDIT]}
    monkeypatch.setattr(
        "components.preflight.other_policies.attached", lambda arns, *_: held if arns == (GUARD, AUDIT) else {}
    )
    recording = everything(otherPolicyArns=[GUARD, AUDIT])
    listed = {one.inputs["roleName"]: one.inputs["policyArns"] for one in recording.of_type(ATTACHED)}
    assert listed["sm-mlops-dev-project-launch"] == [GUARD, AUDIT]
    assert not [arns for name, arns in listed.items() if name not in held and {GUARD, AUDIT} & set(arns)]
    assert all(one.inputs["forceDetachPolicies"] for one in recording.of_type("aws:iam/role:Role")), "or none could go"
    adopted = run_program(values(launch={"mode": "adopt"}, otherPolicyArns=[GUARD, AUDIT]))
    assert adopted.named("catalog-roles-launch").inputs["otherPolicyArns"] == [GUARD, AUDIT]


@pytest.mark.parametrize("mode", ["create", "adopt"])
def test_nothing_is_launched_before_the_roles_may_do_their_work(mode: str) -> None:
    recording = run(launch={"mode": mode}, use={"mode": mode})
    last = {name for name in iam_resources(recording) if mode == "adopt" or name.endswith("-policy")}
    launches = [one for one in recording.resources if one.inputs.get("type") == "LAUNCH"]
    assert len(launches) == 2
    assert all(last <= one.depends_on for one in launches)


@pytest.mark.parametrize(
    ("iam", "fault"),
    [
        (
            {"launch": {"mode": "given"}},
            "sm-mlops:iam.launch: 'given' is not allowed (allowed: create, adopt, supplied)",
        ),
        (
            {"launch": {"roleArn": LAUNCH}},
            "sm-mlops:iam.launch: 'mode' is missing (allowed: create, adopt, supplied)",
        ),
        (
            {"launch": {"mode": "supplied"}},
            "sm-mlops:iam.launch.roleArn: missing; the role",
        ),
        (
            {"launch": {"mode": "adopt", "roleArn": LAUNCH}},
            "sm-mlops:iam.launch.roleArn: unknown key (allowed: mode)",
        ),
        (
            {"use": {"mode": "supplied", "roleArns": {key: USE[key] for key in ("CodePipeline", "Lambda")}}},
            "sm-mlops:iam.use.roleArns: names no role for CodeBuild, Events, CloudFormation, SageMaker",
        ),
        (
            {"use": {"mode": "supplied", "roleArns": {**USE, "Glue": LAUNCH}}},
            "sm-mlops:iam.use.roleArns.Glue: 'Glue' is not allowed (allowed: CodePipeline, CodeBuild, Events, "
            "CloudFormation, SageMaker, Lambda)",
        ),
        (
            {"pipeline": {"mode": "adopt"}},
            "sm-mlops:iam.pipeline: 'adopt' is not allowed (allowed: create, supplied)",
        ),
    ],
)
def test_faults_of_the_section(iam: dict[str, Any], fault: str) -> None:
    assert faults(values(**iam)) == [fault]


def test_roles_of_this_account_are_not_told_to_projects_of_others() -> None:
    shared = values(use={"mode": "create"})
    shared["sm-mlops:catalog"] |= {"shares": [{"type": "ACCOUNT", "principalId": "444455556666"}]}
    assert faults(shared) == [
        "sm-mlops:iam.use.mode: 'create' names roles of this account, and catalog.shares offers the products to "
        "others; with shares it is 'project'"
    ]


def test_the_launch_role_of_a_former_release_is_told_where_it_has_gone() -> None:
    former = stack_values("dev")
    former["sm-mlops:catalog"] |= {"launchRoleArn": LAUNCH}
    assert faults(former) == [
        "sm-mlops:catalog.launchRoleArn: has moved; say it as sm-mlops:iam.launch: {mode: supplied, roleArn: ...}"
    ]


NETWORK = {
    "vpcId": "vpc-0a1b2c3d4e5f60718",
    "subnetIds": [f"subnet-{digit}a1b2c3d4e5f60718" for digit in "012"],
    "securityGroupIds": ["sg-0a1b2c3d4e5f60718"],
}
FOUR_REGIONS = ["us-east-2", "eu-central-1", "eu-west-1", "eu-west-2"]
MORE_REGIONS = [*FOUR_REGIONS, "ap-southeast-2", "ap-northeast-1", "us-west-2", "ca-central-1"]


def in_networks(regions: list[str], mode: str) -> dict[str, Any]:
    """The catalog in a network of each of several regions: the longest documents that there are."""
    wide = values(use={"mode": mode})
    wide["sm-mlops:artifacts"] = {"regions": regions}
    wide["sm-mlops:catalog"] |= {"regions": regions}
    wide["sm-mlops:network"] = dict.fromkeys(regions, NETWORK)
    return wide


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """No network is looked up."""
    monkeypatch.setattr("components.preflight.check", lambda *_: {})


@pytest.mark.usefixtures("unchecked")
def test_what_is_too_long_for_a_roles_own_policy_is_attached_to_it() -> None:
    recording = run_program(in_networks(FOUR_REGIONS, "create"))
    own = {one.name for one in recording.of_type("aws:iam/rolePolicy:RolePolicy")}
    attached = {
        one.name: one.inputs["role"] for one in recording.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    }
    assert attached == {
        f"catalog-roles-use-{service}-policy-{number}-attachment": f"sm-mlops-dev-use-{service}"
        for service in ("codebuild", "sagemaker")
        for number in (1, 2, 3)
    }
    assert len(own) == 5
    granted = [recording.named(f"catalog-roles-use-sagemaker-policy-{number}").policy() for number in (1, 2, 3)]
    sids = [statement["Sid"] for part in granted for statement in part["Statement"]]
    assert sids[0] == "Jobs"
    assert any(sid.endswith("EuWest2") for sid in sids)
    launches = [one for one in recording.resources if one.inputs.get("type") == "LAUNCH"]
    assert all(own | set(attached) <= one.depends_on for one in launches)


@pytest.mark.usefixtures("unchecked")
def test_a_role_that_needs_more_policies_than_iam_attaches_is_refused() -> None:
    with pytest.raises(RoleError, match=r"UseRole would need 1\d managed policies, and IAM attaches 10"):
        run_program(in_networks(MORE_REGIONS, "adopt"))
