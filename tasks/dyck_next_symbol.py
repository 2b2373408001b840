"""Dyck-k as a language: predict the next bracket of balanced words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError, check_fields
from curriculum.learn import IGNORED, Batch, EvaluationSet, Shape, Task
from curriculum.plan import Stage
from curriculum.tasks.dyck_criteria import allowed_next_symbols, closing_bracket_probability
from curriculum.tasks.dyck_words import (
    all_words,
    bracket_names,
    check_brackets,
    draw_words,
    is_balanced,
    parse_brackets,
    word_count,
)

if TYPE_CHECKING:
    from torch import Tensor

Predict = Literal["every", "closing", "sets"]

MOST_LISTED = 4096
"""Stages with at most so many words are evaluated on all of them."""

FULL_DEPTH = "full depth"
CLOSING = "closing_bracket_accuracy"
SETS = "allowed_sets"


@dataclass(frozen=True, kw_only=True, slots=True)
class DyckNextSymbol(Task):
    """Balanced words of brackets; the target is the next symbol, after each but the last.

    A stage's vocabulary is 2 k symbols for k kinds, its length that of a word, and its level the
    greatest depth of nesting. Words are uniform over all of that length and at most that depth:
    Dyck-(k, m) of Hewitt et al. 2020, "RNNs can generate bounded hierarchical languages with
    optimal memory", arXiv 2010.07515, who draw them by a random walk of any length.

    Which bracket opens, and when one closes, is chance: at best a model gives each symbol that may
    come its probability. What it can know is which one closes, and that alone is predicted with
    `predict="closing"`, after Skachkova et al. 2018, "Closing brackets with recurrent neural
    networks", doi:10.18653/v1/W18-5425.

    With `predict="sets"` the targets are the sets of symbols that may come next in a word of any
    length and depth, (B, L, V), and the model gives each symbol a probability of its own, after
    Gers & Schmidhuber 2001 and Suzgun et al. 2019, "LSTM networks can perform dynamic counting", arXiv
    1906.03648.

    Metrics: `closing_bracket_accuracy`, the share of closing brackets that get more than .8 of the
    probability of all that close (Hewitt et al. 2020; see `dyck_criteria`); of sets `allowed_sets`,
    that all of a word's are right, by a threshold of .5 (Suzgun et al. 2019).

    The slice "full depth" has the words that are nested as deep as the level says.

    Attributes:
        predict: `every` next symbol, only those that close (`closing`), or `sets`.

    >>> batch = DyckNextSymbol(predict="closing").sample(np.random.default_rng(0), Stage(6, 4, 2), 1)
    >>> "".join(bracket_names(batch.inputs[0])), batch.targets.tolist()
    ('[[][]]', [[-100, 3, -100, 3, 3, -100]])
    """

    output = "symbols"
    level_name = "depth"
    slices = (FULL_DEPTH,)

    predict: Predict = "every"

    def __post_init__(self) -> None:
        check_fields(self, "task", predict=("every", "closing", "sets"))

    def check(self, stage: Stage) -> None:
        check_brackets(stage)
        if stage.level > stage.length // 2:
            raise UsageError(
                f"words of length {stage.length} are nested at most {stage.length // 2} deep, got a "
                f"level of {stage.level}"
            )

    def shape(self, last: Stage) -> Shape:
        return Shape.of("symbols", last, causal=True)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy in nats; of sets that of each symbol by itself, for (B, T, V) logits."""
        from torch.nn.functional import binary_cross_entropy_with_logits

        if self.predict != "sets":
            return Task.loss(self, outputs, targets)
        known = (targets != IGNORED).to(outputs.dtype)
        each = binary_cross_entropy_with_logits(
            outputs, targets.clamp(min=0), weight=known, reduction="sum"
        )
        return each / known.sum()

    @property
    def metrics(self) -> tuple[str, ...]:
        return (SETS,) if self.predict == "sets" else (CLOSING,)

    def metric_values(self, outputs: NDArray[np.float32], batch: Batch) -> dict[str, NDArray[Any]]:
        logits = outputs.astype(np.float64)
        if self.predict == "sets":
            known, right = batch.targets != IGNORED, (logits >= 0) == (batch.targets > 0)
            return {SETS: (right | ~known).all(axis=(1, 2))}
        odds = np.exp(logits - logits.max(axis=2, keepdims=True))
        return {
            CLOSING: closing_bracket_probability(odds / odds.sum(2, keepdims=True), batch.inputs)
        }

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        return self._batch(self._words(rng, stage, batch_size), stage.vocab_size)

    def sample_slice(
        self, rng: np.random.Generator, stage: Stage, batch_size: int, name: str
    ) -> Batch:
        return self._batch(self._words(rng, stage, batch_size, reaching=True), stage.vocab_size)

    def evaluation_set(self, stage: Stage) -> EvaluationSet | None:
        count = word_count(stage.length, stage.vocab_size // 2, stage.level)
        return EvaluationSet(examples=count) if count <= MOST_LISTED else None

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        """Words number `start` to `stop`, in lexical order."""
        words = all_words(stage.length, stage.vocab_size // 2, stage.level)[start:stop].copy()
        batch = self._batch(words, stage.vocab_size)
        depth = np.cumsum(1 - 2 * (words % 2), axis=1).max(axis=1)
        return Batch(
            inputs=batch.inputs, targets=batch.targets, slices={FULL_DEPTH: depth == stage.level}
        )

    def allowed(self, inputs: NDArray[np.int64], stage: Stage) -> NDArray[np.bool_]:
        """Which symbols may follow each prefix (B, L) of a stage's words, (B, L, V)."""
        return allowed_next_symbols(
            inputs, stage.vocab_size, depth=stage.level, length=stage.length
        )

    def decode(self, symbols: NDArray[np.int64]) -> list[str]:
        return bracket_names(symbols)

    def encode(self, text: str, stage: Stage) -> Batch:
        inputs = parse_brackets(text, stage.vocab_size)
        if not is_balanced(inputs)[0]:
            raise UsageError(f"an input is a word of balanced brackets, got {text!r}")
        return self._batch(inputs, stage.vocab_size)

    def _words(
        self, rng: np.random.Generator, stage: Stage, size: int, *, reaching: bool = False
    ) -> NDArray[np.int64]:
        kinds = stage.vocab_size // 2
        return draw_words(rng, size, stage.length, kinds, stage.level, reaching=reaching)

    def _batch(self, words: NDArray[np.int64], vocab_size: int) -> Batch:
        if self.predict == "sets":
            allowed = allowed_next_symbols(words, vocab_size)
            return Batch(inputs=words, targets=allowed.astype(np.float32))
        targets = np.full(words.shape, IGNORED)
        targets[:, :-1] = words[:, 1:]
        if self.predict == "closing":
            targets[targets % 2 == 0] = IGNORED
        return Batch(inputs=words, targets=targets)
