"""`tools deployment-test`: bring a deployment option up, examine it by machine, and destroy it whatever happened."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from components.providers.aws_access import explained
from settings import SettingsError
from settings.deployment_options import is_stack_under_test, suffix
from tools import hints
from tools.deployment_test.deployment_test import DeploymentTest, StepError, say
from tools.deployment_test.engine import Engine
from tools.deployment_test.stack_under_test import StackUnderTest
from tools.deployment_test.waiting import Waiting
from tools.faults import ToolError
from tools.stack_file import StackFile, stack_options

ADVICE = "docs/deployment-tests.md tells how to add options"
"""What to do where a stack tests none."""

_SESSION = "deployment-test"

EXECUTION = "DEPLOYMENT_TEST"
"""Environment variable with what tells one test from another, such as the id of a pipeline's execution."""

PROJECTS_ROLE = "PROJECTS_ROLE_ARN"
"""Environment variable with the role that the builds of tests share for their projects."""


def _common_options(function: Any) -> Any:  # noqa: ANN401 - click decorates functions of every signature
    """Give a command the stack, and how it waits and what it shows."""
    interval = click.option(
        "--interval",
        type=click.FloatRange(min=0.01),
        default=Waiting.interval,
        show_default=True,
        help="Seconds between two looks at what takes its time.",
    )
    verbose = click.option("--verbose", is_flag=True, help="Show all that the engine prints, not only its failures.")
    projects_role = click.option(
        "--projects-role-arn",
        envvar=PROJECTS_ROLE,
        help=f"Role that creates and deletes the projects. The environment's {PROJECTS_ROLE}, where it is set.",
    )
    return stack_options(interval(verbose(projects_role(function))))


def _test_options(function: Any) -> Any:  # noqa: ANN401 - click decorates functions of every signature
    """Give a command these options, and what tells one test from another."""
    execution = click.option(
        "--execution",
        envvar=EXECUTION,
        default="by-hand",
        show_default=True,
        help=f"Tells this test from others: an id of any form. The environment's {EXECUTION}, where it is set.",
    )
    role = click.option(
        "--role-arn",
        help="Role that the test assumes, for an hour at most; where you are the account's root, as in the sandbox.",
    )
    return _common_options(execution(role(function)))


@click.group()
def command() -> None:
    """Test a deployment option: bring its stack up, examine it, destroy it."""


@command.command("list", short_help="Name the options of a stack.")
@stack_options
def list_options(stack: str, folder: Path) -> None:
    """Name the options of a stack, and how each is tested."""
    file = StackFile(stack, folder)
    tests = file.settings.deployment_tests
    if tests is None:
        raise ToolError(f"{file.path.name} has no sm-mlops:deploymentTests; {ADVICE}")
    rows = [
        (
            one.name,
            one.region,
            f"projects: {one.projects}",
            f"differs in {', '.join(sorted(one.settings)) or 'nothing'}",
        )
        for one in tests.options
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
    click.echo(f"Test one with: {hints.tool('deployment-test', 'run', rows[0][0], '-s', stack)}")


@command.command()
@click.argument("option")
@_test_options
@click.option("--keep", is_flag=True, help="Leave the stack standing; `destroy` or `sweep` removes it later.")
def run(
    option: str,
    stack: str,
    folder: Path,
    execution: str,
    role_arn: str | None,
    projects_role_arn: str | None,
    interval: float,
    *,
    verbose: bool,
    keep: bool,
) -> None:
    """Bring OPTION up, examine it, and destroy it whatever happened. Ends with 1 where something is wrong."""
    _act_as(role_arn, StackFile(stack, folder))
    test = _test(option, StackFile(stack, folder), execution, interval, projects_role_arn, verbose=verbose)
    say(f"{option} in {test.tested.option.region}")
    removal = _removal(test, stack, execution, role_arn)
    done = "not brought up"
    with _stopped_by_signals():
        try:
            test.bring_up()
            done = "brought up, not examined to the end"
            test.examine()
            test.play()
            done = "brought up and examined"
        except StepError:
            pass
        except KeyboardInterrupt:
            test.faults.append("stopped before its end")
        finally:
            if not keep:
                _destroy(test)
    if keep:
        say(f"{test.tested.name} stands; remove it with: {removal}")
    elif not test.destroyed:
        say(f"{test.tested.name} is not destroyed; try again with: {removal}")
    _conclude(test.faults, f"{option}: {done}" + (", destroyed" if test.destroyed else ""))


@command.command(short_help="Destroy what a test has left.")
@click.argument("option")
@_test_options
def destroy(
    option: str,
    stack: str,
    folder: Path,
    execution: str,
    role_arn: str | None,
    projects_role_arn: str | None,
    interval: float,
    *,
    verbose: bool,
) -> None:
    """Destroy what a test of OPTION has left, for instance after somebody stopped it."""
    _act_as(role_arn, StackFile(stack, folder))
    test = _test(option, StackFile(stack, folder), execution, interval, projects_role_arn, verbose=verbose)
    with _stopped_by_signals():
        _destroy(test)
    if not test.destroyed:
        say(f"{test.tested.name} is not destroyed; try again, or leave it to `deployment-test sweep`")
    _conclude(test.faults, f"{option}: " + ("destroyed" if test.destroyed else "not destroyed"))


@command.command(short_help="Destroy what all tests have left that is old.")
@_common_options
@click.option("--older-than", type=click.IntRange(min=0), help="Hours; by default the settings' sweepAfterHours.")
def sweep(
    stack: str,
    folder: Path,
    projects_role_arn: str | None,
    interval: float,
    older_than: int | None,
    *,
    verbose: bool,
) -> None:
    """Destroy every stack that a test has left behind and that has not changed for some hours.

    Nobody works on such a stack any more: a lock that a killed engine has left is broken.
    """
    of = StackFile(stack, folder)
    tests = of.settings.deployment_tests
    if tests is None:
        raise ToolError(f"{of.path.name} has no sm-mlops:deploymentTests; {ADVICE}")
    limit = datetime.now(UTC) - timedelta(hours=tests.sweep_after_hours if older_than is None else older_than)
    faults: list[str] = []
    found = [
        name
        for name, changed in Engine(folder).stacks().items()
        if is_stack_under_test(name) and (changed is None or changed <= limit)
    ]
    with _stopped_by_signals():
        for name in found:
            option, _, test_suffix = name.removeprefix("test-").rpartition("-")
            tested = StackUnderTest(of, option, test_suffix)
            test = DeploymentTest(
                tested, Waiting(interval=interval), verbose=verbose, projects_role_arn=projects_role_arn
            )
            try:
                _destroy(test, unlock=True)
            except (SettingsError, ToolError) as error:
                by_hand = hints.typed("pulumi", "destroy", "-s", name, "--remove")
                test.faults.append(f"{error}; destroy the stack by hand: {by_hand}")
            faults += test.faults
    _conclude(faults, f"{len(found)} stacks of tests have not changed since {limit:%Y-%m-%d %H:%M} UTC")


def _test(
    option: str, of: StackFile, execution: str, interval: float, projects_role_arn: str | None, *, verbose: bool
) -> DeploymentTest:
    tested = StackUnderTest(of, option, suffix(f"{option}:{execution}"))
    return DeploymentTest(tested, Waiting(interval=interval), verbose=verbose, projects_role_arn=projects_role_arn)


def _act_as(role_arn: str | None, of: StackFile) -> None:
    """Let this process, and the engine that it starts, act as a role from here on.

    Raises:
        AwsError: it cannot be assumed.
    """
    if role_arn is None:
        return
    region = of.settings.home_region
    with explained(f"assuming {role_arn}", "sts", region):
        given = of.access.client("sts", region).assume_role(RoleArn=role_arn, RoleSessionName=_SESSION)["Credentials"]
    os.environ["AWS_ACCESS_KEY_ID"] = given["AccessKeyId"]
    os.environ["AWS_SECRET_ACCESS_KEY"] = given["SecretAccessKey"]
    os.environ["AWS_SESSION_TOKEN"] = given["SessionToken"]


def _removal(test: DeploymentTest, stack: str, execution: str, role_arn: str | None) -> str:
    """Return the command that destroys what a test has left."""
    role = ("--role-arn", role_arn) if role_arn else ()
    return hints.tool(
        "deployment-test", "destroy", test.tested.option_name, "-s", stack, "--execution", execution, *role
    )


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Let whoever ends this process end it as Ctrl-C does: what was begun is destroyed."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _destroy(test: DeploymentTest, *, unlock: bool = False) -> None:
    """Destroy, and once more where that fails: much of what stops a deletion in AWS passes."""
    for _ in range(2):
        try:
            test.destroy(unlock=unlock)
        except StepError:
            continue
        except KeyboardInterrupt:
            test.faults.append("stopped before all was destroyed")
        return


def _conclude(faults: list[str], done: str) -> None:
    if faults:
        say(f"{done}; {len(faults)} {'fault' if len(faults) == 1 else 'faults'}:")
        for fault in faults:
            say(f"  - {fault}")
        raise SystemExit(1)
    say(f"{done}; nothing is wrong")
