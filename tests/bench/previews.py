"""What the components cost in a preview, beside a plain script that registers the same, and how that grows.

Judged is the CPU time of the program's own process in a preview by the real engine, and of all rounds the least: what
else the machine does can only add to it. How long a person waits is told, and decides nothing.
"""

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from sandbox.faults import SandboxError
from sandbox.world import REPOSITORY, World
from tests.bench.figures import spread
from tests.support.recording import EXAMPLE

ROUNDS = 5
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
PRODUCTS = 50
"""Products of the large catalog."""
PROGRAMS = {"program": REPOSITORY, "plain script": REPOSITORY / "tests" / "bench" / "plain"}
BAR = 1.1
"""The most that components may cost, as a multiple of the plain script."""

_TOLD = "SM_MLOPS_BENCH"
_TELLS = f"""
import atexit, os, sys, time

def tell():
    # Not an engine's other plugins, and not the language host of a command that runs no program.
    if "pulumi_aws" in sys.modules and "{_TOLD}" in os.environ:
        with open(os.environ["{_TOLD}"], "a") as told:
            print(time.process_time(), file=told)

def told_exit(code, ended=os._exit):
    tell()
    ended(code)

atexit.register(tell)
os._exit = told_exit  # how the sandbox's language host ends
"""
"""What Python runs at each start in a world of the bench, as its `sitecustomize`: a program tells its CPU time."""


@dataclass(frozen=True)
class Case:
    """One program with so many regions, and with the example's products or so many copies of one."""

    program: str
    regions: int = 4
    products: int | None = None


@dataclass(frozen=True)
class Cost:
    """What one preview took."""

    cpu_seconds: float
    """Of the program's process, from its start to its end."""
    seconds: float
    """As a person waits."""


Costs = Mapping[Case, Sequence[Cost]]


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


def _pairs() -> list[tuple[Case, Case]]:
    """Each case of the program, and the plain script's that it is compared with."""
    sizes = [*((count, None) for count in COUNTS), (4, PRODUCTS)]
    return [(Case("program", *size), Case("plain script", *size)) for size in sizes]


def _measure(folder: Path, console: Console) -> Costs:
    (folder / "sitecustomize.py").write_text(_TELLS)
    cases = [case for pair in _pairs() for case in pair]
    costs: dict[Case, list[Cost]] = {case: [] for case in cases}
    worlds = {case: _world(folder, case) for case in cases}
    try:
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task("previews", total=len(cases) * (ROUNDS + 1))
            # Round by round, so that a slow minute of the machine slows all cases alike; the first round warms up.
            for turn in range(ROUNDS + 1):
                for case in cases:
                    cost = _preview(worlds[case], folder)
                    if turn:
                        costs[case].append(cost)
                    progress.advance(task)
    finally:
        for world in worlds.values():
            world.stop()
    return costs


def _preview(world: World, folder: Path) -> Cost:
    told = folder / "told"
    told.write_text("")
    path = os.pathsep.join([str(folder), world.environment()["PYTHONPATH"]])
    started = time.perf_counter()
    world.pulumi("preview", "--stack", "dev", env={"PYTHONPATH": path, _TOLD: str(told)})
    seconds = time.perf_counter() - started
    (cpu_seconds,) = map(float, told.read_text().split())
    return Cost(cpu_seconds, seconds)


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
    shutil.copy(main / "__main__.py", project)
    shutil.copytree(REPOSITORY / "seed_code" / "_parts", project / "seed_code" / "_parts")
    names = [f"product-{number:02}" for number in range(products)]
    for name in names:
        shutil.copytree(REPOSITORY / "seed_code" / "model-deploy", project / "seed_code" / name, ignore=ignored)
    return names


def _report(costs: Costs, console: Console) -> int:
    least = {case: min(cost.cpu_seconds for cost in measured) for case, measured in costs.items()}
    waited = {case: statistics.median(cost.seconds for cost in measured) for case, measured in costs.items()}
    columns = ("regions", "products", "program, CPU s", "plain, CPU s", "program / plain", "both as one waits, s")
    table = Table(*columns, title="the program in a `pulumi preview` of an empty dev stack")
    compared = {}
    for program, plain in _pairs():
        products = str(program.products or "the example's")
        compared[f"with {program.regions} regions and {products} products"] = ratio = least[program] / least[plain]
        figures = (f"{least[program]:.2f}", f"{least[plain]:.2f}", f"{ratio:.2f}")
        table.add_row(str(program.regions), products, *figures, f"{waited[program]:.1f}, {waited[plain]:.1f}")
    console.print(table)
    every = [cost.cpu_seconds / least[case] for case, measured in costs.items() for cost in measured]
    console.print(f"the rounds of a case, as multiples of its least: {spread(every)}")
    slopes = {name: _slope([least[Case(name, count)] for count in COUNTS]) for name in PROGRAMS}
    told = ", ".join(f"{name} {slope * 1000:.0f} ms" for name, slope in slopes.items())
    # Told only: a tenth more is the component itself, beside nine resources; what it adds up to is judged above.
    console.print(f"CPU time of a region more: {told}")
    for what, ratio in compared.items():
        verdict = "met   " if ratio <= BAR else "MISSED"
        console.print(f"{verdict}  {what}: {ratio:.2f} times the plain script, at most {BAR:.2f}", soft_wrap=True)
    return 0 if max(compared.values()) <= BAR else 1


def _slope(seconds: Sequence[float]) -> float:
    return statistics.linear_regression(COUNTS, seconds).slope
