"""What a comparison found, in words: how strategies fare against the baseline, on which terms."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from curriculum.plan.budget import STEP_OVERHEAD
from curriculum.report.attempt import guesses
from curriculum.report.comparison import BASELINE, Comparison, Outcome
from curriculum.report.entry import Entry
from curriculum.report.explain import spelled
from curriculum.report.medians import LEAST_SEEDS, Median, Ratio
from curriculum.report.paired_ratio import reached
from curriculum.report.quantity import short, times

__all__ = ["against_baseline", "headline", "interval", "left_out", "terms"]


NO_PAIR = "no seed in common"


def against_baseline(comparison: Comparison, outcome: Outcome) -> str:
    """A verdict, and the ratio that it rests on, e.g. `helped × 3.2 (2.1–5.0)`; `-` for none."""
    ratio, place = outcome.ratio, outcome.stage
    if ratio is None or place is None:
        return "-"
    if ratio.least == 0 and math.isinf(ratio.most):
        return f"{ratio.verdict}, too few reached it"
    why = ""
    if math.isinf(ratio.most):
        why = _reached(comparison.outcomes[BASELINE], place, outcome.paired)
    elif ratio.least == 0:
        why = _reached(outcome, place, outcome.paired)
    where = "" if place == comparison.stage else f"at {comparison.key(place)}"
    return " ".join(filter(None, (_verdict(ratio), where, why)))


def interval(comparison: Comparison, reach: Median) -> str:
    """Where the median reach lies, as stages; `-` for too few seeds."""
    if reach.low is None or reach.high is None:
        return "-"
    return f"{comparison.key(int(reach.low))}–{comparison.key(int(reach.high))}"


def headline(comparison: Comparison) -> str:
    """Which strategies helped, which hurt, of which that is unclear, and of which there is none."""
    if BASELINE not in comparison.outcomes:
        return f"Nothing was trained by the baseline, {BASELINE}, so there are no verdicts."
    found: dict[str, list[str]] = {verdict: [] for verdict in ("helped", "hurt", "unclear")}
    lacking: dict[str, list[str]] = {}
    for name, outcome in comparison.outcomes.items():
        if outcome.ratio is not None:
            found[outcome.ratio.verdict].append(name)
        elif name != BASELINE:
            why = "on half of the seeds no stage was mastered" if outcome.paired else NO_PAIR
            lacking.setdefault(why, []).append(name)
    parts = [f"{verdict}: {', '.join(names)}" for verdict, names in found.items() if names]
    parts += [f"no verdict: {', '.join(names)} ({why})" for why, names in lacking.items()]
    return f"Against {BASELINE}: {'; '.join(parts)}."


def terms(comparison: Comparison) -> Iterator[str]:
    """On which terms strategies were compared, and how to read the figures."""
    yield _budget(comparison)
    if comparison.stage is not None:
        yield _target(comparison)
    yield from _ahead(comparison)
    yield from _edges(comparison)
    yield "Medians over seeds; the intervals hold the true median in at least 95 % of cases."
    yield from _by_the_clock(comparison)
    few = [n for n, o in comparison.outcomes.items() if o.reach.count < LEAST_SEEDS]
    if few:
        yield (
            f"Fewer than {LEAST_SEEDS} seeds give neither an interval nor a verdict: "
            f"{', '.join(few)}."
        )
    pairs = {n: o.ratio.count for n, o in comparison.outcomes.items() if o.ratio and n not in few}
    pairs = {name: count for name, count in pairs.items() if count < LEAST_SEEDS}
    if pairs:
        yield (
            f"Fewer than {LEAST_SEEDS} seeds in common with {BASELINE} give no verdict: "
            f"{', '.join(f'{name} ({count})' for name, count in pairs.items())}."
        )
    for name in few:
        entries = comparison.outcomes[name].entries.values()
        reached = [entry.reach for entry in entries]
        yield f"Reach of {name}, seed by seed: {', '.join(map(comparison.key, reached))}."


def left_out(comparison: Comparison) -> list[str]:
    """Which runs were not compared, and why."""
    return [f"Left out: {line}." for line in comparison.left_out] or ["No run was left out."]


def _budget(comparison: Comparison) -> str:
    unit, rates = comparison.unit, comparison.learning_rates
    amount = short(comparison.budget, unit)
    said = amount if unit == "seconds" else f"{amount} of compute"
    said = said if unit in ("seconds", "compute") else f"{amount} {unit}"
    words = f"Budget of each strategy with each seed: {said}"
    if unit == "compute":
        words += f" (tokens × (parameters + {STEP_OVERHEAD:,}), looks a third)"
    spelled_rates = ", ".join(f"{rate:g}" for rate in rates)
    if len(rates) == 1:
        return f"{words}, at learning rate {spelled_rates}."
    return (
        f"{words}, in equal shares for {spelled(len(rates), 'learning rate')} side by side "
        f"({spelled_rates}); a stage takes what the quickest of them spent, times {len(rates)}."
    )


def _target(comparison: Comparison) -> str:
    stage = comparison.path[comparison.stage or 0]
    words = (
        f"Compute, tokens and time are those to {stage}: the hardest stage that at least half "
        f"of the seeds of some strategy mastered."
    )
    if any(
        0 < outcome.reached(comparison.stage or 0) < len(outcome.entries)
        for outcome in comparison.outcomes.values()
    ):
        words += " '(3/6)' on how many seeds, where not on all."
    if BASELINE not in comparison.outcomes:
        return words
    return (
        f"{words} '× 3.2' says that {BASELINE} took 3.2 times the {comparison.unit} to get "
        f"there, seed by seed; '≥' and '≤' that a budget ended before; 'at 27' that it is of "
        f"another stage, the hardest that at least half of the seeds of either mastered."
    )


def _ahead(comparison: Comparison) -> Iterator[str]:
    """Who mastered the last stage before those below it, and who without them."""
    last = len(comparison.path) - 1
    entries = [e for o in comparison.outcomes.values() for e in o.entries.values()]
    if any(_is_out_of_order(entry, last) for entry in entries):
        yield (
            "The last stage is looked at from the first time that it is trained on, and so may be "
            "mastered before those below it."
        )
    for name, outcome in comparison.outcomes.items():
        there = [e for e in outcome.entries.values() if e.quickest(last) is not None]
        alone = [e for e in there if any(e.quickest(place) is None for place in range(last))]
        if alone:
            yield (
                f"{name} mastered {comparison.path[last]} on {len(there)} of "
                f"{len(outcome.entries)} seeds, and on {len(alone)} of them not all of "
                f"the stages below it."
            )


def _is_out_of_order(entry: Entry, last: int) -> bool:
    """Whether the last stage was mastered for less than the one below it, or without."""
    hardest, below = entry.spent(last), entry.spent(last - 1) if last else None
    if hardest is None or not last:
        return False
    return below is None or getattr(hardest, entry.unit) < getattr(below, entry.unit)


def _edges(comparison: Comparison) -> Iterator[str]:
    """Of which strategies the quickest learning rate was the first or the last of those tried."""
    rates, found = comparison.learning_rates, dict[str, list[str]]()
    if len(rates) < 2:
        return
    for name, outcome in comparison.outcomes.items():
        if guesses(name):
            continue
        quickest = [_quickest_rate(e, comparison.stage) for e in outcome.entries.values()]
        for edge, rate in (("lowest", rates[0]), ("highest", rates[-1])):
            count = quickest.count(rate)
            if 2 * count > len(quickest):
                said = f"{name} ({count} of {spelled(len(quickest), 'seed')})"
                found.setdefault(edge, []).append(said)
    said = ", and ".join(
        f"the {edge} tried for {', '.join(names)}" for edge, names in found.items()
    )
    if said:
        yield f"The quickest learning rate was {said}: what is best may lie outside."


def _quickest_rate(entry: Entry, stage: int | None) -> float | None:
    """To a stage, or else to the hardest mastered; None where several were as quick, or none."""
    place = entry.reach if stage is None or entry.quickest(stage) is None else stage
    spent = {
        attempt.learning_rate: getattr(attempt.mastered[place], entry.unit)
        for attempt in entry.attempts
        if place in attempt.mastered
    }
    first = [rate for rate, value in spent.items() if value == min(spent.values())]
    return first[0] if len(first) == 1 else None


def _by_the_clock(comparison: Comparison) -> Iterator[str]:
    """Of which strategies the verdict in seconds is the opposite."""
    otherwise = [
        f"{name} {_verdict(outcome.seconds)}"
        for name, outcome in comparison.outcomes.items()
        if outcome.ratio is not None
        and outcome.seconds is not None
        and {outcome.ratio.verdict, outcome.seconds.verdict} == {"helped", "hurt"}
    ]
    if otherwise:
        yield f"By the clock it is otherwise: {', '.join(otherwise)}."


def _reached(outcome: Outcome, place: int, seeds: Sequence[int]) -> str:
    """On how many of these seeds it mastered a stage."""
    count = reached([outcome.entries[seed] for seed in seeds], place)
    subject = f"{outcome.strategy} " if outcome.strategy == BASELINE else ""
    if not count:
        return f"{subject}never reached it"
    return f"{subject}reached it {count}/{len(seeds)}"


def _verdict(ratio: Ratio) -> str:
    """With the ratio that it rests on, e.g. `hurt × 0.25 (0.2–0.3)`."""
    if math.isinf(ratio.most):
        value = f"≥ {times(ratio.least)}"
    elif ratio.least == 0:
        value = f"≤ {times(ratio.most)}"
    elif math.isclose(ratio.least, ratio.most):
        value = times(ratio.least)
    else:
        value = f"{times(ratio.least)} to {times(ratio.most)}"
    return " ".join(filter(None, (ratio.verdict, "×", value, _bounds(ratio))))


def _bounds(ratio: Ratio) -> str:
    if ratio.low is None or ratio.high is None:
        return ""
    if math.isinf(ratio.high):
        return f"(≥{times(ratio.low)})" if ratio.low else ""
    if ratio.low == 0:
        return f"(≤{times(ratio.high)})"
    return f"({times(ratio.low)}–{times(ratio.high)})"
