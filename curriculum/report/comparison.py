"""Puts strategies side by side, seed by seed, at an equal budget."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from curriculum.errors import UsageError
from curriculum.plan import STRATEGIES, Stage
from curriculum.report.attempt import Attempt
from curriculum.report.entry import Entry
from curriculum.report.equal_terms import equal_terms, lacking
from curriculum.report.medians import Median, Ratio, median_of
from curriculum.report.paired_ratio import paired_ratio, reached, stage_of_interest

__all__ = ["BASELINE", "Comparison", "Entry", "Outcome", "compared"]

BASELINE = "direct"
"""What a curriculum is measured against."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a strategy came to, over its seeds.

    Attributes:
        entries: by seed.
        reach: the median place on the path of the hardest stage mastered.
        paired: the seeds that the baseline has too; none for the baseline itself.
        stage: the place that the ratio is of: the hardest that it, or the baseline, mastered on
            at least half of the paired seeds; None where there is none.
        ratio: what the baseline spent on that stage, as a multiple of what this did; None
            for the baseline itself, and where there is none.
        seconds: the same ratio by the clock; None where that is the unit, and where there is none.
    """

    strategy: str
    entries: Mapping[int, Entry]
    reach: Median
    paired: tuple[int, ...]
    stage: int | None
    ratio: Ratio | None
    seconds: Ratio | None

    def spent(self, place: int, unit: str) -> Median:
        """The median of what a stage took; infinite where too few seeds mastered it."""
        found = (entry.spent(place) for entry in self.entries.values())
        return median_of([math.inf if s is None else getattr(s, unit) for s in found])

    def reached(self, place: int) -> int:
        """How many seeds mastered that stage."""
        return reached(self.entries.values(), place)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Strategies on one experiment.

    Attributes:
        unit: what the budget is counted in.
        budget: how much of it each strategy had with each seed, over all learning rates.
        stage: the place on the path that spending is shown of: the hardest that at least
            half of the seeds of some strategy mastered; None where there is none.
        left_out: which runs were not compared, and why, in words.
    """

    experiment: str
    path: tuple[Stage, ...]
    unit: str
    budget: float
    learning_rates: tuple[float, ...]
    outcomes: Mapping[str, Outcome]
    stage: int | None
    left_out: tuple[str, ...]

    def key(self, place: int) -> str:
        """A place on the path as a short text."""
        if place < 0:
            return "none"
        stage, sizes = self.path[place], {s.vocab_size for s in self.path}
        return f"{stage.length:,}" if len(sizes) == 1 else f"{stage.length:,}/{stage.vocab_size:,}"


def compared(
    experiment: str,
    attempts: Sequence[Attempt],
    strategies: Sequence[str] | None = None,
    unread: Sequence[str] = (),
) -> Comparison:
    """The comparison of an experiment's runs, by strategy.

    Args:
        experiment: its name.
        attempts: its runs.
        strategies: which are asked for, in order; all that there are by default. One that
            was run under other settings than its own counts as another.
        unread: of which runs that could not be read it is to be said.

    Raises:
        UsageError: where there are not two strategies that went on equal terms.
    """
    found = equal_terms(attempts)
    entries = found.entries
    known = {name: number for number, name in enumerate(STRATEGIES)}
    there = sorted(entries, key=lambda name: (known.get(name, len(known)), name))
    names = [n for asked in strategies or [""] for n in there if asked in ("", n.split("(")[0])]
    left_out = [f"run {run_id} can't be read" for run_id in unread]
    left_out += [*found.left_out, *lacking(entries, names, strategies or ())]
    if len(names) < 2:
        raise UsageError(_nothing(experiment, names, left_out))
    first = next(iter(entries[names[0]].values()))
    baseline = entries[BASELINE] if BASELINE in names else {}
    return Comparison(
        experiment,
        first.attempts[0].path,
        first.unit,
        first.limit(first.unit),
        found.learning_rates,
        {name: _outcome(name, entries[name], baseline) for name in names},
        stage_of_interest([[*entries[name].values()] for name in names]),
        tuple(left_out),
    )


def _outcome(name: str, entries: Mapping[int, Entry], baseline: Mapping[int, Entry]) -> Outcome:
    paired = tuple(sorted(set(entries) & set(baseline))) if name != BASELINE else ()
    ours, theirs = [entries[seed] for seed in paired], [baseline[seed] for seed in paired]
    stage = stage_of_interest([ours, theirs])
    ratio, seconds = None, None
    if stage is not None:
        unit = ours[0].unit
        ratio = paired_ratio(ours, theirs, stage, unit)
        seconds = None if unit == "seconds" else paired_ratio(ours, theirs, stage, "seconds")
    reach = median_of([entry.reach for entry in entries.values()], whole=True)
    return Outcome(name, dict(sorted(entries.items())), reach, paired, stage, ratio, seconds)


def _nothing(experiment: str, names: Sequence[str], left_out: Sequence[str]) -> str:
    there = f"only {names[0]} can be compared" if names else "no runs can be compared"
    why = f" (left out: {'; '.join(left_out)})" if left_out else ""
    return (
        f"of {experiment} {there} in this store{why}; run what is missing with "
        f"'compare {experiment} --run'"
    )
