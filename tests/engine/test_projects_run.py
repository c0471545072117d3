"""The products, launched, run: training, approval, staging, prod, a batch, refusals, failures, and nothing left."""

from pathlib import Path

import pytest

from sandbox.story import (
    BUILD_PRODUCT,
    DEPLOY_PRODUCT,
    DEPLOYMENT,
    PROJECT,
    Story,
    play,
)
from sandbox.world import World

from .conftest import MakeWorld, alter, copy_project

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def world(make_world: MakeWorld, tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(copy_project(tmp_path_factory.mktemp("projects-run")))


def test_the_demo_plays_from_nothing_to_nothing(make_world: MakeWorld, project: Path) -> None:
    told: list[str] = []

    world = make_world(project)
    alter(world, "dev", lambda config: config["sm-mlops:catalog"]["products"].append("batch-inference"))
    story = Story(world, told.append)
    play(story)

    assert story.metrics[2]["mse"] < story.metrics[1]["mse"], "the second training shows what the push has changed"
    assert [stage.rpartition("-")[2] for stage, _ in story.predictions] == ["staging", "prod"]
    assert told[-1] == "Nothing is left."
    assert any("Deploy version 2 to prod?" in line for line in told)
    assert sum("Training of project churn in us-east-2 succeeded" in line for line in told) == 2
    assert sum("predicts" in line for line in told) == 2
    assert sum("serves version 1." in line for line in told) == 1
    assert sum("-prod drifted, by " in line for line in told) == 1
    assert sum("Batch run of project churn-batch in us-east-2" in line for line in told) >= 1
    assert any("input/broken.csv: Bad HTTP status received from algorithm: 400" in line for line in told)


def test_a_refusal_and_a_failing_test_leave_prod_as_it_is(world: World) -> None:
    """One story with what goes wrong: each step needs what the one before has left."""
    story = Story(world, lambda _: None)
    story.deploy_platform()
    story.create_project(PROJECT, BUILD_PRODUCT)
    story.create_project(DEPLOYMENT, DEPLOY_PRODUCT)
    story.require_success(PROJECT)
    package = story.trained()
    story.require_success(DEPLOYMENT)
    assert story.serving() == {}

    # Nobody wants it in prod: staging has it, prod has nothing.
    story.decide(package, "Approved")
    story.answer("Rejected")
    assert story.last_run_ended(DEPLOYMENT)["status"] == "Failed"
    assert story.serving() == {"staging": package["ModelPackageArn"]}
    assert any(f"Deployment of project {DEPLOYMENT} in {story.region}" in message for message in story.heard())

    # A push of code that fails its own checks starts no training.
    story.push(PROJECT, "abalone/schema.py", lambda text: text + "\nimport os\n")
    assert story.last_run_ended(PROJECT)["status"] == "Failed"
    assert "Failed phases: PRE_BUILD" in story.failures(PROJECT)
    assert len(story.packages()) == 1

    # A model that answers out of bounds does not reach prod.
    story.push(DEPLOYMENT, "payload/request.toml", lambda text: text.replace("maximum = ", "maximum = 2.0  # was "))
    assert story.last_run_ended(DEPLOYMENT)["status"] == "Failed"
    assert "payload/request.toml allows" in story.failures(DEPLOYMENT)
    assert "prod" not in story.serving()

    story.delete_project(DEPLOYMENT)
    story.delete_project(PROJECT)
    story.delete_models()
    story.destroy_platform()
    assert story.left() == {}
