"""`tools iam-snapshot`: take the account's IAM into a file, and tell what differs from another one."""

import json
from pathlib import Path

import click

from tools.console import make_console
from tools.iam_snapshot import report
from tools.iam_snapshot.difference import Breadth, differences
from tools.iam_snapshot.snapshot import SCHEMA, Snapshot, take
from tools.iam_snapshot.stack_roles import beside
from tools.stack_file import PROJECT, StackFile, stack_options

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def command() -> None:
    """Take the account's IAM into a file, and tell what differs from another one."""


@command.command("take", short_help="Write the account's IAM to a file.")
@stack_options
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="File that is written.")
def take_command(stack: str, folder: Path, out: Path) -> None:
    """Write all roles, users, groups and policies of the stack's account to a file.

    Two files of an unchanged account are the same, byte by byte.
    """
    file = StackFile(stack, folder)
    console = make_console(stderr=True)
    with console.status("IAM: asking") as status:
        snapshot = take(file.access, file.settings.home_region, lambda count: status.update(f"IAM: {count} entities"))
        snapshot.write(out)
    counts = ", ".join(f"{len(snapshot.entities[kind])} {name}" for kind, name in report.PLURALS.items())
    console.print(f"{out}: account {snapshot.account}, {counts}", soft_wrap=True)


@command.command("diff", short_help="Tell what differs between two such files.")
@click.argument("old", type=_FILE)
@click.argument("new", type=_FILE, required=False)
@click.option("--stack", "-s", help="Compare what this stack means with the file, instead of another file.")
@click.option("--folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=PROJECT, hidden=True)
@click.option("--json", "as_json", is_flag=True, help="Tell it to a machine.")
@click.option(
    "--fail-on",
    type=click.Choice(["any", "broader"]),
    default="any",
    show_default=True,
    help="Which differences end with code 1; `broader` are those that allow more, or may.",
)
@click.pass_context
def diff_command(
    context: click.Context,
    old: Path,
    new: Path | None,
    stack: str | None,
    folder: Path,
    as_json: bool,
    fail_on: str,
) -> None:
    """Tell what differs between two files of `take`, or of `aws iam get-account-authorization-details`.

    With --stack: between the roles that the stack means and those of the file: `broader` is a role of the stack that
    may more than it is meant to. Nobody else's roles are looked at then.

    Ends with code 0 where nothing differs, 1 where something does, and 2 where that could not be found out.
    """
    if (new is None) == (stack is None):
        raise click.UsageError("give a second file, or --stack")
    before = Snapshot.read(old)
    if stack is not None:
        before, after = beside(before, StackFile(stack, folder))
    elif new is not None:
        after = Snapshot.read(new)
        if before.account != after.account:
            click.echo(f"note: {old} is of account {before.account}, {new} of account {after.account}", err=True)
    changes = differences(before, after)
    broader = any(item.change.breadth >= Breadth.UNDECIDED for item in changes)
    if as_json:
        told = {"schema": SCHEMA, "summary": report.summary(changes), "changes": report.as_json(changes)}
        click.echo(json.dumps(told, indent=2))
    else:
        if stack is not None and changes:
            click.echo(f"+ is what {old} has and the stack {stack} does not mean, - what it means and {old} lacks")
        report.tell(changes, make_console())
    context.exit(int(broader if fail_on == "broader" else bool(changes)))
