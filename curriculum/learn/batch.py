"""Examples as arrays.

Legend: B batch, L length of the input, T length of the output.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

IGNORED = -100
"""The target at a position where nothing is predicted; torch calls it `ignore_index`."""

PADDING = -1
"""The input at a position after the end of a shorter sequence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Examples as numpy arrays.

    Attributes:
        inputs: symbols, (B, L) int64, with `PADDING` after the end of shorter sequences.
        targets: for the output `bit` 0 or 1, for `symbol` a symbol, (B,) int64; for
            `symbols` (B, T) int64, with `IGNORED` where nothing is predicted.
        weights: of the examples in the score of the whole, (B,) float64; None for equal ones.
        slices: in an evaluation set, which examples belong to each slice, (B,) bool. Within
            a slice all count the same.
    """

    inputs: NDArray[np.int64]
    targets: NDArray[np.int64]
    weights: NDArray[np.float64] | None = None
    slices: dict[str, NDArray[np.bool_]] | None = None

    @property
    def token_count(self) -> int:
        """Input positions, padding apart."""
        return int((self.inputs != PADDING).sum())

    @property
    def target_count(self) -> int:
        """Symbols, or bits, that are to be predicted."""
        return int((self.targets != IGNORED).sum())

    def rows(self, start: int, stop: int) -> Batch:
        """Some of the examples, without weights and slices."""
        return Batch(inputs=self.inputs[start:stop], targets=self.targets[start:stop])


def concatenate(batches: Sequence[Batch]) -> Batch:
    """Batches of several lengths as one, padded at their ends.

    Weights and slices are left out: an evaluation set is not of several stages.
    """
    import numpy as np

    def padded(parts: list[NDArray[np.int64]], filler: int) -> NDArray[np.int64]:
        if parts[0].ndim == 1:
            return np.concatenate(parts)
        width = max(part.shape[1] for part in parts)
        return np.concatenate(
            [
                np.pad(part, ((0, 0), (0, width - part.shape[1])), constant_values=filler)
                for part in parts
            ]
        )

    return Batch(
        inputs=padded([batch.inputs for batch in batches], PADDING),
        targets=padded([batch.targets for batch in batches], IGNORED),
    )
