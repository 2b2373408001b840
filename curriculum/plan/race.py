"""Races the arms of a portfolio in compute: which is trained next, and which has won."""

from collections.abc import Sequence
from dataclasses import dataclass


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


class Race:
    """The arm that has spent least is trained next; the first to master the target wins.

    An arm starts only once another has spent what its own first interval would cost. So with k
    arms a race costs at most k times what its cheapest arm would cost alone, and one interval of
    each of the others more. All that it decides follows from the reports, in the order of the race.

    >>> race = Race([1.0, 5.0])
    >>> race.next
    0
    >>> race.observe(0, ArmReport(compute=1.0))
    >>> race.next  # the second would spend five at once
    0

    Attributes:
        reports: of each arm, in order.
        winner: the arm that has mastered the target; None for none yet.
    """

    def __init__(self, first_costs: Sequence[float]) -> None:
        """Make ready: `first_costs` is the compute of each arm's first interval, as estimated."""
        self._first_costs = tuple(first_costs)
        self.reports: list[list[ArmReport]] = [[] for _ in first_costs]
        self.winner: int | None = None

    @property
    def compute(self) -> float:
        """What all arms have cost so far."""
        return sum(map(self.compute_of, range(len(self.reports))))

    def compute_of(self, arm: int) -> float:
        """What an arm has cost so far; 0 before it starts."""
        return self.reports[arm][-1].compute if self.reports[arm] else 0.0

    def is_open(self, arm: int) -> bool:
        """Whether an arm can be trained further."""
        return not self.reports[arm] or self.reports[arm][-1].ending is None

    @property
    def next(self) -> int | None:
        """The arm that is trained next; None once one has won, or none can be trained further.

        Of equals the first in order.
        """
        if self.winner is not None:
            return None
        open_arms = [arm for arm in range(len(self.reports)) if self.is_open(arm)]
        most = max(map(self.compute_of, range(len(self.reports))))
        started = [a for a in open_arms if self.reports[a] or self._first_costs[a] <= most]
        # Where none has started, or none of those goes on, the one that costs least to start does.
        ready = started or sorted(open_arms, key=self._first_costs.__getitem__)[:1]
        return min(ready, key=self.compute_of, default=None)

    def observe(self, arm: int, report: ArmReport) -> None:
        """Take the report of the arm that was `next`.

        Raises:
            ValueError: for any other arm.
        """
        if arm != self.next:
            raise ValueError(f"arm {self.next} is trained next, got a report of arm {arm}")
        self.reports[arm].append(report)
        if report.mastered:
            self.winner = arm
