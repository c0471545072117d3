"""What a million rows cost the jobs of model-build-train, and how memory and time grow with the rows.

Each job runs as in SageMaker, in a process of its own with the packages of its image: those of the repository's
`.venv`, which `make check-mine` makes. Time is that of the processor, all threads together: who shares a machine waits.
"""

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

REPOSITORY = Path(__file__).parents[2] / "seed_code" / "model-build-train" / "repository"
SIZES = (250_000, 500_000, 1_000_000)
GIB_BAR = 5.0
"""The most memory that a job may take with the most rows; an ml.m5.large, the default, has 8."""
GROWTH_BAR = 1.25
"""The most that a row may cost in memory and time with the most rows, as a multiple of its cost with the fewest."""
LIMITS = ("--max-error", "6", "--max-share-of-baseline", "0.9", "--max-share-of-approved", "1.1")
SAMPLE = "import sys; from pipelines.sample_data import sample_csv; sys.stdout.write(sample_csv(int(sys.argv[1])))"


def measured(python: Path, arguments: Sequence[str]) -> tuple[float, float]:
    """Run one job; its seconds of the processor, and its most memory in GiB."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_WAIT_POLICY": "passive"}
    process = subprocess.Popen([str(python), "-m", *arguments], env=environment, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{arguments[0]} ended with code {process.returncode}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20


def jobs(python: Path, rows: int, folder: Path) -> dict[str, tuple[float, float]]:
    """Run the three jobs on made-up rows."""
    for name in ("data", "approved"):
        (folder / name).mkdir()
    sampled = [str(python), "-c", SAMPLE, str(rows)]
    with (folder / "data" / "abalone.csv").open("w") as file:
        subprocess.run(sampled, cwd=REPOSITORY, stdout=file, check=True)
    (folder / "approved" / "approved.json").write_text(json.dumps({"version": None}))
    (folder / "hyperparameters.json").write_text("{}")
    split = folder / "split"
    found = {
        "preprocess": measured(
            python, ["abalone.preprocess", "--input-dir", f"{folder}/data", "--output-dir", f"{split}"]
        )
    }
    channels = ["--train-dir", f"{split}/train", "--validation-dir", f"{split}/validation"]
    output = ["--model-dir", f"{folder}/model", "--hyperparameters", f"{folder}/hyperparameters.json"]
    found["train"] = measured(python, ["abalone.train", *channels, *output])
    with tarfile.open(folder / "model.tar.gz", "w:gz") as archive:
        archive.add(folder / "model", arcname=".")
    inputs = ["--model", f"{folder}/model.tar.gz", "--test-dir", f"{split}/test", "--summary-dir", f"{split}/summary"]
    output = ["--approved-dir", f"{folder}/approved", "--output-dir", f"{folder}/evaluation"]
    found["evaluate"] = measured(python, ["abalone.evaluate", *inputs, *output, *LIMITS])
    return found


def main() -> int:
    """Measure, and tell whether the bars are kept."""
    python = REPOSITORY / ".venv" / "bin" / "python"
    console = Console()
    if not python.exists():
        console.print("training rows: not measured; make check-mine makes the environment of the jobs")
        return 1
    table = Table("rows", "job", "seconds", "GiB", "µs a row", "bytes a row", title="training a million rows")
    costs: dict[str, list[tuple[float, float]]] = {}
    most = 0.0
    for rows in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            for job, (seconds, gib) in jobs(python, rows, Path(folder)).items():
                costs.setdefault(job, []).append((seconds / rows, gib / rows))
                most = max(most, gib)
                table.add_row(
                    f"{rows:,}",
                    job,
                    f"{seconds:.1f}",
                    f"{gib:.2f}",
                    f"{seconds / rows * 1e6:.1f}",
                    f"{gib / rows * 2**30:,.0f}",
                )
    console.print(table)
    growth = max(last[kind] / first[kind] for first, *_, last in costs.values() for kind in (0, 1))
    console.print(f"most memory: {most:.2f} GiB (bar {GIB_BAR}); dearest row: {growth:.2f} times (bar {GROWTH_BAR})")
    return int(most > GIB_BAR or growth > GROWTH_BAR)


if __name__ == "__main__":
    sys.exit(main())
