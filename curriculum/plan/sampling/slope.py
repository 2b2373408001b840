"""How steep a learning curve is."""

from collections.abc import Sequence

Point = Sequence[float]
"""A time, and the score at it."""


def slope(points: Sequence[Point]) -> float:
    """The least-squares slope through points (time, score); 0 for fewer than two times.

    >>> round(slope([(3, 0.1), (7, 0.2), (8, 0.4)]), 6)
    0.05
    """
    count = len(points)
    middle = sum(time for time, _ in points) / max(count, 1)
    spread = sum((time - middle) ** 2 for time, _ in points)
    if spread == 0:
        return 0.0
    return sum((time - middle) * score for time, score in points) / spread
