"""Examples as arrays.

Legend: B batch, L length of the input, C channels, T length of the output, K values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

IGNORED = -100
"""The target at a position where nothing is predicted; torch calls it `ignore_index`."""

PADDING = -1
"""The input symbol at a position after the end of a shorter sequence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Examples as numpy arrays.

    Attributes:
        inputs: symbols, (B, L) int64, with `PADDING` after the end of shorter sequences; or real
            channels, (B, L, C) float32.
        targets: for the output `bit` 0 or 1, for `symbol` a symbol, (B,) int64; for
            `symbols` (B, T) int64, with `IGNORED` where nothing is predicted; for `values`
            (B, K) float32, or (B,) for one value. A task with a `loss` of its own gives what that
            takes, int64 or float32 with an example in each row.
        weights: of the examples in the score of the whole, (B,) float64; None for equal ones.
        slices: in an evaluation set, which examples belong to each slice, (B,) bool. Within
            a slice all count the same.
        mask: of channels, where there is an input, (B, L) bool, with False after the end of shorter
            sequences; None where all have the same length. Symbols need none.
        units: in an evaluation set, the number of the independent unit, such as a document, that each
            example belongs to, (B,) int64 from 0; None where each is one of its own. The examples of
            a unit may lie anywhere in the set.
        byte_counts: how many bytes of text the targets stand for that are predicted, (B,) int64;
            None where they stand for none. A loss in bits per byte takes them.
        details: what the task's own metrics need to know of each example besides, B of them; no
            model sees it.
    """

    inputs: NDArray[Any]
    targets: NDArray[Any]
    weights: NDArray[np.float64] | None = None
    slices: dict[str, NDArray[np.bool_]] | None = None
    mask: NDArray[np.bool_] | None = None
    details: tuple[Any, ...] | None = None
    units: NDArray[np.int64] | None = None
    byte_counts: NDArray[np.int64] | None = None

    @property
    def present(self) -> NDArray[np.bool_]:
        """Where there is an input and no padding, (B, L)."""
        if self.inputs.ndim == 2:
            found: NDArray[np.bool_] = self.inputs != PADDING
            return found
        if self.mask is not None:
            return self.mask
        import numpy as np

        return np.ones(self.inputs.shape[:2], dtype=bool)

    @property
    def token_count(self) -> int:
        """Input positions, padding apart."""
        return int(self.present.sum())

    @property
    def target_count(self) -> int:
        """Symbols, bits or values that are to be predicted."""
        return int((self.targets != IGNORED).sum())

    def rows(self, start: int, stop: int) -> Batch:
        """Some of the examples, without weights and slices."""
        return Batch(
            inputs=self.inputs[start:stop],
            targets=self.targets[start:stop],
            mask=None if self.mask is None else self.mask[start:stop],
            details=None if self.details is None else self.details[start:stop],
            units=None if self.units is None else self.units[start:stop],
            byte_counts=None if self.byte_counts is None else self.byte_counts[start:stop],
        )


def concatenate(batches: Sequence[Batch]) -> Batch:
    """Batches of several lengths as one, padded at their ends.

    Weights, slices, details and units are left out: an evaluation set is not of several stages.
    """
    import numpy as np

    def padded(parts: Sequence[NDArray[Any]], filler: float) -> NDArray[Any]:
        if parts[0].ndim == 1:
            return np.concatenate(parts)
        width = max(part.shape[1] for part in parts)
        rest = ((0, 0),) * (parts[0].ndim - 2)
        return np.concatenate(
            [
                np.pad(part, ((0, 0), (0, width - part.shape[1]), *rest), constant_values=filler)
                for part in parts
            ]
        )

    lengths = {batch.inputs.shape[1] for batch in batches}
    channels = batches[0].inputs.ndim > 2
    masked = channels and (len(lengths) > 1 or any(batch.mask is not None for batch in batches))
    return Batch(
        inputs=padded([batch.inputs for batch in batches], 0.0 if channels else PADDING),
        targets=padded([batch.targets for batch in batches], IGNORED),
        mask=padded([batch.present for batch in batches], False) if masked else None,
    )
