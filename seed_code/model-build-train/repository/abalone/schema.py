"""The columns of the data, and how rows of text become arrays.

Every script and the endpoint read rows through this module, so a row is valid everywhere or nowhere.
"""

import bz2
import csv
import gzip
import io
import lzma
import math
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TextIO

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

TEXTS = ("", ".csv", ".data", ".tsv", ".txt")
"""Endings of files that are read as rows, in capitals or not; `.data` is that of the published data set."""

DELIMITERS = ",;\t|"

UNPACK: dict[str, Callable[[bytes], bytes]] = {
    ".bz2": bz2.decompress,
    ".gz": gzip.decompress,
    ".xz": lzma.decompress,
}
"""Endings of compressed files, which stand behind those of `TEXTS`."""

MISSING = ("", "na", "nan", "null")
"""How a cell says that it has no value, in capitals or not. `?` and others are faults: a guess may be wrong."""


class DataError(ValueError):
    """The data cannot be used; the message says where, why, and what is allowed."""


def read_csv_text(text: str, columns: Sequence[str], source: str, delimiter: str = ",") -> list[tuple[int, list[str]]]:
    """Return `(line number, cells in the order of columns)` for each row of a CSV text.

    A first line that holds a column's name is a header: its columns may stand in any order, and further columns are
    left out. Without a header the cells must be exactly `columns`, in that order, as in the published data set.

    Raises:
        DataError: no rows, a column missing or doubled, or a row of another length.
    """
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
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


def features_from_rows(
    rows: Iterable[tuple[int, Sequence[object]]], source: str, *, missing: bool = False
) -> np.ndarray:
    """Return an object array of shape (rows, 8), the sex first, from `(line number, cells)` pairs.

    With `missing` a cell may have no value: it becomes an empty sex or a NaN, which the model takes.

    Raises:
        DataError: cells that are not a sex or not a finite number of 0 or more; the first five are named.
    """
    faults: list[str] = []
    features: list[list[object]] = []
    for number, cells in rows:
        sex, *measures = cells
        if missing and _is_missing(sex):
            sex = ""
        elif sex not in SEXES:
            faults.append(f"line {number}, column sex: {_shown(sex)} is none of {', '.join(SEXES)}")
        features.append([sex, *_numbers(zip(NUMERIC_FEATURES, measures, strict=True), number, faults, missing=missing)])
    _raise_faults(faults, source)
    return np.array(features, dtype=object)


def missing_counts(features: np.ndarray) -> dict[str, int]:
    """Return how many rows have no value, by column; nothing for a column that has them all."""
    counts = {"sex": int(sum(value == "" for value in features[:, 0]))}
    counts |= {
        column: int(np.isnan(features[:, index].astype(float)).sum())
        for index, column in enumerate(NUMERIC_FEATURES, start=1)
    }
    return {column: count for column, count in counts.items() if count}


def labels_from_rows(rows: Iterable[tuple[int, object]], source: str) -> np.ndarray:
    """Return the labels as a float array from `(line number, cell)` pairs.

    Raises:
        DataError: as `features_from_rows`.
    """
    faults: list[str] = []
    labels = [_numbers([(LABEL, cell)], number, faults)[0] for number, cell in rows]
    _raise_faults(faults, source)
    return np.array(labels, dtype=float)


def read_labelled(directory: Path, *, missing: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return features and labels of all files below a directory, in the order of their paths.

    No file is left out: sub-folders, capital endings, other delimiters and compressed files are read. An empty file
    is one that tools leave as a mark (`_SUCCESS`): its name is printed, and there is nothing in it to leave out.

    Args:
        directory: where the files are.
        missing: whether features may have no value. A label always has one.

    Raises:
        DataError: no file, or files that cannot be used; all that are no rows are named.
    """
    paths = sorted(path for path in directory.rglob("*") if not path.is_dir())
    marks = [path for path in paths if path.name.startswith("_") and path.stat().st_size == 0]
    paths = [path for path in paths if path not in marks]
    if marks:
        print("empty, so not read:", ", ".join(_name(path, directory) for path in marks))
    if not paths:
        raise DataError(f"{directory}: there is no file; point the InputDataUrl parameter at CSV data")
    if others := [_name(path, directory) for path in paths if _ending(path) not in TEXTS]:
        more = f" and {len(others) - SHOWN_FAULTS} more" if len(others) > SHOWN_FAULTS else ""
        raise DataError(
            f"{', '.join(others[:SHOWN_FAULTS])}{more}: not read, since only files that end with "
            f"{', '.join(filter(None, TEXTS))} or nothing, also compressed ({', '.join(UNPACK)}), hold rows; "
            "take other files out of the prefix, so that nothing is left out in silence"
        )
    features, labels = [], []
    for path in paths:
        name = _name(path, directory)
        text = _text(path, name)
        rows = read_csv_text(text, COLUMNS, name, _delimiter(text))
        features.append(features_from_rows(((number, cells[:-1]) for number, cells in rows), name, missing=missing))
        labels.append(labels_from_rows(((number, cells[-1]) for number, cells in rows), name))
    return np.concatenate(features), np.concatenate(labels)


def _name(path: Path, directory: Path) -> str:
    return path.relative_to(directory).as_posix()


def _ending(path: Path) -> str:
    """What the name of a file, or of the file that is compressed in it, ends with."""
    inner = Path(path.stem) if path.suffix.lower() in UNPACK else path
    return inner.suffix.lower()


def _text(path: Path, name: str) -> str:
    unpack = UNPACK.get(path.suffix.lower())
    try:
        content = path.read_bytes()
        return (unpack(content) if unpack else content).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: not a UTF-8 text file ({error.reason} at byte {error.start})") from error
    except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError) as error:
        raise DataError(f"{name}: cannot be read: {error}") from error


def _delimiter(text: str) -> str:
    """What stands between the cells of the first row; a comma where nothing of `DELIMITERS` does."""
    first = next((line for line in io.StringIO(text) if line.strip()), "")
    return max(DELIMITERS, key=first.count)


def write_labelled(path: Path, features: np.ndarray, labels: np.ndarray) -> None:
    """Write rows with a header, so that each file says what it holds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = ([*row, label] for row, label in zip(features.tolist(), labels.tolist(), strict=True))
    with path.open("w", encoding="utf-8", newline="") as file:
        write_rows(file, COLUMNS, rows)


def write_rows(file: TextIO, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows as CSV with a header; a missing number becomes an empty cell."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(
        ["" if value != value else value for value in row]  # noqa: PLR0124 - NaN differs from itself
        for row in rows
    )


def _numbers(
    cells: Iterable[tuple[str, object]], number: int, faults: list[str], *, missing: bool = False
) -> list[float]:
    values = []
    for column, cell in cells:
        if missing and _is_missing(cell):
            values.append(math.nan)
            continue
        try:
            if isinstance(cell, bool):
                raise ValueError
            value = float(cell)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            value = math.nan
        if not (math.isfinite(value) and value >= 0):
            faults.append(f"line {number}, column {column}: {_shown(cell)} is not a finite number of 0 or more")
        values.append(value)
    return values


def _is_missing(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and cell.strip().lower() in MISSING)


def _shown(cell: object) -> str:
    return "an empty value" if cell in ("", None) else repr(cell)[:40]


def _raise_faults(faults: list[str], source: str) -> None:
    if faults:
        more = len(faults) - SHOWN_FAULTS
        tail = f"; and {more} more" if more > 0 else ""
        raise DataError(f"{source}: {'; '.join(faults[:SHOWN_FAULTS])}{tail}")
