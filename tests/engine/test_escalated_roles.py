"""A role that somebody has given more than the stack does: it shows everywhere, and `up --refresh` takes it away."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sandbox.world import REPOSITORY, World

from .conftest import MakeWorld, alter, copy_project, destroy, stay_at_home
from .test_catalog import ACCOUNT, client
from .test_stacks import preview, up

pytestmark = pytest.mark.engine

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
GUARD = f"arn:aws:iam::{ACCOUNT}:policy/company-guard"
LAUNCH, BUILD, FUNCTION, EVENTS = (
    "sm-mlops-dev-project-launch",
    *(f"sm-mlops-dev-use-{service}" for service in ("codebuild", "lambda", "events")),
)
CHANGED = {
    "catalog-roles-launch-only-attachments",
    "catalog-roles-use-codebuild-only-policies",
    "catalog-roles-use-events",
    "catalog-roles-use-lambda",
}
STAR = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


@pytest.fixture(scope="module")
def world(make_world: MakeWorld, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Dev with a role for each service; whoever guards the account may attach a policy to each."""
    world = make_world(copy_project(tmp_path_factory.mktemp("escalated")))
    guard = STAR.replace("Allow", "Deny").replace('"Action": "*"', '"Action": "organizations:LeaveOrganization"')
    client(world, "iam").create_policy(PolicyName="company-guard", PolicyDocument=guard)
    iam: dict[str, Any] = {"use": {"mode": "create"}, "otherPolicyArns": [GUARD]}
    alter(world, "dev", lambda config: config.update({"sm-mlops:iam": iam}))
    stay_at_home(world)
    up(world)
    return world


def of_roles(world: World) -> dict[str, Any]:
    """All that IAM says of the roles, but for when they were used."""
    found = client(world, "iam").get_account_authorization_details(Filter=["Role"])["RoleDetailList"]
    return {role["RoleName"]: {key: role[key] for key in role if key != "RoleLastUsed"} for role in found}


def escalate(world: World) -> None:
    iam = client(world, "iam")
    iam.attach_role_policy(RoleName=LAUNCH, PolicyArn=ADMINISTRATOR)
    iam.put_role_policy(RoleName=BUILD, PolicyName="star", PolicyDocument=STAR)
    iam.put_role_permissions_boundary(RoleName=EVENTS, PermissionsBoundary=ADMINISTRATOR)
    trust = iam.get_role(RoleName=FUNCTION)["Role"]["AssumeRolePolicyDocument"]
    root = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:root"}, "Action": "sts:AssumeRole"}
    trust["Statement"].append(root)
    iam.update_assume_role_policy(RoleName=FUNCTION, PolicyDocument=json.dumps(trust))


def tool(world: World, *words: str) -> tuple[int, str]:
    done = world.run([sys.executable, "-P", "-m", "tools", *words], cwd=REPOSITORY, check=False)
    return done.returncode, done.stdout + done.stderr


def in_stack(world: World) -> Sequence[str]:
    return "--stack", "dev", "--folder", str(world.project.source)


def broken(world: World) -> tuple[int, dict[str, str]]:
    """The doctor's exit code, and what it calls broken."""
    code, text = tool(world, "doctor", *in_stack(world), "--json")
    findings = json.loads(text)["findings"]
    return code, {one["check"]: one["evidence"] for one in findings if one["status"] == "broken"}


def test_what_others_may_attach_is_nobodys_concern(world: World) -> None:
    assert up(world) == {}
    client(world, "iam").attach_role_policy(RoleName=LAUNCH, PolicyArn=GUARD)
    assert preview(world, "--refresh") == {}
    assert broken(world) == (0, {})
    assert up(world) == {"update": 1}, "the list of what the role has"
    assert up(world) == {}
    assert GUARD in str(of_roles(world)[LAUNCH])


def test_what_somebody_has_added_shows_everywhere_and_is_taken_away(world: World, tmp_path: Path) -> None:
    whole = of_roles(world)
    escalate(world)
    assert preview(world, "--refresh") == {"update": CHANGED}

    code, told = broken(world)
    assert (code, list(told)) == (1, ["made-roles"])
    arn = f"arn:aws:iam::{ACCOUNT}:role/"
    assert told["made-roles"].split("; ") == [
        f"{arn}{LAUNCH} has the policy {ADMINISTRATOR}",
        f"{arn}{BUILD} has the inline policy star",
        f"{arn}{EVENTS} has the boundary {ADMINISTRATOR}, and the stack gives it no boundary",
        f"{arn}{FUNCTION} trusts arn:aws:iam::444455556666:root",
    ]

    flags = ("preview", "--stack", "dev", "--json")
    for name, more in (("pending", ()), ("refreshed", ("--refresh",))):
        (tmp_path / name).write_text(world.pulumi(*flags, *more).stdout)
    files = ("--pending", str(tmp_path / "pending"), "--refreshed", str(tmp_path / "refreshed"))
    _, text = tool(world, "drift", "--stack", "dev", *files)
    assert "dev: 4 resources have drifted" in text
    assert all(f"{name} (" in text for name in CHANGED)

    taken = str(tmp_path / "iam.json")
    assert tool(world, "iam-snapshot", "take", *in_stack(world), "--out", taken)[0] == 0
    code, text = tool(world, "iam-snapshot", "diff", taken, *in_stack(world), "--fail-on", "broader")
    assert code == 1
    broader = {line.split("/")[-1] for line in text.splitlines() if line.startswith("~ role") and "broader" in line}
    assert broader == {f"{name}: broader" for name in (LAUNCH, BUILD, FUNCTION)}

    assert up(world, "--refresh") == {"update": 4}
    assert of_roles(world) == whole
    assert up(world, "--refresh") == {}


def test_a_supplied_role_that_is_not_there_is_told_before_the_own_one_goes(world: World) -> None:
    before = of_roles(world)
    gone = f"arn:aws:iam::{ACCOUNT}:role/team/Launch"
    supplied = {"mode": "supplied", "roleArn": gone}
    alter(world, "dev", lambda config: config["sm-mlops:iam"].update(launch=supplied))
    for command in (["preview"], ["up", "--yes", "--skip-preview"]):
        done = world.pulumi(*command, "--stack", "dev", check=False)
        said = done.stdout + done.stderr
        assert done.returncode != 0
        assert f"sm-mlops:iam.launch.roleArn: there is no role {gone}; let an administrator make it first" in said
        assert "Traceback" not in said
    alter(world, "dev", lambda config: config["sm-mlops:iam"].pop("launch"))
    assert of_roles(world) == before


def test_all_of_it_is_destroyed_though_others_have_attached_something(world: World) -> None:
    client(world, "iam").attach_role_policy(RoleName=BUILD, PolicyArn=GUARD)
    destroy(world)
    assert not [name for name in of_roles(world) if name.startswith("sm-mlops-dev-")]
    left = client(world, "iam").list_policies(Scope="Local")["Policies"]
    assert [policy["Arn"] for policy in left] == [GUARD]
