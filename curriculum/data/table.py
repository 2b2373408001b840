"""Columns of a table in a file: CSV, Parquet, or a data set as Hugging Face's `datasets` saves it."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curriculum.data.sources import Source, unreadable
from curriculum.errors import UsageError, counted, did_you_mean

Columns = Mapping[str, Any]
"""The values of each column, in a sequence, by its name; all of one length."""

SEPARATORS = {".csv": ",", ".tsv": "\t"}


def read_columns(file: str, split: str = "") -> Columns:
    """The columns of a table.

    Args:
        file: the path of a .csv, .tsv or .parquet file, or of a folder that `datasets` has saved.
        split: of such a folder, where it holds several.

    Raises:
        UsageError: where it isn't there, or can't be read, or a library is missing.
    """
    path = Path(file).expanduser()
    if path.is_dir():
        return _from_datasets(path, split)
    Source.of(path)  # that there is one
    suffix = path.suffix.lower()
    if suffix in SEPARATORS:
        return _from_text(path, SEPARATORS[suffix])
    if suffix == ".parquet":
        return _from_parquet(path)
    raise UsageError(
        f"a table is a .csv, .tsv or .parquet file, or a folder that `datasets` has saved, got {file!r}"
    )


def column(columns: Columns, name: str, of: str) -> Sequence[Any]:
    """The values of that column.

    Raises:
        UsageError: where there is none, or it is empty.
    """
    if name not in columns:
        raise UsageError(f"{of} has no column {name!r}; {did_you_mean(name, columns)}")
    if len(columns[name]) == 0:
        raise UsageError(f"{of} has no rows; give a table with examples")
    found: Sequence[Any] = columns[name]
    return found


def numbers(values: Sequence[Any], name: str) -> NDArray[np.float64]:
    """A column's values as numbers, (N,).

    Raises:
        UsageError: for the first that is none, with its row.
    """
    try:
        found = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        found = np.array([_number(value) for value in values])
    wrong = np.flatnonzero(~np.isfinite(found))
    if len(wrong):
        row = int(wrong[0])
        raise UsageError(
            f"the column {name!r} must hold finite numbers, got {values[row]!r} in row {row + 1:,}; leave the "
            f"row out, or take another column"
        )
    return found


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _from_text(path: Path, separator: str) -> Columns:
    csv.field_size_limit(2**31 - 1)  # of C's int: a text may be long
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            names, *rows = csv.reader(file, delimiter=separator)
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is no text in UTF-8 (byte {error.object[error.start]:#04x} at {error.start:,}); save it as such"
        ) from error
    except csv.Error as error:
        raise UsageError(f"{path} is no table of separated values: {error}") from error
    except ValueError as error:
        raise UsageError(f"{path} is empty; its first row must hold the columns' names") from error
    except OSError as error:
        raise unreadable(path, error) from error
    rows = [row for row in rows if row]
    for number, row in enumerate(rows):
        if len(row) != len(names):
            raise UsageError(
                f"row {number + 1:,} of {path} has {counted(len(row), 'value')} and the first {counted(len(names), 'name')}; quote "
                f"texts that hold {separator!r}"
            )
    return (
        dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names, ())
    )


def _from_parquet(path: Path) -> Columns:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise _missing("pyarrow", ".parquet files") from error
    try:
        found: Columns = parquet.read_table(path).to_pydict()
    except (ArrowException, OSError) as error:
        text = " ".join(str(error).split())[:200]
        raise UsageError(f"{path} can't be read as Parquet: {text}; save it anew") from error
    return found


def _from_datasets(path: Path, split: str) -> Columns:
    try:
        import datasets
    except ImportError as error:
        raise _missing("datasets", "folders of data sets") from error
    try:
        found: Any = datasets.load_from_disk(str(path))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path} holds no data set as `save_to_disk` saves it: {' '.join(str(error).split())[:200]}"
        ) from error
    if not hasattr(found, "column_names") or isinstance(found.column_names, dict):
        known = [*found]
        if split not in known:
            raise UsageError(
                f"the data set in {path} has the splits {', '.join(known)}, got {split!r}; say which by data.split"
            )
        found = found[split]
    return {name: found[name][:] for name in found.column_names}


def _missing(library: str, what: str) -> UsageError:
    return UsageError(
        f"{what} need {library}, which isn't installed: pip install 'curriculum[data]', or give a .csv file"
    )
