"""Whole numbers of any size as bits, a batch at a time; the lowest bit comes first.

Legend: N numbers, W bits of each.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def to_integers(bits: NDArray[np.int64]) -> list[int]:
    """The numbers that are written as (N, W) bits.

    >>> to_integers(np.array([[0, 1, 1], [1, 0, 0]]))
    [6, 1]
    """
    packed = np.packbits(bits.astype(np.uint8), axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]


def to_bits(numbers: Sequence[int], width: int) -> NDArray[np.int64]:
    """The numbers, each below 2**width, as (N, W) bits.

    >>> to_bits([6, 1], 3).tolist()
    [[0, 1, 1], [1, 0, 0]]
    """
    size = -(-width // 8)
    packed = b"".join(number.to_bytes(size, "little") for number in numbers)
    rows = np.frombuffer(packed, dtype=np.uint8).reshape(-1, size)
    return np.unpackbits(rows, axis=1, count=width, bitorder="little").astype(np.int64)
