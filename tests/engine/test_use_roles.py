"""Projects that share the environment's roles, on the real engine: they work, and make no roles of their own."""

import time
from pathlib import Path

import pytest

from sandbox.world import World

from .conftest import MakeWorld, alter, copy_project, deploy, stay_at_home
from .test_catalog import SCIENTIST, client, launched, offered, removed

pytestmark = pytest.mark.engine

KINDS = {"p-build": "modelbuild", "p-deploy": "modeldeploy"}


@pytest.fixture(scope="module")
def world(make_world: MakeWorld, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Dev, whose stack makes the roles that work in projects."""
    project: Path = copy_project(tmp_path_factory.mktemp("roles"))
    world = make_world(project)
    stay_at_home(world)
    client(world, "iam").create_role(RoleName=SCIENTIST, AssumeRolePolicyDocument="{}")
    alter(world, "dev", lambda config: config.update({"sm-mlops:iam": {"use": {"mode": "create"}}}))
    deploy(world)
    return world


def roles(world: World) -> dict[str, str]:
    """ARNs of the account's roles, by name."""
    return {role["RoleName"]: role["Arn"] for role in client(world, "iam").list_roles()["Roles"]}


def fetched(world: World, pipeline: str) -> str:
    """How the first run has fetched the source, once it is known."""
    deadline = time.monotonic() + 60
    while True:
        (source, *_) = client(world, "codepipeline").get_pipeline_state(name=pipeline)["stageStates"]
        status: str = source.get("latestExecution", {}).get("status", "InProgress")
        if status != "InProgress" or time.monotonic() > deadline:
            return status
        time.sleep(0.1)


def test_both_products_launch_work_and_go_with_the_environments_roles(world: World) -> None:
    before = roles(world)
    catalog = client(world, "servicecatalog", SCIENTIST)
    records = []
    for name, product_id in offered(catalog).items():
        project_id = "p-build" if "training" in name else "p-deploy"
        records.append(launched(catalog, product_id, SageMakerProjectName="fraud", SageMakerProjectId=project_id))
        assert records[-1]["Status"] == "SUCCEEDED", records[-1].get("RecordErrors")
    assert roles(world) == before, "a project has made a role"

    for project_id, kind in KINDS.items():
        pipeline = f"sagemaker-fraud-{project_id}-{kind}"
        role = client(world, "codepipeline").get_pipeline(name=pipeline)["pipeline"]["roleArn"]
        assert role in before.values()
        assert fetched(world, pipeline) == "Succeeded"
    builds = client(world, "codebuild")
    projects = builds.batch_get_projects(names=builds.list_projects()["projects"])["projects"]
    told = [
        {item["name"]: item["value"] for item in project["environment"]["environmentVariables"]} for project in projects
    ]
    # A check is told of none.
    assert {variables.get("SAGEMAKER_ROLE_ARN", "") for variables in told} - {""} <= set(before.values())
    functions = client(world, "lambda").list_functions()["Functions"]
    used = {project["serviceRole"] for project in projects} | {function["Role"] for function in functions}
    assert len(used) == 2, "one role for builds, one for functions"
    assert used <= set(before.values())

    for record in records:
        ended = removed(catalog, record)
        assert ended["Status"] == "SUCCEEDED", ended.get("RecordErrors")
    assert roles(world) == before
