"""Puts strategies side by side, seed by seed, at an equal budget."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from curriculum.comparison.matching import match_runs, missing_runs
from curriculum.comparison.measured import Measured
from curriculum.comparison.medians import CONFIDENCE, Median, Ratio, holm, least_seeds, median_of
from curriculum.comparison.paired_ratio import paired_ratio, reached, stage_of_interest
from curriculum.comparison.seed_result import SeedResult
from curriculum.errors import UsageError
from curriculum.plan import STRATEGIES, AxisNames, Stage, Verdict, growing_axes
from curriculum.record import verdict_of
from curriculum.sweeps import RunSummary

BASELINE = "direct"
"""What a curriculum is measured against."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a strategy came to, over its seeds.

    Attributes:
        results: by seed.
        reach: the median place on the path of the hardest stage passed.
        paired: the seeds that the baseline has too; none for the baseline itself.
        stage: the place that the ratio is of: the hardest that it, or the baseline, mastered on
            at least half of the paired seeds; None where there is none.
        ratio: the cost of that stage to the baseline, as a multiple of that to this; None
            for the baseline itself, and where there is none.
        seconds: the same ratio by the clock; None where that is the unit, and where there is none.
        adjusted_p_value: of the ratio, adjusted for all strategies of the table; see `holm`.
    """

    strategy: str
    results: Mapping[int, SeedResult]
    reach: Median
    paired: tuple[int, ...]
    stage: int | None
    ratio: Ratio | None
    seconds: Ratio | None
    adjusted_p_value: float | None = None

    @property
    def verdict(self) -> str | None:
        """`helped` or `hurt`, where that is shown among all strategies of the table; else `inconclusive`.

        None for the baseline itself, and where there is no ratio.
        """
        if self.ratio is None or self.adjusted_p_value is None:
            return None
        return self.ratio.verdict if self.adjusted_p_value <= 1 - CONFIDENCE else "inconclusive"

    def cost(self, place: int, unit: str) -> Median:
        """The median cost of a stage; infinite where too few seeds mastered it."""
        found = (result.cost(place) for result in self.results.values())
        return median_of([math.inf if cost is None else getattr(cost, unit) for cost in found])

    def reached(self, place: int, seeds: Collection[int] | None = None) -> int:
        """How many seeds mastered that stage; or how many of those given."""
        seeds = self.results if seeds is None else seeds
        return reached([self.results[seed] for seed in seeds], place)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Strategies on one experiment.

    Attributes:
        unit: of the budget.
        budget: of each strategy with each seed, over all learning rates.
        stage: the place on the path that costs are shown of: the hardest that at least
            half of the seeds of some strategy mastered; None where there is none.
        left_out: which runs were not compared, and why, in words.
        axis_names: what the task calls the axes of its stages.
        measured: what the final models score, where they are compared by that; verdicts are then
            on it alone.
    """

    experiment: str
    path: tuple[Stage, ...]
    unit: str
    budget: float
    learning_rates: tuple[float, ...]
    outcomes: Mapping[str, Outcome]
    stage: int | None
    left_out: tuple[str, ...]
    axis_names: AxisNames = field(default_factory=AxisNames)
    measured: Measured | None = None

    @property
    def baseline(self) -> str:
        """What final models are compared with: the baseline, or else the first of the strategies."""
        return BASELINE if BASELINE in self.outcomes else next(iter(self.outcomes))

    @property
    def conditions(self) -> Mapping[str, Any]:
        """What all runs have in common, by dotted name."""
        outcome = next(iter(self.outcomes.values()))
        return next(iter(outcome.results.values())).runs[0].conditions

    @property
    def verdict(self) -> Verdict:
        """What a stage is that a run passes: mastered, or ready."""
        return verdict_of(self.conditions)

    def key(self, place: int) -> str:
        """A place on the path as a short text."""
        if place < 0:
            return "none"
        stage, growing = self.path[place], growing_axes(self.path)
        plain = growing == ("length",) or (not growing and stage.level == 1)
        return f"{stage.length:,}" if plain else stage.short


def compare_runs(
    experiment: str,
    runs: Sequence[RunSummary],
    strategies: Sequence[str] | None = None,
    left_out: Sequence[str] = (),
    *,
    by_cost: bool = True,
) -> Comparison:
    """The comparison of an experiment's runs, by strategy.

    Args:
        experiment: its name.
        runs: of it.
        strategies: which to compare, in order; all that there are by default. One that
            was run under other settings than its own counts as another.
        left_out: which further runs are not compared, and why, in words.
        by_cost: whether there are verdicts on the costs of stages; or else on what is measured
            of the final models.

    Raises:
        UsageError: where there are not two strategies with comparable runs.
    """
    found = match_runs(runs)
    results = found.results
    known = {name: number for number, name in enumerate(STRATEGIES)}
    matched = sorted(results, key=lambda name: (known.get(name, len(known)), name))
    names = [n for want in strategies or [""] for n in matched if want in ("", n.split("(")[0])]
    left_out = [*left_out, *found.left_out, *missing_runs(results, names, strategies or ())]
    if len(names) < 2:
        raise UsageError(_too_few(experiment, names, left_out))
    first = next(iter(results[names[0]].values()))
    baseline = results[BASELINE] if BASELINE in names and by_cost else {}
    outcomes = _adjusted([_outcome(name, results[name], baseline) for name in names])
    return Comparison(
        experiment,
        first.runs[0].path,
        first.unit,
        first.limit(first.unit),
        found.learning_rates,
        {outcome.strategy: outcome for outcome in outcomes},
        stage_of_interest([[*results[name].values()] for name in names]),
        tuple(left_out),
        AxisNames.shared(run.axis_names for run in first.runs),
    )


def too_few_seeds(
    strategies: Sequence[str], seeds: Collection[int], *, measured: bool = False
) -> str | None:
    """That so few seeds, or strategies, can't give a verdict on each of these, in words; else None.

    Where final models are `measured`, the first is the baseline in the place of one that isn't there.
    """
    baseline = BASELINE if BASELINE in strategies or not measured else strategies[0]
    count = len({*strategies} - {baseline})
    if baseline in strategies and not count:
        return f"there is no verdict on {baseline} alone: name another strategy to compare with it"
    least = least_seeds(max(1, count))
    if baseline not in strategies or len(seeds) >= least:
        return None
    return (
        f"verdicts on {count} strateg{'y' if count == 1 else 'ies'} against {baseline} need at least "
        f"{least} seeds, and there are {len(seeds)}"
    )


def _outcome(
    name: str, results: Mapping[int, SeedResult], baseline: Mapping[int, SeedResult]
) -> Outcome:
    paired = tuple(sorted(set(results) & set(baseline))) if name != BASELINE else ()
    ours, theirs = [results[seed] for seed in paired], [baseline[seed] for seed in paired]
    stage = stage_of_interest([ours, theirs])
    ratio, seconds = None, None
    if stage is not None:
        unit = ours[0].unit
        ratio = paired_ratio(ours, theirs, stage, unit)
        seconds = None if unit == "seconds" else paired_ratio(ours, theirs, stage, "seconds")
    reach = median_of([result.reach for result in results.values()], whole=True)
    return Outcome(name, dict(sorted(results.items())), reach, paired, stage, ratio, seconds)


def _adjusted(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The same with p-values that are adjusted for their number."""
    ratios = {o.strategy: o.ratio.p_value for o in outcomes if o.ratio is not None}
    adjusted = dict(zip(ratios, holm([*ratios.values()]), strict=True))
    return [
        replace(outcome, adjusted_p_value=adjusted.get(outcome.strategy)) for outcome in outcomes
    ]


def _too_few(experiment: str, names: Sequence[str], left_out: Sequence[str]) -> str:
    some = f"only {names[0]} can be compared" if names else "no runs can be compared"
    why = f" (left out: {'; '.join(left_out)})" if left_out else ""
    return (
        f"of {experiment} {some} in this store{why}; run what is missing with "
        f"'compare {experiment} --run'"
    )
