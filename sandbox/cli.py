"""The sandbox's commands: up, run, engine, status, down, demo."""

import os
import shlex
import sys
import tempfile
import time
from pathlib import Path

import click
import yaml
from rich.markup import escape
from rich.table import Table

from sandbox import pulumi_engine
from sandbox.deployment import Deployment, operate
from sandbox.faults import DamageError, SandboxError
from sandbox.progress import console, say
from sandbox.world import DEFAULT_STACK, REPOSITORY, World, run_command
from tools.console import make_console

_KEPT = REPOSITORY / ".sandbox-demo"
"""The world of a story that was kept."""

_EXIT_CODES = {FileNotFoundError: 127, PermissionError: 126}  # as a shell reports them


@click.group()
def commands() -> None:
    """Try the platform against an emulated AWS: a real Pulumi engine, no account, nothing leaves the machine."""


@commands.command()
@click.argument("stack", default=DEFAULT_STACK)
def up(stack: str) -> None:
    """Deploy STACK (dev by default) as its settings file says, and tell what there is to see."""
    world = World.of_environment()
    world.refuse_unknown(stack)
    world.start()
    try:
        deployment = operate(world, f"pulumi up --stack {stack}", "up", "--stack", stack)
    except SandboxError as error:
        raise SandboxError(
            f"{error}\nWhat was made is kept. Correct the cause and run the same command again, "
            f"or look closer: {run_command()} pulumi preview --diff --stack {stack}"
        ) from error
    _summarize(world, stack, deployment)


@commands.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(command: tuple[str, ...]) -> None:
    """Run any COMMAND in the sandbox's world; `pulumi` acts on this repository's project from every folder."""
    world = World.of_environment()
    world.start()
    line = world.pulumi_command(command[1:]) if command[0] == "pulumi" else list(command)
    environment = world.environment()
    os.environ["PATH"] = environment["PATH"]
    try:
        os.execvpe(line[0], line, environment)  # noqa: S606 - signals and the exit code are the command's
    except OSError as error:
        say(f"{line[0]}: {error.strerror}.")
        sys.exit(_EXIT_CODES.get(type(error), 1))


@commands.command()
def engine() -> None:
    """Find the Pulumi engine, or build it (minutes, once)."""
    say(f"Pulumi engine: {pulumi_engine.obtain().executable}")


@commands.command()
def status() -> None:
    """Tell what runs."""
    world = World.of_environment()
    emulator = world.emulator
    if emulator is None:
        print("Nothing runs. Start it with: make sandbox")
        return
    print(f"emulated AWS  {emulator.url} (process {emulator.pid})")
    print(f"stacks        {', '.join(world.stacks) or 'none yet'}")
    print(f"files         {world.directory}")


@commands.command()
def down() -> None:
    """Destroy every stack, stop the emulated AWS and remove the sandbox's files."""
    world = World.of_environment()
    if os.path.lexists(_KEPT):
        World(_KEPT).stop()
        say(f"The story that was kept is gone: {_KEPT} is removed.")
    if not os.path.lexists(world.directory):
        say("There is no sandbox: nothing to do.")
        return
    # Without an engine nothing can be destroyed, and nothing need be: all of it ends with the emulator.
    if world.emulator is not None and pulumi_engine.find() is not None:
        try:
            world.start()
            for stack in world.stacks:
                _destroy(world, stack)
        except DamageError as error:
            say(f"{error}\nThe stacks are not destroyed one by one, therefore: they end with the emulated AWS.")
    world.stop()
    say(f"The sandbox is gone: {world.directory} is removed. The environment (.venv) and the engine are kept.")


@commands.command()
@click.argument("architecture", default="pipelines")
@click.option("--keep", is_flag=True, help="Leave all of it standing, to look at.")
def demo(architecture: str, *, keep: bool) -> None:
    """Play the platform's whole story once, from nothing to nothing, in a world of its own that goes with it.

    ARCHITECTURE says what orders the steps of a training: `pipelines` of SageMaker, or another way to build.
    """
    from sandbox import story  # noqa: PLC0415 - only this command needs boto3

    if architecture not in story.ARCHITECTURES:
        raise click.BadParameter(f"{architecture!r} is none of {', '.join(story.ARCHITECTURES)}")
    if not keep:
        with tempfile.TemporaryDirectory(prefix="sm-mlops-demo-") as folder:
            world = World(Path(folder, "world"), story.offering(architecture, REPOSITORY, Path(folder, "project")))
            try:
                _play(world, keep=False)
            finally:
                world.stop()
        return
    if os.path.lexists(_KEPT):
        raise SandboxError(f"A story that was kept stands in {_KEPT}. Remove it with: make sandbox-down")
    world = World(_KEPT, story.offering(architecture, REPOSITORY, _KEPT / "settings"))
    whole = False
    try:
        _play(world, keep=True)
        whole = True
    finally:
        _tell_of_kept(world, whole=whole)


def _tell_of_kept(world: World, *, whole: bool) -> None:
    """Tell how a world that was kept is reached, and what ends it: also one whose story has failed."""
    if emulator := world.emulator:
        there = {"SM_MLOPS_SANDBOX": str(_KEPT), "SM_MLOPS_PROJECT": str(world.project.source)}
        again = " ".join([*(f"{name}={shlex.quote(value)}" for name, value in there.items()), run_command()])
        stands = "All of it stands." if whole else "The story has failed; what it has made stands."
        say(f"{stands} Open {emulator.url} in a browser.")
        say(f"Commands reach it like this: {again} aws sagemaker list-endpoints")
    say(f"make sandbox-down ends it, and removes {_KEPT}.")


def _play(world: World, *, keep: bool) -> None:
    """Play the story in a world, and write what there is to look at, whatever has become of it."""
    from sandbox import demo_report, story  # noqa: PLC0415 - only this command needs boto3

    world.start()
    started, told = time.monotonic(), list[tuple[float, str]]()

    def tell(line: str) -> None:
        told.append((time.monotonic() - started, line))
        say(f"{told[-1][0]:6.1f} s  {line}")

    played = story.Story(world, tell)
    try:
        (story.live if keep else story.play)(played)
    finally:
        file, fault = Path.cwd() / demo_report.FILE, ""
        try:
            demo_report.write(file, played, told)
            say(f"{file} has the time line, both models, predictions and mails.")
        except Exception as error:  # raised here, it would take the place of what has become of the story
            fault = f"{file} cannot be written: {error}"
            say(fault)
    if fault:
        raise SandboxError(fault)


def main() -> None:
    """Run the command line; a failure that a person can put right ends with its message and exit code 1."""
    try:
        commands()
    except SandboxError as error:
        console.print("[red]error:[/red] ", end="")
        say(str(error))
        if isinstance(error, DamageError):
            say(_way_out())
        sys.exit(1)


def _way_out() -> str:
    directory = World.of_environment().directory
    if sys.argv[1:2] == ["down"]:
        return f"Remove it by hand, as somebody who may: rm -rf {shlex.quote(str(directory))}"
    return "`make sandbox-down` removes the sandbox, whatever it holds; after that `make sandbox` makes a new one."


def _destroy(world: World, stack: str) -> None:
    """Destroy a stack, protected resources included; where that fails, all it holds ends with the emulator anyway."""
    try:
        operate(world, f"pulumi destroy --stack {stack}", "destroy", "--stack", stack, "--ignore-protect")
    except SandboxError as error:
        say(f"{error}\nThis is no obstacle here: what is left ends with the emulated AWS.")


def _summarize(world: World, stack: str, deployment: Deployment) -> None:
    emulator = world.emulator
    out = make_console()
    fates = ", ".join(f"{count} {fate}" for fate, count in sorted(deployment.changes.items()))
    out.print(f"\n[bold]{escape(stack)}[/bold]: {fates if deployment.changed else 'nothing changed'}\n")
    table = Table("resource", "count", box=None, pad_edge=False)
    for kind, count in sorted(deployment.kinds.items()):
        table.add_row(kind, str(count))
    out.print(table)
    out.print("\n[bold]Outputs[/bold]")
    told = yaml.safe_dump(deployment.outputs, sort_keys=True, default_flow_style=False, width=sys.maxsize)
    out.print(escape(told), soft_wrap=True)
    out.print(f"[bold]Emulated AWS[/bold]  {emulator.url if emulator else 'has ended'}")
    out.print("              open it in a browser: the platform on one page, with its inbox and logs\n")
    out.print("[bold]Try next[/bold]")
    run = run_command()
    doctor = f"{run} python -m tools doctor --stack {stack}"
    for command, purpose in (
        (f"{run} aws s3 ls", ""),
        (f"{run} pulumi stack --stack {stack}", ""),
        (f"{run} pulumi preview --diff --stack {stack}", f"after a change to Pulumi.{stack}.yaml"),
        (doctor, "whether people can see and launch the products"),
        ("make sandbox-demo", "the whole story, in minutes: train, approve, deploy, tear down"),
        ("make sandbox-down", "destroys what is here, and stops"),
    ):
        out.print(f"  {command:<{len(doctor)}}  {purpose}".rstrip(), markup=False, soft_wrap=True)
