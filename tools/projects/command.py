"""`tools projects`: who has which version of a product, and all or some brought to the newest."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path

import click

from awsmodel.regions import known_regions
from components.providers.aws_access import explained
from tools import hints
from tools.deployment_test.waiting import Waiting
from tools.doctor.account import Account, StackRegion
from tools.faults import ToolError
from tools.projects.found import Project, Region
from tools.projects.upgrade import Upgrade
from tools.stack_file import StackFile, stack_options

SERVICES = ("servicecatalog", "sagemaker", "codepipeline", "s3", "cloudformation")
"""botocore's names of the services that are asked."""

WAITING = Waiting(interval=5.0, limit=2 * 3600.0)


@click.group(name="projects")
def command() -> None:
    """Projects that people have made of the products, and the versions that they are of."""


@command.command(name="list")
@stack_options
@click.option("--region", "-r", "regions", multiple=True, help="Only this region; may be given several times.")
@click.option("--json", "as_json", is_flag=True, help="Print the projects as JSON.")
def list_(stack: str, folder: Path, regions: tuple[str, ...], *, as_json: bool) -> None:
    """Show who has made which project, of which version, whether there is a newer one, and the last pipeline run."""
    found = projects(Account.of(StackFile(stack, folder)), regions)
    if as_json:
        fields = [{**asdict(one), "behind": one.behind, "hindrance": one.hindrance} for one in found]
        click.echo(json.dumps(fields, indent=2))
        return
    for line in table(found):
        click.echo(line)
    behind = sum(one.behind for one in found)
    click.echo(f"{_count(len(found), 'project')}, {behind} behind the newest version.")
    if behind:
        upgrade = hints.tool("projects", "upgrade", "--all", "-s", stack)
        click.echo(f"Next: `{upgrade}`; it shows its plan and asks first.")


@command.command()
@click.argument("names", nargs=-1)
@stack_options
@click.option("--all", "every", is_flag=True, help="Every project that is behind.")
@click.option("--region", "-r", "regions", multiple=True, help="Only this region; may be given several times.")
@click.option("--at-once", type=click.IntRange(1, 20), default=1, show_default=True, help="Projects updated at a time.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def upgrade(
    names: tuple[str, ...], stack: str, folder: Path, regions: tuple[str, ...], at_once: int, *, every: bool, yes: bool
) -> None:
    """Bring projects to the newest version of their product: those of these NAMES, or all.

    Shows the plan and asks. Parameters keep their values. After one has failed, no other is begun. Run it again to go
    on with what is not yet at the newest version.

    Ends with 0 where all that is meant is at the newest version, and with 1 where something is not.
    """
    if every is bool(names):
        shows = hints.tool("projects", "list", "-s", stack)
        raise ToolError(f"name the projects to upgrade, or say --all; `{shows}` shows them")
    account = Account.of(StackFile(stack, folder))
    behind = [one for one in chosen(projects(account, regions), names) if one.behind]
    held, ready = [one for one in behind if one.hindrance], [one for one in behind if not one.hindrance]
    for line in plan(ready, held, at_once):
        click.echo(line)
    if not ready:
        sys.exit(1 if held else 0)
    if not yes:
        click.confirm("Update them?", abort=True)
    with explained("projects", SERVICES, account.home.name):
        failed = Upgrade(account, WAITING, click.echo).carry_out(ready, at_once)
    click.echo("\n".join(outcome(ready, failed, projects(account, regions))))
    sys.exit(1 if failed or held else 0)


def projects(account: Account, regions: Sequence[str] = ()) -> list[Project]:
    """Return the projects of a stack's products.

    Raises:
        ToolError: a region is none of the catalog's.
        SkipError: the stack has no catalog.
        AwsError: AWS does not answer; the message names the call and a missing permission.
    """
    if account.wanted.catalog is None:
        raise ToolError(f"Pulumi.{account.stack}.yaml has no sm-mlops:catalog, so it has no projects")
    if strange := [region for region in regions if region not in account.catalog_regions]:
        raise ToolError(
            f"{', '.join(strange)}: not a region of {account.stack}'s catalog, which is in "
            f"{', '.join(account.catalog_regions)}"
        )
    wanted = [region for region in account.catalog_regions if region in regions or not regions]
    with explained("projects", SERVICES, account.home.name):
        return [one for name in wanted for one in Region(StackRegion(account, known_regions()[name])).projects()]


def chosen(found: Sequence[Project], names: Sequence[str]) -> Sequence[Project]:
    """Those of these names; all where none is named.

    Raises:
        ToolError: there is none of a name.
    """
    known = {one.name for one in found}
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            raise ToolError(f"there is no project {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    return [one for one in found if one.name in names or not names]


def table(found: Sequence[Project]) -> Iterator[str]:
    """One line for each project, below a line that says what is in the columns."""
    head = ("PROJECT", "PRODUCT", "REGION", "WHO", "VERSION", "NEWEST", "STATUS", "LAST PIPELINE RUN")
    rows = [head, *map(_row, found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    for row in rows:
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()


def _row(one: Project) -> tuple[str, ...]:
    run = one.last_run
    told = f"{run.status} {run.started} {run.pipeline}" if run else "none"
    newest = one.newest if one.behind else "yes" if one.newest else "none can be launched"
    return (one.name, one.product, one.region, one.owner, one.version, newest, one.status, told)


def plan(ready: Sequence[Project], held: Sequence[Project], at_once: int) -> Iterator[str]:
    """Tell what would be done, and what not."""
    if ready:
        yield f"{_count(len(ready), 'project')} to update, {at_once} at once; parameters keep their values:"
        for one in ready:
            yield f"  {one.name}  {one.product}  {one.region}  {one.version} -> {one.newest}"
    elif not held:
        yield "Nothing to do: every project that is meant is at the newest version."
    if held:
        yield f"{_count(len(held), 'project')} cannot be updated now:"
        yield from (f"  {one.name}: {one.hindrance}" for one in held)


def outcome(meant: Sequence[Project], failed: Iterable[str], after: Sequence[Project]) -> Iterator[str]:
    """How it has ended, from what AWS has now."""
    names = {(one.name, one.region) for one in meant}
    left = [one for one in after if (one.name, one.region) in names and one.behind]
    yield f"{len(meant) - len(left)} of {_count(len(meant), 'project')} at the newest version."
    untouched = [one.name for one in left if one.name not in failed]
    if untouched:
        yield f"Not begun: {', '.join(untouched)}."
    if left:
        yield "Next: set right what has failed, and run the command again; it goes on with what is left."


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
