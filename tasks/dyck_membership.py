"""Dyck-k membership: does every bracket close the last one that is open, and of its kind?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curriculum.learn import Batch, Task
from curriculum.plan import Stage
from curriculum.tasks.dyck_words import (
    bracket_names,
    check_brackets,
    depths,
    draw_words,
    is_balanced,
    matching,
    parse_brackets,
)

LONGEST_PAIR = "longest pair"

TURNED, EXCHANGED, OTHER_KIND = range(3)
"""The mistakes: a bracket turned round, an outermost pair exchanged, a bracket of another kind."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DyckMembership(Task):
    """Tells balanced brackets (target 1) from brackets that nearly are (target 0).

    A stage's vocabulary is 2 k symbols, for k kinds of brackets. Balanced words are uniform over
    all of its length. Half of a batch are balanced words, each with one of these mistakes:

    - a bracket is turned round;
    - an outermost pair is exchanged: as many open as close, but one closes too early;
    - with two kinds and more, a closing bracket is of another kind.

    Each is drawn equally often, where in the word uniformly. The slice "longest pair" has the
    last of these that the stage knows, at the pair that is farthest apart: whoever doesn't
    remember its opening bracket can't see it.

    Recognition of Dyck languages by recurrent networks: Bernardy 2018, "Can recurrent neural
    networks learn nested recursion?"; Suzgun et al. 2019, "LSTM networks can perform dynamic
    counting", arXiv 1906.03648.

    >>> batch = DyckMembership().sample(np.random.default_rng(0), Stage(8, 4), 2)
    >>> ["".join(bracket_names(word)) for word in batch.inputs], batch.targets.tolist()
    (['([])[]()', ')()((())'], [1, 0])
    """

    output = "bit"
    slices = (LONGEST_PAIR,)

    def check(self, stage: Stage) -> None:
        check_brackets(stage)

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        wrong = batch_size // 2
        if batch_size % 2:
            wrong += int(rng.integers(2))
        words = draw_words(rng, batch_size, stage.length, stage.vocab_size // 2)
        spoiled = words[batch_size - wrong :]
        opening, closing = matching(spoiled % 2 == 0)
        mistake = rng.integers(len(_mistakes(stage)), size=wrong)
        # Pairs come from the outermost inwards, so that a number below their count is one of them.
        outermost = (depths(spoiled % 2 == 0) == 0).sum(axis=1)
        count = np.where(mistake == EXCHANGED, outermost, opening.shape[1])
        pair = (rng.random(wrong) * count).astype(np.int64)
        _spoil(rng, stage, spoiled, mistake, _ends(opening, closing, pair))
        targets = np.ones(batch_size, dtype=np.int64)
        targets[batch_size - wrong :] = 0
        return Batch(inputs=words, targets=targets)

    def sample_slice(
        self, rng: np.random.Generator, stage: Stage, batch_size: int, name: str
    ) -> Batch:
        words = draw_words(rng, batch_size, stage.length, stage.vocab_size // 2)
        opening, closing = matching(words % 2 == 0)
        longest = (closing - opening).argmax(axis=1)
        mistake = np.full(batch_size, _mistakes(stage)[-1])
        _spoil(rng, stage, words, mistake, _ends(opening, closing, longest))
        return Batch(inputs=words, targets=np.zeros(batch_size, dtype=np.int64))

    def decode(self, symbols: NDArray[np.int64]) -> list[str]:
        return bracket_names(symbols)

    def encode(self, text: str, stage: Stage) -> Batch:
        inputs = parse_brackets(text, stage.vocab_size)
        return Batch(inputs=inputs, targets=is_balanced(inputs).astype(np.int64))


def _mistakes(stage: Stage) -> tuple[int, ...]:
    return (TURNED, EXCHANGED) if stage.vocab_size == 2 else (TURNED, EXCHANGED, OTHER_KIND)


def _ends(
    opening: NDArray[np.int64], closing: NDArray[np.int64], pair: NDArray[np.int64]
) -> NDArray[np.int64]:
    """In each row, where the brackets of its pair are, (B, 2)."""
    rows = np.arange(len(pair))
    return np.stack([opening[rows, pair], closing[rows, pair]], axis=1)


def _spoil(
    rng: np.random.Generator,
    stage: Stage,
    words: NDArray[np.int64],
    mistake: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> None:
    """Make a mistake in each of the words (B, L), at the pair with its brackets at `ends` (B, 2)."""
    which = rng.integers(2, size=len(words))  # of the pair, the bracket that is turned round
    turned = (mistake == TURNED)[:, None] & (which[:, None] == np.arange(2))
    turned |= (mistake == EXCHANGED)[:, None]
    spoiled = np.take_along_axis(words, ends, axis=1) ^ turned
    if stage.vocab_size > 2:
        shift = 2 * rng.integers(1, stage.vocab_size // 2, size=len(words))
        spoiled[:, 1] += np.where(mistake == OTHER_KIND, shift, 0)
    np.put_along_axis(words, ends, spoiled % stage.vocab_size, axis=1)
