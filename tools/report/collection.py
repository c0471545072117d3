"""A report, put together from what AWS answers about each stack; nothing is changed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from awsmodel.regions import known_regions
from components.core.faults import UserError
from tools.doctor.account import Account, StackRegion
from tools.doctor.examination import PATIENCE, examine
from tools.doctor.findings import Finding, SkipError, Status
from tools.drift import NONE
from tools.report import parts as parts_of
from tools.report import people, pipelines, prices, projects
from tools.report.asking import all_asked, asked, each, moment
from tools.report.features import feature_table
from tools.report.model import NO_DRIFT, Absent, Environment, Known, NotKnown, Part, Pipeline, Report, T, known
from tools.stack_file import StackFile

_ORDER = list(Status)


def report(files: Iterable[StackFile], now: datetime | None = None) -> Report:
    """Look at stacks, and tell all that a page shows.

    Args:
        files: the stacks' files.
        now: the moment; the clock's where left out.
    """
    clock = now or datetime.now(UTC)
    found = [environment(file, clock) for file in files]
    features, table = feature_table(), prices.price_table()
    return Report(
        made=moment(clock),
        environments=[one for one in found if isinstance(one, Environment)],
        absent=[one for one in found if isinstance(one, Absent)],
        features=features.features,
        features_date=features.date,
        prices_date=table.date,
        prices_region=table.region,
    )


def environment(file: StackFile, now: datetime) -> Environment | Absent:
    """Look at a stack; where nobody can be asked, tell why."""
    try:
        account = Account.of(file, replace(file.access, patience=PATIENCE), now)
    except UserError as error:
        return Absent(stack=file.stack, why=str(error))
    parts = parts_of.parts(account)
    # What is not known may be there.
    if all(part.there is False for part in parts if not part.independent):
        return _empty(account, parts)
    regions = [projects.Region(StackRegion(account, known_regions()[name])) for name in account.catalog_regions]

    def everywhere(look: Callable[[projects.Region], Sequence[Known[T]]], what: str) -> Sequence[Known[T]]:
        places = ((one, f"{what} in {one.region.name}") for one in regions)
        return [found for one, told in places for found in all_asked(account, partial(look, one), told)]

    found = replace(
        _empty(account, parts),
        deployed=True,
        findings=asked(account, lambda: _findings(file, now)),
        drift=asked(account, lambda: _drift(account)),
        deliveries=all_asked(account, lambda: _deliveries(account), "deliveries"),
        people=people.people(account),
        roles=all_asked(account, lambda: people.roles(account), "roles"),
        products=everywhere(projects.Region.products, "products"),
        projects=everywhere(projects.Region.projects, "projects"),
        models=everywhere(projects.Region.models, "models"),
        endpoints=everywhere(projects.Region.endpoints, "endpoints"),
    )
    return replace(found, costs=prices.costs(parts, found.pipelines, known(found.endpoints)))


def _empty(account: Account, parts: Sequence[Part]) -> Environment:
    nothing = NotKnown(why="the stack is not deployed")
    return Environment(
        stack=account.stack,
        prefix=account.names.prefix,
        account=account.id,
        region=account.home.name,
        regions=parts_of.regions(account),
        caller=account.caller,
        deployed=False,
        findings=nothing,
        drift=nothing,
        delivery_pipeline=account.names.delivery_pipeline.value if account.wanted.delivery else "",
        deliveries=[nothing],
        parts=parts,
        people=[nothing],
        roles=[nothing],
        products=[nothing],
        projects=[nothing],
        models=[nothing],
        endpoints=[nothing],
        costs=(),
    )


def _findings(file: StackFile, now: datetime) -> list[Finding]:
    """What the doctor finds, the worst first."""
    return sorted(examine(file, now=now), key=lambda finding: _ORDER.index(finding.status))


def _drift(account: Account) -> str:
    """What the nightly job has told; it remembers a hash, and `none` where there is no drift."""
    if account.wanted.delivery is None or account.wanted.delivery.drift_schedule is None:
        raise SkipError(f"nobody looks at night; `pulumi preview --refresh --diff -s {account.stack}` does it now")
    name = account.names.drift_parameter(account.stack).value
    value = account.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    return NO_DRIFT if value == NONE else "drift was told; the mail says of what"


def _deliveries(account: Account) -> Sequence[Known[Pipeline]]:
    """Pipelines of the platform itself."""
    region = StackRegion(account, account.home)
    pages = account.client("codepipeline").get_paginator("list_pipelines").paginate()
    names = sorted(one["name"] for page in pages for one in page["pipelines"])
    own = [name for name in names if name.startswith(f"{account.names.prefix}-")]
    return each(partial(pipelines.known, region), own)
