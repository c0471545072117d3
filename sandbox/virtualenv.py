"""The checkout's `.venv`: made from requirements/dev.txt, hash-checked, and made anew when that changes.

Runs before anything is installed, so it needs the standard library alone.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_STAMP = "sm-mlops-stamp"
PLAIN_SECONDS = 5.0
"""Least seconds between two lines, where no terminal can replace one by the next."""
POLL_SECONDS = 0.5
"""Seconds between two looks at how far a command is."""


class InstallError(Exception):
    """The environment cannot be made; the message says why and what to do."""


Execute = Callable[[Sequence[str], Callable[[str], str]], int]
"""Runs a command to its end and gives its exit code; the function tells from what it has printed how far it is."""


def ensure(root: Path, run: Execute | None = None) -> bool:
    """Bring `root/.venv` up to date; True when something had to be installed.

    A stamp inside tells what it was made from. It is written last, so an interrupted installation starts again from
    an empty folder. `run` runs the commands; by default it shows how far each is.

    Raises:
        InstallError: a step failed.

    """
    venv = root / ".venv"
    if _is_current(venv, root):
        return False
    with (root / "requirements" / "dev.txt").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_current(venv, root):
            return False
        _install(venv, root / "requirements" / "dev.txt", run or execute)
        (venv / _STAMP).write_text(_stamp(root))
    return True


def _is_current(venv: Path, root: Path) -> bool:
    stamp = venv / _STAMP
    return stamp.exists() and stamp.read_text() == _stamp(root) and (venv / "bin" / "python").exists()


def _stamp(root: Path) -> str:
    """Name what the environment depends on: the requirements, the Python that made it, and where it stands."""
    requirements = hashlib.sha256((root / "requirements" / "dev.txt").read_bytes()).hexdigest()
    return f"{requirements} {sys.version_info.major}.{sys.version_info.minor} {root}\n"


def _install(venv: Path, requirements: Path, run: Execute) -> None:
    started = time.monotonic()
    print(
        f"Installing the packages of requirements/{requirements.name} into {venv} (about a minute, once).",
        file=sys.stderr,
    )
    shutil.rmtree(venv, ignore_errors=True)
    try:
        venv.mkdir(exist_ok=True)
    except OSError as error:
        raise InstallError(
            f"{venv} cannot be made ({error.strerror}). Use a copy of the project that is yours."
        ) from error
    if run([sys.executable, "-m", "venv", str(venv)], lambda _: "the environment") != 0:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise InstallError(
            f"{sys.executable} cannot make a virtual environment. On Debian and Ubuntu its package is missing: "
            f"apt install python{version}-venv. Then run this again."
        )
    pip = [str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install"]
    install = [*pip, "--require-hashes", "--only-binary=:all:", "--requirement", str(requirements)]
    if run(install, Packages(venv, requirements)) != 0:
        raise InstallError(
            f"pip could not install requirements/{requirements.name}; its message is above. "
            "Check the network or the package index that pip is configured for, then run this again."
        )
    print(f"Installed in {time.monotonic() - started:.0f} s.", file=sys.stderr)


class Packages:
    """Tells how far pip is: how many of the packages it has fetched, and then installed."""

    def __init__(self, venv: Path, requirements: Path) -> None:
        self._venv = venv
        self._count = len(re.findall(r"^\S+==", requirements.read_text(), re.MULTILINE))

    def __call__(self, printed: str) -> str:
        """How far it is, by what it has printed."""
        # Those that pip ignores are of other systems and Python versions.
        count = self._count - len(re.findall(r"^Ignoring ", printed, re.MULTILINE))
        if "Installing collected packages" in printed:
            installed = sum(1 for _ in self._venv.glob("lib/python*/site-packages/*.dist-info"))
            return f"installed {min(installed, count)} of {count} packages"
        return f"fetched {len(re.findall(r'^Collecting ', printed, re.MULTILINE))} of {count} packages"


def execute(command: Sequence[str], position: Callable[[str], str]) -> int:
    """Run a command and tell now and then how far it is; a failure shows all that it printed."""
    terminal = sys.stderr.isatty()
    told = time.monotonic()
    with tempfile.TemporaryFile("a+b") as output:

        def printed() -> str:
            output.seek(0)
            return output.read().decode(errors="replace")

        # Appending, so that reading here does not move where the command writes.
        with subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT) as process:
            while process.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=POLL_SECONDS)
                if terminal:
                    print(f"\r\x1b[K  {position(printed())}", end="", file=sys.stderr, flush=True)
                elif time.monotonic() - told >= PLAIN_SECONDS:
                    told = time.monotonic()
                    print(f"  {position(printed())}", file=sys.stderr, flush=True)
        if terminal:
            print("\r\x1b[K", end="", file=sys.stderr)
        if process.returncode:
            sys.stderr.write(printed())
    return process.returncode


def engine_cache(environment: Mapping[str, str]) -> Path:
    """Give the folder in which an engine is built and kept.

    Raises:
        InstallError: nothing says where it would be.

    """
    try:
        base = environment.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    except RuntimeError as error:
        raise InstallError("There is no home directory. Set XDG_CACHE_HOME to a folder that can be written.") from error
    return Path(base, "sm-mlops", "engine").absolute()


def see_that_an_engine_can_be_kept(environment: Mapping[str, str]) -> None:
    """Try whether an engine that would have to be built could be kept, before minutes are spent on the packages.

    Raises:
        InstallError: it could not.

    """
    cache = engine_cache(environment)
    if shutil.which("pulumi", path=environment.get("PATH", "")) or any(cache.glob("*/pulumi")):
        return
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache):
            pass
    except OSError as error:
        raise InstallError(
            f"No Pulumi engine is installed, and one that is built cannot be kept: {cache} cannot be written "
            f"({error.strerror}). Set XDG_CACHE_HOME to a folder that can."
        ) from error


if __name__ == "__main__":
    try:
        if "engine" in sys.argv[2:]:
            see_that_an_engine_can_be_kept(os.environ)
        ensure(Path(sys.argv[1]))
    except InstallError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("\nInterrupted. The next run installs the rest.")
