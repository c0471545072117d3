"""What the training rows look like, column by column: what requests to the endpoint are later compared with.

    {"version": 1, "rows": 2924, "columns": {
        "sex": {"kind": "category", "missing": 0.0, "values": {"F": 0.31, "I": 0.32, "M": 0.37}},
        "length": {"kind": "numeric", "missing": 0.0, "edges": [nine deciles], "shares": [ten shares]}, ...}}

`missing` is a share of all rows; the other shares are of the rows that have a value, and add up to 1. An edge belongs
to the interval above it (`numpy.searchsorted` with `side="right"`), so equal deciles, of a column with few values,
leave empty intervals. A column without any value has no edges, shares or values.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from abalone import schema

BASELINE_FILE = "baseline.json"
DECILES = np.linspace(0.1, 0.9, 9)


def describe(features: np.ndarray) -> dict[str, Any]:
    """Return the statistics of rows as `abalone.schema` makes them."""
    columns = {"sex": _category(features[:, 0])}
    columns |= {
        name: _numeric(features[:, index].astype(float)) for index, name in enumerate(schema.NUMERIC_FEATURES, start=1)
    }
    return {"version": 1, "rows": len(features), "columns": columns}


def write(path: Path, features: np.ndarray) -> None:
    """Write the statistics as JSON."""
    path.write_text(json.dumps(describe(features), indent=2) + "\n", encoding="utf-8")


def _category(values: np.ndarray) -> dict[str, Any]:
    present = values[values != ""].astype(str)
    names, counts = np.unique(present, return_counts=True)
    shares = (counts / max(len(present), 1)).tolist()
    return {
        "kind": "category",
        "missing": 1 - len(present) / len(values),
        "values": dict(zip(names.tolist(), shares, strict=True)),
    }


def _numeric(values: np.ndarray) -> dict[str, Any]:
    present = values[~np.isnan(values)]
    edges = np.quantile(present, DECILES) if len(present) else np.array([])
    intervals = np.searchsorted(edges, present, side="right")
    counts = np.bincount(intervals, minlength=len(DECILES) + 1) if len(present) else np.array([])
    return {
        "kind": "numeric",
        "missing": 1 - len(present) / len(values),
        "edges": edges.tolist(),
        "shares": (counts / max(len(present), 1)).tolist(),
    }
