"""Puts strategies side by side: on equal terms, at an equal budget, seed by seed."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from curriculum.errors import UsageError
from curriculum.plan import STRATEGIES, Spending, Stage
from curriculum.report.attempt import GUESS, Attempt
from curriculum.report.medians import Median, Ratio, median_of, ratio_of

__all__ = ["BASELINE", "Comparison", "Entry", "Outcome", "compared"]

BASELINE = "direct"
"""What a curriculum is measured against."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One strategy with one seed: its attempts at several learning rates, trained side by side.

    Each gets an equal share of the budget and all are charged, until the first of them
    masters a stage. So a stage takes what the quickest spent, times their number.
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


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a strategy came to, over its seeds.

    Attributes:
        entries: by seed.
        reach: the median place on the path of the hardest stage mastered.
        stage: the place that the ratio is of: the hardest that at least half of the seeds of
            it, or of the baseline, mastered; None where there is none.
        ratio: what the baseline spent on that stage, as a multiple of what this did; None
            for the baseline itself, and where there is none.
    """

    strategy: str
    entries: Mapping[int, Entry]
    reach: Median
    stage: int | None
    ratio: Ratio | None

    def spent(self, place: int, unit: str) -> Median:
        """The median of what a stage took; infinite where too few seeds mastered it."""
        found = (entry.spent(place) for entry in self.entries.values())
        return median_of([math.inf if s is None else getattr(s, unit) for s in found])

    def reached(self, place: int) -> int:
        """How many seeds mastered that stage."""
        return _reached(self.entries, place)


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
    left_out = [f"run {run_id} can't be read" for run_id in unread]
    fit = _fit(attempts, left_out)
    alike = _on_equal_terms(fit, left_out)
    newest = _newest(alike)
    trained = {key: found for key, found in newest.items() if key[0] != GUESS}
    rates = _common_rates(trained)
    widths = _common_rates({key: found for key, found in newest.items() if key[0] == GUESS})
    entries: dict[str, dict[int, Entry]] = defaultdict(dict)
    for (strategy, seed), found in newest.items():
        wanted = widths[: len(rates)] if strategy == GUESS else rates
        missing = [rate for rate in wanted if rate not in found]
        if missing:
            said = ", ".join(f"{rate:g}" for rate in missing)
            left_out.append(f"{strategy}, seed {seed}: no run at learning rate {said}")
            continue
        chosen = tuple(found[rate] for rate in wanted)
        entries[strategy][seed] = Entry(chosen, chosen[0].unit or "steps")
    known = {name: number for number, name in enumerate(STRATEGIES)}
    there = sorted(entries, key=lambda name: (known.get(name, len(known)), name))
    names = [n for asked in strategies or [""] for n in there if asked in ("", n.split("(")[0])]
    left_out += _lacking(entries, names, strategies or ())
    if len(names) < 2:
        raise UsageError(_nothing(experiment, names, left_out))
    first = next(iter(entries[names[0]].values()))
    stage = _stage_of_interest([entries[name] for name in names])
    budget = float(first.attempts[0].budget or 0) * len(rates)
    baseline = entries[BASELINE] if BASELINE in names else None
    outcomes = {name: _outcome(name, entries[name], baseline, budget) for name in names}
    return Comparison(
        experiment,
        first.attempts[0].path,
        first.unit,
        budget,
        tuple(rates),
        outcomes,
        stage,
        tuple(left_out),
    )


def _outcome(
    name: str, entries: Mapping[int, Entry], baseline: Mapping[int, Entry] | None, budget: float
) -> Outcome:
    stage, ratio = None, None
    if baseline is not None and name != BASELINE:
        stage = _stage_of_interest([entries, baseline])
        ratio = None if stage is None else _ratio(entries, baseline, stage, budget)
    reach = median_of([entry.reach for entry in entries.values()], whole=True)
    return Outcome(name, dict(sorted(entries.items())), reach, stage, ratio)


def _lacking(
    entries: Mapping[str, Mapping[int, Entry]], names: Sequence[str], asked: Sequence[str]
) -> list[str]:
    """Which strategies that were asked for have no runs, and which lack seeds of the others."""
    found = [
        f"{n}: no runs on these terms" for n in asked if n not in {m.split("(")[0] for m in names}
    ]
    seeds = {seed for name in names for seed in entries[name]}
    for name in names:
        missing = sorted(seeds - set(entries[name]))
        if missing:
            found.append(f"{name}: no runs with seed {', '.join(map(str, missing))}")
    return found


def _fit(attempts: Sequence[Attempt], left_out: list[str]) -> list[Attempt]:
    """Those that can be compared with others at all."""
    why: dict[str, list[str]] = defaultdict(list)
    for attempt in attempts:
        if attempt.unfit is not None:
            why[attempt.unfit].append(attempt.run_id)
    for reason, ids in why.items():
        left_out.append(f"{_runs(ids)} {reason}")
    gone = {run_id for ids in why.values() for run_id in ids}
    return [attempt for attempt in attempts if attempt.run_id not in gone]


def _on_equal_terms(attempts: Sequence[Attempt], left_out: list[str]) -> list[Attempt]:
    """The largest group of runs that differ in strategy, seed and learning rate alone."""
    groups: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        groups[repr(sorted(attempt.terms.items()))].append(attempt)

    def size(group: Sequence[Attempt]) -> tuple[bool, int, float]:
        trained = any(a.strategy != GUESS for a in group)
        return trained, len({(a.strategy, a.seed) for a in group}), max(a.created for a in group)

    ranked = sorted(groups.values(), key=size, reverse=True)
    chosen = ranked[0] if ranked else []
    for group in ranked[1:]:
        terms, theirs = chosen[0].terms, group[0].terms
        asked = theirs if group[0].strategy == GUESS else {*terms, *theirs}
        names = [name for name in sorted(asked) if terms.get(name) != theirs.get(name)]
        if not names:
            chosen = [*chosen, *group]
            continue
        said = ", ".join(
            f"{name} {_short(theirs.get(name))}, not {_short(terms.get(name))}"
            for name in names[:3]
        )
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        left_out.append(f"{_runs([a.run_id for a in group])} with {said}{more}")
    return chosen


def _newest(attempts: Sequence[Attempt]) -> dict[tuple[str, int], dict[float, Attempt]]:
    """By strategy and seed, and by learning rate, the newest run."""
    found: dict[tuple[str, int], dict[float, Attempt]] = defaultdict(dict)
    for attempt in sorted(attempts, key=lambda a: a.created):
        found[attempt.strategy, attempt.seed][attempt.learning_rate] = attempt
    return found


def _common_rates(found: Mapping[tuple[str, int], Mapping[float, Attempt]]) -> list[float]:
    """The learning rates that most strategies and seeds were run at; of several, the most."""
    counts = Counter(tuple(sorted(rates)) for rates in found.values())
    ranked = sorted(counts, key=lambda rates: (counts[rates], len(rates)))
    return list(ranked[-1]) if ranked else []


def _stage_of_interest(entries: Sequence[Mapping[int, Entry]]) -> int | None:
    """The hardest stage that at least half of the seeds of some strategy mastered."""
    last = max(entry.reach for seeds in entries for entry in seeds.values())
    for place in range(last, -1, -1):
        if any(2 * _reached(seeds, place) >= len(seeds) for seeds in entries):
            return place
    return None


def _reached(entries: Mapping[int, Entry], place: int) -> int:
    return sum(entry.quickest(place) is not None for entry in entries.values())


def _ratio(
    ours: Mapping[int, Entry], baseline: Mapping[int, Entry], place: int, budget: float
) -> Ratio | None:
    """What the baseline spent on a stage, as a multiple of what we did, paired by seed."""
    bounds = [
        _bounds(entry.spent(place), baseline[seed].spent(place), entry.unit, budget)
        for seed, entry in ours.items()
        if seed in baseline
    ]
    return ratio_of(bounds) if bounds else None


def _bounds(
    ours: Spending | None, baseline: Spending | None, unit: str, budget: float
) -> tuple[float, float]:
    """What is known of one ratio: who did not get there would have spent more than the budget."""
    if ours is None and baseline is None:
        return 0.0, math.inf
    if ours is None:
        return 0.0, getattr(baseline, unit) / budget
    if baseline is None:
        return budget / getattr(ours, unit), math.inf
    ratio = getattr(baseline, unit) / getattr(ours, unit)
    return ratio, ratio


def _nothing(experiment: str, names: Sequence[str], left_out: Sequence[str]) -> str:
    there = f"only {names[0]} can be compared" if names else "no runs can be compared"
    why = f" (left out: {'; '.join(left_out)})" if left_out else ""
    return (
        f"of {experiment} {there} in this store{why}; run what is missing with "
        f"'compare {experiment} --run'"
    )


def _runs(ids: Sequence[str]) -> str:
    if len(ids) == 1:
        return f"run {ids[0]}"
    named = ", ".join(ids[:3]) + (", …" if len(ids) > 3 else "")
    return f"{len(ids)} runs ({named})"


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 20 else f"{text[:12]}…"
