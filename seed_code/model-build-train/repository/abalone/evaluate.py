"""Measure the trained model on the test rows and write the report that decides about registration."""

import argparse
import gzip
import io
import json
import math
import pickle
import shutil
import sys
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score
from sklearn.pipeline import Pipeline

from abalone import job, schema
from abalone.baseline import BASELINE_FILE
from abalone.preprocess import SUMMARY_FILE
from abalone.train import MODEL_FILE

REPORT_FILE = "evaluation.json"
PAYLOAD_FILE = "payload.tar.gz"
"""Some test rows as a request has them: an archive, because the registry takes no other kind of sample."""
PAYLOAD_ROWS = 10

APPROVED_FILE = "approved.json"
"""What the build says of the newest approved version: `{"version": 3, "model": "model.tar.gz"}`, or no version."""

UNREADABLE = (OSError, tarfile.TarError, EOFError, zlib.error, pickle.UnpicklingError)
UNLOADABLE = (AttributeError, ImportError, IndexError, KeyError, TypeError, ValueError)
"""What a pickle raises that is broken, or that another release of a package has written."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a model must keep to be registered; each is a condition of the pipeline."""

    error: float
    """Largest mean squared error."""
    share_of_baseline: float
    """Largest error as a share of that of always answering the mean."""
    share_of_approved: float
    """Largest error as a share of that of the newest approved version, on the same rows."""

    def require_numbers(self) -> None:
        """Refuse what compares with nothing.

        Raises:
            DataError: a limit that is not a finite number above 0.
        """
        faults = [
            f"{name} is {value}" for name, value in vars(self).items() if not (math.isfinite(value) and value > 0)
        ]
        if faults:
            raise schema.DataError(f"the limits must be finite numbers above 0: {', '.join(faults)}")


def load_model(archive: Path) -> Pipeline:
    """Return the pipeline in a `model.tar.gz`, reading that one member and unpacking nothing.

    It is a pickle: only an archive that this project's own training job made is loaded.

    Raises:
        DataError: no archive, or one without the model.
    """
    try:
        with tarfile.open(archive, "r:gz") as tar:
            member = next((one for one in tar if one.isfile() and one.name.removeprefix("./") == MODEL_FILE), None)
            content = tar.extractfile(member).read() if member else None
        if content is None:
            raise schema.DataError(f"{archive.name} holds no {MODEL_FILE}; the training step makes it")
        return joblib.load(io.BytesIO(content))
    except schema.DataError:
        raise
    except (*UNREADABLE, *UNLOADABLE) as error:
        raise schema.DataError(f"the model archive {archive} cannot be read: {error}") from error


def evaluate(
    archive: Path, *, test_dir: Path, approved_dir: Path, summary_dir: Path, output_dir: Path, limits: Limits
) -> Any:
    """Write `evaluation.json` and return it; beside it the statistics of the training rows, and a sample request.

    `regression_metrics` has the shape of SageMaker's model metrics. `baseline_mse` is the error of always answering the
    mean: a model that does not beat it has learnt nothing. `approved` is the newest approved version, measured on the
    same test rows, for an error on other rows is no comparison; where there is none, or it cannot answer these rows, it
    says so, and nothing is compared. `conditions` tells each limit, and whether the model keeps it.

    Raises:
        DataError: data or a model that cannot be used.
    """
    limits.require_numbers()
    model = load_model(archive)
    features, labels = schema.read_labelled(test_dir, missing=True)
    predictions = model.predict(features)
    squared = (predictions - labels) ** 2
    error, baseline = float(mean_squared_error(labels, predictions)), float(np.var(labels))
    approved = _approved(approved_dir, features, labels)
    shares = {
        "share_of_baseline": _share(error, baseline),
        # With no approved version to compare with there is nothing to be worse than.
        "share_of_approved": _share(error, approved["mse"]) if approved["compared"] else 0.0,
    }
    report = {
        "regression_metrics": {
            "mse": {"value": error, "standard_deviation": float(np.std(squared))},
            "mae": {"value": float(mean_absolute_error(labels, predictions))},
            "r2": {"value": float(r2_score(labels, predictions))},
            "baseline_mse": {"value": baseline},
        },
        "conditions": {
            name: {"value": value, "limit": limit, "met": value <= limit}
            for name, value, limit in (
                ("error", error, limits.error),
                ("share_of_baseline", shares["share_of_baseline"], limits.share_of_baseline),
                ("share_of_approved", shares["share_of_approved"], limits.share_of_approved),
            )
        },
        "approved": approved,
        "data": _json_object(summary_dir / SUMMARY_FILE),
    }
    output_dir.mkdir(parents=True, exist_ok=True)
    (output_dir / REPORT_FILE).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    try:
        shutil.copyfile(summary_dir / BASELINE_FILE, output_dir / BASELINE_FILE)
    except OSError as error:
        raise schema.DataError(f"{BASELINE_FILE} cannot be read: {error}") from error
    _write_payload(output_dir / PAYLOAD_FILE, features[:PAYLOAD_ROWS])
    return report


def _write_payload(path: Path, features: np.ndarray) -> None:
    """Write `payload.csv` into an archive: raw rows without a label, the same bytes for the same rows."""
    text = io.StringIO()
    schema.write_rows(text, schema.FEATURES, features.tolist())
    content = text.getvalue().encode()
    member = tarfile.TarInfo("payload.csv")
    member.size = len(content)
    with (
        path.open("wb") as file,
        gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        archive.addfile(member, io.BytesIO(content))


def _share(error: float, of: float) -> float:
    """One error as a share of another; where that one is 0, only 0 is not worse. A report holds no infinity."""
    if of > 0:
        return error / of
    return 1.0 if error == 0 else sys.float_info.max


def _approved(directory: Path, features: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    told = _json_object(directory / APPROVED_FILE)
    version = told.get("version")
    if version is None:
        return {"compared": False, "why": str(told.get("why", "no version is approved"))}
    try:
        predictions = load_model(directory / str(told.get("model", ""))).predict(features)
    except (schema.DataError, *UNLOADABLE) as error:
        return {"compared": False, "version": version, "why": f"it cannot answer these rows: {error}"}
    return {"compared": True, "version": version, "mse": float(mean_squared_error(labels, predictions))}


def _json_object(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise schema.DataError(f"{path.name} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise schema.DataError(f"{path.name} must hold an object")
    return found


def main(argv: list[str] | None = None, message_file: Path = job.PROCESSING_MESSAGE_FILE) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(allow_abbrev=False, prog="evaluate", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="model.tar.gz")
    parser.add_argument("--test-dir", type=Path, required=True)
    parser.add_argument("--approved-dir", type=Path, required=True, help=f"holds {APPROVED_FILE}")
    parser.add_argument("--summary-dir", type=Path, required=True, help=f"holds {SUMMARY_FILE}")
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--max-error", type=float, required=True)
    parser.add_argument("--max-share-of-baseline", type=float, required=True)
    parser.add_argument("--max-share-of-approved", type=float, required=True)
    arguments = parser.parse_args(argv)
    limits = Limits(
        error=arguments.max_error,
        share_of_baseline=arguments.max_share_of_baseline,
        share_of_approved=arguments.max_share_of_approved,
    )

    def work() -> None:
        report = evaluate(
            arguments.model,
            test_dir=arguments.test_dir,
            approved_dir=arguments.approved_dir,
            summary_dir=arguments.summary_dir,
            output_dir=arguments.output_dir,
            limits=limits,
        )
        print(json.dumps(report))

    return job.run("evaluate", work, message_file)


if __name__ == "__main__":
    sys.exit(main())
