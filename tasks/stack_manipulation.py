"""Stack manipulation: what is on a stack after pushes and pops?

Legend: B batch, L length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError
from curriculum.learn import IGNORED, Batch, EvaluationSet, Shape, Task
from curriculum.plan import Stage
from curriculum.tasks.alphabet import Alphabet
from curriculum.tasks.every_string import set_of, strings

SYMBOLS = Alphabet(("0", "1", "POP", "PUSH 0", "PUSH 1"))
POP, PUSH = 2, 3
OUTPUTS = Alphabet(("0", "1", "end"))
END = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class StackManipulation(Task):
    """A stack of bits from bottom to top, then actions; the output is the final stack from its top.

    "Stack Manipulation" of Delétang et al. 2023, arXiv 2207.02098, appendix A; deterministic
    context-free. The stack's height is drawn uniformly from 1 to length - 1, and all else is
    actions. A POP of an empty stack does nothing. The output ends with a symbol of its own; what
    comes after it doesn't count.

    >>> batch = StackManipulation().encode("0110 PUSH 1 POP POP", Stage(7, 5))
    >>> batch.inputs.tolist()
    [[0, 1, 1, 0, 4, 2, 2]]
    >>> StackManipulation().decode_output(batch.targets[0, :4])
    ['1', '1', '0', 'end']
    """

    output = "symbols"

    def check(self, stage: Stage) -> None:
        SYMBOLS.check("stack manipulation", stage)

    def shape(self, last: Stage) -> Shape:
        return Shape.of(
            "symbols", last, output_length=last.length + 1, output_vocab_size=len(OUTPUTS)
        )

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        size = (batch_size, stage.length)
        heights = rng.integers(1, max(2, stage.length), size=(batch_size, 1))
        bits, actions = rng.integers(2, size=size), rng.integers(POP, len(SYMBOLS), size=size)
        return _batch(np.where(np.arange(stage.length) < heights, bits, actions))

    def evaluation_set(self, stage: Stage) -> EvaluationSet | None:
        return set_of(sum(_counts(stage.length))) if stage.length < 12 else None

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        """Inputs of stacks of height 1, then of height 2 ..., weighted as they are drawn."""
        counts = _counts(stage.length)
        ends = np.cumsum(counts)
        parts = []
        for height, (end, count) in enumerate(zip(ends, counts, strict=True), start=1):
            first, last = (int(np.clip(each - (end - count), 0, count)) for each in (start, stop))
            numbers, actions = np.arange(first, last), stage.length - height
            bits = strings(0, 2**height, height, 2)[numbers // 3**actions]
            then = strings(0, 3**actions, actions, 3)[numbers % 3**actions] + POP
            parts.append(np.concatenate([bits, then], axis=1))
        height_of = np.searchsorted(ends, np.arange(start, stop), side="right")
        weights = 1 / (len(counts) * np.array(counts, dtype=np.float64)[height_of])
        batch = _batch(np.concatenate(parts))
        return Batch(inputs=batch.inputs, targets=batch.targets, weights=weights)

    def decode(self, symbols: NDArray[np.int64]) -> list[str]:
        return SYMBOLS.decode(symbols)

    def decode_output(self, symbols: NDArray[np.int64]) -> list[str]:
        return OUTPUTS.decode(symbols)

    def encode(self, text: str, stage: Stage) -> Batch:
        inputs = np.array([SYMBOLS.parse(text)], dtype=np.int64)
        actions = inputs[0] >= POP
        if actions[0] or (actions[:-1] & ~actions[1:]).any():
            raise UsageError(f"an input is a stack of bits and then actions, got {text!r}")
        return _batch(inputs)


def _counts(length: int) -> list[int]:
    """How many inputs there are with a stack of height 1, 2 ... before the actions."""
    return [2**height * 3 ** (length - height) for height in range(1, max(2, length))]


def _batch(inputs: NDArray[np.int64]) -> Batch:
    pops = inputs == POP
    # A POP of an empty stack does nothing: the walk of heights is pushed up wherever it would go
    # below zero, by as much as it ever did.
    walk = np.cumsum(np.where(pops, -1, 1), axis=1)
    heights = walk - np.minimum(np.minimum.accumulate(walk, axis=1), 0)  # (B, L) after each symbol
    stack = np.zeros_like(inputs)
    rows, columns = np.nonzero(~pops)
    pushed = inputs[rows, columns]
    # What was pushed last to a height is what lies there: of repeated indices numpy keeps the last.
    stack[rows, heights[rows, columns] - 1] = np.where(pushed >= PUSH, pushed - PUSH, pushed)
    places = np.arange(inputs.shape[1] + 1)
    height = heights[:, -1:]
    top_first = np.take_along_axis(stack, np.maximum(height - 1 - places, 0), axis=1)
    targets = np.where(places < height, top_first, np.where(places == height, END, IGNORED))
    return Batch(inputs=inputs, targets=targets)
