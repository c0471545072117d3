"""The checkout's environment is installed once, again when its requirements change, and anew after an interruption."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from sandbox import virtualenv


class Installer:
    """Acts as `python -m venv` and pip."""

    def __init__(self) -> None:
        self.commands: list[Sequence[str]] = []
        self.fault: BaseException | int = 0
        self.fails_at = "pip"

    def __call__(self, command: Sequence[str]) -> int:
        self.commands.append(command)
        if "venv" in command:
            python = Path(command[-1], "bin", "python")
            python.parent.mkdir(parents=True)
            python.touch()
        if self.fails_at in command:
            if isinstance(self.fault, BaseException):
                raise self.fault
            return self.fault
        return 0


@pytest.fixture
def installer() -> Installer:
    return Installer()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "requirements-dev.txt").write_text("one==1\n")
    return tmp_path


def test_installs_once_with_hashes_checked(root: Path, installer: Installer) -> None:
    assert virtualenv.ensure(root, installer)
    assert not virtualenv.ensure(root, installer)
    made, installed = installer.commands
    assert made[1:3] == ["-m", "venv"]
    assert "--require-hashes" in installed
    assert str(root / "requirements-dev.txt") in installed


def test_changed_requirements_are_installed_into_an_empty_environment(root: Path, installer: Installer) -> None:
    virtualenv.ensure(root, installer)
    (root / ".venv" / "old-package").touch()
    (root / "requirements-dev.txt").write_text("one==2\n")
    assert virtualenv.ensure(root, installer)
    assert not (root / ".venv" / "old-package").exists()


def test_an_interrupted_installation_starts_again(root: Path, installer: Installer) -> None:
    installer.fault = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        virtualenv.ensure(root, installer)
    (root / ".venv" / "half-a-package").touch()
    installer.fault = 0
    assert virtualenv.ensure(root, installer)
    assert not (root / ".venv" / "half-a-package").exists()
    assert not virtualenv.ensure(root, installer)


def test_an_environment_without_interpreter_is_made_again(root: Path, installer: Installer) -> None:
    virtualenv.ensure(root, installer)
    (root / ".venv" / "bin" / "python").unlink()
    assert virtualenv.ensure(root, installer)


@pytest.mark.parametrize(("fails_at", "advice"), [("venv", "apt install python3.*-venv"), ("pip", "Check the network")])
def test_a_failed_step_says_what_to_do(root: Path, installer: Installer, fails_at: str, advice: str) -> None:
    installer.fault, installer.fails_at = 1, fails_at
    with pytest.raises(virtualenv.InstallError, match=advice):
        virtualenv.ensure(root, installer)
    assert not (root / ".venv" / "sm-mlops-stamp").exists()
