"""One strategy with one seed: several attempts that count as trained side by side."""

from __future__ import annotations

from dataclasses import dataclass

from curriculum.plan import Spending
from curriculum.report.attempt import Attempt

__all__ = ["Entry"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One strategy with one seed: its attempts at several learning rates, trained side by side.

    Each gets an equal share of the budget and all are charged, until the first of them
    masters a stage. So a stage takes what the quickest spent, times their number.

    Attributes:
        unit: what the budget is counted in.
    """

    attempts: tuple[Attempt, ...]
    unit: str

    @property
    def reach(self) -> int:
        """The place of the hardest stage that any of them mastered; -1 for none."""
        return max(attempt.reach for attempt in self.attempts)

    def quickest(self, place: int) -> Attempt | None:
        """The attempt that mastered a stage for least; None where none did."""
        there = [attempt for attempt in self.attempts if place in attempt.mastered]
        return min(there, key=lambda a: getattr(a.mastered[place], self.unit), default=None)

    def spent(self, place: int) -> Spending | None:
        """What it took, over all attempts, to master a stage; None where none did."""
        first = self.quickest(place)
        if first is None:
            return None
        one, count = first.mastered[place], len(self.attempts)
        return Spending(
            steps=one.steps * count,
            tokens=one.tokens * count,
            compute=one.compute * count,
            seconds=one.seconds * count,
        )

    def limit(self, unit: str) -> float:
        """What it would have spent more than, had it mastered what it did not.

        That is the budget, and in another unit all that its attempts spent.
        """
        if unit != self.unit:
            return float(sum(getattr(attempt.total, unit) for attempt in self.attempts))
        share = self.attempts[0].budget
        assert share is not None  # a run without a limit is in no entry
        return float(share) * len(self.attempts)

    def curve(self) -> list[tuple[float, int]]:
        """What was spent, in the unit of the budget, when the reach rose to which place."""
        found: list[tuple[float, int]] = []
        for place in range(self.reach + 1):
            spent = self.spent(place)
            if spent is not None:
                found.append((getattr(spent, self.unit), place))
        # A harder stage may have been mastered for less, by another attempt or ahead of others.
        risen = [point for point in found if all(p < point[1] for s, p in found if s < point[0])]
        return sorted(risen)
