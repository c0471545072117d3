"""The Pulumi engine, as a test calls it: each command as a person would type it, its output passed on."""

import json
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tools.faults import ToolError


@dataclass(frozen=True)
class Engine:
    """The `pulumi` on PATH, on the project of a folder."""

    folder: Path

    def run(self, *arguments: str) -> None:
        """Run a command and let it print.

        Raises:
            ToolError: it failed, or there is no `pulumi`.
        """
        code = self._call(arguments, capture=False).returncode
        if code:
            raise ToolError(f"`pulumi {' '.join(arguments)}` ended with code {code}; what it printed tells why")

    def stacks(self) -> dict[str, datetime | None]:
        """Every stack of the project, and when it last changed; None where it never has."""
        done = self._call(("stack", "ls", "--json"), capture=True)
        if done.returncode:
            raise ToolError(f"`pulumi stack ls` ended with code {done.returncode}: {done.stderr.strip()}")
        listed = json.loads(done.stdout)
        return {
            item["name"]: datetime.fromisoformat(item["lastUpdate"]) if item.get("lastUpdate") else None
            for item in listed
        }

    def _call(self, arguments: tuple[str, ...], *, capture: bool) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(  # noqa: S603 - the arguments are ours, and no shell reads them
                ["pulumi", *arguments, "--non-interactive"],  # noqa: S607 - the engine that the operator has chosen
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                capture_output=capture,
                text=True,
                check=False,
            )
        except FileNotFoundError:
            raise ToolError("there is no `pulumi` on PATH; install it as the README says") from None
