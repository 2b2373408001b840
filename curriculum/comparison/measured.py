"""What the final models of strategies score once equal budgets are used up, seed by seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from curriculum.comparison.medians import (
    CONFIDENCE,
    Difference,
    Median,
    difference_of,
    holm,
    median_of,
)
from curriculum.comparison.seed_result import SeedResult
from curriculum.plan import Score
from curriculum.sweeps import RunSummary

if TYPE_CHECKING:
    from curriculum.runner import FinalMeasure

Scores = Mapping[str, Score]
"""By a run's id, what its final model scores."""

TOTALS = ("tokens", "compute", "evaluation", "seconds", "steps")
"""What is added up over the runs of a seed; evaluation is a part of the compute."""


@dataclass(frozen=True, slots=True)
class MeasuredSeed:
    """What a strategy came to with one seed.

    Attributes:
        run: whose model counts: of several learning rates, that of the best one.
        value: what its model scores.
        total: what all its runs cost; see `TOTALS`.
    """

    run: RunSummary
    value: float
    total: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class MeasuredOutcome:
    """What the final models of a strategy score, over its seeds.

    Attributes:
        seeds: by seed.
        median: of the values.
        difference: to the baseline, over the seeds that both have; None for the baseline itself,
            and where there is no such seed.
        single_verdict: `helped` or `hurt`, where the difference by itself shows that; else
            `inconclusive`; None where there is no difference.
        adjusted_p_value: of the difference, adjusted for all strategies of the table; see `holm`.
    """

    seeds: Mapping[int, MeasuredSeed]
    median: Median
    difference: Difference | None
    single_verdict: str | None
    adjusted_p_value: float | None = None

    @property
    def verdict(self) -> str | None:
        """The same as the single verdict, where it is shown among all strategies of the table."""
        if self.adjusted_p_value is None:
            return None
        shown = self.adjusted_p_value <= 1 - CONFIDENCE
        return self.single_verdict if shown else "inconclusive"

    def total(self, unit: str) -> float:
        """The median over seeds of what all its runs cost, by one of `TOTALS`."""
        return median_of([seed.total[unit] for seed in self.seeds.values()]).value

    @property
    def evaluation_share(self) -> float:
        """The part of the compute that evaluations took, over all seeds."""
        compute = sum(seed.total["compute"] for seed in self.seeds.values())
        evaluation = sum(seed.total["evaluation"] for seed in self.seeds.values())
        return evaluation / compute if compute else 0.0

    @property
    def ended_early(self) -> int:
        """How many of the runs that count stopped before their budget was used up."""
        return sum(not seed.run.used_up for seed in self.seeds.values())


@dataclass(frozen=True, slots=True)
class Measured:
    """What final models score by a measure, all on the same examples.

    Attributes:
        measure: what is measured.
        basis: the examples, in words.
        baseline: the strategy that the others are compared with.
        outcomes: by strategy.
    """

    measure: FinalMeasure
    basis: str
    baseline: str
    outcomes: Mapping[str, MeasuredOutcome]


def measured_of(
    measure: FinalMeasure,
    results: Mapping[str, Mapping[int, SeedResult]],
    baseline: str,
    scores: Scores,
    choosing: Scores,
) -> Measured:
    """What strategies come to by a measure.

    Args:
        measure: of the scores.
        results: the runs by strategy and seed.
        baseline: one of the strategies.
        scores: of the runs that count: of several learning rates, the best one by `choosing`.
        choosing: scores of all runs, on other examples; may be empty where there is one learning
            rate.
    """
    lower = measure.lower_is_better
    seeds = {
        name: {
            seed: _seed(best_run(result, choosing, lower_is_better=lower), result, scores)
            for seed, result in sorted(by_seed.items())
        }
        for name, by_seed in results.items()
    }
    outcomes = {}
    for name, ours in seeds.items():
        others = {} if name == baseline else seeds[baseline]
        differences = [ours[s].value - others[s].value for s in ours if s in others]
        found = difference_of(differences) if differences else None
        outcomes[name] = MeasuredOutcome(
            seeds=ours,
            median=median_of([each.value for each in ours.values()]),
            difference=found,
            single_verdict=None if found is None else found.verdict(lower_is_better=lower),
        )
    counted = (each.run.run_id for by_seed in seeds.values() for each in by_seed.values())
    basis = scores[next(counted)].basis
    return Measured(measure, basis, baseline, _adjusted(outcomes))


def best_run(result: SeedResult, choosing: Scores, *, lower_is_better: bool) -> RunSummary:
    """Of the learning rates of a seed the run whose final model scores best; of several the first."""
    if len(result.runs) == 1:
        return result.runs[0]
    sign = 1 if lower_is_better else -1
    return min(result.runs, key=lambda run: sign * choosing[run.run_id].value)


def _seed(run: RunSummary, result: SeedResult, scores: Scores) -> MeasuredSeed:
    total = {unit: _sum(getattr(each.total, unit) for each in result.runs) for unit in TOTALS}
    return MeasuredSeed(run, scores[run.run_id].value, total)


def _sum(amounts: Iterable[float]) -> float:
    return float(sum(amounts))


def _adjusted(outcomes: Mapping[str, MeasuredOutcome]) -> dict[str, MeasuredOutcome]:
    """The same with p-values that are adjusted for their number."""
    p_values = {n: o.difference.p_value for n, o in outcomes.items() if o.difference is not None}
    adjusted = dict(zip(p_values, holm([*p_values.values()]), strict=True))
    return {
        name: replace(outcome, adjusted_p_value=adjusted.get(name))
        for name, outcome in outcomes.items()
    }
