"""Predicts how much more an arm of a race costs until it masters the target."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

JUDGED_AFTER = 6
"""Evaluations: of fewer nothing is said, for an arm or against it."""

GROWTH = 1.5
"""Stages mastered at a cost c number about c^(1/1.5): each takes longer than those before."""

TREND_AT_LEAST = 1.645
"""The standard normal quantile of 0.95: of what does not move, a trend is seen in 5 % of looks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ArmReport:
    """How far an arm is at one of its evaluations.

    Attributes:
        compute: that it has cost so far, its discarded trials and its evaluations included.
        mastered: whether it has mastered the target, or it is ready; in its turn or ahead of it.
        ending: why it can't be trained further, in words; None while it can.
        stages: how many of the path it has mastered, in order.
        score: on a screen of the stage that it stands on; None where nothing was measured.
        target_score: on a screen of the target; None before it is trained on the target.
        target_loss: the mean loss on that screen, in nats or squared; None where it has none.
    """

    compute: float
    mastered: bool = False
    ending: str | None = None
    stages: int = 0
    score: float | None = None
    target_score: float | None = None
    target_loss: float | None = None


class Forecast(Protocol):
    """Predicts what an arm still costs, from its reports."""

    @property
    def remaining(self) -> float | None:
        """In compute; infinite where nothing speaks for the arm, None before it can be judged."""

    def observe(self, report: ArmReport) -> None:
        """Take one more report into account."""


class MasteryForecast:
    """Of an arm that waits for mastery: a path's stages take longer, the farther it has come.

    n of N stages mastered at a cost c: all of them at a cost of c (N/n)^1.5.
    """

    def __init__(self, stages: int) -> None:
        """Make ready: `stages` is the number of the path's."""
        self._stages, self._reports = stages, 0
        self.remaining: float | None = None

    def observe(self, report: ArmReport) -> None:
        """Take one more report into account."""
        self._reports += 1
        if self._reports < JUDGED_AFTER:
            return
        ratio = self._stages / report.stages if report.stages else math.inf
        self.remaining = report.compute * (max(1.0, ratio) ** GROWTH - 1)


class TargetForecast:
    """Of an arm that trains on the target from the start: does it get better there at all?

    When it will be good can't be told: losses stand still for long and then fall at once. So it is
    taken to be halfway: it needs as much again as it has cost, less the part p of the way to the
    target that it has come, c (1 - p). That is said only where the loss falls, or the score
    moves: where Kendall's test for a trend (Mann 1945), which holds for any distribution, shows it.
    """

    def __init__(self, threshold: float) -> None:
        """Make ready: `threshold` is the score at which the target is mastered."""
        self._threshold = threshold
        self._losses, self._scores = _Series(), _Series()
        self.remaining: float | None = None

    def observe(self, report: ArmReport) -> None:
        """Take one more report into account."""
        if report.target_loss is not None:
            self._losses.append(report.target_loss)
        if report.target_score is not None:
            self._scores.append(report.target_score)
        by_loss = len(self._losses) >= len(self._scores)
        series, goal = (self._losses, 0.0) if by_loss else (self._scores, self._threshold)
        if len(series) < JUDGED_AFTER:
            return
        way = goal - series.first
        trend = series.trend * math.copysign(1, way)
        part = (series.last - series.first) / way if way else 1.0
        moves = trend >= TREND_AT_LEAST
        self.remaining = report.compute * (1 - min(1.0, part)) if moves else math.inf


class _Series:
    """Values in the order that they came in, and whether they move."""

    def __init__(self) -> None:
        self._values: list[float] = []
        # Pairs of which the later is greater, less those of which it is smaller.
        self._concordance = 0

    def __len__(self) -> int:
        return len(self._values)

    def append(self, value: float) -> None:
        """Add a value; one that is no number counts as equal to all."""
        self._concordance += sum((value > each) - (value < each) for each in self._values)
        self._values.append(value)

    @property
    def first(self) -> float:
        """The first value."""
        return self._values[0]

    @property
    def last(self) -> float:
        """The last value."""
        return self._values[-1]

    @property
    def trend(self) -> float:
        """Kendall's S over its standard deviation where nothing moves, corrected for continuity."""
        n, s = len(self), self._concordance
        return math.copysign(max(0, abs(s) - 1), s) / math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
