"""What a curriculum costs up to the target, over its seeds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from curriculum.comparison.seed_result import SeedResult
from curriculum.plan import Stage

TIE = 1e-6
"""Relative to a cost: less than tells two costs apart, and enough to order what is equal."""


@dataclass(frozen=True, slots=True)
class TargetCost:
    """The costs of the last stage, seed by seed, at one budget.

    A seed that did not master it is censored: it counts as if it had at the end of the budget, and so
    costs less than it would have.

    Attributes:
        results: by seed.
        budget: of each seed, over all learning rates.
        unit: of the budget.
    """

    results: Mapping[int, SeedResult]
    budget: float
    unit: str

    @property
    def reached(self) -> int:
        """How many seeds mastered the last stage."""
        return sum(result.target_cost is not None for result in self.results.values())

    @property
    def censored(self) -> int:
        """How many did not."""
        return len(self.results) - self.reached

    def of(self, seed: int) -> float:
        """The cost with that seed; the budget where it is censored."""
        cost = self.results[seed].target_cost
        return self.budget if cost is None else float(getattr(cost, self.unit))

    @property
    def mean(self) -> float:
        """The geometric mean over the seeds."""
        costs = [math.log(self.of(seed)) for seed in self.results]
        return math.exp(math.fsum(costs) / len(costs))

    def ranked(self, path: Sequence[Stage]) -> float:
        """The mean; of equal ones, the less the further the seeds came.

        Args:
            path: how far is counted in its stages, as contenders have paths of their own.
        """
        parts = [_part_covered(result, path) for result in self.results.values()]
        return self.mean * (1 + TIE * (1 - math.fsum(parts) / len(parts)))


def _part_covered(result: SeedResult, path: Sequence[Stage]) -> float:
    """The part of a path's stages that are no harder, on any axis, than the hardest passed."""
    if result.reach < 0:
        return 0.0
    hardest = max(result.runs, key=lambda run: run.reach)
    passed = hardest.path[hardest.reach]
    covered = sum(
        stage.length <= passed.length
        and stage.vocab_size <= passed.vocab_size
        and stage.level <= passed.level
        for stage in path
    )
    return covered / len(path)
