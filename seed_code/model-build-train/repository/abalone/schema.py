"""The columns of the data, and how rows of text become arrays.

Every script and the endpoint read rows through this module, so a row is valid everywhere or nowhere.
"""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

SEXES = ("F", "I", "M")
"""Female, infant, male."""

NUMERIC_FEATURES = (
    "length",
    "diameter",
    "height",
    "whole_weight",
    "shucked_weight",
    "viscera_weight",
    "shell_weight",
)
FEATURES = ("sex", *NUMERIC_FEATURES)
LABEL = "rings"
COLUMNS = (*FEATURES, LABEL)

SHOWN_FAULTS = 5


class DataError(ValueError):
    """The data cannot be used; the message says where, why, and what is allowed."""


def read_csv_text(text: str, columns: Sequence[str], source: str) -> list[tuple[int, list[str]]]:
    """Return `(line number, cells in the order of columns)` for each row of a CSV text.

    A first line that holds a column's name is a header: its columns may stand in any order, and further columns are
    left out. Without a header the cells must be exactly `columns`, in that order, as in the published data set.

    Raises:
        DataError: no rows, a column missing or doubled, or a row of another length.
    """
    reader = csv.reader(io.StringIO(text))
    try:
        lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader if cells]
    except csv.Error as error:
        raise DataError(f"{source}: line {reader.line_num} is not CSV: {error}") from error
    if not lines:
        raise DataError(f"{source}: the file is empty; expected rows of {', '.join(columns)}")
    first = [cell.lower() for cell in lines[0][1]]
    if set(first) & set(COLUMNS):
        order = _header_order(first, columns, source)
        width = len(first)
        lines = lines[1:]
        if not lines:
            raise DataError(f"{source}: there is a header but no row below it")
    else:
        order = list(range(len(columns)))
        width = len(columns)
    for number, cells in lines:
        if len(cells) != width:
            raise DataError(f"{source}: line {number} has {len(cells)} columns, expected {width}: {', '.join(columns)}")
    return [(number, [cells[index] for index in order]) for number, cells in lines]


def _header_order(header: list[str], columns: Sequence[str], source: str) -> list[int]:
    missing = [column for column in columns if column not in header]
    if missing:
        raise DataError(
            f"{source}: missing column{'s'[: len(missing) > 1]} {', '.join(missing)}; "
            f"the header has {', '.join(header)}"
        )
    doubled = [column for column in columns if header.count(column) > 1]
    if doubled:
        raise DataError(f"{source}: column {', '.join(doubled)} stands more than once in the header")
    return [header.index(column) for column in columns]


def features_from_rows(rows: Iterable[tuple[int, Sequence[object]]], source: str) -> np.ndarray:
    """Return an object array of shape (rows, 8), the sex first, from `(line number, cells)` pairs.

    Raises:
        DataError: cells that are not a sex or not a finite number of 0 or more; the first five are named.
    """
    faults: list[str] = []
    features: list[list[object]] = []
    for number, cells in rows:
        sex, *measures = cells
        if sex not in SEXES:
            faults.append(f"line {number}, column sex: {_shown(sex)} is none of {', '.join(SEXES)}")
        features.append([sex, *_numbers(zip(NUMERIC_FEATURES, measures, strict=True), number, faults)])
    _raise_faults(faults, source)
    return np.array(features, dtype=object)


def labels_from_rows(rows: Iterable[tuple[int, object]], source: str) -> np.ndarray:
    """Return the labels as a float array from `(line number, cell)` pairs.

    Raises:
        DataError: as `features_from_rows`.
    """
    faults: list[str] = []
    labels = [_numbers([(LABEL, cell)], number, faults)[0] for number, cell in rows]
    _raise_faults(faults, source)
    return np.array(labels, dtype=float)


def read_labelled(directory: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return features and labels of all `.csv` files of a directory, in the order of their names.

    Raises:
        DataError: no such file, or a file that cannot be used.
    """
    paths = sorted(directory.glob("*.csv"))
    if not paths:
        raise DataError(f"{directory}: there is no .csv file; point the InputDataUrl parameter at CSV data")
    features, labels = [], []
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise DataError(f"{path.name}: not a UTF-8 text file ({error.reason} at byte {error.start})") from error
        rows = read_csv_text(text, COLUMNS, path.name)
        features.append(features_from_rows(((number, cells[:-1]) for number, cells in rows), path.name))
        labels.append(labels_from_rows(((number, cells[-1]) for number, cells in rows), path.name))
    return np.concatenate(features), np.concatenate(labels)


def write_labelled(path: Path, features: np.ndarray, labels: np.ndarray) -> None:
    """Write rows with a header, so that each file says what it holds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([*row, label] for row, label in zip(features.tolist(), labels.tolist(), strict=True))


def _numbers(cells: Iterable[tuple[str, object]], number: int, faults: list[str]) -> list[float]:
    values = []
    for column, cell in cells:
        try:
            if isinstance(cell, bool):
                raise ValueError
            value = float(cell)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            value = math.nan
        if not (math.isfinite(value) and value >= 0):
            faults.append(f"line {number}, column {column}: {_shown(cell)} is not a finite number of 0 or more")
        values.append(value)
    return values


def _shown(cell: object) -> str:
    return "an empty value" if cell in ("", None) else repr(cell)[:40]


def _raise_faults(faults: list[str], source: str) -> None:
    if faults:
        more = len(faults) - SHOWN_FAULTS
        tail = f"; and {more} more" if more > 0 else ""
        raise DataError(f"{source}: {'; '.join(faults[:SHOWN_FAULTS])}{tail}")
