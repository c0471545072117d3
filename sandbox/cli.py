"""The sandbox's commands: up, run, status, down."""

import os
import sys
from pathlib import Path

import click

from sandbox.faults import SandboxError
from sandbox.progress import console, say
from sandbox.world import REPOSITORY, World


@click.group()
def commands() -> None:
    """Try the platform against an emulated AWS: a real Pulumi engine, no account, nothing leaves the machine."""


@commands.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(command: tuple[str, ...]) -> None:
    """Run any COMMAND in the sandbox's world; `pulumi` acts on this repository's project from every folder."""
    world = _world()
    world.start()
    line = world.pulumi_command(command[1:]) if command[0] == "pulumi" else list(command)
    sys.stdout.flush()
    try:
        os.execvpe(line[0], line, world.environment())  # noqa: S606 - signals and the exit code are the command's
    except OSError as error:
        say(f"{line[0]}: {error.strerror}.")
        sys.exit(127 if isinstance(error, FileNotFoundError) else 126)


def main() -> None:
    """Run the command line; a failure that a person can put right ends with its message and exit code 1."""
    try:
        commands()
    except SandboxError as error:
        console.print("[red]error:[/red] ", end="")
        say(str(error))
        sys.exit(1)


def _world() -> World:
    return World(Path(os.environ.get("SM_MLOPS_SANDBOX") or REPOSITORY / ".sandbox"))
