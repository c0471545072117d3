"""The checkout's environment is installed once, added to, made anew when its requirements change, and gone on with."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from sandbox import virtualenv
from sandbox.virtualenv import EVERYTHING, SANDBOX

PRINTED = "Ignoring three: markers 'sys_platform == \"win32\"' don't match\nCollecting one==1\n"


class Installer:
    """Acts as `python -m venv` and pip."""

    def __init__(self) -> None:
        self.commands: list[Sequence[str]] = []
        self.told: list[str] = []
        self.fault: BaseException | int = 0
        self.fails_at = "pip"

    def __call__(self, command: Sequence[str], position: Callable[[str], str]) -> int:
        self.told.append(position(PRINTED))
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
    (tmp_path / "requirements").mkdir(exist_ok=True)
    (tmp_path / "requirements" / "sandbox.txt").write_text("one==1\n")
    (tmp_path / "requirements" / "dev.txt").write_text("one==1\ntwo==2\n")
    return tmp_path


def package(root: Path, name: str, *, whole: bool = True) -> Path:
    """Put a package into the environment, as pip does; without its last file when that was interrupted."""
    folder = root / ".venv" / "lib" / "python3.11" / "site-packages" / f"{name}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").touch()
    if whole:
        (folder / "INSTALLER").touch()
    return folder


def test_installs_once_with_hashes_checked(root: Path, installer: Installer) -> None:
    assert virtualenv.ensure(root, run=installer)
    assert not virtualenv.ensure(root, run=installer)
    made, installed = installer.commands
    assert made[1:3] == ["-m", "venv"]
    assert "--require-hashes" in installed
    assert str(root / "requirements" / "dev.txt") in installed


def test_what_the_tests_need_is_added_to_what_the_sandbox_has(root: Path, installer: Installer) -> None:
    assert virtualenv.ensure(root, SANDBOX, installer)
    there = package(root, "one-1")
    assert virtualenv.ensure(root, EVERYTHING, installer)
    assert there.exists()
    assert [command[-1] for command in installer.commands] == [
        str(root / ".venv"),
        str(root / "requirements" / "sandbox.txt"),
        str(root / "requirements" / "dev.txt"),
    ]
    assert not virtualenv.ensure(root, SANDBOX, installer)
    assert not virtualenv.ensure(root, EVERYTHING, installer)


def test_whoever_has_everything_has_what_the_sandbox_needs(root: Path, installer: Installer) -> None:
    virtualenv.ensure(root, EVERYTHING, installer)
    assert not virtualenv.ensure(root, SANDBOX, installer)


@pytest.mark.parametrize("changed", ["sandbox.txt", "dev.txt"])
def test_changed_requirements_are_installed_into_an_empty_environment(
    root: Path, installer: Installer, changed: str
) -> None:
    virtualenv.ensure(root, EVERYTHING, installer)
    old = package(root, "old-1")
    (root / "requirements" / changed).write_text("one==1\nthree==3\n")
    assert virtualenv.ensure(root, changed.removesuffix(".txt"), installer)
    assert not old.exists()


@pytest.mark.parametrize("next_list", [SANDBOX, EVERYTHING])
def test_an_interrupted_installation_goes_on_where_it_was(root: Path, installer: Installer, next_list: str) -> None:
    installer.fault = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        virtualenv.ensure(root, EVERYTHING, installer)
    whole, half = package(root, "one-1"), package(root, "two-2", whole=False)
    installer.fault = 0
    assert virtualenv.ensure(root, next_list, installer)
    assert whole.exists()
    assert not half.exists()
    assert not virtualenv.ensure(root, next_list, installer)
    assert sum("venv" in command for command in installer.commands) == 1


def test_an_interrupted_addition_leaves_the_sandbox_with_what_it_needs(root: Path, installer: Installer) -> None:
    virtualenv.ensure(root, SANDBOX, installer)
    installer.fault = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        virtualenv.ensure(root, EVERYTHING, installer)
    assert not virtualenv.ensure(root, SANDBOX, installer)
    installer.fault = 0
    assert virtualenv.ensure(root, EVERYTHING, installer)


def test_what_was_begun_by_other_requirements_starts_again(root: Path, installer: Installer) -> None:
    installer.fault = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        virtualenv.ensure(root, EVERYTHING, installer)
    old = package(root, "two-2")
    (root / "requirements" / "dev.txt").write_text("one==1\ntwo==3\n")
    installer.fault = 0
    assert virtualenv.ensure(root, SANDBOX, installer)
    assert not old.exists()


def test_an_environment_that_was_made_elsewhere_starts_again(root: Path, installer: Installer) -> None:
    virtualenv.ensure(root, EVERYTHING, installer)
    moved = root.rename(root.with_name("moved"))
    old = package(moved, "one-1")
    assert virtualenv.ensure(moved, EVERYTHING, installer)
    assert not old.exists()


def test_an_environment_without_interpreter_is_made_again(root: Path, installer: Installer) -> None:
    virtualenv.ensure(root, run=installer)
    (root / ".venv" / "bin" / "python").unlink()
    assert virtualenv.ensure(root, run=installer)


@pytest.mark.parametrize(("fails_at", "advice"), [("venv", "apt install python3.*-venv"), ("pip", "Check the network")])
def test_a_failed_step_says_what_to_do(root: Path, installer: Installer, fails_at: str, advice: str) -> None:
    installer.fault, installer.fails_at = 1, fails_at
    with pytest.raises(virtualenv.InstallError, match=advice):
        virtualenv.ensure(root, run=installer)
    installer.fault = 0
    assert virtualenv.ensure(root, run=installer)


def test_pip_is_told_by_the_packages_that_it_has_fetched_and_installed(root: Path, installer: Installer) -> None:
    listed = root / "requirements" / "dev.txt"
    listed.write_text("one==1\nTwo.Words==2 ; python_version > '3'\n    --hash=x\nthree==3\n")
    virtualenv.ensure(root, run=installer)
    assert installer.told[1] == "fetched 1 of 2 packages"
    package(root, "two_words-2")
    position = virtualenv.Packages(root / ".venv", listed)
    assert position(PRINTED) == "fetched 1 of 1 packages"
    assert position(f"{PRINTED}Installing collected packages: one\n") == "installed 0 of 1 packages"
    package(root, "one-1")
    assert position(f"{PRINTED}Installing collected packages: one\n") == "installed 1 of 1 packages"


def test_a_command_tells_how_far_it_is_and_a_failure_all_that_it_printed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(virtualenv, "PLAIN_SECONDS", 0.1)
    monkeypatch.setattr(virtualenv, "POLL_SECONDS", 0.05)
    script = "import sys, time; print('Collecting one', flush=True); time.sleep(0.5); print('oops'); sys.exit(3)"
    assert virtualenv.execute([sys.executable, "-c", script], lambda printed: f"{printed.count('Coll')} of 2") == 3
    lines = capfd.readouterr().err.splitlines()
    assert "  1 of 2" in lines
    assert lines[-2:] == ["Collecting one", "oops"]
    monkeypatch.setattr(virtualenv, "PLAIN_SECONDS", 60)
    assert virtualenv.execute([sys.executable, "-c", "print('quiet')"], str) == 0
    assert "quiet" not in capfd.readouterr().err


def test_a_folder_that_cannot_be_written_is_named_and_not_taken_for_a_missing_package(
    root: Path, installer: Installer
) -> None:
    (root / ".venv").write_text("in the way")
    with pytest.raises(virtualenv.InstallError, match=r"\.venv cannot be made \(File exists\)"):
        virtualenv.ensure(root, run=installer)
    assert installer.commands == []


def test_a_cache_that_cannot_be_written_is_told_before_anything_is_installed(root: Path, tmp_path: Path) -> None:
    """As the sandbox calls it, in a path with a space, with no engine at hand."""
    place = tmp_path / "a b"
    (place / "sandbox").mkdir(parents=True)
    for name in ("bootstrap", "virtualenv.py"):
        (place / "sandbox" / name).write_bytes((Path(virtualenv.__file__).parent / name).read_bytes())
        (place / "sandbox" / name).chmod(0o755)
    (place / "requirements").mkdir(exist_ok=True)
    (place / "requirements" / "sandbox.txt").write_text("one==1\n")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "python3").symlink_to(sys.executable)
    for name in ("sh", "readlink", "dirname"):
        (programs / name).symlink_to(f"/usr/bin/{name}")
    environment = {"PATH": str(programs), "HOME": str(root / "requirements" / "dev.txt")}
    done = subprocess.run(
        [place / "sandbox" / "bootstrap", "sandbox", "engine"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: No Pulumi engine is installed, and one that is built cannot be kept: ")
    assert "Set XDG_CACHE_HOME" in done.stderr
    assert not (place / ".venv").exists()
    virtualenv.see_that_an_engine_can_be_kept({"PATH": "", "XDG_CACHE_HOME": str(tmp_path / "cache")})
