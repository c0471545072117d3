"""The platform's own delivery on the real engine: it comes up, stays quiet, and goes without a trace."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from awsmodel.arns import ArnScope
from awsmodel.iam import evaluation
from awsmodel.regions import known_regions
from components.iam import delivery_policies
from sandbox.world import World
from tests.contract.rows import Operation, rows
from tests.support.delivery_example import SECTION, example
from tests.support.loopback_proxy import Call, proxy

from .conftest import MakeWorld, alter, copy_project, deploy, stay_at_home
from .test_stacks import Aws

pytestmark = pytest.mark.engine

PARAMETER = "/sm-mlops-dev/delivery/drift/dev"
ALL = example(pullRequests="comment")
"""The delivery that the stack file of dev shows as a comment, with previews of pull requests."""


TARGET = delivery_policies.StackScope(
    scope=ArnScope.of(known_regions()["us-east-2"], "123456789012"), project="sm-mlops", environment="dev"
)


@dataclass(frozen=True)
class Deployment:
    """Dev with the delivery that its stack file shows as a comment."""

    world: World
    actions: frozenset[str]
    """IAM actions of the calls that deployed it."""


@pytest.fixture(scope="module")
def deployment(make_world: MakeWorld, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    world = make_world(copy_project(tmp_path_factory.mktemp("delivery")))
    stay_at_home(world)
    alter(world, "dev", lambda config: config.update({SECTION: ALL}))
    return Deployment(world, watched(world, "up", "--yes", "--skip-preview"))


@pytest.fixture(scope="module")
def delivered(deployment: Deployment) -> World:
    return deployment.world


def watched(world: World, *arguments: str) -> frozenset[str]:
    """Run Pulumi on dev; the IAM actions of its calls."""
    environment = world.environment()
    with proxy(environment["AWS_ENDPOINT_URL"]) as between:
        line = world.pulumi_command([*arguments, "--stack", "dev", "--non-interactive"])
        environment = environment | {"AWS_ENDPOINT_URL": between.url}
        done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return frozenset(filter(None, map(action, between.calls)))


def action(call: Call) -> str | None:
    """What IAM calls it; None for S3, whose operations have no names on the wire, and for asking who one is."""
    if call.service in ("s3", "sts"):
        return None
    operation = call.operation.rpartition("/")[2]
    return f"{call.service}:{operation[0].upper()}{operation[1:]}"


def beyond_the_plugin(actions: frozenset[str]) -> frozenset[str]:
    """The calls of the stack's own providers. Those of the plugin are judged by its contract, with ARNs and tags."""
    operations: Sequence[Operation] = ("create", "read", "update", "delete")
    return actions - {call.action for row in rows().values() for one in operations for call in row.calls(one)}


def ungranted(actions: frozenset[str], statements: Sequence[evaluation.Statement]) -> set[str]:
    granted = [pattern for one in statements for pattern in evaluation.values(one["Action"])]
    return {one for one in actions if not any(evaluation.action_matches(pattern, one) for pattern in granted)}


def up(world: World) -> dict[str, int]:
    changes = deploy(world).changes
    return {fate: count for fate, count in changes.items() if fate != "same"}


def client(world: World, service: str) -> Any:
    return Aws(world).client(service)


def steps(world: World, *flags: str) -> dict[str, str]:
    """What a preview would do, by logical name."""
    digest = json.loads(world.pulumi("preview", "--stack", "dev", "--json", *flags).stdout)
    quiet = ("same", "refresh")
    return {step["urn"].rsplit("::", 1)[-1]: step["op"] for step in digest["steps"] if step["op"] not in quiet}


def test_both_pipelines_stand_with_their_builds(delivered: World) -> None:
    pipelines = {found["name"]: found for found in client(delivered, "codepipeline").list_pipelines()["pipelines"]}
    assert {"sm-mlops-dev-delivery", "sm-mlops-dev-drift"} <= pipelines.keys()
    assert pipelines["sm-mlops-dev-delivery"]["pipelineType"] == "V2"
    found = client(delivered, "codepipeline").get_pipeline(name="sm-mlops-dev-delivery")["pipeline"]
    assert [stage["name"] for stage in found["stages"]] == ["Source", "Check", "dev", "prod"]
    named = {
        action["configuration"]["ProjectName"]
        for stage in found["stages"]
        for action in stage["actions"]
        if action["actionTypeId"]["provider"] == "CodeBuild"
    }
    projects = client(delivered, "codebuild").batch_get_projects(names=sorted(named))
    assert {project["name"] for project in projects["projects"]} == named
    assert projects.get("projectsNotFound", []) == []


def test_pull_requests_start_a_build_of_the_repository(delivered: World) -> None:
    name = "sm-mlops-dev-pull-requests"
    (project,) = client(delivered, "codebuild").batch_get_projects(names=[name])["projects"]
    assert project["source"]["location"].endswith("/sm-mlops-dev")
    (target,) = client(delivered, "events").list_targets_by_rule(Rule=name)["Targets"]
    assert target["Arn"] == project["arn"]
    assert set(target["InputTransformer"]["InputPathsMap"]) == {"commit", "pullRequest"}


def test_what_the_stacks_own_providers_call_is_granted_to_the_role_that_deploys(deployment: Deployment) -> None:
    actions = beyond_the_plugin(deployment.actions)
    assert "servicecatalog:ListProvisioningArtifacts" in actions
    assert ungranted(actions, delivery_policies.change_statements(TARGET)) == set()


def test_what_they_look_at_is_granted_to_the_role_that_previews(delivered: World) -> None:
    actions = beyond_the_plugin(watched(delivered, "preview", "--refresh"))
    assert "servicecatalog:ListProvisioningArtifacts" in actions
    assert ungranted(actions, delivery_policies.preview_statements(TARGET)) == set()


def test_a_second_up_changes_nothing(delivered: World) -> None:
    assert steps(delivered) == {}
    assert up(delivered) == {}
    assert steps(delivered, "--refresh") == {}


def test_what_the_nightly_build_remembers_is_no_drift(delivered: World) -> None:
    client(delivered, "ssm").put_parameter(Name=PARAMETER, Value="0" * 64, Overwrite=True)
    assert steps(delivered, "--refresh") == {}
    up(delivered)
    assert client(delivered, "ssm").get_parameter(Name=PARAMETER)["Parameter"]["Value"] == "0" * 64


def test_a_stack_less_takes_its_own_builds_only(delivered: World) -> None:
    only_dev = {**ALL, "stacks": [{"stack": "dev"}]}
    alter(delivered, "dev", lambda config: config.update({SECTION: only_dev}))
    gone = {name: op for name, op in steps(delivered).items() if op != "update"}
    assert set(gone.values()) == {"delete"}
    assert all("prod" in name for name in gone)
    alter(delivered, "dev", lambda config: config.update({SECTION: ALL}))


def test_destroy_leaves_nothing(delivered: World) -> None:
    actions = watched(delivered, "destroy", "--yes", "--skip-preview")
    assert ungranted(beyond_the_plugin(actions), delivery_policies.change_statements(TARGET)) == set()
    assert client(delivered, "codepipeline").list_pipelines()["pipelines"] == []
    assert client(delivered, "codebuild").list_projects()["projects"] == []
    assert client(delivered, "events").list_rules()["Rules"] == []
    assert client(delivered, "ssm").describe_parameters()["Parameters"] == []
    roles = [role["RoleName"] for role in client(delivered, "iam").list_roles()["Roles"]]
    assert [name for name in roles if name.startswith("sm-mlops")] == []
    groups = client(delivered, "logs").describe_log_groups()["logGroups"]
    assert [group["logGroupName"] for group in groups if "sm-mlops" in group["logGroupName"]] == []
