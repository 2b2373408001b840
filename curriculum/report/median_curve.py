"""The median over seeds of how far a strategy is, at every point of its spending."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from curriculum.report.comparison import Entry
from curriculum.report.medians import Median, median_of

__all__ = ["MedianCurve", "median_curve"]

Corners = tuple[list[float], list[float]]


@dataclass(frozen=True, slots=True)
class MedianCurve:
    """Steps: from each of `rises` on, the median place reached and its interval.

    Before the first the place is -1: no stage was mastered yet.
    """

    rises: tuple[float, ...]
    medians: tuple[Median, ...]

    def median(self, end: float) -> Corners:
        """What was spent and the place then, wherever the place changes, and at the end."""
        spent, places = [0.0], [-1.0]
        for rise, median in zip(self.rises, self.medians, strict=True):
            if median.value != places[-1]:
                spent.append(rise)
                places.append(median.value)
        return [*spent, end], [*places, places[-1]]

    def band(self, end: float) -> tuple[list[float], list[float], list[float]]:
        """What was spent and the interval's ends, wherever they change; for enough seeds."""
        spent, lows, highs = [0.0], [-1.0], [-1.0]
        for rise, median in zip(self.rises, self.medians, strict=True):
            assert median.low is not None
            assert median.high is not None
            if (median.low, median.high) != (lows[-1], highs[-1]):
                spent.append(rise)
                lows.append(median.low)
                highs.append(median.high)
        return [*spent, end], [*lows, lows[-1]], [*highs, highs[-1]]


def median_curve(entries: Sequence[Entry]) -> MedianCurve:
    """The curve of a strategy's seeds."""
    curves = [entry.curve() for entry in entries]
    rises = sorted({spent for curve in curves for spent, _ in curve})
    medians = (median_of([_place(c, spent) for c in curves], whole=True) for spent in rises)
    return MedianCurve(tuple(rises), tuple(medians))


def _place(curve: Sequence[tuple[float, int]], spent: float) -> int:
    """The highest place that a curve has risen to by then."""
    count = bisect_right(curve, spent, key=lambda point: point[0])
    return max((place for _, place in curve[:count]), default=-1)
