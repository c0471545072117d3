"""Check the raw data and split it, by a seed, into train, validation and test rows.

Rows stay raw: scaling and encoding are fitted by `abalone.train` on its training rows only and are saved inside the
model, so nothing of the validation and test rows leaks into them and the endpoint takes raw rows.
"""

import argparse
import json
import math
import sys
from pathlib import Path

import numpy as np

from abalone import baseline, job, schema

SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}
FEWEST_ROWS = 20
"""Below this the error on a split is chance, and so is what is decided by it."""

SUMMARY_FILE = "summary.json"
"""What is told of the data in the evaluation report."""


def split(identical: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Return the row numbers of each split; the same for the same arguments.

    Args:
        identical: for each row a number that identical rows, and only they, share. They go to one split: a row that
            training has seen would make the test rows easier than what the model will meet.
        seed: of the order.

    Raises:
        DataError: a split has too few rows.
    """
    sizes = np.bincount(identical)
    order = np.random.default_rng(seed).permutation(len(sizes))
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    rows = np.argsort(rank[identical], kind="stable")
    ends = np.cumsum(sizes[order])
    wanted = np.cumsum([round(len(rows) * share) for share in list(SHARES.values())[:-1]])
    # The last group that begins before the end of a split still belongs to it.
    cuts = [int(ends[min(np.searchsorted(ends, end), len(ends) - 1)]) if len(ends) else 0 for end in wanted]
    found = dict(zip(SHARES, np.split(rows, cuts), strict=True))
    if few := [f"{name} {len(numbers)}" for name, numbers in found.items() if len(numbers) < FEWEST_ROWS]:
        raise schema.DataError(
            f"{len(rows)} rows, of which {len(sizes)} differ, are too few to train, validate and test: "
            f"{', '.join(few)}; each split needs {FEWEST_ROWS} (a row and its copies go to one split)"
        )
    return found


def preprocess(input_dir: Path, output_dir: Path, seed: int, most_missing: float = 0.0) -> dict[str, int]:
    """Write `<split>/<split>.csv` for each split, and `summary.json` and `baseline.json` in `summary`.

    Returns how many rows each split has.

    Args:
        input_dir: where the data is.
        output_dir: where the folders are made.
        seed: of the split.
        most_missing: largest share of the rows of a column, the label excepted, that may have no value.

    Raises:
        DataError: data that cannot be used.
    """
    if not 0 <= most_missing < 1:
        raise schema.DataError(f"the largest share of missing values is {most_missing}, must be 0 or more and below 1")
    features, labels = schema.read_labelled(input_dir, missing=most_missing > 0)
    missing = schema.missing_counts(features)
    _require_values(missing, len(labels), most_missing)
    identical = _numbered(features, labels)
    splits = split(identical, seed)
    for name, rows in splits.items():
        if (labels[rows] == labels[rows][0]).all():
            raise schema.DataError(
                f"column {schema.LABEL}: all {len(rows)} {name} rows have {labels[rows][0]:g}; there is nothing to "
                "learn, or to measure, where the answer is always the same"
            )
    counts = {name: len(rows) for name, rows in splits.items()}
    for name, rows in splits.items():
        schema.write_labelled(output_dir / name / f"{name}.csv", features[rows], labels[rows])
    summary = {
        "rows": counts,
        "identical_rows": len(labels) - int(identical.max()) - 1,
        "missing_values": missing,
        "most_missing_share": most_missing,
    }
    (output_dir / "summary").mkdir(parents=True, exist_ok=True)
    (output_dir / "summary" / SUMMARY_FILE).write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    baseline.write(output_dir / "summary" / baseline.BASELINE_FILE, features[splits["train"]])
    return counts


def _numbered(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """A number for each row, by first appearance; identical rows have the same. Two missing values are the same."""
    numbers: dict[tuple[object, ...], int] = {}
    found = np.empty(len(labels), dtype=int)
    for index, (row, label) in enumerate(zip(features.tolist(), labels.tolist(), strict=True)):
        key = (*("" if isinstance(value, float) and math.isnan(value) else value for value in row), label)
        found[index] = numbers.setdefault(key, len(numbers))
    return found


def _require_values(missing: dict[str, int], rows: int, most_missing: float) -> None:
    faults = [
        f"column {column}: {count} of {rows} rows have no value"
        for column, count in missing.items()
        if count / rows > most_missing
    ]
    if faults:
        raise schema.DataError(
            f"{'; '.join(faults)}: more than the share of {most_missing:g} that the parameter MaxMissingShare allows"
        )


def main(argv: list[str] | None = None, message_file: Path = job.PROCESSING_MESSAGE_FILE) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(allow_abbrev=False, prog="preprocess", description=__doc__)
    parser.add_argument("--input-dir", type=Path, required=True)
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most-missing", type=float, default=0.0)
    arguments = parser.parse_args(argv)

    def work() -> None:
        counts = preprocess(arguments.input_dir, arguments.output_dir, arguments.seed, arguments.most_missing)
        print("rows:", ", ".join(f"{name} {count}" for name, count in counts.items()))

    return job.run("preprocess", work, message_file)


if __name__ == "__main__":
    sys.exit(main())
