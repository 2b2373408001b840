"""From a competence to a frontier (Platanios et al. 2019, arXiv 1903.09848, section 3)."""

from __future__ import annotations

import math

from curriculum.errors import UsageError

__all__ = ["check_clock", "frontier_at"]

ROUNDING = 1e-9


def frontier_at(competence: float, last: int) -> int:
    """The hardest stage whose share of the path, its own included, is within `competence`.

    The first stage is always allowed.

    >>> [frontier_at(competence, 3) for competence in (0.01, 0.49, 0.5, 1.0)]
    [0, 0, 1, 3]
    """
    return max(0, min(last, math.floor(competence * (last + 1) + ROUNDING) - 1))


def check_clock(initial: float, horizon: float) -> None:
    """Check the settings of a pacing by the clock."""
    if not 0 <= initial <= 1:
        raise UsageError(f"pacing.initial must be in [0, 1], got {initial}")
    if not 0 < horizon <= 1:
        raise UsageError(f"pacing.horizon must be in (0, 1], got {horizon}")
