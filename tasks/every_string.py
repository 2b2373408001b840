"""All strings of a length, where they are few enough to be evaluated one and all.

Legend: N strings, L length.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curriculum.learn import EvaluationSet

MOST_EVALUATED = 4096
"""Inputs that are evaluated one and all; where there are more, fresh ones are drawn."""


def set_of(count: int) -> EvaluationSet | None:
    """The evaluation set of so many inputs; None where they are too many."""
    return EvaluationSet(examples=count) if count <= MOST_EVALUATED else None


def every_string(length: int, symbols: int) -> EvaluationSet | None:
    """All strings of `length` of so many symbols, at least 2; None where they are too many.

    >>> every_string(5, 3).examples, every_string(13, 2)
    (243, None)
    """
    return set_of(symbols**length) if length < MOST_EVALUATED.bit_length() else None


def strings(start: int, stop: int, length: int, symbols: int) -> NDArray[np.int64]:
    """Strings number `start` to `stop`, (N, L): their numbers, written with so many digits.

    >>> strings(2, 4, 3, 2).tolist()
    [[0, 1, 0], [0, 1, 1]]
    """
    numbers = np.arange(start, stop, dtype=np.int64)[:, None]
    return numbers // symbols ** np.arange(length - 1, -1, -1) % symbols
