"""The median over seeds of how far a strategy has come, at every cost."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from curriculum.comparison.medians import Median, median_of
from curriculum.comparison.seed_result import SeedResult

Corners = Sequence[tuple[float, ...]]
"""Costs, and for each of them a value, or the ends of an interval."""


@dataclass(frozen=True, slots=True)
class MedianCurve:
    """Steps: from each of `rises` on, the median place reached and its interval.

    Before the first the place is -1: no stage was mastered yet.
    """

    rises: tuple[float, ...]
    medians: tuple[Median, ...]

    def median(self, end: float) -> Corners:
        """The cost and the place then, wherever the place changes, and at the end."""
        return self._corners(("value",), end)

    def band(self, end: float) -> Corners:
        """The cost and the interval's ends, wherever they change; for enough seeds."""
        return self._corners(("low", "high"), end)

    def _corners(self, names: Sequence[str], end: float) -> Corners:
        found: list[tuple[float, ...]] = [(0.0, *(-1.0 for _ in names))]
        for rise, median in zip(self.rises, self.medians, strict=True):
            values = tuple(getattr(median, name) for name in names)
            if values != found[-1][1:]:
                found.append((rise, *values))
        return list(zip(*found, (end, *found[-1][1:]), strict=True))


def median_curve_of(results: Sequence[SeedResult]) -> MedianCurve:
    """The curve of a strategy's seeds."""
    curves = [result.curve() for result in results]
    rises = sorted({cost for curve in curves for cost, _ in curve})
    medians = (median_of([_place(c, cost) for c in curves], whole=True) for cost in rises)
    return MedianCurve(tuple(rises), tuple(medians))


def _place(curve: Sequence[tuple[float, int]], cost: float) -> int:
    """The highest place that a curve has risen to by then."""
    count = bisect_right(curve, cost, key=lambda point: point[0])
    return max((place for _, place in curve[:count]), default=-1)
