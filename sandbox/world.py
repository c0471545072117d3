"""The sandbox's world: a Pulumi engine, an emulated AWS and a state backend of their own, in one folder."""

import fcntl
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sandbox import git_client, journal, processes, pulumi_engine
from sandbox.faults import DamageError, SandboxError
from sandbox.progress import say
from sandbox.project import Project

REPOSITORY = Path(__file__).resolve().parents[1]
DEFAULT_STACK = "dev"
DEFAULT_REGION = "us-east-1"

_EMULATOR = "sandbox.emulator"
_EMULATOR_SECONDS = 60.0
_POLL_SECONDS = 0.05
_WRITING_SECONDS = 10.0
_PLUGINS = REPOSITORY / "sandbox" / "plugins"
# What a caller's environment may carry that would reach a real account, another backend or another interpreter.
_FOREIGN_PREFIXES = ("AWS_", "PULUMI_", "BOTO", "MOTO_", "PYTHON")
_NO_PROXY = "127.0.0.1,localhost"


@dataclass(frozen=True, kw_only=True)
class Emulator:
    """One life of the emulated AWS."""

    pid: int
    url: str
    instance: str
    """The id of this life: state that was made in another one describes nothing."""


class World:
    """A place where every command meets the emulated AWS and nothing else.

    Several processes may use one world at once; what they change of it is under a lock.

    Args:
        directory: holds all that the world writes; made on `start` and removed by `stop`.
        project: holds `Pulumi.yaml` and the stack files; they are copied, never changed.

    """

    @classmethod
    def of_environment(cls) -> "World":
        """Give the world of this process: the one that it runs in, else the checkout's own."""
        directory = os.environ.get("SM_MLOPS_SANDBOX") or REPOSITORY / ".sandbox"
        return cls(Path(directory), Path(os.environ.get("SM_MLOPS_PROJECT") or REPOSITORY))

    def __init__(self, directory: Path, project: Path = REPOSITORY) -> None:
        self.directory = directory.absolute()
        self.project = Project(source=project.absolute(), target=self.directory / "project", program=REPOSITORY)
        self._info = self.directory / "emulator.json"
        self._backend = self.directory / "backend"
        self._child: int | None = None  # the emulator's process, where this object started it and has not seen it end

    @cached_property
    def engine(self) -> pulumi_engine.Engine:
        """The Pulumi engine of this world; built when there is none."""
        return pulumi_engine.obtain()

    @property
    def emulator(self) -> Emulator | None:
        """The emulated AWS as it runs now, or None."""
        try:
            emulator = Emulator(**json.loads(self._info.read_text()))
            alive = processes.runs(emulator.pid, str(self._info)) and _instance(emulator.url) == emulator.instance
        except (OSError, TypeError, ValueError):  # none yet, damaged, or of another version of the sandbox
            return None
        return emulator if alive else None

    @property
    def stacks(self) -> list[str]:
        """The stacks that the state backend holds."""
        return sorted({state.stem for state in self._states()})

    def start(self) -> None:
        """Bring everything up that is not up yet, and drop state that an emulator has left behind by dying."""
        engine = self.engine
        with self._locked():
            if self.emulator is None or not self._backend.is_dir():
                self._forget_emulator()
                say("Starting the emulated AWS.")
                self._start_emulator()
            self._write_files()
            self._sync(engine)
            self._recover()

    def stop(self) -> None:
        """End the emulated AWS and remove the folder. What the stacks hold lives in it and goes with it.

        Raises:
            DamageError: something of it cannot be removed.

        """
        if not os.path.lexists(self.directory):
            return
        if not self.directory.is_dir():
            self.directory.unlink()
            return
        with self._locked():
            self._stop_emulator()
            _remove(self.directory)

    def environment(self) -> dict[str, str]:
        """Give the complete environment of a process in this world, which must have been started.

        Raises:
            SandboxError: the emulated AWS does not run.

        """
        emulator = self.emulator
        if emulator is None:
            raise SandboxError(f"The emulated AWS of {self.directory} does not run. Start it with `make sandbox`.")
        kept = _own_environment()
        no_proxy = ",".join(filter(None, (os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), _NO_PROXY)))
        region = self.project.region() or DEFAULT_REGION
        return kept | {
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_CONFIG_FILE": str(self.directory / "aws" / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.directory / "aws" / "credentials"),
            "AWS_DEFAULT_REGION": region,
            "AWS_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": emulator.url,
            "AWS_PAGER": "",
            **git_client.settings(emulator.url),
            "NO_PROXY": no_proxy,
            "no_proxy": no_proxy,
            "PATH": self._path(),
            # An engine that is killed while it writes the metadata of its state cannot read the state again.
            "PULUMI_BACKEND_URL": f"{self._backend.as_uri()}?metadata=skip",
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
            "PULUMI_HOME": str(self.directory / "pulumi-home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PYTHONPATH": str(REPOSITORY),
            "SM_MLOPS_COMMAND_PREFIX": run_command(),
            "SM_MLOPS_JOURNAL": str(self.directory / "journal"),
            "SM_MLOPS_PROJECT": str(self.project.source),
            "SM_MLOPS_SANDBOX": str(self.directory),
            "SM_MLOPS_STACK_FILES": str(self.project.target),
            "VIRTUAL_ENV": sys.prefix,
        }

    def run(
        self,
        args: Sequence[str],
        *,
        check: bool = True,
        cwd: Path | None = None,
        timeout: float | None = None,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in this world and capture what it prints; `env` is added to the world's environment.

        Raises:
            SandboxError: the command failed and `check` is set; the message carries all that it printed.

        """
        done = subprocess.run(
            list(args),
            cwd=cwd,
            env=self.environment() | dict(env or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )
        if check and done.returncode:
            raise SandboxError(
                f"`{' '.join(args)}` ended with code {done.returncode}:\n{done.stdout}{done.stderr}".rstrip()
            )
        return done

    def pulumi(
        self, *args: str, check: bool = True, timeout: float | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a Pulumi command on this world's project, as `run` does; see `pulumi_command` for the stack."""
        command = self.pulumi_command(args)
        return self.run([*command, "--non-interactive"], check=check, cwd=self.project.target, timeout=timeout, env=env)

    def pulumi_command(self, args: Sequence[str]) -> list[str]:
        """Give the command line of the engine, on this world's project, for a command as the user wrote it.

        A stack that the command names, that has a settings file and that does not exist yet, is made first. Where the
        command names none, the engine takes the selected stack; the first stack of all is selected when it is made,
        and is `dev` where the command names none.
        """
        with self._locked():
            self._sync(self.engine)
            self._recover()
            stack = _named_stack(args)
            if stack is not None and not makes_stacks(args):
                self.refuse_unknown(stack)
            stack = stack or (None if self.stacks else DEFAULT_STACK)
            if stack in self.project.stacks() and stack not in self.stacks:
                init = [str(self.engine.executable), "stack", "init", stack, "--non-interactive"]
                self.run([*init, "--no-select"] if self.stacks else init, cwd=self.project.target)
        return [str(self.engine.executable), f"--cwd={self.project.target}", *args]

    def refuse_unknown(self, stack: str) -> None:
        """See to it that a stack has a settings file, or exists.

        Raises:
            SandboxError: it has neither; the message names those that do.

        """
        known = sorted({*self.project.stacks(), *self.stacks, *(path.name.split(".")[1] for path in self._own_files())})
        # In full a stack is <organization>/<project>/<stack>.
        if stack.rpartition("/")[2] not in known:
            raise SandboxError(
                f"There is no stack {stack!r}: {self.project.source} has settings for "
                f"{', '.join(known) or 'none'}. Name one of them, or add Pulumi.{stack or '<stack>'}.yaml."
            )

    def _own_files(self) -> list[Path]:
        """Stack files that somebody has written beside the copies."""
        return list(self.project.target.glob("Pulumi.*.yaml"))

    def _path(self) -> str:
        own = [self.directory / "bin", Path(sys.prefix, "bin")]
        own += [self.engine.executable.parent] if self.engine.official else []
        return os.pathsep.join([*map(str, own), os.environ.get("PATH", os.defpath)])

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other commands from changing the same world at once."""
        path = self.directory / "lock"
        while True:
            with _told_as_damage():
                self.directory.mkdir(parents=True, exist_ok=True)
                if path.is_dir():
                    path.rmdir()
                file = path.open("w")
            with file:
                fcntl.flock(file, fcntl.LOCK_EX)
                # Who held the lock may have removed the folder; then this lock is on nothing.
                if path.exists() and path.stat().st_ino == os.fstat(file.fileno()).st_ino:
                    yield
                    return

    def _forget_emulator(self) -> None:
        if self.stacks:
            say(
                f"The emulated AWS that {' and '.join(self.stacks)} lived in has ended, "
                "so their state described nothing any more and is removed."
            )
        elif self.emulator is not None:
            say("The state of the stacks is gone, so the emulated AWS that they lived in is ended, too.")
        self._stop_emulator()
        for leftover in (self._info, self._backend, self.project.target, self.directory / "pulumi-home"):
            _remove(leftover)

    def _start_emulator(self) -> None:
        log = self.directory / "emulator.log"
        command = (sys.executable, "-P", "-m", _EMULATOR)
        own = {"PYTHONPATH": str(REPOSITORY), "SM_MLOPS_COMMAND_PREFIX": run_command()}
        with _told_as_damage(), log.open("w") as output:
            # It outlives whoever starts it, which a `subprocess.Popen` warns of when it is collected.
            self._child = os.posix_spawn(
                sys.executable,
                [*command, "--info", str(self._info), "--stack-files", str(self.project.target)],
                _own_environment() | _NO_ACCOUNT | own,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, output.fileno(), 1),
                    (os.POSIX_SPAWN_DUP2, output.fileno(), 2),
                ],
                setsid=True,
            )
        deadline = time.monotonic() + _EMULATOR_SECONDS
        while self.emulator is None:
            if self._ended(os.WNOHANG) or time.monotonic() > deadline:
                self._stop_emulator()
                raise SandboxError(
                    f"The emulated AWS did not start. Its last words, from {log}:\n" + _tail(log.read_text())
                )
            time.sleep(_POLL_SECONDS)

    def _stop_emulator(self) -> None:
        # By its command line, and not by the number in its file: that may be damaged or gone while it lives.
        deadline = time.monotonic() + _EMULATOR_SECONDS / 6
        while pids := processes.having(_EMULATOR, str(self._info)):
            for pid in pids:
                with suppress(ProcessLookupError):  # it has just ended
                    os.kill(pid, signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL)
            time.sleep(_POLL_SECONDS)
        _remove(self._info)
        self._ended()

    def _ended(self, options: int = 0) -> bool:
        """Reap the emulator that this object started; wait for its end unless the options say otherwise."""
        if self._child is not None and os.waitpid(self._child, options)[0]:
            self._child = None
        return self._child is None

    def _write_files(self) -> None:
        with _told_as_damage():
            for folder in ("aws", "backend", "bin", "journal", "pulumi-home"):
                (self.directory / folder).mkdir(exist_ok=True)
            for empty in ("config", "credentials"):
                (self.directory / "aws" / empty).write_text("")
            # The script `aws` that pip installs does not start where the path of its Python has a space.
            for command, module in (("aws", "awscli"), ("pulumi", "sandbox run pulumi")):
                wrapper = self.directory / "bin" / command
                wrapper.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m {module} "$@"\n')
                wrapper.chmod(0o755)

    def _sync(self, engine: pulumi_engine.Engine) -> None:
        try:
            self.project.sync(_plugins(engine))
        except OSError as error:
            own = error.filename is not None and Path(error.filename).is_relative_to(self.directory)
            raise (DamageError if own else SandboxError)(f"{_reason(error)}.") from error

    def _recover(self) -> None:
        """Put right what engines that were killed left behind; what belongs to running ones stays."""
        locked = {lock.parent.name for lock in self._backend.glob(".pulumi/locks/**/*.json") if not _released(lock)}
        for state in self._states():
            if state.stem not in locked and (count := self._completed(state)):
                say(f"Stack {state.stem}: the state is completed by {count} operations that a killed engine left open.")
        with _told_as_damage():
            journal.prune(self.directory / "journal")

    def _completed(self, state: Path) -> int:
        try:
            return journal.complete(state, self.directory / "journal")
        except FileNotFoundError:
            return 0  # another command has just removed the stack
        except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
            raise DamageError(f"{state}, the state of stack {state.stem}, is damaged ({_reason(error)}).") from error

    def _states(self) -> list[Path]:
        return sorted(self._backend.glob(".pulumi/stacks/*/*.json"))


def _released(lock: Path) -> bool:
    """Remove a lock whose engine has ended; False where the engine runs."""
    with suppress(FileNotFoundError):  # its engine may end, and remove it, at any moment
        try:
            held = processes.runs(int(json.loads(lock.read_text())["pid"]), "pulumi")
        except (KeyError, TypeError, ValueError):
            # Half a lock is one that an engine writes just now, or was killed over.
            held = time.time() - lock.stat().st_mtime < _WRITING_SECONDS
        if held:
            return False
        lock.unlink()
    return True


@contextmanager
def _told_as_damage() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DamageError(f"{_reason(error)}.") from error


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error) if isinstance(error, OSError | ValueError) else f"it lacks {error}"


def _remove(path: Path) -> None:
    """Remove a file or a folder with all in it, whatever rights it has been given; nothing where there is none."""
    with _told_as_damage():
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
            for folder, inner, _ in os.walk(path):
                for name in inner:
                    if not Path(folder, name).is_symlink():
                        Path(folder, name).chmod(0o700)
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


_NO_ACCOUNT = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


def run_command() -> str:
    """Give the command that runs others in this world, as a person types it in the working directory."""
    command = REPOSITORY / "sandbox" / "run"
    return "./sandbox/run" if Path.cwd() == REPOSITORY else shlex.quote(str(command))


def _own_environment() -> dict[str, str]:
    """Give the caller's environment without what could lead to a real account or another interpreter."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(_FOREIGN_PREFIXES)}


def _plugins(engine: pulumi_engine.Engine) -> dict[str, dict[str, Path]]:
    """Give the plugins that are the sandbox's: the AWS one, and what only the official distribution brings."""
    aws = {"aws": _PLUGINS / "aws"}
    if engine.official:
        return {"providers": aws}
    language = _PLUGINS / "language"
    return {"providers": aws | {"pulumi-python": language}, "languages": {"python": language}}


def _named_stack(args: Sequence[str]) -> str | None:
    """Find the stack that a Pulumi command line names."""
    if list(args[:2]) == ["stack", "select"] and len(args) > 2 and not args[2].startswith("-"):
        return args[2]
    for flag, value in zip(args, [*args[1:], ""], strict=True):
        if flag in ("-s", "--stack"):
            return value or None
        if flag.startswith("--stack="):
            return flag.removeprefix("--stack=")
        if flag.startswith("-s") and not flag.startswith("--"):
            return flag.removeprefix("-s").removeprefix("=")
    return None


def makes_stacks(args: Sequence[str]) -> bool:
    """Tell whether a Pulumi command line may name a stack that is not there yet."""
    return list(args[:2]) == ["stack", "init"] or bool({"-c", "--create"} & set(args[2:]))


def _instance(url: str) -> str | None:
    """Ask the emulator which life it is in; None where nothing answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/sandbox/instance", timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return None


def _tail(text: str, lines: int = 15) -> str:
    return "\n".join(text.rstrip().splitlines()[-lines:]) or "(nothing)"
