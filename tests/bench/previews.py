"""What the components cost in a preview, beside a plain script and an empty program, and how that grows."""

import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from sandbox.faults import SandboxError
from sandbox.world import REPOSITORY, World
from tests.bench.figures import ratios, spread
from tests.support.recording import EXAMPLE

ROUNDS = 7
REGIONS = [
    "us-east-2",
    "eu-central-1",
    "eu-west-1",
    "eu-west-2",
    "us-east-1",
    "us-west-1",
    "us-west-2",
    "ca-central-1",
    "eu-north-1",
    "eu-west-3",
    "sa-east-1",
    "ap-south-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-southeast-1",
    "ap-southeast-2",
]
COUNTS = (1, 4, 8, 16)
PROGRAMS = {
    "program": REPOSITORY,
    "plain script": REPOSITORY / "tests" / "bench" / "plain",
    "empty program": REPOSITORY / "tests" / "bench" / "empty",
}
COMPONENT_BAR = 1.15
"""The most that components may cost, as a multiple of the plain script."""


PRODUCTS = 50
"""Products of the large catalog."""


@dataclass(frozen=True)
class Case:
    """One program with so many regions, and with the example's products or so many copies of one."""

    program: str
    regions: int = 4
    products: int | None = None


def main() -> int:
    """Run every case in turn, several times, and print what it tells; 1 where a bar is missed."""
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory() as folder:
        try:
            costs = _measure(Path(folder), console)
        except SandboxError as error:
            console.print(f"error: {error}", markup=False)
            return 1
    return _report(costs, console)


@dataclass(frozen=True)
class Cost:
    """What one preview took."""

    seconds: float
    """As a person waits."""
    cpu_seconds: float
    """Of engine, program and plugins together: steadier than waiting, on a machine that does other things, too."""


Costs = Mapping[Case, Sequence[Cost]]


def _measure(folder: Path, console: Console) -> Costs:
    compared = ("program", "plain script")
    cases = [
        Case("empty program"),
        *(Case(name, count) for count in COUNTS for name in compared),
        *(Case(name, products=PRODUCTS) for name in compared),
    ]
    costs: dict[Case, list[Cost]] = {case: [] for case in cases}
    worlds = {case: _world(folder, case) for case in cases}
    try:
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task("previews", total=len(cases) * (ROUNDS + 1))
            # Round by round, so that a slow minute of the machine slows all cases alike; the first round warms up.
            for turn in range(ROUNDS + 1):
                for case in cases:
                    cost = _preview(worlds[case])
                    if turn:
                        costs[case].append(cost)
                    progress.advance(task)
    finally:
        for world in worlds.values():
            world.stop()
    return costs


def _preview(world: World) -> Cost:
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    world.pulumi("preview", "--stack", "dev")
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def _world(folder: Path, case: Case) -> World:
    """A world whose dev stack is the example's with so many regions and products."""
    project = folder / f"{case.program}-{case.regions}-{case.products}".replace(" ", "-")
    project.mkdir()
    main = PROGRAMS[case.program]
    stack: dict[str, Any] = yaml.safe_load((EXAMPLE / "Pulumi.dev.yaml").read_text())
    stack["config"]["sm-mlops:artifacts"]["regions"] = REGIONS[: case.regions]
    if case.products:
        stack["config"]["sm-mlops:catalog"]["products"] = _checkout(project, main, case.products)
        main = project
    settings = yaml.safe_load((EXAMPLE / "Pulumi.yaml").read_text())
    (project / "Pulumi.yaml").write_text(yaml.safe_dump({**settings, "main": str(main)}))
    (project / "Pulumi.dev.yaml").write_text(yaml.safe_dump(stack))
    world = World(project / "world", project)
    world.start()
    return world


def _checkout(project: Path, main: Path, products: int) -> list[str]:
    """A checkout of the program in `main` with so many product folders; their names."""
    ignored = shutil.ignore_patterns(".venv", "__pycache__", ".*_cache")
    for folder in ("awsmodel", "components", "settings"):
        shutil.copytree(REPOSITORY / folder, project / folder, ignore=ignored)
    for file in (main / "__main__.py",):
        shutil.copy(file, project)
    shutil.copytree(REPOSITORY / "seed_code" / "_parts", project / "seed_code" / "_parts")
    names = [f"product-{number:02}" for number in range(products)]
    for name in names:
        shutil.copytree(REPOSITORY / "seed_code" / "model-deploy", project / "seed_code" / name, ignore=ignored)
    return names


def _report(costs: Costs, console: Console) -> int:
    seconds = {case: [cost.seconds for cost in measured] for case, measured in costs.items()}
    table = Table("regions", "program, s", "plain, s", "program / plain", title="pulumi preview of an empty dev stack")
    for count in COUNTS:
        program, plain = seconds[Case("program", count)], seconds[Case("plain script", count)]
        table.add_row(str(count), spread(program), spread(plain), spread(ratios(program, plain)))
    console.print(table)
    many, many_plain = (seconds[Case(name, products=PRODUCTS)] for name in ("program", "plain script"))
    console.print(
        f"{PRODUCTS} products at 4 regions: program {spread(many)} s, plain {spread(many_plain)} s, "
        f"program / plain {spread(ratios(many, many_plain))}"
    )
    to_empty = ratios(seconds[Case("program")], seconds[Case("empty program")])
    console.print(f"program / empty program at 4 regions: {spread(to_empty)}")
    slopes = {name: _per_round(costs, name, _slope) for name in ("program", "plain script")}
    growth = _growth(costs)
    console.print(
        f"CPU seconds per region: program {spread(slopes['program'], 3)}, plain {spread(slopes['plain script'], 3)}"
    )
    by_round = spread(ratios(slopes["program"], slopes["plain script"]))
    console.print(f"growth per region, program / plain: {growth:.2f} of the medians, {by_round} by round")
    bends = _per_round(costs, "program", _bend)
    console.print(
        f"growth from 8 to 16 regions / growth from 1 to 8, per region: {spread(bends)} (1 is a straight line)"
    )
    return _judge(seconds, growth, console)


def _growth(costs: Costs) -> float:
    """How much steeper the program grows than the plain script; of the medians, as one round alone is noise."""
    slopes = [
        _slope([statistics.median(cost.cpu_seconds for cost in costs[Case(name, count)]) for count in COUNTS])
        for name in ("program", "plain script")
    ]
    return slopes[0] / slopes[1]


def _judge(seconds: Mapping[Case, Sequence[float]], growth: float, console: Console) -> int:
    dev = ratios(seconds[Case("program")], seconds[Case("plain script")])
    many = ratios(*(seconds[Case(name, products=PRODUCTS)] for name in ("program", "plain script")))
    verdicts = {
        f"components cost at most {COMPONENT_BAR} times the plain script": statistics.median(dev) <= COMPONENT_BAR,
        f"with {PRODUCTS} products, too": statistics.median(many) <= COMPONENT_BAR,
        f"growth per region at most {COMPONENT_BAR} times the plain script's": growth <= COMPONENT_BAR,
    }
    for bar, met in verdicts.items():
        console.print(f"{'met   ' if met else 'MISSED'}  {bar}")
    return 0 if all(verdicts.values()) else 1


def _per_round(costs: Costs, program: str, figure: Callable[[Sequence[float]], float]) -> list[float]:
    """A figure of each round, from that round's CPU seconds at each number of regions."""
    rounds = zip(*(costs[Case(program, count)] for count in COUNTS), strict=True)
    return [figure([cost.cpu_seconds for cost in measured]) for measured in rounds]


def _slope(times: Sequence[float]) -> float:
    return statistics.linear_regression(COUNTS, times).slope


def _bend(times: Sequence[float]) -> float:
    one, _, eight, sixteen = times
    return ((sixteen - eight) / 8) / ((eight - one) / 7)
