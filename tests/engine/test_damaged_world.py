"""A sandbox whose own files are damaged says so in one sentence, and `make sandbox-down` is a way out that works."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox import processes
from sandbox.world import REPOSITORY, World

from .conftest import MakeWorld
from .test_world import sandbox, tiny

__all__ = ["tiny"]
pytestmark = pytest.mark.engine

Damage = Callable[[Path], object]


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def garbage(path: Path) -> None:
    path.write_bytes(b"\xff\x00{[")


def gone(path: Path) -> None:
    path.unlink()


def a_folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    (path / "in the way").mkdir(parents=True)


def foreign(path: Path) -> None:
    """The number of a process that is another's: this test's own."""
    path.write_text(json.dumps({**json.loads(path.read_text()), "pid": 1}))


FILES = {
    "emulator.json": (truncated, garbage, gone, a_folder, foreign),
    "emulator.log": (a_folder,),
    "lock": (garbage, gone),
    "backend/.pulumi/stacks/tiny/dev.json": (truncated, garbage, gone, a_folder),
    "backend/.pulumi/locks/organization/tiny/dev/0.json": (garbage,),
    "project/Pulumi.yaml": (truncated, garbage, gone, a_folder),
    "project/Pulumi.dev.yaml": (truncated, garbage, gone, a_folder),
    "journal/1.jsonl": (garbage, a_folder),
    "bin/pulumi": (truncated, gone, a_folder),
}
CASES = [(name, damage) for name, damages in FILES.items() for damage in damages]


@pytest.fixture(scope="module")
def world(make_world: MakeWorld, tiny: Path) -> World:
    return make_world(tiny)


def call(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The sandbox's command line, as `./sandbox/run` and make call it."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("SM_MLOPS")},
        "PYTHONPATH": str(REPOSITORY),
        "SM_MLOPS_PROJECT": str(world.project.source),
        "SM_MLOPS_SANDBOX": str(world.directory),
    }
    return subprocess.run(
        sandbox(*arguments), env=environment, capture_output=True, text=True, check=False, timeout=180
    )


@pytest.mark.parametrize(("name", "damage"), CASES, ids=[f"{name}-{damage.__name__}" for name, damage in CASES])
def test_a_damaged_file_is_put_right_or_named_with_a_way_out(world: World, name: str, damage: Damage) -> None:
    assert call(world, "run", "pulumi", "stack", "select", "dev").returncode == 0
    path = world.directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    damage(path)

    used = call(world, "run", "pulumi", "stack", "ls")

    assert "Traceback" not in used.stderr
    if used.returncode:
        assert f"error: {world.directory}" in used.stderr
        assert "`make sandbox-down` removes the sandbox" in used.stderr
        assert len(used.stderr.splitlines()) <= 3
        down = call(world, "down")
        assert down.returncode == 0, down.stderr
        assert "Traceback" not in down.stderr
        assert not world.directory.exists()
        assert processes.having("sandbox.emulator", str(world.directory / "emulator.json")) == []
    assert call(world, "run", "pulumi", "stack", "select", "dev").returncode == 0


@pytest.mark.parametrize("folder", ["backend", "project", "journal", "aws", "bin", "pulumi-home"])
def test_a_folder_that_is_gone_is_made_again(world: World, folder: str) -> None:
    assert call(world, "run", "pulumi", "stack", "select", "dev").returncode == 0
    (world.directory / folder).rename(world.directory.parent / f"was-{folder}")
    used = call(world, "run", "pulumi", "up", "--yes", "--skip-preview", "--stack", "dev")
    assert used.returncode == 0, used.stderr
    assert "Traceback" not in used.stderr


def test_down_removes_what_is_no_sandbox_and_what_has_lost_its_rights(world: World) -> None:
    assert call(world, "down").returncode == 0
    world.directory.write_text("a file where the folder belongs")
    assert "error: " in call(world, "run", "true").stderr
    assert call(world, "down").returncode == 0
    assert call(world, "run", "true").returncode == 0
    for path in [world.directory / "backend", world.directory / "pulumi-home", world.directory / "journal"]:
        path.chmod(0)
    assert call(world, "down").returncode == 0
    assert not world.directory.exists()
