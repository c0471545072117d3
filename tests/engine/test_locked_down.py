"""A locked-down account on the real engine: an administrator makes every role, the platform makes none."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.world import REPOSITORY, World
from tests.support.recording import ACCOUNT_ID as EXAMPLE_ACCOUNT

from .conftest import MakeWorld, alter, copy_project, deploy, destroy
from .private_vpc import make_private_vpc
from .test_catalog import ACCOUNT, client, launched, offered, removed

pytestmark = pytest.mark.engine

STACK = "locked-down"
SCIENTIST = "ml-platform/DataScientist"
PRODUCTS = {
    "MLOps model building and training (sm-mlops-locked-down)": "build",
    "MLOps model deployment (sm-mlops-locked-down)": "deploy",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's file, for the sandbox's account; what a test brings up there it can remove again."""
    project = copy_project(tmp_path_factory.mktemp(STACK))
    path = project / f"Pulumi.{STACK}.yaml"
    path.write_text(path.read_text().replace(EXAMPLE_ACCOUNT, ACCOUNT))
    return project


@pytest.fixture(scope="module")
def world(make_world: MakeWorld, project: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The account as an administrator has prepared it: roles by the documents, a VPC without internet."""
    world = make_world(project)
    vpc = make_private_vpc(client(world, "ec2"))
    unguarded = {"protect": False, "retain": False, "keyDeletionDays": 7}
    changes: dict[str, Any] = {"sm-mlops:network": vpc.section(), "sm-mlops:protection": unguarded}
    alter(world, STACK, lambda config: config.update(changes))
    out = tmp_path_factory.mktemp("roles")
    asked = ["--stack", STACK, "--folder", str(project), "--account-id", ACCOUNT, "--out", str(out)]
    told = world.run([sys.executable, "-P", "-m", "tools", "iam-policies", *asked], cwd=REPOSITORY)
    commands = [line for line in told.stdout.splitlines() if line.startswith("aws iam ")]
    assert len(commands) == 14, "seven roles, each with its policy"
    world.run(["bash", "-ec", "\n".join(commands)])
    path, _, name = f"/{SCIENTIST}".rpartition("/")
    client(world, "iam").create_role(RoleName=name, Path=f"{path}/", AssumeRolePolicyDocument="{}")
    return world


@pytest.fixture(scope="module")
def deployed(world: World) -> World:
    deploy(world, stack=STACK)
    return world


def iam_of(world: World) -> Any:
    """All that people have in IAM, but for the time of last use; some services make a role for themselves."""
    kinds = ["User", "Role", "Group", "LocalManagedPolicy"]
    details = client(world, "iam").get_account_authorization_details(Filter=kinds)
    roles = [role for role in details["RoleDetailList"] if not role["Path"].startswith("/aws-service-role/")]
    for role in roles:
        role.pop("RoleLastUsed", None)
    return {**{key: details[key] for key in ("UserDetailList", "GroupDetailList", "Policies")}, "RoleDetailList": roles}


def supplied(project: Path) -> dict[str, str]:
    config = yaml.safe_load((project / f"Pulumi.{STACK}.yaml").read_text())["config"]
    arns: dict[str, str] = config["sm-mlops:iam"]["use"]["roleArns"]
    return arns


def test_the_platform_comes_up_whole_and_makes_nothing_in_iam(world: World) -> None:
    before = iam_of(world)
    deploy(world, stack=STACK)
    assert iam_of(world) == before
    state = json.loads(world.pulumi("stack", "export", "--stack", STACK).stdout)
    types = {resource["type"] for resource in state["deployment"]["resources"]}
    assert not [name for name in types if "iam" in name.lower()]
    assert "aws:servicecatalog/product:Product" in types
    assert not deploy(world, stack=STACK).changed


def test_the_doctor_finds_the_roles_in_order(deployed: World, project: Path) -> None:
    asked = [sys.executable, "-P", "-m", "tools", "doctor", "--stack", STACK, "--folder", str(project), "--json"]
    told = deployed.run(asked, cwd=REPOSITORY, check=False)
    findings = {one["check"]: one["status"] for one in json.loads(told.stdout)["findings"]}
    looked = [f"{role}{what}" for role in ("launch-role", "use-roles") for what in ("", "-trust", "-permissions")]
    assert {check: findings[check] for check in looked} == dict.fromkeys(looked, "ok")


def test_a_project_of_each_kind_works_with_the_supplied_roles_and_makes_none(deployed: World, project: Path) -> None:
    before, arns = iam_of(deployed), supplied(project)
    catalog = client(deployed, "servicecatalog", SCIENTIST)
    records = []
    for name, product_id in offered(catalog).items():
        kind = PRODUCTS[name]
        parameters = {"SageMakerProjectName": "fraud", "SageMakerProjectId": f"p-{kind}"}
        records.append(launched(catalog, product_id, **parameters, ArtifactsOnProjectDeletion="Delete"))
        assert records[-1]["Status"] == "SUCCEEDED", records[-1].get("RecordErrors")
        pipeline = client(deployed, "codepipeline").get_pipeline(name=f"sagemaker-fraud-p-{kind}-model{kind}")
        assert pipeline["pipeline"]["roleArn"] == arns["CodePipeline"]
        function = client(deployed, "lambda").get_function(FunctionName=f"sagemaker-p-{kind}-{kind}-clean-up")
        assert function["Configuration"]["Role"] == arns["Lambda"]
        targets = client(deployed, "events").list_targets_by_rule(Rule=f"sagemaker-p-{kind}-{kind}-push")["Targets"]
        assert [target["RoleArn"] for target in targets] == [arns["Events"]]
    assert len(records) == len(PRODUCTS)
    builds = client(deployed, "codebuild")
    for build in builds.batch_get_projects(names=builds.list_projects()["projects"])["projects"]:
        assert build["serviceRole"] == arns["CodeBuild"], build["name"]
        told = {item["name"]: item["value"] for item in build["environment"]["environmentVariables"]}
        if not build["name"].endswith("-check"):
            assert told["SAGEMAKER_ROLE_ARN"] == arns["SageMaker"]
    assert iam_of(deployed) == before
    for record in records:
        ended = removed(catalog, record)
        assert ended["Status"] == "SUCCEEDED", ended.get("RecordErrors")
    buckets = [bucket["Name"] for bucket in client(deployed, "s3").list_buckets()["Buckets"]]
    assert not [bucket for bucket in buckets if bucket.startswith("sagemaker-")]


def test_what_the_platform_made_is_destroyed_and_the_roles_stay(deployed: World) -> None:
    before = iam_of(deployed)
    destroy(deployed, STACK)
    assert iam_of(deployed) == before
    assert client(deployed, "s3").list_buckets()["Buckets"] == []
    assert client(deployed, "codecommit").list_repositories()["repositories"] == []
    assert client(deployed, "servicecatalog").list_portfolios()["PortfolioDetails"] == []
    assert client(deployed, "sns").list_topics()["Topics"] == []
    state = json.loads(deployed.pulumi("stack", "export", "--stack", STACK).stdout)
    assert "resources" not in state["deployment"]
