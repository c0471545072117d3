"""The Pulumi engine, as a test calls it: each command as a person would type it."""

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from tools.faults import ToolError


@dataclass(frozen=True)
class Engine:
    """The `pulumi` on PATH, on the project of a folder."""

    folder: Path
    verbose: bool = False
    """Whether all that it prints is passed on; else it is only where it fails."""

    def run(self, *arguments: str) -> None:
        """Run a command to its end.

        Raises:
            ToolError: it failed, or there is no `pulumi`.
        """
        code, printed = self._call(arguments)
        if code:
            sys.stderr.write(printed)
            raise ToolError(f"`pulumi {' '.join(arguments)}` ended with code {code}; what it printed tells why")

    def stacks(self) -> dict[str, datetime | None]:
        """Every stack of the project, and when it last changed; None where it never has."""
        arguments = ("stack", "ls", "--json")
        with tempfile.TemporaryFile("w+") as listing, tempfile.TemporaryFile("w+") as faults:
            code = self._wait(arguments, listing, faults)
            if code:
                raise ToolError(f"`pulumi stack ls` ended with code {code}: {_content(faults).strip()}")
            listed = json.loads(_content(listing))
        return {
            item["name"]: datetime.fromisoformat(item["lastUpdate"]) if item.get("lastUpdate") else None
            for item in listed
        }

    def unlock(self, stack: str) -> None:
        """Remove the lock that a killed engine has left; nothing where there is none. Nobody else may be at work."""
        self._call(("cancel", "--stack", stack, "--yes"))

    def _call(self, arguments: Sequence[str]) -> tuple[int, str]:
        """Run a command; its exit code, and what it printed if that was not passed on."""
        if self.verbose:
            return self._wait(arguments, sys.stderr, subprocess.STDOUT), ""
        with tempfile.TemporaryFile("w+") as printed:
            return self._wait(arguments, printed, subprocess.STDOUT), _content(printed)

    def _wait(self, arguments: Sequence[str], output: IO[str], faults: IO[str] | int) -> int:
        process: subprocess.Popen[bytes] | None = None
        try:
            with _postponed_signals():
                process = subprocess.Popen(  # noqa: S603 - the arguments are ours, and no shell reads them
                    ["pulumi", *arguments, "--non-interactive"],  # noqa: S607 - the engine that the operator has chosen
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=faults,
                    # Ctrl-C is passed on below, and only once: a second one would end the engine in the middle.
                    process_group=0,
                )
            return process.wait()
        except FileNotFoundError:
            raise ToolError("there is no `pulumi` on PATH; install it as the README says") from None
        except OSError as error:
            raise ToolError(f"`pulumi` cannot be started: {error.strerror}") from error
        except KeyboardInterrupt:
            if process is not None:
                # It finishes what it has begun and writes it down. Killed, it would leave a lock and half a state.
                process.send_signal(signal.SIGINT)
                process.wait()
            raise


@contextmanager
def _postponed_signals() -> Iterator[None]:
    """Let no signal interrupt this process while it starts another, of which nobody would know then."""
    came: list[int] = []
    stops = (signal.SIGINT, signal.SIGTERM)
    before = {stop: signal.signal(stop, lambda number, _: came.append(number)) for stop in stops}
    try:
        yield
    finally:
        for stop, handler in before.items():
            signal.signal(stop, handler)
        for number in came:
            signal.raise_signal(number)


def _content(file: IO[str]) -> str:
    file.seek(0)
    return file.read()
