"""What packaging costs: both products, beside `zip -r` and `git archive`, and how it grows with the files of a folder.

`git archive` has what it packs in its object store already and checks nothing; `zip -r` checks nothing either. Time is
that of the processor.
"""

import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from components.packaging import read_product
from tests.bench.figures import ratios, spread

SEED_CODE = Path(__file__).parents[2] / "seed_code"
PRODUCTS = ("model-build-train", "model-deploy")
ROUNDS = 9
SIZES = (625, 1250, 2500, 5000)
SECONDS_BAR = 1.0
"""The most of the processor that packaging both products may take."""
GROWTH_BAR = 1.25
"""The most that a file may cost in the largest folder, as a multiple of its cost in the smallest."""
TEMPLATE = """\
Parameters:
  SageMakerProjectName: {Type: String}
  SageMakerProjectId: {Type: String}
Resources:
  Repository: {Type: AWS::CodeCommit::Repository}
"""
DESCRIPTION = """\
name: Many files
description: A folder of many files.
owner: bench
support: {description: none, email: bench@example.com, url: https://example.com}
version: "1"
seed: none
"""


def main() -> int:
    """Measure, print, and return 1 where a bar is missed."""
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folders = {size: _folder_of(folder / f"files-{size}", size) for size in SIZES}
        seconds = _measure(_cases(folders, folder))
    return _report(seconds, console)


def _cases(folders: Mapping[int, Path], scratch: Path) -> Mapping[str, Callable[[], object]]:
    products = [SEED_CODE / name for name in PRODUCTS]
    cases: dict[str, Callable[[], object]] = {"products": lambda: [_package(product) for product in products]}
    for size, product in folders.items():
        cases[f"package {size}"] = partial(_package, product)
        cases[f"zip {size}"] = _command(["zip", "-q", "-0", "-r", str(scratch / "seed.zip"), "."], product, scratch)
        cases[f"git {size}"] = _command(["git", "archive", "--format=zip", "-0", "HEAD"], product, scratch)
    return cases


def _package(folder: Path) -> bytes:
    """All that a release needs of a folder: read, checked, rendered and zipped."""
    product = read_product(folder)
    product.render(product.environment)
    return product.seed_zip()


def _command(command: Sequence[str], product: Path, scratch: Path) -> Callable[[], object]:
    def run() -> None:
        (scratch / "seed.zip").unlink(missing_ok=True)
        subprocess.run(command, cwd=product / "repository", stdout=subprocess.DEVNULL, check=True)

    return run if shutil.which(command[0]) else lambda: None


def _folder_of(folder: Path, size: int) -> Path:
    """A product whose repository has so many files of 2 KB, 50 in a folder, and is committed to git."""
    repository = folder / "repository"
    for number in range(size):
        path = repository / f"package_{number // 50}" / f"module_{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"VALUE_{number} = {number}\n" * 100)
    (repository / ".gitignore").write_text("*.log\n/data/\nbuild/\n!/src/\n.coverage\ndist/\n*.egg-info/\n")
    (folder / "product.yaml").write_text(DESCRIPTION)
    (folder / "template.yaml").write_text(TEMPLATE)
    if shutil.which("git"):
        identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.com"]
        for arguments in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "all"]):
            subprocess.run(["git", *arguments], cwd=repository, check=True)
    return folder


def _measure(cases: Mapping[str, Callable[[], object]]) -> Mapping[str, Sequence[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    # Round by round, so that a slow minute of the machine slows all cases alike; the first round warms up.
    for turn in range(ROUNDS + 1):
        for name, case in cases.items():
            before = _cpu_seconds()
            case()
            if turn:
                seconds[name].append(_cpu_seconds() - before)
    return seconds


def _cpu_seconds() -> float:
    """What this process and the commands that it has run have taken so far."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def _report(seconds: Mapping[str, Sequence[float]], console: Console) -> int:
    table = Table(
        "files",
        "packaging, CPU s",
        "/ zip -r",
        "/ git archive",
        "ms a file",
        title="packaging a folder, without compression",
    )
    for size in SIZES:
        own = seconds[f"package {size}"]
        others = [
            spread(ratios(own, seconds[f"{tool} {size}"])) if shutil.which(tool) else "not installed"
            for tool in ("zip", "git")
        ]
        table.add_row(str(size), spread(own), *others, spread([value / size * 1000 for value in own]))
    console.print(table)
    least, most = SIZES[0], SIZES[-1]
    growth = [value * least / most for value in ratios(seconds[f"package {most}"], seconds[f"package {least}"])]
    console.print(f"cost of a file, {most} files / {least} files: {spread(growth)} (1 is a straight line)")
    console.print(f"both products: {spread(seconds['products'], 3)} CPU s")
    verdicts = {
        f"packaging both products takes under {SECONDS_BAR:g} CPU s": statistics.median(seconds["products"])
        < SECONDS_BAR,
        f"a file costs at most {GROWTH_BAR} times as much in a folder of {most}": statistics.median(growth)
        <= GROWTH_BAR,
    }
    for bar, met in verdicts.items():
        console.print(f"{'met   ' if met else 'MISSED'}  {bar}")
    return 0 if all(verdicts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
