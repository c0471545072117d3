"""The pipeline on this machine: the same steps with the same parameters, then one request, and no call to AWS.

It answers in seconds what an execution answers in minutes: whether the data can be read, whether the model keeps the
conditions, and whether the archive serves. `make pipeline-local` runs it; `local_run.ipynb` runs it step by step.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from abalone import evaluate, preprocess, schema, train
from abalone.inference import CSV
from pipelines.jobs import parameters
from pipelines.sample_data import sample_csv

FOLDER = Path("local-run")
EXAMPLE = "M,0.455,0.365,0.095,0.514,0.2245,0.101,0.15"

SERVE = """
import sys, inference
model = inference.model_fn(sys.argv[1])
status, body, _ = inference.answer(model, sys.stdin.read(), sys.argv[2], None)
print(body)
sys.exit(0 if status == 200 else 1)
"""
"""Answers one request as the endpoint does, with nothing on the path but what the archive holds."""


@dataclass(frozen=True, kw_only=True)
class LocalRun:
    """The steps, each with its results in a folder of its own name below `folder`."""

    folder: Path = FOLDER
    data: Path | None = None
    """A folder of CSV files; none: the sample data."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """Parameters of the pipeline that differ from their defaults, such as `{"MaxIterations": 50}`."""

    def parameter(self, name: str) -> Any:
        """The value of a parameter of the pipeline."""
        defaults = {each["Name"]: each["DefaultValue"] for each in parameters("")}
        return {**defaults, **self.parameters}[name]

    def preprocess(self) -> dict[str, int]:
        """Check and split the rows; return how many each split has. What a former run has left goes first."""
        for name in ("preprocess", "train", "evaluate"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        data = self.data
        if data is None:
            data = self.folder / "data"
            data.mkdir(parents=True, exist_ok=True)
            (data / "abalone.csv").write_text(sample_csv(), encoding="utf-8")
        return preprocess.preprocess(
            data, self.folder / "preprocess", self.parameter("Seed"), self.parameter("MaxMissingShare")
        )

    def train(self) -> float:
        """Train, and pack the archive as SageMaker does; return the mean squared error on the validation rows."""
        rows, model = self.folder / "preprocess", self.folder / "train/model"
        hyperparameters = train.Hyperparameters(
            learning_rate=self.parameter("LearningRate"),
            max_iter=self.parameter("MaxIterations"),
            seed=self.parameter("Seed"),
        )
        error = train.train(rows / "train", rows / "validation", model, hyperparameters)
        with tarfile.open(self.folder / "train/model.tar.gz", "w:gz") as archive:
            archive.add(model, arcname=".")
        return error

    def evaluate(self) -> Any:
        """Measure the model on the test rows; return the report. There is no approved version to compare with."""
        approved = self.folder / "approved"
        approved.mkdir(exist_ok=True)
        told = {"version": None, "why": "a local run asks no registry"}
        (approved / evaluate.APPROVED_FILE).write_text(json.dumps(told), encoding="utf-8")
        return evaluate.evaluate(
            self.folder / "train/model.tar.gz",
            test_dir=self.folder / "preprocess/test",
            approved_dir=approved,
            summary_dir=self.folder / "preprocess/summary",
            output_dir=self.folder / "evaluate",
            limits=evaluate.Limits(
                error=self.parameter("MaxMeanSquaredError"),
                share_of_baseline=self.parameter("MaxShareOfBaselineError"),
                share_of_approved=self.parameter("MaxShareOfApprovedError"),
            ),
        )

    def answer(self, request: str, content_type: str = CSV) -> str:
        """Unpack the archive, let it answer a request in a process of its own, and return the answer.

        Raises:
            DataError: the answer is a refusal.
        """
        served = self.folder / "serve"
        shutil.rmtree(served, ignore_errors=True)
        with tarfile.open(self.folder / "train/model.tar.gz") as archive:
            archive.extractall(served, filter="data")
        done = subprocess.run(  # noqa: S603 - this interpreter
            [sys.executable, "-c", SERVE, str(served), content_type],
            input=request,
            env={**os.environ, "PYTHONPATH": str((served / "code").resolve())},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise schema.DataError(f"the model does not answer {request!r}: {done.stdout or done.stderr}".rstrip())
        return done.stdout.strip()


def summary(report: Any) -> str:
    """Return what a person reads of an evaluation report: each condition, and what became of it."""
    lines = [
        f"  {name:<18} {told['value']:8.4f}  at most {told['limit']:<6g} {'met' if told['met'] else 'NOT MET'}"
        for name, told in report["conditions"].items()
    ]
    return "\n".join(["conditions:", *lines])


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code: 1 where the pipeline would register nothing."""
    parser = argparse.ArgumentParser(allow_abbrev=False, prog="make pipeline-local", description=__doc__)
    parser.add_argument("--data", type=Path, help="a folder of CSV files; without it, the sample data")
    arguments = parser.parse_args(argv)
    started = monotonic()
    run = LocalRun(data=arguments.data)
    try:
        rows = run.preprocess()
        print("Preprocess:", ", ".join(f"{name} {count}" for name, count in rows.items()), "rows")
        run.train()
        report = run.evaluate()
        answer = run.answer(EXAMPLE)
    except schema.DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    met = all(told["met"] for told in report["conditions"].values())
    print(summary(report))
    print(f"request {EXAMPLE}: {answer} rings")
    print(f"{monotonic() - started:.0f} seconds; report: {run.folder}/evaluate/{evaluate.REPORT_FILE}")
    if met:
        print("Next: commit and push. The build runs these steps in SageMaker and registers a version for approval.")
    else:
        print("Next: change model, data or limit (pipelines/definition.py). In SageMaker it would end in ErrorTooHigh.")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
