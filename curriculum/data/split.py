"""Which examples are trained on, and which are held out for what: a function of their content alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Part = Literal["train", "gate", "tuning", "target", "certificate"]
"""What examples are for: training, or evaluations by the stream that they are of."""

HELD_OUT: tuple[Part, ...] = ("gate", "tuning", "target", "certificate")
"""What examples are held out for: stages, a search's trials, the target ahead of its turn, the final model."""

LEAST_UNITS = 100
"""So many independent documents a bound on a loss takes."""


def position(content: bytes) -> int:
    """Where a text lies among all texts, from 0 to 2^64: a digest of it, but for its spaces.

    So texts that differ in spaces and ends of lines alone lie together.

    >>> position(b"a  b") == position(b"a b ") != position(b"ab")
    True
    """
    return int.from_bytes(digest(b" ".join(content.split()))[:8], "big")


def digest(content: bytes) -> bytes:
    """16 bytes by which a content is known.

    >>> digest(b"a") == digest(b"a") != digest(b"b")
    True
    """
    return hashlib.blake2b(content, digest_size=16).digest()


def parts_of_positions(
    positions: NDArray[np.uint64], held_out: float
) -> dict[Part, tuple[int, int]]:
    """Of positions in order, where each part begins and ends.

    What lies in the first `held_out` of all positions is held out, a quarter of it for each use. So it
    stays where it is, whatever else is added or taken away.

    >>> positions = np.array([0, 2**61, 2**62, 2**63], dtype=np.uint64)
    >>> parts_of_positions(positions, 0.5)["gate"], parts_of_positions(positions, 0.5)["train"]
    ((0, 1), (3, 4))
    """
    edges = [held_out * number / len(HELD_OUT) for number in range(1, len(HELD_OUT) + 1)]
    limits = [np.uint64(min(2**64 - 1, int(edge * 2**64))) for edge in edges]
    ends = [0, *(int(np.searchsorted(positions, limit)) for limit in limits), len(positions)]
    spans = pairwise(ends)
    return dict(zip((*HELD_OUT, "train"), spans, strict=True))


def stratified_parts(
    positions: NDArray[np.uint64], labels: NDArray[np.int64], held_out: float
) -> NDArray[np.int64]:
    """For each example its part, (N,): 0 for training, 1 to 4 for the uses in `HELD_OUT`.

    Of each class the share `held_out`, rounded, is held out: those at its lowest positions. They are
    dealt to the uses in turn.

    >>> labels = np.array([0] * 8 + [1] * 16)
    >>> parts = stratified_parts(np.arange(24, dtype=np.uint64), labels, 0.5)
    >>> parts[:8].tolist(), np.bincount(parts[8:]).tolist()
    ([1, 2, 3, 4, 0, 0, 0, 0], [8, 2, 2, 2, 2])
    """
    found = np.zeros(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        members = members[np.argsort(positions[members], kind="stable")]
        chosen = members[: round(held_out * len(members))]
        found[chosen] = 1 + np.arange(len(chosen)) % len(HELD_OUT)
    return found


def few_units(counts: Sequence[tuple[Part, int]]) -> str:
    """Which parts have too few documents for a bound on a loss, in one sentence; empty for none.

    >>> few_units([("gate", 120), ("target", 80)])
    'a bound on a loss takes at least 100 held-out documents, and the target has 80'
    """
    few = [f"the {part} has {count:,}" for part, count in counts if count < LEAST_UNITS]
    if not few:
        return ""
    least = f"a bound on a loss takes at least {LEAST_UNITS} held-out documents"
    return f"{least}, and {', '.join(few)}"
