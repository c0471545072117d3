"""Measure the trained model on the test rows and write the report that decides about registration."""

import argparse
import io
import json
import sys
import tarfile
from pathlib import Path

import joblib
import numpy as np
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score
from sklearn.pipeline import Pipeline

from abalone import job, schema
from abalone.train import MODEL_FILE

REPORT_FILE = "evaluation.json"


def load_model(archive: Path) -> Pipeline:
    """Return the pipeline in a `model.tar.gz`, reading that one member and unpacking nothing.

    It is a pickle: only an archive that this project's own training job made is loaded.

    Raises:
        DataError: no archive, or one without the model.
    """
    try:
        with tarfile.open(archive, "r:gz") as tar:
            member = next((name for name in tar.getnames() if name.removeprefix("./") == MODEL_FILE), None)
            if member is None:
                raise schema.DataError(f"{archive.name} holds no {MODEL_FILE}; the training step makes it")
            return joblib.load(io.BytesIO(tar.extractfile(member).read()))
    except (OSError, tarfile.TarError, EOFError) as error:
        raise schema.DataError(f"the model archive {archive} cannot be read: {error}") from error


def evaluate(archive: Path, test_dir: Path, output_dir: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Write `evaluation.json`, in the shape that SageMaker's model metrics have, and return it.

    `baseline_mse` is the error of always answering the mean: a model that does not beat it has learnt nothing.

    Raises:
        DataError: data or a model that cannot be used.
    """
    model = load_model(archive)
    features, labels = schema.read_labelled(test_dir)
    predictions = model.predict(features)
    squared = (predictions - labels) ** 2
    report = {
        "regression_metrics": {
            "mse": {
                "value": float(mean_squared_error(labels, predictions)),
                "standard_deviation": float(np.std(squared)),
            },
            "mae": {"value": float(mean_absolute_error(labels, predictions))},
            "r2": {"value": float(r2_score(labels, predictions))},
            "baseline_mse": {"value": float(np.var(labels))},
        }
    }
    output_dir.mkdir(parents=True, exist_ok=True)
    (output_dir / REPORT_FILE).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return report


def main(argv: list[str] | None = None, message_file: Path = job.PROCESSING_MESSAGE_FILE) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(allow_abbrev=False, prog="evaluate", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="model.tar.gz")
    parser.add_argument("--test-dir", type=Path, required=True)
    parser.add_argument("--output-dir", type=Path, required=True)
    arguments = parser.parse_args(argv)

    def work() -> None:
        print(json.dumps(evaluate(arguments.model, arguments.test_dir, arguments.output_dir)))

    return job.run("evaluate", work, message_file)


if __name__ == "__main__":
    sys.exit(main())
