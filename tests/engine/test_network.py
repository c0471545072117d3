"""An existing VPC on the real engine: projects run in it, and a preview refuses one that could not carry them."""

from pathlib import Path
from typing import Any

import pytest

from sandbox.world import World

from .conftest import MakeWorld, alter, copy_project, deploy, stay_at_home
from .private_vpc import PrivateVpc, make_private_vpc
from .test_catalog import SCIENTIST, client, launched, offered, removed

pytestmark = pytest.mark.engine

SECTION = "sm-mlops:network"


@pytest.fixture(scope="module")
def world(make_world: MakeWorld, tmp_path_factory: pytest.TempPathFactory) -> World:
    project: Path = copy_project(tmp_path_factory.mktemp("network"))
    world = make_world(project)
    stay_at_home(world)
    return world


@pytest.fixture(scope="module")
def vpc(world: World) -> PrivateVpc:
    """A VPC that stood before the platform, and the platform in it."""
    client(world, "iam").create_role(RoleName=SCIENTIST, AssumeRolePolicyDocument="{}")
    made = make_private_vpc(client(world, "ec2"))
    alter(world, "dev", lambda config: config.update({SECTION: made.section()}))
    deploy(world)
    return made


def test_what_a_project_runs_lies_in_the_vpc_and_is_removed_with_it(world: World, vpc: PrivateVpc) -> None:
    catalog = client(world, "servicecatalog", SCIENTIST)
    records = []
    for name, product_id in offered(catalog).items():
        project_id = "p-build" if "training" in name else "p-deploy"
        records.append(launched(catalog, product_id, SageMakerProjectName="fraud", SageMakerProjectId=project_id))
        assert records[-1]["Status"] == "SUCCEEDED", records[-1].get("RecordErrors")
    builds = client(world, "codebuild")
    projects = builds.batch_get_projects(names=builds.list_projects()["projects"])["projects"]
    checks = [project["name"] for project in projects if project["name"].endswith("-check")]
    assert (len(projects), len(checks)) == (5, 2)
    subnet_ids = list(vpc.subnet_ids[:2])
    for project in projects:
        config = {"vpcId": vpc.vpc_id, "subnets": subnet_ids, "securityGroupIds": [vpc.group_id]}
        assert project["vpcConfig"] == config, project["name"]
        told = {item["name"]: item["value"] for item in project["environment"]["environmentVariables"]}
        if project["name"] in checks:
            continue
        assert (told["SUBNET_IDS"], told["SECURITY_GROUP_IDS"]) == (",".join(subnet_ids), vpc.group_id)
    functions = client(world, "lambda").list_functions()["Functions"]
    assert {function["FunctionName"] for function in functions} == {
        "sagemaker-p-build-build-clean-up",
        "sagemaker-p-deploy-deploy-clean-up",
        "sagemaker-p-deploy-deploy-confirm",
    }
    for function in functions:
        place = function["VpcConfig"]
        assert (place["SubnetIds"], place["SecurityGroupIds"]) == (subnet_ids, [vpc.group_id])
    iam = client(world, "iam")
    for role in ("build-check", "build-codebuild", "build-sagemaker", "build-clean-up"):
        policies = iam.list_role_policies(RoleName=f"sagemaker-p-build-{role}")["PolicyNames"]
        assert "run-in-the-vpc" in policies, role
    for record in records:
        assert removed(catalog, record)["Status"] == "SUCCEEDED"


def test_a_second_up_changes_nothing(world: World, vpc: PrivateVpc) -> None:
    del vpc
    assert not deploy(world).changed


def refusal(world: World, section: dict[str, Any]) -> str:
    """What a preview of dev with this network says, which must fail."""
    alter(world, "dev", lambda config: config.update({SECTION: section}))
    done = world.pulumi("preview", "--stack", "dev", check=False)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    return said


def test_a_preview_names_the_ids_that_do_not_belong_together(world: World, vpc: PrivateVpc) -> None:
    foreign = make_private_vpc(client(world, "ec2"))
    subnets = [vpc.subnet_ids[0], foreign.subnet_ids[1], "subnet-0123456789abcdef0"]
    said = refusal(world, vpc.section(subnetIds=subnets, securityGroupIds=["sg-0123456789abcdef0"]))
    assert "sm-mlops:network has 3 faults:" in said
    assert f"us-east-2.subnetIds: {foreign.subnet_ids[1]} lies in {foreign.vpc_id}, not in {vpc.vpc_id}" in said
    assert "us-east-2.subnetIds: subnet-0123456789abcdef0 does not exist" in said
    assert "us-east-2.securityGroupIds: sg-0123456789abcdef0 does not exist" in said


def test_a_preview_names_subnets_of_one_zone_and_the_endpoint_that_is_gone(world: World, vpc: PrivateVpc) -> None:
    gone = vpc.endpoint_ids["logs"]
    client(world, "ec2").delete_vpc_endpoints(VpcEndpointIds=[gone])
    first, _, third = vpc.subnet_ids
    said = refusal(world, vpc.section(subnetIds=[first, third]))
    assert "sm-mlops:network has 2 faults:" in said
    assert f"us-east-2.subnetIds: {first}, {third} all lie in us-east-2a" in said
    assert f"serves it: logs ({gone} is deleted)" in said
