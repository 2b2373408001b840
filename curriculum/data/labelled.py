"""Labelled texts in a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from curriculum.data.examples import Examples, RawExample
from curriculum.data.loaded import load_once
from curriculum.data.table import Columns, column, numbers, read_columns
from curriculum.data.tokenizer import load_tokenizer
from curriculum.errors import UsageError, check_fields, counted

AT_ONCE = 1024
"""Texts that are tokenised together."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Labelled:
    r"""Texts with a class each, in a table. Extend it, with a `read` of your own, for any other source.

    Within each class, the texts whose digests are lowest are held out, in four equal parts: for the
    evaluations of stages, the trials of a search, the target ahead of its turn and the final model. Copies are
    left out; a text that is there in several classes is trained on alone.

    Attributes:
        file: the path of a .csv, .tsv or .parquet file, or of a folder with a data set that Hugging
            Face's `datasets` has saved.
        split: of such a folder, where it holds several.
        text: the column of texts.
        label: the column of classes.
        difficulty: `length`, or the column of numbers that says how difficult a text is.
        tokenizer: `bytes`, or the path or the name of one on this machine, as for a corpus.
        held_out: the share of each class that is not trained on.

    >>> from tempfile import NamedTemporaryFile
    >>> rows = [f"{'ab'[n % 2] * (n + 1)},{'odd' if n % 2 else 'even'}" for n in range(40)]
    >>> with NamedTemporaryFile("w", suffix=".csv") as file:
    ...     _ = file.write("\n".join(["text,label", *rows]))
    ...     file.flush()
    ...     examples = Labelled(file=file.name, held_out=0.4).load()
    >>> examples.classes, len(examples.choose("train").members)
    (('even', 'odd'), 24)
    """

    file: str = ""
    split: str = ""
    text: str = "text"
    label: str = "label"
    difficulty: str = "length"
    tokenizer: str = "bytes"
    held_out: Annotated[float, "(0, 1)"] = 0.2

    def __post_init__(self) -> None:
        check_fields(self, "data")

    def read(self) -> Columns:
        """The columns, by name: of the file, unless a class of your own reads something else."""
        if not self.file:
            raise UsageError("data.file must be the path of a table, got none; give one")
        return read_columns(self.file, self.split)

    def scores(self, columns: Columns, lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        """How difficult each text is, (N,): by `difficulty`, unless a class of your own says otherwise.

        Args:
            columns: as they were read.
            lengths: of the texts in symbols, (N,).
        """
        if self.difficulty == "length":
            return lengths.astype(np.float64)
        return numbers(column(columns, self.difficulty, self._name), self.difficulty)

    def load(self, *, anew: bool = False) -> Examples:
        """Its examples, with the texts as symbols; read again where the file has changed, if `anew`.

        Raises:
            UsageError: where the file or a column is missing, a class is empty, or too small to be split.
        """
        return load_once(self, self.file, self._load, anew=anew)

    @property
    def _name(self) -> str:
        return self.file or type(self).__name__

    def _load(self) -> Examples:
        tokenizer = load_tokenizer(self.tokenizer)
        columns = self.read()
        texts = [_text(text) for text in column(columns, self.text, self._name)]
        labels = label_names(column(columns, self.label, self._name), self.label)
        symbols = [*self._symbols(texts)]
        lengths = np.array([len(each) for each in symbols])
        scores = checked_scores(self, self.scores(columns, lengths), len(texts))
        raw = (
            RawExample(values=value, content=text, label=label, score=float(score))
            for value, text, label, score in zip(symbols, texts, labels, scores, strict=True)
            if len(value)  # what has no symbols has nothing to be told by
        )
        return Examples.of(raw, self.held_out, f"text {tokenizer.digest}")

    def _symbols(self, texts: Sequence[bytes]) -> Iterator[NDArray[np.uint32]]:
        tokenizer = load_tokenizer(self.tokenizer)
        for start in range(0, len(texts), AT_ONCE):
            yield from tokenizer.encode(texts[start : start + AT_ONCE])


def label_names(labels: Sequence[Any], name: str) -> list[str]:
    """The labels as words.

    Raises:
        UsageError: for the first that is empty, with its row.
    """
    found = ["" if label is None or label != label else str(label).strip() for label in labels]  # noqa: PLR0124 - NaN
    if "" in found:
        raise UsageError(
            f"the column {name!r} has no label in row {found.index('') + 1:,}; give it one, or leave the row out"
        )
    return found


def checked_scores(owner: object, scores: Any, count: int) -> NDArray[np.float64]:
    """Scores that a user's own class may have given.

    Raises:
        UsageError: where they are not as many finite numbers as there are examples.
    """
    found = np.asarray(scores, dtype=np.float64)
    if found.shape != (count,) or not np.isfinite(found).all():
        got = f"shape {found.shape}" if found.shape != (count,) else "some that are not finite"
        raise UsageError(
            f"{type(owner).__name__}.scores must give a finite number for each of {counted(count, 'example')}, got {got}"
        )
    return found


def _text(text: Any) -> bytes:
    return b"" if text is None else str(text).encode(errors="surrogatepass")
