"""Labelled series of real numbers in a file."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from curriculum.data.examples import Examples, RawExample
from curriculum.data.labelled import checked_scores, label_names
from curriculum.data.loaded import load_once
from curriculum.data.sources import Source
from curriculum.data.table import Columns, column, numbers, read_columns
from curriculum.errors import UsageError, check_fields

INPUTS = "inputs"
"""The column of the series themselves."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """Series with a class each. Extend it, with a `read` of your own, for any other source.

    A table has a row for each position, and those of a series in order. An .npz file has the arrays `inputs`,
    (N, L, C) or (N, L), and the labels, (N,); and `lengths`, (N,), where some are shorter. They are split as
    labelled texts are, by digests of their numbers.

    Attributes:
        file: the path of a .csv, .tsv, .parquet or .npz file, or of a folder that `datasets` has saved.
        series: the column that tells the series of a table apart.
        channels: the columns of numbers; all that are no other, where none is given.
        label: the column, or the array, of classes: one for each series.
        difficulty: `length`, or the column or array of numbers that says how difficult a series is.
        standardize: whether each channel is shifted and scaled so that those that are trained on have
            the mean 0 and the standard deviation 1.
        held_out: the share of each class that is not trained on.

    >>> from tempfile import TemporaryDirectory
    >>> rng = np.random.default_rng(0)
    >>> with TemporaryDirectory() as folder:
    ...     file = f"{folder}/waves.npz"
    ...     np.savez(file, inputs=rng.normal(size=(40, 9, 2)), label=np.arange(40) % 2)
    ...     examples = Series(file=file, held_out=0.4).load()
    >>> examples.classes, examples.values.shape, len(examples.choose("gate").members)
    (('0', '1'), (360, 2), 4)
    """

    file: str = ""
    series: str = "series"
    channels: tuple[str, ...] = ()
    label: str = "label"
    difficulty: str = "length"
    standardize: bool = True
    held_out: Annotated[float, "(0, 1)"] = 0.2

    def __post_init__(self) -> None:
        check_fields(self, "data")

    def read(self) -> Columns:
        """`inputs`, the labels, and what else is there, for each series: of the file, unless a class of your own reads something else.

        The inputs are arrays (L, C), or (L,) for one channel.
        """
        if not self.file:
            raise UsageError("data.file must be the path of a file with series, got none; give one")
        if self.file.lower().endswith(".npz"):
            return _arrays(Path(self.file).expanduser())
        return self._grouped(read_columns(self.file))

    def scores(self, columns: Columns, lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        """How difficult each series is, (N,): by `difficulty`, unless a class of your own says otherwise.

        Args:
            columns: as they were read.
            lengths: of the series, (N,).
        """
        if self.difficulty == "length":
            return lengths.astype(np.float64)
        return numbers(column(columns, self.difficulty, self._name), self.difficulty)

    def load(self, *, anew: bool = False) -> Examples:
        """Its examples; read again where the file has changed, if `anew`.

        Raises:
            UsageError: where the file, a column or an array is missing, a number is none, a class is empty
                or too small to be split.
        """
        return load_once(self, self.file, self._load, anew=anew)

    @property
    def _name(self) -> str:
        return self.file or type(self).__name__

    def _load(self) -> Examples:
        columns = self.read()
        series = [
            _checked(np.asarray(each), number)
            for number, each in enumerate(column(columns, INPUTS, self._name))
        ]
        widths = {each.shape[1] for each in series}
        if len(widths) > 1:
            raise UsageError(
                f"all series must have the same channels, got {', '.join(map(str, sorted(widths)))}"
            )
        labels = label_names(column(columns, self.label, self._name), self.label)
        if len(labels) != len(series):
            raise UsageError(
                f"there must be one label for each of {len(series):,} series, got {len(labels):,}"
            )
        lengths = np.array([len(each) for each in series])
        scores = checked_scores(self, self.scores(columns, lengths), len(series))
        raw = (
            # In digits, since spaces count for nothing in a content.
            RawExample(values=each, content=each.tobytes().hex().encode(), label=label, score=score)
            for each, label, score in zip(series, labels, scores.tolist(), strict=True)
        )
        found = Examples.of(raw, self.held_out, f"series {self.standardize}")
        return _standardized(found) if self.standardize else found

    def _grouped(self, columns: Columns) -> Columns:
        """A table's rows as series, by the column that tells them apart."""
        of = np.asarray(column(columns, self.series, self._name))
        rest = [name for name in columns if name not in (self.series, self.label, self.difficulty)]
        chosen = list(self.channels or rest)
        if not chosen:
            raise UsageError(
                f"{self._name} has no channels: no column besides {', '.join(map(repr, columns))}; give some"
            )
        values = [numbers(column(columns, name, self._name), name) for name in chosen]
        stacked = np.stack(values, axis=1)
        _, firsts, numbered = np.unique(of, return_index=True, return_inverse=True)
        order = np.argsort(numbered, kind="stable")
        ends = np.cumsum(np.bincount(numbered))[:-1]
        found: dict[str, Any] = {INPUTS: np.split(stacked[order], ends)}
        labels = np.asarray(column(columns, self.label, self._name), dtype=str)
        several = np.flatnonzero(labels != labels[firsts][numbered])
        if len(several):
            raise UsageError(
                f"a series has one label, and {of[several[0]]} has {labels[firsts][numbered][several[0]]} and "
                f"{labels[several[0]]}; give each row of it the same"
            )
        found[self.label] = labels[firsts].tolist()
        if self.difficulty != "length":
            hard = column(columns, self.difficulty, self._name)
            found[self.difficulty] = [hard[first] for first in firsts]
        return found


def _arrays(path: Path) -> Mapping[str, Any]:
    """The arrays of an .npz file; the inputs cut at their lengths."""
    Source.of(path)  # that there is one
    try:
        with np.load(path) as file:
            found: dict[str, Any] = dict(file)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise UsageError(
            f"{path} can't be read as arrays ({' '.join(str(error).split())[:200]}); save it by numpy.savez, "
            f"without objects"
        ) from error
    lengths = found.pop("lengths", None)
    if lengths is not None and INPUTS in found:
        inputs = found[INPUTS]
        longest = inputs.shape[1] if inputs.ndim > 1 else 0
        if lengths.shape != (len(inputs),) or lengths.min() < 1 or lengths.max() > longest:
            raise UsageError(
                f"lengths must be a number from 1 to {longest} for each of {len(inputs):,} series, got "
                f"{lengths.min()} to {lengths.max()} of shape {lengths.shape}"
            )
        found[INPUTS] = [row[:length] for row, length in zip(inputs, lengths, strict=True)]
    return found


def _checked(values: NDArray[Any], number: int) -> NDArray[np.float32]:
    """A series as (L, C)."""
    if values.dtype.kind not in "iufb" or values.ndim not in (1, 2) or 0 in values.shape:
        raise UsageError(
            f"a series is an array of numbers, (L, C) or (L,), got {values.dtype} of shape {values.shape} for "
            f"series {number + 1:,}"
        )
    found = values.astype(np.float32).reshape(len(values), -1)
    if not np.isfinite(found).all():
        raise UsageError(
            f"series {number + 1:,} has numbers that are not finite; leave it out, or fill them in"
        )
    return found


def _standardized(examples: Examples) -> Examples:
    trained = np.repeat(examples.parts == 0, examples.lengths)
    values = examples.values.astype(np.float64)
    mean, deviation = values[trained].mean(axis=0), values[trained].std(axis=0)
    deviation[deviation == 0] = 1.0  # what never changes stays as it is
    return replace(examples, values=((values - mean) / deviation).astype(np.float32))
