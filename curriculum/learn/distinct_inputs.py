"""Counts how many of the inputs of a sample differ from each other."""

from collections.abc import Iterator
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

DIGEST_BYTES = 16


class DistinctInputs:
    """Remembers a digest of each input: there may be fewer of them than a sample has examples.

    Of 512 examples of first bit at length 1,000,000, only 129 are distinct.

    >>> distinct = DistinctInputs()
    >>> distinct.add(np.array([[0, 1], [1, 1], [0, 1]]))
    >>> distinct.count
    2
    """

    def __init__(self) -> None:
        self._digests = set[bytes]()

    @property
    def count(self) -> int:
        return len(self._digests)

    def add(self, inputs: NDArray[np.int64]) -> None:
        """Take a batch into account, (B, L)."""
        for _ in self.reading(iter([inputs])):
            pass

    def reading(self, pieces: Iterator[NDArray[np.int64]]) -> Iterator[NDArray[np.int64]]:
        """Pass on a batch's pieces, (B, P) each, and take the batch into account after the last."""
        digests: list[blake2b] = []
        for piece in pieces:
            digests = digests or [blake2b(digest_size=DIGEST_BYTES) for _ in piece]
            for digest, row in zip(digests, np.ascontiguousarray(piece), strict=True):
                digest.update(row)
            yield piece
        self._digests |= {digest.digest() for digest in digests}
