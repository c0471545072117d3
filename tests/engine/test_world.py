"""The sandbox's world keeps real accounts and the checkout out of reach, and puts itself right after accidents."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.faults import SandboxError
from sandbox.world import DEFAULT_STACK, REPOSITORY, World

from .conftest import MakeWorld

pytestmark = pytest.mark.engine

PROGRAM = """
import os, pathlib, time
import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

class Slow(ResourceProvider):
    def create(self, props):
        pathlib.Path(props["mark"]).touch()
        time.sleep(float(props["seconds"]))
        return CreateResult("made", props)

class Thing(Resource):
    def __init__(self, name, props):
        super().__init__(Slow(), name, props)

config = pulumi.Config()
if config.get("refuse"):
    raise pulumi.RunError("tiny:refuse: is set")
if config.get("crash"):
    raise ValueError("an accident")
Thing("thing", {"seconds": config.get("seconds") or "0", "mark": config.require("mark")})
pulumi.export("aws", {name: value for name, value in os.environ.items() if name.startswith("AWS_")})
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of one resource that takes as long as its settings say."""
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "Pulumi.yaml").write_text("name: tiny\nruntime: python\n")
    for stack in ("dev", "crash", "refuse", "slow"):
        lines = [f"tiny:mark: {folder / stack}.mark"]
        lines += {"slow": ["tiny:seconds: 30"], "dev": ["aws:region: eu-central-1"]}.get(stack, [f"tiny:{stack}: true"])
        (folder / f"Pulumi.{stack}.yaml").write_text("config:\n" + "".join(f"  {line}\n" for line in lines))
    return folder


@pytest.fixture(scope="module")
def tiny_world(make_world: MakeWorld, tiny: Path) -> World:
    return make_world(tiny)


def sandbox(*args: str) -> list[str]:
    """Give the command line of the sandbox itself."""
    return [sys.executable, "-P", "-m", "sandbox", *args]


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def test_real_credentials_are_never_used(tiny_world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".aws").mkdir(parents=True)
    real = "[default]\naws_access_key_id = AKIAREALREALREALREAL\naws_secret_access_key = real\n"
    (home / ".aws" / "credentials").write_text(real + real.replace("default", "work"))
    (home / ".aws" / "config").write_text("[profile work]\nregion = ap-south-1\n")
    monkeypatch.setenv("HOME", str(home))
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIAREALREALREALREAL",
        "AWS_SECRET_ACCESS_KEY": "real",
        "AWS_SESSION_TOKEN": "real",
        "AWS_PROFILE": "work",
        "AWS_ENDPOINT_URL_S3": "https://s3.amazonaws.com",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.2/real",
        "HTTPS_PROXY": "http://proxy.invalid:3128",
        "http_proxy": "http://proxy.invalid:3128",
        "PULUMI_ACCESS_TOKEN": "pul-real",
        "PULUMI_BACKEND_URL": "https://api.pulumi.com",
    }.items():
        monkeypatch.setenv(name, value)

    script = (
        "import boto3, json; s = boto3.Session(); c = s.get_credentials(); k = s.client('s3'); k.list_buckets();"
        "print(json.dumps([c.access_key, c.secret_key, c.token, k.meta.endpoint_url, s.region_name]))"
    )
    url = tiny_world.environment()["AWS_ENDPOINT_URL"]
    assert json.loads(tiny_world.run(["python", "-c", script]).stdout) == [
        "sandbox", "sandbox", None, url, "eu-central-1",
    ]  # fmt: skip
    assert url.startswith("http://127.0.0.1:")

    tiny_world.pulumi("up", "--yes", "--skip-preview")
    seen = json.loads(tiny_world.pulumi("stack", "output", "aws", "--json").stdout)
    assert seen == {name: value for name, value in tiny_world.environment().items() if name.startswith("AWS_")}
    assert not {"AKIAREALREALREALREAL", "real", "pul-real", "work"} & set(tiny_world.environment().values())


def test_the_project_is_not_written_to(tiny_world: World, tiny: Path) -> None:
    before = {path.name: path.read_bytes() for path in tiny.iterdir() if path.is_file() and path.suffix != ".mark"}
    tiny_world.pulumi("up", "--yes", "--skip-preview")
    tiny_world.pulumi("config", "set", "tiny:secret", "value", "--secret")
    after = {path.name: path.read_bytes() for path in tiny.iterdir() if path.is_file() and path.suffix != ".mark"}
    assert after == before
    assert "encryptionsalt" in (tiny_world.directory / "project" / "Pulumi.dev.yaml").read_text()


def test_a_command_runs_from_any_folder_and_its_exit_code_is_kept(tiny_world: World, tmp_path: Path) -> None:
    assert "dev*" in tiny_world.run(["pulumi", "stack", "ls"], cwd=tmp_path).stdout
    assert tiny_world.run(["pulumi", "preview", "--stack", "refuse"], cwd=tmp_path, check=False).returncode == 1
    assert tiny_world.run(sandbox("run", "sh", "-c", "exit 7"), check=False).returncode == 7
    unknown = tiny_world.run(sandbox("run", "no-such-command"), check=False)
    assert (unknown.returncode, unknown.stderr) == (127, "no-such-command: No such file or directory.\n")
    known = r"There is no stack 'nowhere': .* has settings for crash, dev, refuse, slow\."
    with pytest.raises(SandboxError, match=known):
        tiny_world.pulumi("preview", "--stack", "nowhere")


def test_a_refusal_is_printed_without_traceback_and_an_accident_with_one(tiny_world: World) -> None:
    refused = tiny_world.pulumi("preview", "--stack", "refuse", check=False)
    assert refused.returncode != 0
    assert "error: tiny:refuse: is set" in refused.stdout
    assert "Traceback" not in refused.stdout + refused.stderr
    crashed = tiny_world.pulumi("preview", "--stack", "crash", check=False)
    assert crashed.returncode != 0
    assert "ValueError: an accident" in crashed.stdout
    assert "_bootstrap" not in crashed.stdout


def test_a_killed_engine_does_not_block_the_next_command(tiny_world: World, tiny: Path) -> None:
    command = [*tiny_world.pulumi_command(["up", "--stack", "slow", "--yes", "--skip-preview"])]
    with subprocess.Popen(command, env=tiny_world.environment(), stdout=subprocess.DEVNULL) as engine:
        wait_for((tiny / "slow.mark").exists)
        plugins = children(engine.pid)
        engine.kill()
    assert len(plugins) == 2
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in plugins), seconds=5)
    locks = list(tiny_world.directory.glob("backend/.pulumi/locks/**/*.json"))
    assert locks, "the killed engine left no lock: this test proves nothing"
    (tiny / "Pulumi.slow.yaml").write_text(f"config:\n  tiny:mark: {tiny / 'slow.mark'}\n")
    assert "+ 1 created" in tiny_world.pulumi("up", "--stack", "slow", "--yes", "--skip-preview").stdout


def test_a_dead_emulator_is_recognised_and_its_state_removed(
    make_world: MakeWorld, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = make_world(tiny)
    world.pulumi("up", "--yes", "--skip-preview")
    first = world.emulator
    assert first is not None
    os.kill(first.pid, signal.SIGKILL)
    wait_for(lambda: world.emulator is None)
    with pytest.raises(SandboxError, match="does not run"):
        world.environment()
    capsys.readouterr()
    world.start()
    assert "The emulated AWS that dev lived in has ended" in capsys.readouterr().err
    assert world.stacks == []
    assert world.emulator is not None
    assert world.emulator.instance != first.instance
    assert "+ 2 created" in world.pulumi("up", "--yes", "--skip-preview").stdout


def test_two_commands_at_once_share_one_emulator(tiny_world: World, tmp_path: Path) -> None:
    world = World(tmp_path / "world")
    command = sandbox("run", "sh", "-c", "echo $AWS_ENDPOINT_URL")
    environment = tiny_world.environment() | {"SM_MLOPS_SANDBOX": str(world.directory)}
    both = [
        subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    try:
        answers = {process.communicate(timeout=60)[0] for process in both}
        assert world.emulator is not None
        assert answers == {f"{world.emulator.url}\n"}
    finally:
        world.stop()
    assert not world.directory.exists()


def test_the_first_stack_is_dev_and_stop_leaves_nothing(tmp_path: Path, make_world: MakeWorld, tiny: Path) -> None:
    world = make_world(tiny)
    assert f"{DEFAULT_STACK}*" in world.pulumi("stack", "ls").stdout
    emulator = world.emulator
    assert emulator is not None
    world.stop()
    wait_for(lambda: not Path(f"/proc/{emulator.pid}").exists() or world.emulator is None)
    assert not world.directory.exists()
    world.stop()
    assert tmp_path.exists()


def test_the_sandbox_needs_a_command() -> None:
    done = subprocess.run([REPOSITORY / "sandbox" / "run"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("usage: ")


def test_a_stack_that_make_is_told_must_be_one(tmp_path: Path) -> None:
    """Nothing is started."""
    for stack in ("", "nowhere", "a b"):
        environment = {**os.environ, "SM_MLOPS_SANDBOX": str(tmp_path / "world")}
        done = subprocess.run(
            ["make", "-C", REPOSITORY, "sandbox", f"STACK={stack}"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode != 0
        assert f"error: There is no stack {stack!r}: " in done.stderr
        assert "dev, locked-down, prod. Name one of them" in done.stderr
    assert not (tmp_path / "world").exists()
