"""The stack that a test brings up, with a `pulumi` that writes down how it is called."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from tests.support.delivery_example import example
from tests.unit.settings.test_settings import MINIMAL
from tools.deployment_test import command
from tools.deployment_test.engine import Engine
from tools.deployment_test.stack_under_test import StackUnderTest
from tools.faults import ToolError
from tools.stack_file import StackFile

ROLE = "arn:aws:iam::111122223333:role/Tester"
NAME = "test-one-t01234"
PULUMI = """#!/bin/sh
echo "$*" >> calls
[ "$1 $2" = "stack ls" ] && cat stacks.json
[ "$1" != "$(cat fails 2>/dev/null)" ]
"""

SAYING = PULUMI.replace('[ "$1" !=', '[ "$1" = up ] && echo said\n[ "$1" !=')
"""One that prints something."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a dev stack, and a `pulumi` on PATH."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pulumi").write_text(PULUMI)
    (tmp_path / "bin" / "pulumi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    knows(tmp_path)
    return tmp_path


@pytest.fixture
def tested(folder: Path) -> Callable[..., StackUnderTest]:
    def make(
        name: str = "one",
        secretsprovider: str | None = None,
        settings: dict[str, Any] | None = None,
        **more: Any,
    ) -> StackUnderTest:
        changes = settings or {"artifacts": {"artifactDays": 1}}
        options = [{"name": "one", "region": "eu-west-1", "settings": changes}]
        own = {"sm-mlops:delivery": example(), "sm-mlops:deploymentTests": {"options": options}}
        values = {**MINIMAL, "sm-mlops:artifacts": {"regions": ["us-east-2", "eu-west-1"]}, **own, **more}
        written = {"config": values} | (
            {"secretsprovider": secretsprovider, "encryptedkey": "of dev"} if secretsprovider else {}
        )
        (folder / "Pulumi.dev.yaml").write_text(yaml.safe_dump(written))
        return StackUnderTest(StackFile("dev", folder), name, "t01234")

    return make


def knows(folder: Path, *stacks: str) -> None:
    (folder / "stacks.json").write_text(json.dumps([{"name": name, "lastUpdate": None} for name in stacks]))


def calls(folder: Path) -> list[str]:
    lines = (folder / "calls").read_text().splitlines()
    return [line.removesuffix(" --non-interactive") for line in lines if not line.startswith("stack ls")]


def written(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((folder / f"Pulumi.{NAME}.yaml").read_text())
    return loaded


def test_its_file_is_that_of_the_stack_that_tests_with_the_changes_of_the_option(
    folder: Path, tested: Callable[..., StackUnderTest]
) -> None:
    catalog = {"products": ["model-deploy"], "principals": ["arn:aws:iam:::role/*Scientist*"]}
    tested(**{"sm-mlops:catalog": catalog, "aws:profile": "work", "aws:secretKey": {"secure": "v1:x"}}).write(ROLE)
    config = written(folder)["config"]
    assert config["aws:region"] == "eu-west-1"
    assert config["aws:profile"] == "work"
    assert config["sm-mlops:project"] == "sm-mlops-t01234"
    assert config["sm-mlops:artifacts"] == {"regions": ["eu-west-1"], "artifactDays": 1}
    assert config["sm-mlops:catalog"]["principals"] == ["arn:aws:iam:::role/*Scientist*", ROLE]
    assert "aws:secretKey" not in config, "what is encrypted for one stack no other can read"
    assert StackFile(NAME, folder).settings.project == "sm-mlops-t01234"


def test_without_service_catalog_there_is_no_portfolio_to_join(
    folder: Path, tested: Callable[..., StackUnderTest]
) -> None:
    catalog = {"products": ["model-deploy"], "principals": ["arn:aws:iam:::role/*Scientist*"]}
    from_s3 = {"serviceCatalog": False, "studioDomains": {"eu-west-1": ["d-1"]}, "principals": None}
    tested(settings={"catalog": from_s3}, **{"sm-mlops:catalog": catalog}).write(ROLE)
    assert "principals" not in written(folder)["config"]["sm-mlops:catalog"]


def test_its_secrets_are_kept_as_those_of_the_stack_that_tests_with_a_key_of_their_own(
    folder: Path, tested: Callable[..., StackUnderTest]
) -> None:
    test = tested(secretsprovider="awskms://alias/state")
    test.write(None)
    test.up(Engine(folder))
    assert "encryptedkey" not in written(folder)
    assert calls(folder)[0] == f"stack init {NAME} --secrets-provider awskms://alias/state"


def test_what_an_interrupted_test_has_begun_is_gone_on_with(
    folder: Path, tested: Callable[..., StackUnderTest]
) -> None:
    test = tested()
    test.write(None)
    path = folder / f"Pulumi.{NAME}.yaml"
    path.write_text(path.read_text() + "encryptionsalt: v1:of this stack\n")
    test.write(ROLE)
    assert written(folder)["encryptionsalt"] == "v1:of this stack"
    knows(folder, "dev", NAME)
    test.up(Engine(folder))
    assert calls(folder) == [f"up --stack {NAME} --yes --skip-preview"]


def test_it_is_destroyed_and_forgotten_and_once_more_is_no_error(
    folder: Path, tested: Callable[..., StackUnderTest]
) -> None:
    test = tested()
    test.write(None)
    knows(folder, NAME)
    test.destroy(Engine(folder))
    assert calls(folder) == [f"destroy --stack {NAME} --yes --skip-preview --remove"]
    assert not (folder / f"Pulumi.{NAME}.yaml").exists()
    knows(folder)
    test.destroy(Engine(folder))
    assert len(calls(folder)) == 1


def test_its_file_stays_where_it_could_not_be_destroyed(folder: Path, tested: Callable[..., StackUnderTest]) -> None:
    test = tested()
    test.write(None)
    knows(folder, NAME)
    (folder / "fails").write_text("destroy")
    with pytest.raises(ToolError, match=f"`pulumi destroy --stack {NAME} .*` ended with code 1"):
        test.destroy(Engine(folder))
    assert (folder / f"Pulumi.{NAME}.yaml").exists()


def test_what_the_engine_prints_is_shown_only_where_it_fails(
    folder: Path, tested: Callable[..., StackUnderTest], capfd: pytest.CaptureFixture[str]
) -> None:
    (folder / "bin" / "pulumi").write_text(SAYING)
    tested().up(Engine(folder))
    assert capfd.readouterr().err == ""
    (folder / "fails").write_text("up")
    with pytest.raises(ToolError):
        tested().up(Engine(folder))
    assert "said" in capfd.readouterr().err


def test_what_the_engine_prints_is_passed_on_where_that_is_asked_for(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (folder / "bin" / "pulumi").write_text(SAYING)
    Engine(folder, verbose=True).run("up")
    assert "said" in capfd.readouterr().err


FINISHING = "#!/bin/sh\ntrap 'echo interrupted >>calls; exit 1' INT\necho begun >>calls\nwhile :; do sleep 0.02; done\n"


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C is a KeyboardInterrupt, also where the tests run in a background in which nobody hears it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_engine_that_is_interrupted_finishes_what_it_has_begun(folder: Path) -> None:
    (folder / "bin" / "pulumi").write_text(FINISHING)

    def interrupt() -> None:
        while not (folder / "calls").exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        Engine(folder).run("up")
    assert (folder / "calls").read_text().split() == ["begun", "interrupted"]


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_no_engine_is_left_running_by_whoever_is_asked_to_end_while_it_starts(
    folder: Path, monkeypatch: pytest.MonkeyPatch, stop: signal.Signals
) -> None:
    (folder / "bin" / "pulumi").write_text(FINISHING)
    started: list[subprocess.Popen[bytes]] = []

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **more: Any) -> None:
            super().__init__(*arguments, **more)
            started.append(self)
            signal.raise_signal(stop)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            Engine(folder).run("up")
        (engine,) = started
        assert engine.returncode is not None
    finally:
        signal.signal(signal.SIGTERM, before)
        for process in started:
            process.kill()


def test_the_lock_of_a_killed_engine_is_broken_only_on_demand_and_none_is_no_error(
    folder: Path, tested: Callable[..., StackUnderTest]
) -> None:
    test = tested()
    test.write(None)
    knows(folder, NAME)
    (folder / "fails").write_text("cancel")
    Engine(folder).unlock(NAME)
    test.destroy(Engine(folder))
    assert calls(folder) == [
        f"cancel --stack {NAME} --yes",
        f"destroy --stack {NAME} --yes --skip-preview --remove",
    ]


def test_an_unknown_option_is_refused_with_those_that_there_are(tested: Callable[..., StackUnderTest]) -> None:
    with pytest.raises(ToolError, match=r"Pulumi.dev.yaml has no deployment option 'two' \(its options: one\)"):
        _ = tested("two").option


def test_an_engine_that_cannot_be_started_is_told(folder: Path) -> None:
    (folder / "bin" / "pulumi").chmod(0o600)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ToolError, match=r"`pulumi` cannot be started: Permission denied"):
        Engine(folder).run("up")
    assert signal.getsignal(signal.SIGINT) is before


def test_without_pulumi_the_message_says_what_to_install(
    folder: Path, tested: Callable[..., StackUnderTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(ToolError, match="there is no `pulumi` on PATH"):
        tested().up(Engine(folder))


def test_the_options_of_a_stack_are_listed_with_what_tests_one(tested: Callable[..., StackUnderTest]) -> None:
    folder = tested().of.folder
    told = CliRunner().invoke(command.command, ["list", "-s", "dev", "--folder", str(folder)])
    assert told.exit_code == 0
    first, last = told.stdout.splitlines()
    assert first == "one  eu-west-1  projects: run  differs in artifacts"
    assert last.endswith(" -m tools deployment-test run one -s dev")


def test_a_stack_without_options_says_how_to_add_them(folder: Path) -> None:
    (folder / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": MINIMAL}))
    with pytest.raises(ToolError, match=r"has no sm-mlops:deploymentTests; docs/deployment-tests\.md tells how"):
        CliRunner().invoke(command.command, ["list", "-s", "dev", "--folder", str(folder)], catch_exceptions=False)
