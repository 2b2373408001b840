"""Draws symbols without replacement, for a whole batch at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CROWDED = 4
"""Where fewer than so many times the symbols that are wanted are there, all are shuffled."""


def draw_distinct(
    rng: np.random.Generator, low: int, high: int, size: int, count: int
) -> NDArray[np.int64]:
    """In each row `count` different symbols from `low` to `high` - 1, uniformly, (size, count).

    >>> draw_distinct(np.random.default_rng(0), 10, 1000, 1, 5).tolist()
    [[852, 640, 516, 277, 314]]
    """
    if high - low < CROWDED * count:
        shuffled = rng.permuted(np.tile(np.arange(low, high), (size, 1)), axis=1)
        return np.ascontiguousarray(shuffled[:, :count])
    found = rng.integers(low, high, size=(size, count))
    rows = np.arange(size)
    while len(rows):
        # Which symbol is which plays no part in what is redrawn, so that all outcomes without a
        # repetition stay equally likely.
        order = np.argsort(found[rows], axis=1, kind="stable")
        ordered = np.take_along_axis(found[rows], order, axis=1)
        row, place = np.nonzero(ordered[:, 1:] == ordered[:, :-1])
        at = order[row, place + 1]
        found[rows[row], at] = rng.integers(low, high, size=len(row))
        rows = rows[np.unique(row)]
    return found
