"""`launch-permissions`: whether a launch role can make, change and remove what the products' templates hold."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from components import packaging
from components.core.faults import not_one_of
from components.packaging import seed_code
from tools.faults import ToolError
from tools.launch_permissions import roles
from tools.launch_permissions.findings import Finding, Findings, check, launched_by
from tools.stack_file import PROJECT, StackFile

_MISSING, _UNKNOWN = 1, 2


@click.command("launch-permissions")
@click.option("--product", "slugs", multiple=True, help="Folder of seed_code to check; all of them by default.")
@click.option("--managed", is_flag=True, help="Judge AWS's managed policy of launch roles, not the program's own role.")
@click.option("--role-arn", help="Judge a role that exists; it is read as the stack reaches AWS.")
@click.option("--stack", "-s", help="Stack whose names, region and products are meant.")
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=PROJECT,
    help="Folder of the stack files; by default this program's.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result for machines.")
@click.pass_context
def command(
    context: click.Context,
    slugs: tuple[str, ...],
    managed: bool,
    role_arn: str | None,
    stack: str | None,
    folder: Path,
    as_json: bool,
) -> None:
    """Tell which rights a launch role lacks to create, update and delete what the products' templates make.

    By default the role is the one that the program makes, for projects that make their own roles and for those that
    share the environment's; then the boundary of the projects' own roles is judged, too, and every grant must be of
    use. Ends with code 1 where something is found, else with code 2 where something could not be judged, which is told
    as `not known`.
    """
    file = StackFile(stack, folder) if stack else None
    judged = _roles(file, managed, role_arn)
    products, unreadable = seed_code.readable(_known(slugs) or _offered(file))
    launched = {role.title: [product.slug for product in launched_by(role, products)] for role in judged}
    results = {role.title: check(products, role) for role in judged}
    if unreadable:
        # What they need may make use of any grant.
        results = {
            title: replace(found, unknown=[*unreadable, *found.unknown], useless=()) for title, found in results.items()
        }
    if as_json:
        click.echo(json.dumps([as_data(title, found) for title, found in results.items()], indent=2))
    else:
        for title, found in results.items():
            _print(title, launched[title], found)
    if not all(found.passed for found in results.values()):
        context.exit(_MISSING)
    if any(found.unknown for found in results.values()):
        context.exit(_UNKNOWN)


def as_data(title: str, found: Findings) -> Mapping[str, Any]:
    """Return the result in plain values."""
    return {
        "role": title,
        "missing": [_finding_data(finding) for finding in found.missing],
        "beyondBoundary": [_finding_data(finding) for finding in found.beyond_boundary],
        "unknown": list(found.unknown),
        "useless": [
            {
                "action": grant.get("Action", f"all but {grant.get('NotAction')}"),
                "resource": grant.get("Resource", f"all but {grant.get('NotResource')}"),
                "condition": grant["Condition"],
            }
            for grant in found.useless
        ],
    }


def _finding_data(finding: Finding) -> Mapping[str, Any]:
    return {
        "product": finding.product,
        "choice": finding.choice,
        "logicalId": finding.logical_id,
        "type": finding.type_name,
        "operations": finding.operations,
        "action": finding.action,
        "resource": finding.resource,
        "context": finding.context,
    }


def _roles(file: StackFile | None, managed: bool, role_arn: str | None) -> list[roles.LaunchRole]:
    if managed and role_arn:
        raise ToolError("--managed and --role-arn name two roles; give one of them")
    if role_arn:
        if file is None:
            raise ToolError("--role-arn needs --stack, which says how AWS is reached")
        return [roles.existing(role_arn, file)]
    if managed:
        return [roles.managed(file)]
    return [roles.ours(file)] if file else roles.of_any_stack()


def _known(slugs: Sequence[str]) -> Sequence[str]:
    known = list(packaging.discover(seed_code.SEED_CODE))
    for slug in slugs:
        if slug not in known:
            raise ToolError(f"--product: {not_one_of(slug, known)}")
    return slugs


def _offered(file: StackFile | None) -> Sequence[str]:
    if file is None:
        return list(packaging.discover(seed_code.SEED_CODE))
    return file.settings.catalog.products if file.settings.catalog else ()


def _print(title: str, slugs: Sequence[str], found: Findings) -> None:
    from tools.console import make_console  # noqa: PLC0415 - a quarter of a second that --json need not wait for

    console = make_console()
    if found.passed and slugs:
        console.print(
            f"{title}: nothing{' else' * bool(found.unknown)} is missing for {', '.join(slugs)}.", soft_wrap=True
        )
    for reason in found.unknown:
        console.print(f"not known: {reason}", markup=False, soft_wrap=True)
    if found.missing:
        console.print(f"{title}: {len(found.missing)} rights are missing.", soft_wrap=True)
        _print_findings(console, found.missing)
    if found.beyond_boundary:
        count = len(found.beyond_boundary)
        console.print(f"The boundary of the projects' roles takes {count} of their rights away.", soft_wrap=True)
        _print_findings(console, found.beyond_boundary)
    if found.useless:
        console.print(f"{title}: {len(found.useless)} grants are of use to no product.", soft_wrap=True)
        for grant in found.useless:
            condition = json.dumps(grant["Condition"]) if grant["Condition"] else ""
            grant_ = as_data(title, replace(found, missing=(), beyond_boundary=(), useless=[grant]))["useless"][0]
            console.print(f"  {grant_['action']} on {grant_['resource']} {condition}", markup=False, soft_wrap=True)


def _print_findings(console: Any, findings: Sequence[Finding]) -> None:  # noqa: ANN401 - rich is imported late
    from rich.table import Table  # noqa: PLC0415

    resources: dict[tuple[str, str, str], dict[tuple[str, ...], list[str]]] = {}
    for finding in findings:
        # Region and account are the same in every line; --json has the whole ARN.
        name = finding.resource.split(":", 5)[-1]
        row = (
            ", ".join(finding.operations),
            " ".join([name, *(f"{key}={value}" for key, value in finding.context.items())]),
            ", ".join(f"{name}={value or 'none'}" for name, value in sorted(finding.choice.items())),
        )
        rows = resources.setdefault((finding.product, finding.logical_id, finding.type_name), {})
        rows.setdefault(row, []).append(finding.action)
    for (product, logical_id, type_name), rows in resources.items():
        # Not the table's own title, which would be folded to the width of the table.
        console.print(f"{product}: {logical_id} ({type_name})", style="bold", markup=False, soft_wrap=True)
        table = Table(box=None, padding=(0, 2, 0, 0))
        for column in ("action", "when", "on", "only with"):
            table.add_column(column, overflow="fold")
        for cells, actions in rows.items():
            table.add_row("\n".join(actions), *cells)
        console.print(table)
