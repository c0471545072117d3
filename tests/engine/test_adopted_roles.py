"""The account's well-known roles on the real engine: made, shared, repaired, taken away; and somebody else's."""

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.deployment import operate
from sandbox.faults import SandboxError
from sandbox.world import World

from .conftest import MakeWorld, alter, copy_project, deploy, destroy, stay_at_home
from .test_catalog import SCIENTIST, client, launched, offered, removed

pytestmark = pytest.mark.engine

LAUNCH = "AmazonSageMakerServiceCatalogProductsLaunchRole"
USE = "AmazonSageMakerServiceCatalogProductsUseRole"
PATH = "/service-role/"
ADOPTED = {"launch": {"mode": "adopt"}, "use": {"mode": "adopt"}}


@pytest.fixture(scope="module")
def world(make_world: MakeWorld, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Dev and prod, which both want the well-known roles, and a data scientist."""
    project: Path = copy_project(tmp_path_factory.mktemp("adopted"))
    world = make_world(project)
    client(world, "iam").create_role(RoleName=SCIENTIST, AssumeRolePolicyDocument="{}")
    for stack in ("dev", "prod"):
        unguarded = {"protect": False, "retain": False, "keyDeletionDays": 7}
        changes: dict[str, Any] = {"sm-mlops:iam": ADOPTED, "sm-mlops:protection": unguarded}
        alter(world, stack, lambda config, changes=changes: config.update(changes))  # type: ignore[misc]
        stay_at_home(world, stack)
    return world


def role(world: World, name: str) -> dict[str, Any] | None:
    iam = client(world, "iam")
    try:
        found: dict[str, Any] = iam.get_role(RoleName=name)["Role"]
    except iam.exceptions.NoSuchEntityException:
        return None
    return found


def users(world: World, name: str) -> set[str]:
    tags = client(world, "iam").list_role_tags(RoleName=name)["Tags"]
    return {tag["Key"].removeprefix("sm-mlops:used-by:") for tag in tags if "used-by" in tag["Key"]}


def attached(world: World, name: str) -> list[str]:
    policies = client(world, "iam").list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    return sorted(policy["PolicyArn"] for policy in policies)


def test_a_role_that_lacks_something_stops_the_preview_with_a_sentence(world: World) -> None:
    iam = client(world, "iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "servicecatalog.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName=LAUNCH, Path=PATH, AssumeRolePolicyDocument=document)
    refused = world.pulumi("preview", "--stack", "dev", check=False)
    said = refused.stdout + refused.stderr
    assert refused.returncode != 0
    assert f"role/service-role/{LAUNCH} exists, was made by somebody else, and lacks what is needed: " in said
    assert "cloudformation:CreateStack on arn:aws:cloudformation:*:123456789012:stack/SC-*" in said
    assert "Traceback" not in said
    with pytest.raises(SandboxError, match="lacks what is needed"):
        operate(world, "up", "up", "--stack", "dev")
    assert attached(world, LAUNCH) == []
    iam.delete_role(RoleName=LAUNCH)


def test_roles_that_are_not_there_are_made_and_projects_work_with_them(world: World) -> None:
    deploy(world)
    for name in (LAUNCH, USE):
        found = role(world, name)
        assert found is not None
        assert found["Path"] == PATH
        assert users(world, name) == {"sm-mlops-dev"}
    assert not deploy(world).changed
    catalog = client(world, "servicecatalog", SCIENTIST)
    before = {one["RoleName"] for one in client(world, "iam").list_roles()["Roles"]}
    records = []
    for name, product_id in offered(catalog).items():
        project_id = "p-build" if "training" in name else "p-deploy"
        parameters = {"SageMakerProjectName": "fraud", "SageMakerProjectId": project_id}
        records.append(launched(catalog, product_id, **parameters, ArtifactsOnProjectDeletion="Delete"))
        assert records[-1]["Status"] == "SUCCEEDED", records[-1].get("RecordErrors")
    assert {one["RoleName"] for one in client(world, "iam").list_roles()["Roles"]} == before
    for record in records:
        assert removed(catalog, record)["Status"] == "SUCCEEDED"


def test_what_somebody_has_taken_away_shows_and_is_given_back(world: World) -> None:
    whole = attached(world, USE)
    client(world, "iam").detach_role_policy(RoleName=USE, PolicyArn=whole[0])
    digest = json.loads(world.pulumi("preview", "--refresh", "--stack", "dev", "--json").stdout)
    changed = [step["urn"].rsplit("::", 1)[-1] for step in digest["steps"] if step["op"] == "update"]
    assert changed == ["catalog-roles-use"]
    deploy(world, "--refresh")
    assert attached(world, USE) == whole


def test_two_stacks_share_the_roles_and_the_last_one_takes_them_away(world: World) -> None:
    alone = attached(world, USE)
    deploy(world, stack="prod")
    assert users(world, USE) == {"sm-mlops-dev", "sm-mlops-prod"}
    destroy(world, "prod")
    assert users(world, USE) == {"sm-mlops-dev"}
    assert attached(world, USE) == alone
    destroy(world)
    assert (role(world, LAUNCH), role(world, USE)) == (None, None)
    left = client(world, "iam").list_policies(Scope="Local")["Policies"]
    assert left == []
