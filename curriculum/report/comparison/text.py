"""What a comparison found, in words: verdicts against the baseline, and how to read them."""

import math
from collections.abc import Iterator, Mapping, Sequence

from curriculum.comparison import (
    BASELINE,
    LEAST_SEEDS,
    Comparison,
    Outcome,
    Ratio,
    SeedResult,
    least_seeds,
)
from curriculum.errors import counted
from curriculum.learn import OPERATIONS_A_SECOND
from curriculum.plan import verb_of
from curriculum.report.units import short, times
from curriculum.sweeps import is_guess

NO_PAIR = "no seed in common"

SINGLE = "*"
"""Marks a verdict that holds by itself, and not among all strategies of the table."""


def against_baseline(comparison: Comparison, outcome: Outcome) -> str:
    """A verdict, and the ratio that it rests on, e.g. `helped × 3.2 (2.1–5.0)`; `-` for none."""
    ratio, place = outcome.ratio, outcome.stage
    if ratio is None or place is None:
        return "-"
    if ratio.least == 0 and math.isinf(ratio.most):
        return f"{ratio.verdict}, too few reached it"
    single = SINGLE if outcome.verdict != ratio.verdict else ""
    why = ""
    if math.isinf(ratio.most):
        why = _reached(comparison.outcomes[BASELINE], place, outcome.paired)
    elif ratio.least == 0:
        why = _reached(outcome, place, outcome.paired)
    where = "" if place == comparison.stage else f"at {comparison.key(place)}"
    return " ".join(filter(None, (_verdict(ratio, single), where, why)))


def interval(comparison: Comparison, outcome: Outcome) -> str:
    """The interval of the median reach, as stages; `-` for too few seeds."""
    low, high = outcome.reach.low, outcome.reach.high
    if low is None or high is None:
        return "-"
    return f"{comparison.key(int(low))}–{comparison.key(int(high))}"


def headline(comparison: Comparison) -> str:
    """Which strategies helped, which hurt, which are inconclusive, and which have no verdict."""
    if BASELINE not in comparison.outcomes:
        return f"No verdicts, since the baseline, {BASELINE}, was not run."
    lacking: dict[str, list[str]] = {}
    for name, outcome in comparison.outcomes.items():
        if outcome.verdict is None and name != BASELINE:
            why = (
                f"no stage was {comparison.verdict} on half of the seeds"
                if outcome.paired
                else NO_PAIR
            )
            lacking.setdefault(why, []).append(name)
    verdicts = {n: o.verdict for n, o in comparison.outcomes.items() if o.verdict is not None}
    return f"Compared with {BASELINE}, {'; '.join(verdict_parts(verdicts, lacking))}."


def verdict_parts(verdicts: Mapping[str, str], lacking: Mapping[str, Sequence[str]]) -> list[str]:
    """Which strategies have which verdict, and which none: `lacking` has them by the reason."""
    parts = [
        f"{verdict}: {', '.join(name for name, found in verdicts.items() if found == verdict)}"
        for verdict in ("helped", "hurt", "inconclusive")
        if verdict in verdicts.values()
    ]
    return parts + [
        f"no verdict: {', '.join(names)} ({why})" for why, names in lacking.items() if names
    ]


def conditions(comparison: Comparison) -> Iterator[str]:
    """How strategies were compared, and how to read the figures."""
    yield budget(comparison, "the cost of a stage is that of the quickest of them, times {}")
    if comparison.stage is not None:
        yield _target(comparison)
    yield from _ahead(comparison)
    yield from _edges(comparison)
    yield "Medians over seeds; the intervals hold the true median in at least 95 % of cases."
    yield from _by_the_clock(comparison)
    few = [n for n, o in comparison.outcomes.items() if o.reach.count < LEAST_SEEDS]
    if few:
        counts = (f"{n}: {comparison.outcomes[n].reach.count} given" for n in few)
        yield (
            f"An interval or a verdict needs at least {LEAST_SEEDS} seeds ({', '.join(counts)})."
        )
    pairs = {n: o.ratio.count for n, o in comparison.outcomes.items() if o.ratio and n not in few}
    pairs = {name: count for name, count in pairs.items() if count < LEAST_SEEDS}
    if pairs:
        shared = ", ".join(f"{name}: {count}" for name, count in pairs.items())
        yield f"A verdict needs at least {LEAST_SEEDS} seeds in common with {BASELINE} ({shared})."
    yield from _corrected(comparison)
    for name in few:
        places = [result.reach for result in comparison.outcomes[name].results.values()]
        yield f"Reach of {name}, seed by seed: {', '.join(map(comparison.key, places))}."


def left_out(comparison: Comparison) -> list[str]:
    """Which runs were left out, and why."""
    return [f"Left out: {line}." for line in comparison.left_out] or ["No run was left out."]


def budget(comparison: Comparison, of_several: str) -> str:
    """What each strategy may spend; `of_several` says how learning rates that share it count."""
    unit, rates = comparison.unit, comparison.learning_rates
    amount = short(comparison.budget, unit)
    budget = {"seconds": amount, "compute": f"compute {amount}"}.get(unit, f"{amount} {unit}")
    words = f"Budget of each strategy with each seed: {budget}"
    if unit == "compute":
        words += (
            f" (FLOP equivalents; a core does {short(OPERATIONS_A_SECOND, unit)} in about a second)"
        )
    listed = ", ".join(f"{rate:g}" for rate in rates)
    if len(rates) == 1:
        return f"{words}, at learning rate {listed}."
    shared = f"{words}, shared equally by {counted(len(rates), 'learning rate')} ({listed})"
    return f"{shared}; {of_several.format(len(rates))}."


def _target(comparison: Comparison) -> str:
    stage = comparison.axis_names.words(comparison.path[comparison.stage or 0])
    words = (
        f"Compute, time and tokens are the cost to reach {stage}: the hardest stage that at least half "
        f"of the seeds of some strategy {verb_of(comparison.verdict)}."
    )
    if any(
        0 < outcome.reached(comparison.stage or 0) < len(outcome.results)
        for outcome in comparison.outcomes.values()
    ):
        words += " '(3/6)': reached on 3 of 6 seeds."
    if BASELINE not in comparison.outcomes:
        return words
    return (
        f"{words} '× 3.2': {BASELINE} took 3.2 times the {comparison.unit}, in the median over "
        f"seeds; '≥' or '≤': a budget was used up before the stage was {comparison.verdict}; 'at 27': "
        f"the ratio at another stage, the hardest that at least half of the seeds of either "
        f"{verb_of(comparison.verdict)}."
    )


def _ahead(comparison: Comparison) -> Iterator[str]:
    """Which strategies mastered the last stage before those below it, or without them."""
    last = len(comparison.path) - 1
    stage = comparison.axis_names.words(comparison.path[last])
    results = [r for o in comparison.outcomes.values() for r in o.results.values()]
    if any(_is_out_of_order(result, last) for result in results):
        yield (
            f"The last stage is evaluated as soon as it is trained on, and so may be "
            f"{comparison.verdict} before those below it."
        )
    for name, outcome in comparison.outcomes.items():
        mastered = [r for r in outcome.results.values() if r.quickest(last) is not None]
        alone = [r for r in mastered if any(r.quickest(place) is None for place in range(last))]
        if alone:
            yield (
                f"{name} {verb_of(comparison.verdict)} {stage} on {len(mastered)} of "
                f"{len(outcome.results)} seeds, on {len(alone)} of them without all of the "
                f"stages below it."
            )


def _is_out_of_order(result: SeedResult, last: int) -> bool:
    """Whether the last stage was mastered for less than the one below it, or without."""
    hardest, below = result.cost(last), result.cost(last - 1) if last else None
    if hardest is None or not last:
        return False
    return below is None or getattr(hardest, result.unit) < getattr(below, result.unit)


def _edges(comparison: Comparison) -> Iterator[str]:
    """Of which strategies the quickest learning rate was the first or the last of those tried."""
    quickest = {
        name: [_quickest_rate(result, comparison.stage) for result in outcome.results.values()]
        for name, outcome in comparison.outcomes.items()
        if not is_guess(name)
    }
    if text := edges(comparison.learning_rates, quickest):
        yield f"The quickest learning rate was {text}: the best one may be outside those tried."


def edges(rates: Sequence[float], chosen: Mapping[str, Sequence[float | None]]) -> str:
    """For which strategies most seeds chose the lowest or the highest rate, in words; empty for none."""
    found: dict[str, list[str]] = {}
    for name, each in chosen.items() if len(rates) > 1 else ():
        for edge, rate in (("lowest", rates[0]), ("highest", rates[-1])):
            count = each.count(rate)
            if 2 * count > len(each):
                seeds = f"{name} ({count} of {counted(len(each), 'seed')})"
                found.setdefault(edge, []).append(seeds)
    return ", and ".join(
        f"the {edge} tried for {', '.join(names)}" for edge, names in found.items()
    )


def _quickest_rate(result: SeedResult, stage: int | None) -> float | None:
    """To a stage, or else to the hardest mastered; None where several were as quick, or none."""
    place = result.reach if stage is None or result.quickest(stage) is None else stage
    costs = {
        run.learning_rate: getattr(run.mastered[place], result.unit)
        for run in result.runs
        if place in run.mastered
    }
    first = [rate for rate, value in costs.items() if value == min(costs.values())]
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
        yield f"In seconds the verdict is the opposite: {', '.join(otherwise)}."


def _corrected(comparison: Comparison) -> Iterator[str]:
    """How verdicts are corrected for their number, where that makes a difference."""
    pairs = [o for o in comparison.outcomes.values() if o.ratio]
    if any(o.ratio.count >= LEAST_SEEDS for o in pairs if o.ratio):
        yield from corrected([(o.verdict, o.ratio.verdict) for o in pairs if o.ratio])


def corrected(verdicts: Sequence[tuple[str | None, str | None]]) -> Iterator[str]:
    """How verdicts are corrected for their number: of each strategy that among all, and by itself."""
    if len(verdicts) < 2:
        return
    yield (
        f"The verdicts on {len(verdicts)} strategies are corrected for their number (Holm): in at "
        f"most 5 % of such comparisons any of them is false."
    )
    if any(among != single for among, single in verdicts):
        yield (
            f"'{SINGLE}': by itself the verdict holds, among {len(verdicts)} it does not; to hold "
            f"there it needs at least {least_seeds(len(verdicts))} seeds."
        )


def _reached(outcome: Outcome, place: int, seeds: Sequence[int]) -> str:
    """On how many of these seeds it mastered a stage."""
    count = outcome.reached(place, seeds)
    subject = f"{outcome.strategy} " if outcome.strategy == BASELINE else ""
    if not count:
        return f"{subject}never reached it"
    return f"{subject}reached it {count}/{len(seeds)}"


def _verdict(ratio: Ratio, mark: str = "") -> str:
    """With the ratio that it rests on, e.g. `hurt × 0.25 (0.2–0.3)`."""
    return f"{ratio.verdict}{mark} {multiple(ratio)}"


def multiple(ratio: Ratio) -> str:
    """A ratio and its interval, e.g. `× 3.2 (2.1–5.0)`."""
    if math.isinf(ratio.most):
        value = f"≥ {times(ratio.least)}"
    elif ratio.least == 0:
        value = f"≤ {times(ratio.most)}"
    elif math.isclose(ratio.least, ratio.most):
        value = times(ratio.least)
    else:
        value = f"{times(ratio.least)} to {times(ratio.most)}"
    return " ".join(filter(None, ("×", value, _bounds(ratio))))


def _bounds(ratio: Ratio) -> str:
    if ratio.low is None or ratio.high is None:
        return ""
    if math.isinf(ratio.high):
        return f"(≥{times(ratio.low)})" if ratio.low else ""
    if ratio.low == 0:
        return f"(≤{times(ratio.high)})"
    return f"({times(ratio.low)}–{times(ratio.high)})"
