"""`tools report`: all that stands in the accounts of some stacks, in one file."""

from pathlib import Path

import click

from tools.atomic_writes import write_whole
from tools.faults import ToolError
from tools.report import page
from tools.report.as_json import as_json
from tools.report.collection import report
from tools.report.redaction import redacted
from tools.stack_file import PROJECT, StackFile, stacks


@click.command(name="report")
@click.option("--stack", "-s", "names", multiple=True, help="A stack; several side by side. Left out: all with a file.")
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=PROJECT,
    envvar="SM_MLOPS_STACK_FILES",
    help="Folder of the stack files; by default $SM_MLOPS_STACK_FILES, else this program's.",
)
@click.option("--json", "json_", is_flag=True, help="Print all of it as JSON instead.")
@click.option(
    "--redact", is_flag=True, help="Leave out account ids, e-mail addresses, who people are, what they wrote."
)
@click.option(
    "--out",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("report.html"),
    show_default=True,
    help="The file to write.",
)
def command(names: tuple[str, ...], folder: Path, out: Path, *, json_: bool, redact: bool) -> None:
    """Show the platform on one page: environments, projects, models, endpoints, costs. Changes nothing.

    The page needs no network and no server. What AWS does not tell is said in its place.
    """
    found = report(chosen(names, folder))
    shown = redacted(found) if redact else found
    if json_:
        click.echo(as_json(shown))
    else:
        write_whole(out, [page.render(shown)])
    for absent in shown.absent:
        click.echo(f"{absent.stack} is not on it: {absent.why}", err=True)
    if not shown.environments:
        raise ToolError(f"{'the JSON' if json_ else out} shows no stack: see above why")
    if not json_:
        click.echo(f"{out} shows {_told(len(shown.environments), 'stack')}; open it in a browser.")


def chosen(names: tuple[str, ...], folder: Path) -> list[StackFile]:
    """Return the files of the stacks of these names; of all where none is named.

    Raises:
        ToolError: the folder has no stack file.
    """
    found = [StackFile(name, folder) for name in dict.fromkeys(names or stacks(folder))]
    if not found:
        raise ToolError(f"{folder} has no Pulumi.<stack>.yaml")
    return found


def _told(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
