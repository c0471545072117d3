"""`check`: whether what a company edits is right, each thing with its time, and what to do next."""

import time
from collections.abc import Sequence
from pathlib import Path
from textwrap import indent
from xml.etree import ElementTree as ET

import click

from tools.check.checks import CHECKS, Found, Mine
from tools.stack_file import PROJECT

_FAULTS = 1


@click.command("check")
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=PROJECT,
    help="Folder of the stack files; by default this program's.",
)
@click.option("--fast", is_flag=True, help="Leave out the repositories' own checks: all that takes more than seconds.")
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write what was found as JUnit's XML.")
@click.pass_context
def command(context: click.Context, folder: Path, fast: bool, junit: Path | None) -> None:
    """Judge the stack files, the products and their seed code; AWS is not asked, and nothing is changed.

    Tells all faults of all of them. Ends with code 1 where there is one.
    """
    mine, told, started = Mine(folder), list[tuple[str, float, Found]](), time.perf_counter()
    for check in CHECKS:
        if fast and check.announcement:
            continue
        if check.announcement:
            click.echo(f"       {check.name:13} {check.announcement}", err=True)
        began = time.perf_counter()
        found = check.judge(mine)
        told.append((check.name, time.perf_counter() - began, found))
        _tell(*told[-1])
    if junit:
        _write(junit, told)
    wrong = [name for name, _, found in told if found.faults]
    seconds = f"{time.perf_counter() - started:.1f} s"
    if wrong:
        click.echo(f"Not in order: {', '.join(wrong)} ({seconds}).")
        click.echo("Next: set right what is named above, then run `make check-mine` again.")
        context.exit(_FAULTS)
    click.echo(f"All in order ({seconds}).")
    click.echo("Next: `make sandbox` deploys it to an emulated AWS; a commit and a push bring it to the review.")


def _tell(name: str, seconds: float, found: Found) -> None:
    verdict = "FAULT" if found.faults else "ok"
    click.echo(f"{verdict:6} {name:13} {seconds:5.1f} s  {', '.join(found.looked_at) or 'nothing'}")
    for fault in found.faults:
        click.echo(indent(fault, "       "))
    for note in found.notes:
        click.echo(f"       ({note})")


def _write(path: Path, told: Sequence[tuple[str, float, Found]]) -> None:
    """Write what CodeBuild and others show as a report of tests."""
    failures = sum(bool(found.faults) for _, _, found in told)
    suite = ET.Element("testsuite", name="check", tests=str(len(told)), failures=str(failures))
    for name, seconds, found in told:
        case = ET.SubElement(suite, "testcase", classname="check", name=name, time=f"{seconds:.3f}")
        if found.faults:
            ET.SubElement(case, "failure", message=f"{len(found.faults)} faults").text = "\n".join(found.faults)
    path.parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)
