"""Races the arms of a portfolio in compute: which is trained next, and which has won."""

import math
from collections.abc import Sequence

from curriculum.plan.race_forecast import (
    JUDGED_AFTER,
    ArmReport,
    Forecast,
    MasteryForecast,
    TargetForecast,
)

LEAST_SHARE = 0.25
"""Of an equal part of the compute: so much each arm gets, whatever is predicted of it."""


class Race:
    """The arm that is predicted to need least is trained next; the first to master the target wins.

    Predictions err, so each of k arms gets a part s/k of the compute all the same, s being the least
    share: where that is due, it comes first. With C what an arm costs alone, h its first six
    intervals, H those of all arms together and D the longest interval of any, a race costs at most

        k/s max(C, h) + (k D + H) k / (k - (k - 1) s)

    whatever the predictions; with s = 1/4 that is 4k max(C, h) and less than 4/3 (k D + H) more. For
    while this arm's share is not due, the race has cost less than k/s max(C, h). One more interval
    makes it due, and until it has won arms are trained up to their shares alone: those that have
    started had come so far before, others make their start.

    Until it starts an arm counts as if it had cost six intervals, after which it can be judged: direct
    training on long inputs costs nothing where short ones lead there before.

    >>> race = Race([1.0, 5.0])
    >>> race.next
    0
    >>> race.observe(0, ArmReport(compute=1.0))
    >>> race.next  # the second would spend five at once
    0

    Attributes:
        reports: of each arm, in order. All that the race decides follows from them.
        winner: the arm that has mastered the target; None for none yet.
        next: the arm that is trained next: the one that counts as having cost least, of equals one
            that has started, or the first in order; None once one has won, or none can be trained
            further.
    """

    def __init__(
        self,
        first_costs: Sequence[float],
        *,
        waits: Sequence[bool] | None = None,
        stages: int = 1,
        threshold: float = 1.0,
        least_share: float = LEAST_SHARE,
    ) -> None:
        """Make ready.

        Args:
            first_costs: the compute of each arm's first interval, as estimated.
            waits: whether each waits for mastery, stage by stage; by default none does.
            stages: the number of the path's.
            threshold: the score at which the target is mastered.
            least_share: of what each arm would get if all got the same: so much each gets at least.
        """
        count = len(first_costs)
        self._waits = [False] * count if waits is None else list(waits)
        self._forecasts: list[Forecast] = [
            MasteryForecast(stages) if waiting else TargetForecast(threshold)
            for waiting in self._waits
        ]
        self._head_starts = [JUDGED_AFTER * cost for cost in first_costs]
        self._costs = [0.0] * count
        self._least_share = least_share
        self.reports: list[list[ArmReport]] = [[] for _ in first_costs]
        self.winner: int | None = None
        self.next = self._choose()

    @property
    def compute(self) -> float:
        """What all arms have cost so far."""
        return sum(self._costs)

    def compute_of(self, arm: int) -> float:
        """What an arm has cost so far; 0 before it starts."""
        return self._costs[arm]

    def is_open(self, arm: int) -> bool:
        """Whether an arm can be trained further."""
        return not self.reports[arm] or self.reports[arm][-1].ending is None

    def remaining(self, arm: int) -> float | None:
        """What an arm is predicted to cost yet.

        Infinite where nothing speaks for it; None before it can be judged.
        """
        return self._forecasts[arm].remaining

    @property
    def favourites(self) -> list[int]:
        """The arms that share what the least shares leave.

        Of the arms that wait for mastery the one predicted to need least, and of the others likewise;
        as soon as both can be judged, the better of the two.
        """
        arms = [arm for arm in range(len(self.reports)) if self.is_open(arm)]
        groups = ([a for a in arms if self._waits[a] is waiting] for waiting in (True, False))
        leaders = sorted(min(group, key=self._need) for group in groups if group)
        if any(self.remaining(arm) is None for arm in leaders):
            return leaders
        least = min(map(self._need, leaders), default=0.0)
        return [arm for arm in leaders if self._need(arm) == least]

    def observe(self, arm: int, report: ArmReport) -> None:
        """Take the report of the arm that was `next`.

        Raises:
            ValueError: for any other arm.
        """
        if arm != self.next:
            raise ValueError(f"arm {self.next} is trained next, got a report of arm {arm}")
        self.reports[arm].append(report)
        self._costs[arm] = report.compute
        self._forecasts[arm].observe(report)
        if report.mastered:
            self.winner = arm
        self.next = self._choose()

    def _choose(self) -> int | None:
        if self.winner is not None:
            return None
        share = self.compute * self._least_share / max(1, len(self._costs))
        due = [
            arm
            for arm in range(len(self._costs))
            if self._counted(arm) <= share and self.is_open(arm)
        ]
        return min(due or self.favourites, key=self._in_turn, default=None)

    def _counted(self, arm: int) -> float:
        """What an arm has cost, or counts as if it had."""
        return max(self._costs[arm], self._head_starts[arm])

    def _in_turn(self, arm: int) -> tuple[float, float]:
        return self._counted(arm), -self._costs[arm]

    def _need(self, arm: int) -> float:
        """What an arm is predicted to cost yet; infinite where it can't be judged."""
        remaining = self.remaining(arm)
        return math.inf if remaining is None else remaining
