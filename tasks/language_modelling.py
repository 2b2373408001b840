"""LanguageModelling: predict the next symbol of a corpus of one's own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from curriculum.data import Corpus, DocumentSet
from curriculum.errors import UsageError, check_fields
from curriculum.learn import (
    IGNORED,
    PADDING,
    Batch,
    EvaluationSet,
    EvaluationStream,
    Shape,
    Task,
)
from curriculum.plan import Stage

MOST_CARRIED = 1024
"""Of a document that is evaluated with a carried state, so many symbols are read at most, or one window."""

EvaluateOn = Literal["gate", "tuning", "target", "certificate"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LanguageModelling(Task):
    r"""A language model of a corpus: after each symbol, the next.

    A stage's length is that of a window, in symbols. Its vocabulary is the tokenizer's: 257 for bytes, which
    are themselves and a symbol between documents.

    Windows of training begin anywhere in the documents that are trained on, in proportion to their
    lengths. For evaluations the same held-out documents are taken at each length: a window of each, at a
    place that its content decides on; a document that is shorter ends with padding. So the examples are
    independent, and `Batch.units` tells the documents apart.

    With `carried` windows the documents that are trained on are read in order, in as many rows as a batch
    has, for models that carry a state. Held-out documents are then read side by side from their
    beginnings, in windows of the stage's length, up to 1,024 symbols.

    Attributes:
        corpus: the documents.
        windows: `independent`, or `carried` in order.
        evaluation_documents: so many held-out documents are taken at most.
        evaluate_on: the held-out documents for stages (`gate`), for trials of a search (`tuning`),
            for the `target` ahead of its turn, or for the final model (`certificate`).

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "numbers.txt").write_text("\n".join(map(str, range(1000, 1100))))
    ...     task = LanguageModelling(corpus=Corpus(root=folder, by="line", held_out=0.5))
    ...     batch = task.evaluation_batch(Stage(4, 257), 0, 1)
    >>> "".join(task.decode(batch.inputs[0])), "".join(task.decode(batch.targets[0]))
    ('1054', '054␞')
    """

    output = "symbols"

    corpus: Corpus
    windows: Literal["independent", "carried"] = "independent"
    evaluation_documents: Annotated[int, "[1, inf)"] = 256
    evaluate_on: EvaluateOn = "gate"

    def __post_init__(self) -> None:
        check_fields(self, "task")
        if self.reads_in_order and self.corpus.pack == "per_document":
            raise UsageError(
                "carried windows go on from document to document, got corpus.pack per_document; take "
                "concat, or task.windows independent"
            )

    @property
    def length_name(self) -> str:
        return "bytes" if self.corpus.tokenizer == "bytes" else "tokens"

    @property
    def text_tokenizer(self) -> str:
        return self.corpus.tokenizer

    @property
    def data_digest(self) -> str:
        return self.corpus.load(anew=True).digest

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(self.corpus.load().notes())

    def check(self, stage: Stage) -> None:
        documents = self.corpus.load()
        size = documents.tokenizer.vocab_size
        if stage.vocab_size != size:
            raise UsageError(
                f"the corpus has a vocabulary of {size}, got {stage.vocab_size}; say so in the stages of the "
                f"path, as Stage({stage.length}, {size})"
            )
        part = documents.parts["train"]
        whole = self.corpus.pack == "concat"
        for longest, what in (
            (part.symbol_count if whole else part.longest, "that are trained on"),
            (self._held_out.longest, f"held out for {self.evaluate_on}"),
        ):
            if stage.length > longest:
                raise UsageError(
                    f"the documents {what} have at most {longest:,} {self.length_name} in one, got a "
                    f"length of {stage.length:,}; take shorter stages, or longer documents"
                )

    def shape(self, last: Stage) -> Shape:
        size = self.corpus.load().tokenizer.vocab_size
        return Shape.of("symbols", last, input_vocab_size=size, output_vocab_size=size, causal=True)

    # What is trained on.

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        part, length = self._trained_on, stage.length
        if self.corpus.pack == "concat":
            starts = rng.integers(part.symbol_count - length + 1, size=batch_size)
            return _batch(part.windows(starts, length))
        documents = part.documents_at(rng.integers(part.symbol_count, size=batch_size))
        fractions = rng.random(batch_size)
        symbols, inside = part.within(
            documents, _starts(part, documents, fractions, length), length
        )
        return _batch(symbols, inside)

    @property
    def reads_in_order(self) -> bool:
        return self.windows == "carried"

    def chunk_count(self, stage: Stage, batch_size: int) -> int:
        return -(-self._trained_on.symbol_count // (batch_size * stage.length))

    def chunk(self, stage: Stage, batch_size: int, index: int) -> Batch:
        part = self._trained_on
        rows = np.arange(batch_size) * part.symbol_count // batch_size
        return _batch(part.circle(rows + index * stage.length, stage.length))

    # What is evaluated.

    def for_stream(self, stream: EvaluationStream) -> LanguageModelling:
        return replace(self, evaluate_on=stream)

    def evaluation_set(self, stage: Stage) -> EvaluationSet:
        documents = min(self._held_out.count, self.evaluation_documents)
        carried = self.reads_in_order
        return EvaluationSet(
            examples=documents * (self._carried_windows(stage) if carried else 1),
            source="document" if carried else "held_out",
            rows=documents if carried else None,
            units=documents,
        )

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        part, length = self._held_out, stage.length
        windows, documents = np.divmod(
            np.arange(start, stop), min(part.count, self.evaluation_documents)
        )
        if not self.reads_in_order:
            starts = _starts(part, documents, part.fractions(documents), length)
            symbols, inside = part.within(documents, starts, length)
        else:
            begins = windows * length
            symbols, inside = part.within(documents, begins, length)
            inside &= begins[:, None] + np.arange(length) < max(MOST_CARRIED, length)
        # What comes after a document isn't padded in a carried window: one may lie behind it altogether.
        batch = _batch(symbols, inside, padded=not self.reads_in_order)
        predicted = (batch.targets != IGNORED) & (batch.targets != self._separator)
        counts = predicted.sum(axis=1)
        return replace(
            batch,
            units=documents,
            weights=inside.sum(axis=1).astype(np.float64) if self.reads_in_order else None,
            byte_counts=np.rint(counts * self._bytes_a_symbol(documents)).astype(np.int64),
        )

    # What a user reads and types.

    def decode(self, symbols: NDArray[np.int64]) -> list[str]:
        r"""Bytes as characters of ASCII, or as `\xNN`; tokens by their names; `␞` between documents."""
        return self.corpus.load().tokenizer.words(symbols)

    @property
    def is_language_model(self) -> bool:
        return True

    def decode_text(self, symbols: NDArray[np.int64]) -> str:
        return self.corpus.load().tokenizer.text(symbols)

    def encode(self, text: str, stage: Stage) -> Batch:
        if not text:
            raise UsageError("an input is a text of at least one symbol, got none")
        (found,) = self.corpus.load().tokenizer.encode([text.encode()])
        inputs = found.astype(np.int64)[None]
        unknown = np.full((1, 1), IGNORED)
        return Batch(inputs=inputs, targets=np.concatenate([inputs[:, 1:], unknown], axis=1))

    @property
    def _trained_on(self) -> DocumentSet:
        return self.corpus.load().parts["train"]

    @property
    def _held_out(self) -> DocumentSet:
        return self.corpus.load().parts[self.evaluate_on]

    @property
    def _separator(self) -> int:
        return self.corpus.load().tokenizer.separator

    def _carried_windows(self, stage: Stage) -> int:
        """How many windows the longest of the documents is read in."""
        read = min(self._held_out.longest, max(MOST_CARRIED, stage.length))
        return -(-read // stage.length)

    def _bytes_a_symbol(self, documents: NDArray[np.int64]) -> NDArray[np.float64]:
        """How many bytes a symbol of each document stands for on average."""
        part = self._held_out
        found: NDArray[np.float64] = part.byte_counts[documents] / np.maximum(
            part.lengths(documents) - 1, 1
        )
        return found


def _starts(
    part: DocumentSet,
    documents: NDArray[np.int64],
    fractions: NDArray[np.float64],
    length: int,
) -> NDArray[np.int64]:
    """Where in its document a window begins, such that it ends there too where that is long enough."""
    free = np.maximum(part.lengths(documents) - length, 0) + 1
    found: NDArray[np.int64] = (fractions * free).astype(np.int64)
    return found


def _batch(
    symbols: NDArray[np.int64], inside: NDArray[np.bool_] | None = None, *, padded: bool = True
) -> Batch:
    """Windows with the symbols after them, (B, L + 1); nothing is predicted but `inside`, (B, L)."""
    inputs, targets = symbols[:, :-1], symbols[:, 1:]
    if inside is None:
        return Batch(inputs=inputs, targets=np.ascontiguousarray(targets))
    if not padded:
        return Batch(inputs=inputs, targets=np.where(inside, targets, IGNORED))
    longest = int(inside.sum(axis=1).max())
    inside = inside[:, :longest]
    return Batch(
        inputs=np.where(inside, inputs[:, :longest], PADDING),
        targets=np.where(inside, targets[:, :longest], IGNORED),
    )
