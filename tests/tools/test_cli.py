"""The command line of the tools: help is quick, and each command can be imported."""

import subprocess
import sys
from importlib import import_module

import click
import pytest

from tests.support.recording import ROOT
from tools.cli import COMMANDS


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_help_names_every_command() -> None:
    told = run("--help")
    assert told.returncode == 0
    assert all(name in told.stdout and summary[:30] in told.stdout for name, (_, summary) in COMMANDS.items())


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_each_command_can_be_had(name: str) -> None:
    assert isinstance(import_module(COMMANDS[name][0]).command, click.Command)


def test_an_unknown_command_is_refused_without_a_traceback() -> None:
    told = run("nonsense")
    assert told.returncode == 2
    assert "nonsense" in told.stderr
    assert "Traceback" not in told.stderr
