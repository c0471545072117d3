"""Fit one pipeline (encode, scale, boosted trees) and save it with the code that serves it.

The candidates differ in the size of their trees; the validation rows choose among them. The model directory becomes
`model.tar.gz`:

    model.joblib        the fitted pipeline: raw rows in, rings out
    code/inference.py   what the endpoint imports, and code/abalone, which it needs
"""

import argparse
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import joblib
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import mean_squared_error
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from abalone import inference, job, schema

HYPERPARAMETERS_FILE = Path("/opt/ml/input/config/hyperparameters.json")
CHANNELS = Path("/opt/ml/input/data")
MODEL_FILE = "model.joblib"
TREE_SIZES = (7, 15, 31)
"""Most leaves of a tree, one candidate each."""


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """What an execution of the pipeline may choose. SageMaker hands them over as text."""

    learning_rate: float = 0.05
    max_iter: int = 150
    seed: int = 0

    @classmethod
    def read(cls, path: Path) -> "Hyperparameters":
        """Read SageMaker's hyperparameters file; what it leaves out has its default.

        Raises:
            DataError: no such file, an unknown name, or a value that is not allowed.
        """
        try:
            given = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise schema.DataError(f"the hyperparameters file {path} cannot be read: {error}") from error
        if not isinstance(given, dict):
            raise schema.DataError(f"the hyperparameters file {path} must hold an object, not {given!r:.40}")
        allowed = {
            "learning_rate": (float, lambda value: 0 < value <= 1, "a number above 0, at most 1"),
            "max_iter": (int, lambda value: 1 <= value <= 5000, "a whole number from 1 to 5000"),
            "seed": (int, lambda value: 0 <= value < 2**32, "a whole number from 0 to 4294967295"),
        }
        values, faults = {}, []
        for name, text in given.items():
            if name.startswith(("_", "sagemaker_")):  # SageMaker's own: what a tuning job asks for, and its script mode
                continue
            if name not in allowed:
                faults.append(f"{name} is not a hyperparameter (they are {', '.join(allowed)})")
                continue
            kind, valid, meaning = allowed[name]
            try:
                values[name] = kind(text)
            except (TypeError, ValueError):
                values[name] = None
            if values[name] is None or not valid(values[name]):
                faults.append(f"{name} is {text!r}, must be {meaning}")
        if faults:
            raise schema.DataError("; ".join(faults))
        return cls(**values)


def build_model(max_leaf_nodes: int, hyperparameters: Hyperparameters) -> Pipeline:
    """Return an unfitted pipeline that takes raw rows as `abalone.schema` makes them."""
    encode = ColumnTransformer(
        [
            # A missing sex, which the schema alone lets through, is none of the three.
            ("sex", OneHotEncoder(categories=[list(schema.SEXES)], sparse_output=False, handle_unknown="ignore"), [0]),
            ("measures", StandardScaler(), list(range(1, len(schema.FEATURES)))),
        ]
    )
    regressor = HistGradientBoostingRegressor(
        learning_rate=hyperparameters.learning_rate,
        max_iter=hyperparameters.max_iter,
        max_leaf_nodes=max_leaf_nodes,
        early_stopping=False,
        random_state=hyperparameters.seed,
    )
    return make_pipeline(encode, regressor)


def train(train_dir: Path, validation_dir: Path, model_dir: Path, hyperparameters: Hyperparameters) -> float:
    """Fit the candidates, save the best with its serving code, and return its mean squared validation error.

    Raises:
        DataError: data that cannot be used.
    """
    # Whether values may be missing, preprocessing has decided; the trees learn where such rows belong.
    features, labels = schema.read_labelled(train_dir, missing=True)
    validation_features, validation_labels = schema.read_labelled(validation_dir, missing=True)
    candidates = []
    for size in TREE_SIZES:
        model = build_model(size, hyperparameters).fit(features, labels)
        error = float(mean_squared_error(validation_labels, model.predict(validation_features)))
        print(f"max_leaf_nodes={size}: validation mse {error:.4f}")
        candidates.append((error, size, model))
    best_error, best_size, best = min(candidates, key=lambda candidate: candidate[:2])
    # The endpoint takes missing values only where training has seen some.
    setattr(best, inference.TAKES_MISSING, bool(schema.missing_counts(features)))
    model_dir.mkdir(parents=True, exist_ok=True)
    joblib.dump(best, model_dir / MODEL_FILE)
    _save_serving_code(model_dir / "code")
    # The next two lines are what the training job's metric definitions look for.
    print(f"validation:mse={best_error:.6f};")
    print(f"model:max_leaf_nodes={best_size};")
    return best_error


def _save_serving_code(code_dir: Path) -> None:
    package = Path(__file__).parent
    target = code_dir / package.name
    shutil.copytree(package, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(package / "inference.py", code_dir / "inference.py")


def main(argv: list[str] | None = None, message_file: Path = job.TRAINING_FAILURE_FILE) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(allow_abbrev=False, prog="train", description=__doc__.split("\n", maxsplit=1)[0])
    # The defaults are where SageMaker puts a job's channels and takes its model.
    parser.add_argument("--train-dir", type=Path, default=CHANNELS / "train")
    parser.add_argument("--validation-dir", type=Path, default=CHANNELS / "validation")
    parser.add_argument("--model-dir", type=Path, default=Path("/opt/ml/model"))
    parser.add_argument("--hyperparameters", type=Path, default=HYPERPARAMETERS_FILE)
    arguments = parser.parse_args(argv)

    def work() -> None:
        train(
            arguments.train_dir,
            arguments.validation_dir,
            arguments.model_dir,
            Hyperparameters.read(arguments.hyperparameters),
        )

    return job.run("train", work, message_file)


if __name__ == "__main__":
    sys.exit(main())
