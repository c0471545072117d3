"""The commands of a checkout work in a path with a space; with programs that only write down how they are called."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.recording import ROOT

CALLED = 'printf "%s|" "$PYTHONPATH" "$PWD" "$@" >>"$CALLS"; echo >>"$CALLS"'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What starts the commands, and stubs of what they start."""
    folder = tmp_path / "a b"
    for name in ("Makefile", "sandbox/run", ".ci/run"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    for name in ("sandbox/bootstrap", ".venv/bin/python"):
        stub(folder / name)
    return folder


def stub(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{CALLED}\n")
    path.chmod(0o755)


def calls(checkout: Path, *command: str, **variables: str) -> list[list[str]]:
    """How the stubs were called: with which PYTHONPATH, where, and with what."""
    written = checkout.parent / "calls"
    environment = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "PYTHONPATH"}}
    environment |= {"CALLS": str(written), **variables}
    subprocess.run(command, cwd=checkout, env=environment, check=True, capture_output=True)
    return [line.split("|")[:-1] for line in written.read_text().splitlines()]


@pytest.mark.parametrize(
    ("arguments", "called"),
    [
        (("sandbox",), ["-P", "-m", "sandbox", "up", "dev"]),
        (("sandbox", "STACK="), ["-P", "-m", "sandbox", "up", ""]),
        (("sandbox", "STACK=x y"), ["-P", "-m", "sandbox", "up", "x y"]),
        (("sandbox-down",), ["-P", "-m", "sandbox", "down"]),
        (
            ("unit",),
            ["-P", "-m", "pytest", "--numprocesses", "auto", "--dist", "worksteal", "-m", "not slow", "tests/unit"],
        ),
        (("bench",), ["-P", "-m", "tests.bench"]),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_make_hands_on_where_it_stands_and_what_it_is_told(
    checkout: Path, arguments: tuple[str, ...], called: list[str]
) -> None:
    assert calls(checkout, "make", *arguments)[-1] == [str(checkout), str(checkout), *called]


def test_the_sandbox_gets_its_own_packages_alone_and_is_first_asked_for_an_engine(checkout: Path) -> None:
    for command in (["make", "sandbox"], ["make", "sandbox-demo"], ["sandbox/run", "true"]):
        assert calls(checkout, *command)[-2][2:] == ["sandbox", "engine"]
    assert calls(checkout, "make", "sandbox-down")[-2][2:] == ["sandbox"]
    assert calls(checkout, "make", "check-mine")[-2][2:] == []


def test_a_command_reaches_the_sandbox_word_by_word(checkout: Path) -> None:
    found = calls(checkout, str(checkout / "sandbox" / "run"), "pulumi", "up", "-s", "a b")[-1]
    assert found == [str(checkout), str(checkout), "-P", "-m", "sandbox", "run", "pulumi", "up", "-s", "a b"]


def test_what_must_hold_before_a_merge_is_run_where_the_checkout_is(checkout: Path) -> None:
    stub(checkout.parent / "bin" / "make")
    path = f"{checkout.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"
    found = calls(checkout, str(checkout / ".ci" / "run"), PATH=path)
    assert found
    assert {place for _, place, *_ in found} == {str(checkout)}
