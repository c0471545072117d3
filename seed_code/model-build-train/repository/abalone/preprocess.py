"""Check the raw data and split it, by a seed, into train, validation and test rows.

Rows stay raw: scaling and encoding are fitted by `abalone.train` on its training rows only and are saved inside the
model, so nothing of the validation and test rows leaks into them and the endpoint takes raw rows.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from abalone import job, schema

SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}
FEWEST_ROWS = 40
"""Below this a split has too few rows for its error to mean anything."""


def split(rows: int, seed: int) -> dict[str, np.ndarray]:
    """Return the row numbers of each split; the same for the same arguments.

    Raises:
        DataError: too few rows.
    """
    if rows < FEWEST_ROWS:
        raise schema.DataError(
            f"{rows} rows are too few to train, validate and test; at least {FEWEST_ROWS} are needed"
        )
    order = np.random.default_rng(seed).permutation(rows)
    ends = np.cumsum([round(rows * share) for share in list(SHARES.values())[:-1]])
    return dict(zip(SHARES, np.split(order, ends), strict=True))


def preprocess(input_dir: Path, output_dir: Path, seed: int) -> dict[str, int]:
    """Write `<split>/<split>.csv` for each split and return how many rows each has.

    Raises:
        DataError: data that cannot be used.
    """
    features, labels = schema.read_labelled(input_dir)
    splits = split(len(labels), seed)
    for name, rows in splits.items():
        schema.write_labelled(output_dir / name / f"{name}.csv", features[rows], labels[rows])
    return {name: len(rows) for name, rows in splits.items()}


def main(argv: list[str] | None = None, message_file: Path = job.PROCESSING_MESSAGE_FILE) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(allow_abbrev=False, prog="preprocess", description=__doc__)
    parser.add_argument("--input-dir", type=Path, required=True)
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(argv)

    def work() -> None:
        counts = preprocess(arguments.input_dir, arguments.output_dir, arguments.seed)
        print("rows:", ", ".join(f"{name} {count}" for name, count in counts.items()))

    return job.run("preprocess", work, message_file)


if __name__ == "__main__":
    sys.exit(main())
