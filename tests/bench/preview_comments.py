"""What the preview comment costs, in both shapes, as a process of its own: of many resources, and of long policies."""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.figures import spread
from tests.tools.previews import made

ROUNDS = 5
SIZES = (500, 1000, 2000)
RESOURCES = SIZES[-1]
SECONDS_BAR = 1.0
"""The most of the processor that reading and rendering the largest preview may take."""
MEGABYTES_BAR = 200
"""The most memory that a process may have held at once meanwhile."""
POLICIES = 10_000
"""Resources of a preview of which a quarter change policies, each of forty statements."""
POLICIES_SECONDS_BAR = 30.0
POLICIES_MEGABYTES_BAR = 500

_MEASURED = """
import re, sys, time
from pathlib import Path
from tools.preview_comment.comment import CODECOMMIT, GITHUB, render
from tools.preview_comment.engine_output import read
started = time.process_time()
preview = read(Path(sys.argv[1]).read_text(encoding="utf-8"), "dev")
bodies = render([preview], {"github": GITHUB, "codecommit": CODECOMMIT}[sys.argv[2]])
seconds = time.process_time() - started
assert len(preview.steps) == int(sys.argv[3]), len(preview.steps)
# Not getrusage: its figure outlives exec, and is the measuring process's where that is larger.
print(seconds, int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024)
"""


@dataclass(frozen=True)
class Case:
    """One preview in one shape, for one place."""

    resources: int
    shape: str
    place: str = "github"
    rounds: int = ROUNDS


@dataclass(frozen=True)
class Cost:
    """What one process took."""

    seconds: float
    """Of the processor, for reading and rendering, without the start of Python."""
    megabytes: float
    """The most memory at once, that of Python included."""


def main() -> int:
    """Measure, print, and return 1 where a bar is missed."""
    console = Console(highlight=False)
    cases = [Case(size, shape) for size in SIZES for shape in ("digest", "events")]
    cases.append(Case(RESOURCES, "digest", "codecommit"))
    cases += [Case(POLICIES, shape, rounds=1) for shape in ("digest", "events")]
    costs: dict[Case, list[Cost]] = {case: [] for case in cases}
    with tempfile.TemporaryDirectory() as folder:
        sizes = (*SIZES, POLICIES)
        files = {(size, shape): _written(Path(folder), size, shape) for size in sizes for shape in ("digest", "events")}
        for turn in range(ROUNDS):
            for case in (case for case in cases if turn < case.rounds):
                costs[case].append(_measure(files[case.resources, case.shape], case))
    return _report(costs, console)


def _written(folder: Path, size: int, shape: str) -> Path:
    text = made.large(size, statements=40 if size == POLICIES else 1)
    path = folder / f"{shape}-{size}"
    path.write_text(text if shape == "digest" else made.many(json.loads(text)["steps"]), encoding="utf-8")
    return path


def _measure(path: Path, case: Case) -> Cost:
    command = [sys.executable, "-c", _MEASURED, str(path), case.place, str(case.resources)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, megabytes = done.stdout.split()
    return Cost(float(seconds), float(megabytes))


def _report(costs: Mapping[Case, Sequence[Cost]], console: Console) -> int:
    table = Table("resources", "shape", "for", "CPU s", "MB", title="the comment of a preview")
    for case, measured in costs.items():
        table.add_row(
            str(case.resources),
            case.shape,
            case.place,
            spread([cost.seconds for cost in measured]),
            spread([cost.megabytes for cost in measured], 0),
        )
    console.print(table)
    largest = [measured for case, measured in costs.items() if case.resources == RESOURCES]
    seconds = max(statistics.median(cost.seconds for cost in measured) for measured in largest)
    megabytes = max(cost.megabytes for measured in largest for cost in measured)
    policies = [cost for case, measured in costs.items() if case.resources == POLICIES for cost in measured]
    verdicts = {
        f"the comment of {RESOURCES} resources takes under {SECONDS_BAR:g} CPU s": seconds < SECONDS_BAR,
        f"and under {MEGABYTES_BAR} MB": megabytes < MEGABYTES_BAR,
        f"that of {POLICIES} resources, a quarter of which change policies of 40 statements, takes under "
        f"{POLICIES_SECONDS_BAR:g} CPU s": max(cost.seconds for cost in policies) < POLICIES_SECONDS_BAR,
        f"and under {POLICIES_MEGABYTES_BAR} MB, too": max(cost.megabytes for cost in policies)
        < POLICIES_MEGABYTES_BAR,
    }
    for bar, met in verdicts.items():
        console.print(f"{'met   ' if met else 'MISSED'}  {bar}")
    return 0 if all(verdicts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
