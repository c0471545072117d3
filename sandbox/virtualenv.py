"""The checkout's `.venv`: made from requirements-dev.txt, hash-checked, and made anew when that changes.

Runs before anything is installed, so it needs the standard library alone.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

_STAMP = "sm-mlops-stamp"
_LINE = 78


class InstallError(Exception):
    """The environment cannot be made; the message says why and what to do."""


def ensure(root: Path, execute: Callable[[Sequence[str]], int] | None = None) -> bool:
    """Bring `root/.venv` up to date; True when something had to be installed.

    A stamp inside tells what it was made from. It is written last, so an interrupted installation starts again from
    an empty folder. `execute` runs a command and gives its exit code; by default it shows that something happens.

    Raises:
        InstallError: a step failed.

    """
    venv = root / ".venv"
    if _is_current(venv, root):
        return False
    with (root / "requirements-dev.txt").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_current(venv, root):
            return False
        _install(venv, root / "requirements-dev.txt", execute or _execute)
        (venv / _STAMP).write_text(_stamp(root))
    return True


def _is_current(venv: Path, root: Path) -> bool:
    stamp = venv / _STAMP
    return stamp.exists() and stamp.read_text() == _stamp(root) and (venv / "bin" / "python").exists()


def _stamp(root: Path) -> str:
    """Name what the environment depends on: the requirements, the Python that made it, and where it stands."""
    requirements = hashlib.sha256((root / "requirements-dev.txt").read_bytes()).hexdigest()
    return f"{requirements} {sys.version_info.major}.{sys.version_info.minor} {root}\n"


def _install(venv: Path, requirements: Path, execute: Callable[[Sequence[str]], int]) -> None:
    started = time.monotonic()
    print(f"Installing the packages of {requirements.name} into {venv} (about a minute, once).", file=sys.stderr)
    shutil.rmtree(venv, ignore_errors=True)
    if execute([sys.executable, "-m", "venv", str(venv)]) != 0:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise InstallError(
            f"{sys.executable} cannot make a virtual environment. On Debian and Ubuntu its package is missing: "
            f"apt install python{version}-venv. Then run this again."
        )
    pip = [str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install"]
    if execute([*pip, "--require-hashes", "--only-binary=:all:", "--requirement", str(requirements)]) != 0:
        raise InstallError(
            f"pip could not install {requirements.name}; its message is above. "
            "Check the network or the package index that pip is configured for, then run this again."
        )
    print(f"Installed in {time.monotonic() - started:.0f} s.", file=sys.stderr)


def _execute(command: Sequence[str]) -> int:
    """Run a command; a terminal shows its latest line only, and a failure all of them."""
    printed: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout or ():
            printed.append(line)
            if sys.stderr.isatty():
                print(f"\r\x1b[K{line.strip()[:_LINE]}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)
    if process.returncode:
        sys.stderr.writelines(printed)
    return process.returncode


if __name__ == "__main__":
    try:
        ensure(Path(sys.argv[1]))
    except InstallError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("\nInterrupted. The next run installs the rest.")
