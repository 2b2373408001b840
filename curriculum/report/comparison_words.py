"""What a comparison found, in words: how strategies fare against the baseline, on which terms."""

from __future__ import annotations

import math
from collections.abc import Iterator

from curriculum.plan.budget import STEP_OVERHEAD
from curriculum.report.comparison import BASELINE, Comparison, Outcome
from curriculum.report.explain import spelled
from curriculum.report.medians import LEAST_SEEDS, Median, Ratio
from curriculum.report.quantity import short, times

__all__ = ["against_baseline", "headline", "interval", "left_out", "terms"]


def against_baseline(comparison: Comparison, outcome: Outcome) -> str:
    """A verdict, and the ratio that it rests on, e.g. `helped × 3.2 (2.1–5.0)`; `-` for none."""
    ratio, place = outcome.ratio, outcome.stage
    if ratio is None or place is None:
        return "-"
    if ratio.least == 0 and math.isinf(ratio.most):
        return f"{ratio.verdict}, too few reached it"
    why = ""
    if math.isinf(ratio.most):
        value, why = f"≥ {times(ratio.least)}", _reached(comparison.outcomes[BASELINE], place)
    elif ratio.least == 0:
        value, why = f"≤ {times(ratio.most)}", _reached(outcome, place)
    elif math.isclose(ratio.least, ratio.most):
        value = times(ratio.least)
    else:
        value = f"{times(ratio.least)} to {times(ratio.most)}"
    where = "" if place == comparison.stage else f"at {comparison.key(place)}"
    return " ".join(filter(None, (ratio.verdict, "×", value, _bounds(ratio), where, why)))


def interval(comparison: Comparison, reach: Median) -> str:
    """Where the median reach lies, as stages; `-` for too few seeds."""
    if reach.low is None or reach.high is None:
        return "-"
    return f"{comparison.key(int(reach.low))}–{comparison.key(int(reach.high))}"


def headline(comparison: Comparison) -> str:
    """Which strategies helped, which hurt, and of which that is unclear."""
    if BASELINE not in comparison.outcomes:
        return f"Nothing was trained by the baseline, {BASELINE}, so there are no verdicts."
    by_verdict: dict[str, list[str]] = {"helped": [], "hurt": [], "unclear": []}
    for name, outcome in comparison.outcomes.items():
        if outcome.ratio is not None:
            by_verdict[outcome.ratio.verdict].append(name)
    parts = [f"{verdict}: {', '.join(names)}" for verdict, names in by_verdict.items() if names]
    said = "; ".join(parts) or "no stage was mastered, so there are no verdicts"
    return f"Against {BASELINE}: {said}."


def terms(comparison: Comparison) -> Iterator[str]:
    """On which terms strategies were compared, and how to read the figures."""
    yield _budget(comparison)
    if comparison.stage is not None:
        yield _target(comparison)
    yield from _ahead(comparison)
    few = [n for n, o in comparison.outcomes.items() if o.reach.count < LEAST_SEEDS]
    yield "Medians over seeds; the intervals hold the true median in at least 95 % of cases."
    if few:
        yield (
            f"Fewer than {LEAST_SEEDS} seeds give neither an interval nor a verdict: "
            f"{', '.join(few)}."
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
    if BASELINE not in comparison.outcomes:
        return words
    return (
        f"{words} '× 3.2' says that {BASELINE} took 3.2 times the {comparison.unit} to get "
        f"there, seed by seed; '≥' and '≤' that a budget ended before; 'at 27' that it is of "
        f"another stage, the hardest that at least half of the seeds of either mastered."
    )


def _ahead(comparison: Comparison) -> Iterator[str]:
    """Who mastered the last stage without all of those below it."""
    last = len(comparison.path) - 1
    for name, outcome in comparison.outcomes.items():
        there = [e for e in outcome.entries.values() if e.quickest(last) is not None]
        alone = [e for e in there if any(e.quickest(place) is None for place in range(last))]
        if alone:
            yield (
                f"{name} mastered {comparison.path[last]} on {len(there)} of "
                f"{len(outcome.entries)} seeds, and on {len(alone)} of them not all of "
                f"the stages below it."
            )


def _reached(outcome: Outcome, place: int) -> str:
    """How many seeds of it mastered a stage."""
    count, total = outcome.reached(place), len(outcome.entries)
    subject = f"{outcome.strategy} " if outcome.strategy == BASELINE else ""
    return f"{subject}reached it {count}/{total}" if count else f"{subject}never reached it"


def _bounds(ratio: Ratio) -> str:
    if ratio.low is None or ratio.high is None:
        return ""
    if math.isinf(ratio.high):
        return f"(≥{times(ratio.low)})" if ratio.low else ""
    if ratio.low == 0:
        return f"(≤{times(ratio.high)})"
    return f"({times(ratio.low)}–{times(ratio.high)})"
