"""The checkout's `.venv`: made from the lists in requirements/, hash-checked, and made anew when they change.

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

SANDBOX = "sandbox"
"""The list of what the sandbox runs with."""
EVERYTHING = "dev"
"""The list of what the tests and the checks need besides: all packages of `SANDBOX`, and more."""
_BEGUN = "begun: "
PLAIN_SECONDS = 5.0
"""Least seconds between two lines, where no terminal can replace one by the next."""
POLL_SECONDS = 0.5
"""Seconds between two looks at how far a command is."""


class InstallError(Exception):
    """The environment cannot be made; the message says why and what to do."""


Execute = Callable[[Sequence[str], Callable[[str], str]], int]
"""Runs a command to its end and gives its exit code; the function tells from what it has printed how far it is."""


def ensure(root: Path, name: str = EVERYTHING, run: Execute | None = None) -> bool:
    """Bring the packages of the list `name` into `root/.venv`; True when something had to be installed.

    A stamp for each list inside tells what was installed, or begun. So the tests' packages are added to the sandbox's,
    and an interrupted installation goes on where it was; a list that has changed is installed into an empty folder.
    `run` runs the commands; by default it shows how far each is.

    Raises:
        InstallError: a step failed.

    """
    environment = _Environment(root)
    if environment.has(name):
        return False
    # One lock for all lists.
    with (root / "requirements" / f"{SANDBOX}.txt").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if environment.has(name):
            return False
        _install(environment, name, run or execute)
    return True


class _Environment:
    """A checkout's `.venv`, and its stamps."""

    def __init__(self, root: Path) -> None:
        self.folder = root / ".venv"
        self.python = self.folder / "bin" / "python"
        self._root = root

    def requirements(self, name: str) -> Path:
        return self._root / "requirements" / f"{name}.txt"

    def has(self, name: str) -> bool:
        """Say whether all packages of a list are there."""
        return self.python.exists() and self._stamp(name) == self._wanted(name)

    def can_be_added_to(self) -> bool:
        """Say whether nothing is there but packages of the lists as they are now."""
        there = {name: self._stamp(name).removeprefix(_BEGUN) for name in (SANDBOX, EVERYTHING)}
        current = all(stamp in ("", self._wanted(name)) for name, stamp in there.items())
        return self.python.exists() and any(there.values()) and current

    def begin(self, name: str) -> None:
        """Note that packages of a list are there from now on, perhaps not all."""
        self._file(name).write_text(_BEGUN + self._wanted(name))

    def finish(self, name: str) -> None:
        """Note that all packages of a list are there."""
        for one in {name, SANDBOX}:
            self._file(one).write_text(self._wanted(one))

    def drop_half_packages(self) -> None:
        """Remove what an interruption has left of a package, which pip would take for the whole."""
        for folder in self.folder.glob("lib/python*/site-packages/*.dist-info"):
            # pip writes it when all files of the package are there.
            if not (folder / "INSTALLER").exists():
                shutil.rmtree(folder)

    def _file(self, name: str) -> Path:
        return self.folder / f"sm-mlops-{name}"

    def _stamp(self, name: str) -> str:
        file = self._file(name)
        return file.read_text() if file.exists() else ""

    def _wanted(self, name: str) -> str:
        """Name what the environment depends on: the requirements, the Python that made it, and where it stands."""
        requirements = hashlib.sha256(self.requirements(name).read_bytes()).hexdigest()
        return f"{requirements} {sys.version_info.major}.{sys.version_info.minor} {self._root}\n"


def _install(environment: _Environment, name: str, run: Execute) -> None:
    started = time.monotonic()
    venv, requirements = environment.folder, environment.requirements(name)
    adding = environment.can_be_added_to()
    print(
        f"{'Adding' if adding else 'Installing'} the packages of requirements/{requirements.name} "
        f"{'to' if adding else 'into'} {venv} (about a minute, once).",
        file=sys.stderr,
    )
    if adding:
        environment.drop_half_packages()
    else:
        _make(venv, run)
    environment.begin(name)
    pip = [str(environment.python), "-m", "pip", "--disable-pip-version-check", "install"]
    # Python compiles a module when it is first imported; most never are, and to compile all takes half of the time.
    options = ["--no-compile", "--require-hashes", "--only-binary=:all:"]
    install = [*pip, *options, "--requirement", str(requirements)]
    if run(install, Packages(venv, requirements)) != 0:
        raise InstallError(
            f"pip could not install requirements/{requirements.name}; its message is above. "
            "Check the network or the package index that pip is configured for, then run this again."
        )
    environment.finish(name)
    print(f"Installed in {time.monotonic() - started:.0f} s.", file=sys.stderr)


def _make(venv: Path, run: Execute) -> None:
    """Make an environment without packages, in the place of what is there."""
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


class Packages:
    """Tells how far pip is: how many of the packages that are not there yet it has fetched, and then installed."""

    def __init__(self, venv: Path, requirements: Path) -> None:
        self._venv = venv
        self._before = self._there()
        pins = re.findall(r"^(\S+)==([^\s;]+)", requirements.read_text(), re.MULTILINE)
        self._count = sum(1 for name, version in pins if _canonical(f"{name}-{version}") not in self._before)

    def __call__(self, printed: str) -> str:
        """How far it is, by what it has printed."""
        # Those that pip ignores are of other systems and Python versions.
        count = self._count - len(re.findall(r"^Ignoring ", printed, re.MULTILINE))
        if "Installing collected packages" in printed:
            return f"installed {min(len(self._there() - self._before), count)} of {count} packages"
        return f"fetched {len(re.findall(r'^Collecting ', printed, re.MULTILINE))} of {count} packages"

    def _there(self) -> set[str]:
        return {_canonical(folder.stem) for folder in self._venv.glob("lib/python*/site-packages/*.dist-info")}


def _canonical(name: str) -> str:
    """Give a package's name and version in one spelling: lists and folders differ in case and separators."""
    return re.sub(r"[-_.]+", "-", name).lower()


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
        ensure(Path(sys.argv[1]), SANDBOX if SANDBOX in sys.argv[2:] else EVERYTHING)
    except InstallError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("\nInterrupted. The next run installs the rest.")
