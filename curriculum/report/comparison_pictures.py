"""The pictures of a comparison that take more than its numbers: what the final models still do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from curriculum.record.history import History
from curriculum.report.attempt import GUESS, Attempt
from curriculum.report.canvas import MOST_TOGETHER
from curriculum.report.comparison import BASELINE, Comparison, Entry, Outcome
from curriculum.report.extrapolation_plot import extrapolation_curves
from curriculum.report.html import Picture
from curriculum.report.medians import LEAST_SEEDS
from curriculum.report.retention_plot import retention_map

__all__ = ["pictures_of"]

MOST_MAPS = 4
"""Maps of retention on a page, of the strategies that got furthest; the baseline's is one more."""


def pictures_of(comparison: Comparison, histories: Mapping[str, History]) -> Iterator[Picture]:
    """Retention along the best runs, and how far beyond their training all got.

    Args:
        comparison: what was compared.
        histories: its runs', by their ids.
    """
    yield from _maps(comparison, histories)
    retests = {
        name: [found for entry in outcome.entries.values() if (found := _retests(entry, histories))]
        for name, outcome in comparison.outcomes.items()
    }
    retests = {name: found for name, found in retests.items() if found}
    if retests:
        many = len(retests) > MOST_TOGETHER and BASELINE in retests
        dotted = f" Grey and dotted: the median of {BASELINE}." if many else ""
        yield Picture(
            extrapolation_curves(retests, comparison.experiment),
            f"The final models, of each seed the run's that got furthest, on every length of the "
            f"path, and beyond it (right of the dashed line): the median over seeds and its "
            f"interval, at lengths that all seeds of a strategy were tested on. Small dots: "
            f"single seeds, at other lengths, or where there are fewer than {LEAST_SEEDS}.{dotted}",
        )


def _maps(comparison: Comparison, histories: Mapping[str, History]) -> Iterator[Picture]:
    """Of the baseline, and of the strategies that got furthest, what a run of theirs retained."""
    furthest = sorted(comparison.outcomes.values(), key=_merit)[:MOST_MAPS]
    baseline = comparison.outcomes.get(BASELINE)
    shown = furthest if baseline is None or baseline in furthest else [baseline, *furthest]
    runs = [run for outcome in shown if (run := _best_retained(outcome, histories))]
    why = _why(comparison, apart=bool(runs) and runs[0].strategy not in _names(furthest))
    for run in runs:
        setting = "width" if run.strategy == GUESS else "learning rate"
        title = f"{run.strategy}, seed {run.seed}, {setting} {run.learning_rate:g}"
        yield Picture(
            retention_map(histories[run.run_id].retention, title),
            f"Retention under {title}: after each visit that mastered its stage, the score on "
            f"every stage of the path, on examples of a stream of their own.{why}",
        )
        why = ""


def _best_retained(outcome: Outcome, histories: Mapping[str, History]) -> Attempt | None:
    """Of a strategy's runs with a record of what was retained, the one that got furthest."""
    entries = outcome.entries.values()
    found = [
        (_attempt_merit(attempt, entry.unit), attempt)
        for entry in entries
        for attempt in entry.attempts
        if any(record["scores"] for record in histories[attempt.run_id].retention)
    ]
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _why(comparison: Comparison, *, apart: bool) -> str:
    """Which runs are shown; `apart` where the baseline is one more than those that got furthest."""
    run, unit = "the run that got furthest, for least", comparison.unit
    if len(comparison.outcomes) <= MOST_MAPS:
        return f" Of each strategy, {run} {unit}."
    which = f"the {MOST_MAPS} strategies that got furthest, for least {unit}"
    return f" Shown are {'the baseline and ' if apart else ''}{which}; of each, {run}."


def _names(outcomes: Iterable[Outcome]) -> set[str]:
    return {outcome.strategy for outcome in outcomes}


def best_of(entry: Entry) -> Attempt:
    """Of a strategy's attempts with one seed, the one that got furthest, for least."""
    return min(entry.attempts, key=lambda attempt: _attempt_merit(attempt, entry.unit))


def _attempt_merit(attempt: Attempt, unit: str) -> tuple[float, float]:
    spent = attempt.mastered[attempt.reach] if attempt.mastered else attempt.total
    return -attempt.reach, getattr(spent, unit)


def _merit(outcome: Outcome) -> tuple[float, float]:
    place = int(outcome.reach.value)
    unit = next(iter(outcome.entries.values())).unit
    return -place, outcome.spent(place, unit).value if place >= 0 else 0.0


def _retests(entry: Entry, histories: Mapping[str, History]) -> list[dict[str, object]]:
    return list(histories[best_of(entry).run_id].retests)
