"""`tools doctor`: looks at a stack, and ends with a code that says how it stands."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from tools import hints
from tools.console import make_console
from tools.doctor import report
from tools.doctor.examination import Progress, examine
from tools.doctor.findings import Finding, Status
from tools.stack_file import StackFile, stack_options


@click.command(name="doctor")
@stack_options
@click.option("--region", "-r", "regions", multiple=True, help="Look only at this region; may be given several times.")
@click.option("--principal", help="ARN of a role (Studio's execution role) that should see and launch the products.")
@click.option("--json", "as_json", is_flag=True, help="Print findings as JSON.")
def command(stack: str, folder: Path, regions: tuple[str, ...], principal: str | None, *, as_json: bool) -> None:
    """Find out why a data scientist cannot see or launch a product. Changes nothing.

    Ends with 0 where all is well or has warnings only, with 1 where something is broken, and with 2 where the call is
    wrong, or nothing is broken but something could not be looked at.
    """
    with _progress() as progress:
        findings = examine(StackFile(stack, folder), regions=regions, principal_arn=principal, progress=progress)
    if as_json:
        click.echo(report.as_json(stack, findings))
    else:
        again = hints.tool(
            *("doctor", "-s", stack),
            *(word for name in regions for word in ("-r", name)),
            *(("--principal", principal) if principal else ()),
        )
        report.show(findings, again, make_console(), asked_for_principal=principal is not None)
    sys.exit(exit_code(findings))


def exit_code(findings: Sequence[Finding]) -> int:
    """0: well, or with warnings; 1: something is broken; 2: nothing is, as far as could be looked."""
    found = {finding.status for finding in findings}
    return 1 if Status.BROKEN in found else 2 if Status.UNKNOWN in found else 0


@contextmanager
def _progress() -> Iterator[Progress]:
    """Tell what is looked at, in one line of the terminal; nothing where standard error is none."""
    console = make_console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("Looking at AWS ...") as status:
        yield lambda text: status.update(f"Looking at AWS: {text}")
