"""What final models score once equal budgets are used up: a table, and how to read it."""

from __future__ import annotations

from collections.abc import Iterator

from curriculum.comparison import LEAST_SEEDS, Comparison, Measured, MeasuredOutcome, Median
from curriculum.errors import counted
from curriculum.plan import verb_of
from curriculum.report.comparison.text import (
    NO_PAIR,
    SINGLE,
    budget,
    conditions,
    corrected,
    edges,
    headline,
    verdict_parts,
)
from curriculum.report.units import short


def measured_overview(comparison: Comparison, measured: Measured) -> list[tuple[str, ...]]:
    """A head, and a row for each strategy: what its models score, against the baseline, and the cost."""
    costs = ("tokens", "compute", "evaluations", "time")
    against = f"vs {measured.baseline}"
    head = ("strategy", "seeds", measured.measure.name, against, *costs, "reach")
    return [head, *(_row(comparison, measured, name) for name in measured.outcomes)]


def sentences(comparison: Comparison) -> Iterator[str]:
    """The headline of a comparison, by costs or by what was measured, and how to read its table."""
    measured = comparison.measured
    if measured is None:
        yield headline(comparison)
        yield from conditions(comparison)
    else:
        yield measured_headline(measured)
        yield from measured_conditions(comparison, measured)


def measured_headline(measured: Measured) -> str:
    """Which strategies are shown to be better, which worse, and which are inconclusive."""
    pairs = {n: o for n, o in measured.outcomes.items() if n != measured.baseline}
    verdicts = {n: o.verdict for n, o in pairs.items() if o.verdict and _has_verdict(o)}
    without = [n for n in pairs if n not in verdicts]
    lacking = {
        NO_PAIR: [n for n in without if pairs[n].difference is None],
        f"fewer than {LEAST_SEEDS} seeds": [n for n in without if pairs[n].difference is not None],
    }
    sentence = "; ".join(verdict_parts(verdicts, lacking))
    name, unit = measured.measure.name, measured.measure.unit
    return (
        f"By {name}{f' ({unit})' if unit else ''}, compared with {measured.baseline}, {sentence}."
    )


def measured_conditions(comparison: Comparison, measured: Measured) -> Iterator[str]:
    """How final models were compared, and how to read the figures."""
    name = measured.measure.name
    yield budget(
        comparison,
        f"of them counts the one whose final model has the best {name} on other held-out examples "
        f"(the stream 'target'); tokens, compute and time are those of all {{}}",
    )
    yield from _training(comparison)
    yield from _ended_early(measured)
    yield (
        f"{name} is that of the model at the end of training, on {measured.basis} (the stream "
        f"'certificate'), the same for all; it is not charged."
    )
    better = "below" if measured.measure.lower_is_better else "above"
    yield (
        f"'helped {_signed(-0.1 if measured.measure.lower_is_better else 0.1)}': the median over seeds of "
        f"the difference to {measured.baseline}; {better} 0 is better."
    )
    inside = "is counted in" if comparison.unit == "compute" else "is left out of"
    yield (
        f"'evaluations': their part of the compute, which {inside} the budget. 'reach': the hardest "
        f"stage {verb_of(comparison.verdict)}."
    )
    chosen = {
        n: [s.run.learning_rate for s in o.seeds.values()] for n, o in measured.outcomes.items()
    }
    if text := edges(comparison.learning_rates, chosen):
        yield f"The best learning rate was {text}: a better one may be outside those tried."
    yield from _spread(measured)
    compared = [o for o in measured.outcomes.values() if o.difference is not None]
    if any(_has_verdict(outcome) for outcome in compared):
        yield from corrected([(o.verdict, o.single_verdict) for o in compared])


def difference_in_words(outcome: MeasuredOutcome) -> str:
    """A verdict, and the difference that it rests on, e.g. `helped -0.12 (-0.15 to -0.09)`; `-` for none.

    Of too few seeds it is the difference alone.
    """
    found = outcome.difference
    if found is None:
        return "-"
    if not _has_verdict(outcome):
        return _signed(found.value)
    mark = SINGLE if outcome.verdict != outcome.single_verdict else ""
    between = ""
    if found.low is not None and found.high is not None:
        between = f" ({_signed(found.low)} to {_signed(found.high)})"
    return f"{outcome.single_verdict}{mark} {_signed(found.value)}{between}"


def _has_verdict(outcome: MeasuredOutcome) -> bool:
    """Whether there are seeds enough for one, be it that the difference is inconclusive."""
    return outcome.difference is not None and outcome.difference.count >= LEAST_SEEDS


def _row(comparison: Comparison, measured: Measured, name: str) -> tuple[str, ...]:
    outcome = measured.outcomes[name]
    return (
        name,
        str(len(outcome.seeds)),
        _median(outcome.median),
        difference_in_words(outcome),
        *(short(outcome.total(unit), unit) for unit in ("tokens", "compute")),
        f"{outcome.evaluation_share:.0%}",
        short(outcome.total("seconds"), "seconds"),
        _reach(comparison, name),
    )


def _reach(comparison: Comparison, name: str) -> str:
    """The median reach, and on how many seeds the last stage was passed where that wasn't all or none."""
    outcome = comparison.outcomes[name]
    count, total = outcome.reached(len(comparison.path) - 1), len(outcome.results)
    text = comparison.key(int(outcome.reach.value))
    return text if count in (0, total) else f"{text} (last {count}/{total})"


def _median(median: Median) -> str:
    if median.low is None or median.high is None:
        return _value(median.value)
    return f"{_value(median.value)} ({_value(median.low)} to {_value(median.high)})"


def _training(comparison: Comparison) -> Iterator[str]:
    """How long all are trained, and at which rate."""
    yield (
        "All train until the budget is used up: one that passes the last stage goes on with it, and "
        "its evaluations too."
    )
    schedule = comparison.conditions.get("training.schedule", "constant")
    if schedule != "constant":
        yield f"The learning rate follows the schedule {schedule} over the budget, the same for all."


def _ended_early(measured: Measured) -> Iterator[str]:
    """Which strategies have runs that ended before."""
    early = {n: o.ended_early for n, o in measured.outcomes.items() if o.ended_early}
    if early:
        listed = ", ".join(
            f"{name} on {count} of {counted(len(measured.outcomes[name].seeds), 'seed')}"
            for name, count in early.items()
        )
        yield (
            f"Ended before the budget was used up, as training on was of no use ('explain RUN' says why), "
            f"and so not at an equal budget: {listed}."
        )


def _spread(measured: Measured) -> Iterator[str]:
    """What intervals mean; of too few seeds, each value."""
    yield "Medians over seeds; the intervals hold the true median in at least 95 % of cases."
    few = {n: o for n, o in measured.outcomes.items() if len(o.seeds) < LEAST_SEEDS}
    if few:
        counts = ", ".join(f"{name}: {len(outcome.seeds)} given" for name, outcome in few.items())
        yield f"An interval or a verdict needs at least {LEAST_SEEDS} seeds ({counts})."
    for name, outcome in few.items():
        values = ", ".join(_value(seed.value) for seed in outcome.seeds.values())
        yield f"{measured.measure.name} of {name}, seed by seed: {values}."


def _value(value: float) -> str:
    """To four digits.

    >>> [_value(value) for value in (2.34567, 0.0, 123456.0)]
    ['2.346', '0', '1.235e+05']
    """
    return f"{value:.4g}"


def _signed(value: float) -> str:
    """To two digits, with its sign.

    >>> [_signed(value) for value in (-0.1234, 0.0, 12.0)]
    ['-0.12', '+0', '+12']
    """
    return f"{value:+.2g}"
