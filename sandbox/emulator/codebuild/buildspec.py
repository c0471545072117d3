"""A buildspec, version 0.2: what it says, and its phases run as processes of this machine.

All commands share one shell, as AWS says: variables, functions and the folder live on from command to command. Here
each command is a bash of its own that takes over what the one before has left, so that `exit` ends no more than it.
"""

import io
import os
import re
import signal
import stat
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sandbox.emulator.core.process_group import ProcessGroup

PHASES = ("install", "pre_build", "build", "post_build")
ON_FAILURE = ("ABORT", "CONTINUE")

Json = dict[str, Any]

# What a command finds: the state that the one before left. What it leaves, however it ends: the same.
_SHELL = """
source "$SANDBOX_STATE" 2>/dev/null
cd "$(cat "$SANDBOX_STATE.cwd" 2>/dev/null || pwd)"
export CODEBUILD_BUILD_SUCCEEDING=$1
trap 'code=$?; { declare -p; declare -f; } > "$SANDBOX_STATE"; pwd > "$SANDBOX_STATE.cwd"; exit $code' EXIT
eval "$2"
"""


class BuildspecError(Exception):
    """The buildspec cannot be used; the text says why."""


class OutOfTimeError(Exception):
    """The time limit has come."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """The commands of one phase."""

    commands: tuple[str, ...]
    last: tuple[str, ...] = ()
    """The commands under `finally`."""
    on_failure: str = ""
    """ABORT, CONTINUE or, where nothing is said, empty."""
    runtimes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Artifacts:
    """Which files are handed on."""

    files: tuple[str, ...]
    excluded: tuple[str, ...] = ()
    base: str = "."
    flat: bool = False
    name: str = ""

    def pack(self, folder: Path) -> bytes:
        """Return a zip of the files in a folder.

        Raises:
            BuildspecError: a pattern finds nothing.

        """
        base = folder / self.base
        found: dict[str, Path] = {}
        paths = {path.relative_to(base).as_posix(): path for path in _files(base)}
        for pattern in self.files:
            fits = [name for name in paths if _pattern(pattern).fullmatch(name)]
            if not fits:
                raise BuildspecError(f"no matching artifact paths found for {pattern}")
            found |= {name: paths[name] for name in fits}
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
            for name, path in sorted(found.items()):
                if not any(_pattern(pattern).fullmatch(name) for pattern in self.excluded):
                    archive.write(path, path.name if self.flat else name)
        return content.getvalue()


@dataclass(frozen=True, kw_only=True)
class Buildspec:
    """What a build is to do."""

    phases: Mapping[str, Phase]
    variables: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Names of parameters in the parameter store, by variable."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Names of secrets, by variable."""
    exported: tuple[str, ...] = ()
    artifacts: Artifacts | None = None
    secondary: Mapping[str, Artifacts] = field(default_factory=dict)


def parse(text: str) -> Buildspec:
    """Read a buildspec.

    Raises:
        BuildspecError: it is not one, or asks for what the sandbox does not know.

    """
    try:
        spec = yaml.load(text, _Loader)  # noqa: S506 - the loader below is a safe one
    except yaml.YAMLError as error:
        raise BuildspecError(f"YAML_FILE_ERROR: {error}") from error
    if not isinstance(spec, dict) or str(spec.get("version")) != "0.2":
        raise BuildspecError("YAML_FILE_ERROR: the sandbox runs buildspecs of version 0.2")
    unknown = [*(spec.keys() - {"version", "env", "phases", "artifacts", "reports", "cache"})]
    unknown += (spec.get("phases") or {}).keys() - set(PHASES)
    if unknown:
        raise BuildspecError(f"YAML_FILE_ERROR: the sandbox does not know {', '.join(sorted(unknown))}")
    env, artifacts = spec.get("env") or {}, spec.get("artifacts")
    secondary = (artifacts or {}).get("secondary-artifacts") or {}
    return Buildspec(
        phases={name: _phase(phase or {}) for name, phase in (spec.get("phases") or {}).items()},
        variables=env.get("variables") or {},
        parameters=env.get("parameter-store") or {},
        secrets=env.get("secrets-manager") or {},
        exported=tuple(env.get("exported-variables") or ()),
        artifacts=_artifacts(artifacts) if artifacts and artifacts.get("files") else None,
        secondary={name: _artifacts(one) for name, one in secondary.items()},
    )


class _Loader(yaml.SafeLoader):
    """YAML in which scalars stay the text that they are: `3.10` is a version, `yes` a value."""


_Loader.yaml_implicit_resolvers = {}


def _phase(phase: Json) -> Phase:
    on_failure = phase.get("on-failure", "")
    if on_failure and on_failure not in ON_FAILURE:
        raise BuildspecError(f"YAML_FILE_ERROR: on-failure: {on_failure}; the sandbox knows {', '.join(ON_FAILURE)}")
    return Phase(
        commands=tuple(phase.get("commands") or ()),
        last=tuple(phase.get("finally") or ()),
        on_failure=on_failure,
        runtimes=phase.get("runtime-versions") or {},
    )


def _artifacts(told: Json) -> Artifacts:
    return Artifacts(
        files=tuple(told["files"]),
        excluded=tuple(told.get("exclude-paths") or ()),
        base=told.get("base-directory", "."),
        flat=told.get("discard-paths") in ("yes", "true"),
        name=told.get("name", ""),
    )


def _files(folder: Path) -> Iterator[Path]:
    """Walk through a folder; linked folders are not followed."""
    for root, _, names in os.walk(folder):
        yield from (path for name in names if (path := Path(root, name)).is_file())


def _pattern(glob: str) -> re.Pattern[str]:
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    found = re.split(r"(\*\*/|\*\*|\*|\?)", glob.removeprefix("./"))
    return re.compile("".join(parts.get(part) or re.escape(part) for part in found))


def unpack(content: bytes, folder: Path) -> None:
    """Unpack a zip with the modes of its files."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.infolist():
            path = Path(archive.extract(member, folder))
            if not member.is_dir() and member.external_attr >> 16 & stat.S_IXUSR:
                path.chmod(0o755)


class Shell:
    """The shell of a build; all processes that it starts end with it.

    Args:
        folder: where the first command starts.
        state: file in which the shell is kept between commands.
        environment: all that its processes see of the world.
        log: takes what they print.
        seconds: that the whole build may take.

    """

    def __init__(
        self, folder: Path, state: Path, environment: Mapping[str, str], log: Callable[[str], None], seconds: float
    ) -> None:
        self._folder, self._environment = folder, {**environment, "SANDBOX_STATE": str(state)}
        self._log, self._output = log, state.with_suffix(".log")
        self._deadline = time.monotonic() + seconds
        self._group = ProcessGroup()

    @property
    def stopped(self) -> bool:
        """Whether somebody has ended it."""
        return self._group.closed

    def close(self) -> None:
        """End every process of the build; again is no error."""
        self._group.close()

    def run(self, command: str, *, succeeding: bool) -> int:
        """Run one command; its exit code.

        Raises:
            OutOfTimeError: the time limit has come.

        """
        self._log(f"Running command {command}")
        with self._output.open("wb") as output:
            if self.stopped:
                return -signal.SIGKILL
            process = self._group.start(
                ["bash", "-c", _SHELL, "bash", "1" if succeeding else "0", command],
                cwd=self._folder,
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                code = process.wait(max(0, self._deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.close()
                process.wait()
                raise OutOfTimeError from None
            finally:
                self._log(self._output.read_text(errors="replace").rstrip("\n"))
        if code:
            self._log(f"Command did not exit successfully {command} exit status {code}")
        return code

    def variables(self, names: Sequence[str]) -> dict[str, str]:
        """Return the environment variables of these names as the last command left them."""
        told = subprocess.run(
            ["bash", "-c", 'source "$SANDBOX_STATE" 2>/dev/null; env -0'],
            env=self._environment,
            capture_output=True,
            check=True,
        ).stdout.decode(errors="replace")
        values = dict(line.split("=", 1) for line in told.split("\0") if "=" in line)
        return {name: values[name] for name in names if name in values}
