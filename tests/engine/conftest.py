"""Worlds for tests on the real engine: each with its own emulated AWS and its own copy of the project."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import pulumi_engine
from sandbox.deployment import Deployment, operate
from sandbox.world import World
from tests.support.recording import EXAMPLE

MakeWorld = Callable[[Path], World]
"""Gives a started world for the project in a folder; it is stopped when its scope ends."""


@pytest.fixture(scope="session")
def engine() -> pulumi_engine.Engine:
    found = pulumi_engine.find()
    if found is None:
        pytest.skip("No Pulumi engine: none is installed, and `make test` could not build one (it says why above).")
    return found


@pytest.fixture(scope="module")
def make_world(engine: pulumi_engine.Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeWorld]:  # noqa: ARG001
    worlds: list[World] = []

    def make(project: Path) -> World:
        world = World(tmp_path_factory.mktemp("world"), project)
        worlds.append(world)
        world.start()
        return world

    yield make
    for world in worlds:
        world.stop()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the example's settings, free to be altered with `alter`."""
    return copy_project(tmp_path)


@pytest.fixture
def world(make_world: MakeWorld, project: Path) -> World:
    """A fresh world with the repository's program and the example's settings."""
    return make_world(project)


def copy_project(folder: Path) -> Path:
    """Copy the example's settings into a new folder beside whatever else is in `folder`."""
    project = folder / "project"
    project.mkdir()
    for path in EXAMPLE.glob("Pulumi*.yaml"):
        shutil.copy(path, project)
    return project


def deploy(world: World, *flags: str, stack: str = "dev") -> Deployment:
    """Bring a stack up, without the preview before it: it costs as much again, and has tests of its own."""
    return operate(world, "up", "up", "--stack", stack, "--skip-preview", *flags)


def destroy(world: World, stack: str = "dev") -> Deployment:
    """Destroy a stack, without the preview before it."""
    return operate(world, "destroy", "destroy", "--stack", stack, "--skip-preview")


def alter(world: World, stack: str, edit: Callable[[dict[str, Any]], object]) -> None:
    """Change the `config` of a stack's settings file in a world whose project is a test's own."""
    path = world.project.source / f"Pulumi.{stack}.yaml"
    settings = yaml.safe_load(path.read_text())
    edit(settings["config"])
    path.write_text(yaml.safe_dump(settings, sort_keys=False))


def stay_at_home(world: World, stack: str = "dev") -> None:
    """Let a stack keep artifacts in its home region alone: each further region is ten resources more."""
    alter(world, stack, lambda config: config["sm-mlops:artifacts"].update(regions=[config["aws:region"]]))
