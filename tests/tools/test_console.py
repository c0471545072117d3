"""What tools print is whole where it is piped, as wide as a terminal is, and says what to type where one stands."""

import ast
import fcntl
import json
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import termios
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.support.recording import ROOT
from tools import hints
from tools.cli import COMMANDS, commands

MANAGED = ("launch-permissions", "--managed", "--product", "model-build-train")
"""A tool that prints wide tables, and needs no AWS."""


def environment(**variables: str) -> dict[str, str]:
    """What a shell hands on, without what says how wide or colourful a terminal is."""
    kept = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "NO_COLOR", "FORCE_COLOR"}}
    return kept | {"TERM": "xterm-256color", **variables}


@cache
def piped(*arguments: str, **variables: str) -> str:
    return subprocess.run(
        [sys.executable, "-P", "-m", "tools", *arguments],
        cwd=ROOT,
        env=environment(PYTHONPATH=str(ROOT), **variables),
        capture_output=True,
        text=True,
        check=False,
    ).stdout


@cache
def on_terminal(columns: int, *arguments: str, **variables: str) -> str:
    """What a tool prints on a terminal of this width."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "tools", *arguments],
        cwd=ROOT,
        env=environment(PYTHONPATH=str(ROOT), **variables),
        stdin=slave,
        stdout=slave,
        stderr=subprocess.DEVNULL,
    )
    os.close(slave)
    printed = b""
    with os.fdopen(master, "rb", buffering=0) as screen:
        while True:
            try:
                part = screen.read(65536)
            except OSError:  # the terminal's other end is closed
                break
            if not part:
                break
            printed += part
    process.wait()
    return printed.decode().replace("\r\n", "\n")


def plain(text: str) -> list[str]:
    return re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()


def test_what_is_piped_is_whole() -> None:
    text = piped(*MANAGED)
    assert "…" not in text
    (result,) = json.loads(piped(*MANAGED, "--json"))
    for finding in result["missing"]:
        (name,) = [finding["resource"].split(":", 5)[-1]]
        assert any(name in line for line in text.splitlines()), name
    assert max(map(len, text.splitlines())) > 150, "this tool prints no wide lines: the test proves nothing"


def test_a_terminal_is_filled_and_not_overrun() -> None:
    lines = plain(on_terminal(130, *MANAGED))[1:]
    assert 100 < max(map(len, lines)) <= 130
    assert "…" not in "".join(lines)


def test_columns_and_no_color_are_obeyed() -> None:
    assert max(map(len, piped(*MANAGED, COLUMNS="90").splitlines()[1:])) <= 90
    assert max(map(len, piped(*MANAGED, COLUMNS="0").splitlines())) > 150
    assert "\x1b[1m" in on_terminal(130, *MANAGED)
    coloured = ("iam-snapshot", "diff", "--json", "nothing")
    assert "\x1b[3" not in on_terminal(130, *coloured, NO_COLOR="1")


def test_one_place_makes_the_consoles() -> None:
    made = {
        str(path.relative_to(ROOT))
        for folder in ("tools", "sandbox")
        for path in (ROOT / folder).rglob("*.py")
        if "from rich.console import" in (text := path.read_text())
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Console"
    }
    assert made == {"tools/console.py"}


def test_a_hint_is_a_command_that_works_where_one_stands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(hints.PREFIX, raising=False)
    monkeypatch.setattr(sys, "executable", str(ROOT / ".venv" / "bin" / "python"))
    monkeypatch.chdir(ROOT)
    assert hints.tool("doctor", "-s", "dev") == ".venv/bin/python -m tools doctor -s dev"
    assert hints.typed("pulumi", "up", "-s", "a b") == "pulumi up -s 'a b'"
    monkeypatch.chdir(tmp_path)
    assert hints.tool("doctor") == f"{shlex.quote(str(ROOT / '.venv' / 'bin' / 'python'))} -m tools doctor"
    monkeypatch.setenv(hints.PREFIX, "'/a b/sandbox/run'")
    assert hints.tool("doctor") == "'/a b/sandbox/run' python -m tools doctor"
    assert hints.typed("pulumi", "up") == "'/a b/sandbox/run' pulumi up"


def test_no_hint_names_a_python_by_chance() -> None:
    """Each goes through `hints`, so that it is right in the sandbox, too."""
    lone = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "tools").rglob("*.py")
        if path.name not in {"hints.py", "__main__.py"}
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.search(
            rf"(?<!/sandbox/run )python -m tools ({'|'.join(COMMANDS)})|^pulumi (up|destroy)|then `pulumi", node.value
        )
    ]
    assert lone == []


@pytest.fixture
def bare() -> str:
    """A Python that has no packages but its own."""
    return str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")


def test_a_python_without_the_packages_says_in_one_sentence_what_to_run(bare: str) -> None:
    done = subprocess.run(
        # Isolated from the packages that somebody may have given that Python.
        [bare, "-S", "-m", "tools", "doctor", "-s", "a b"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert re.fullmatch(
        r"error: \S+ does not have the package \w+: run `make environment` once, and then "
        r"`\.venv/bin/python -m tools doctor -s 'a b'`",
        line,
    )


@pytest.mark.parametrize(
    ("arguments", "nearest"),
    [
        (("docto",), "'doctor'"),
        (("doctor", "--stak", "dev"), "'--stack'"),
        (("deployment-test", "rn"), "'run'"),
        (("iam-snapshot", "tak"), "'take'"),
    ],
)
def test_an_unknown_command_or_option_offers_the_nearest(arguments: tuple[str, ...], nearest: str) -> None:
    done = CliRunner().invoke(commands, arguments)
    assert done.exit_code == 2
    assert f"Did you mean {nearest}?" in done.stderr
    assert set(COMMANDS) > {arguments[0]} or arguments[0] == "docto"
