"""One strategy with one seed: several runs that count as trained side by side."""

from dataclasses import asdict, dataclass

from curriculum.plan import Cost
from curriculum.sweeps import RunSummary


@dataclass(frozen=True, slots=True)
class SeedResult:
    """One strategy with one seed: its runs at several learning rates, trained side by side.

    Each gets an equal share of the budget and all are charged, until the first of them
    masters a stage. So a stage costs what the quickest cost, times their number.

    Attributes:
        runs: one for each learning rate.
        unit: of the budget.
    """

    runs: tuple[RunSummary, ...]
    unit: str

    @property
    def reach(self) -> int:
        """The place of the hardest stage that any of them mastered; -1 for none."""
        return max(run.reach for run in self.runs)

    def quickest(self, place: int) -> RunSummary | None:
        """The run that mastered a stage at the least cost; None where none did."""
        found = [run for run in self.runs if place in run.mastered]
        return min(found, key=lambda r: getattr(r.mastered[place], self.unit), default=None)

    def cost(self, place: int) -> Cost | None:
        """What it cost, over all runs, to master a stage; None where none did."""
        first = self.quickest(place)
        if first is None:
            return None
        one, count = asdict(first.mastered[place]), len(self.runs)
        return Cost(**{unit: amount * count for unit, amount in one.items()})

    @property
    def target_cost(self) -> Cost | None:
        """What it cost, over all runs, to master the last stage of the path; None where none did."""
        return self.cost(len(self.runs[0].path) - 1)

    def limit(self, unit: str) -> float:
        """What it would have cost more than, had it mastered what it did not.

        That is the budget, and in another unit all that its runs cost.
        """
        if unit != self.unit:
            return float(sum(getattr(run.total, unit) for run in self.runs))
        share = self.runs[0].budget
        assert share is not None  # a run without a limit is not comparable
        return float(share) * len(self.runs)

    def curve(self) -> list[tuple[float, int]]:
        """At which cost, in the unit of the budget, the reach rose to which place."""
        costs = [(self.cost(place), place) for place in range(self.reach + 1)]
        found = [(getattr(cost, self.unit), place) for cost, place in costs if cost is not None]
        # A harder stage may have been mastered for less, by another run or ahead of others.
        risen = [point for point in found if all(p < point[1] for c, p in found if c < point[0])]
        return sorted(risen)
