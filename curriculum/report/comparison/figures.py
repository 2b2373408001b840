"""The figures of a comparison, and those that take its runs' histories."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from curriculum.comparison import BASELINE, LEAST_SEEDS, Comparison, Outcome, SeedResult
from curriculum.plan import Verdict, verb_of
from curriculum.record import FinalEvaluated, History
from curriculum.report.comparison.page import CaptionedFigure
from curriculum.report.comparison.plots import (
    cost_by_stage,
    measured_by_strategy,
    reach_by_strategy,
)
from curriculum.report.figures.axes import MOST_TOGETHER
from curriculum.report.figures.extrapolation import Y_LABEL, extrapolation_curves
from curriculum.report.figures.retention import retention_map
from curriculum.report.figures.settings import settings_map
from curriculum.sweeps import GUESS, RunSummary

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_MAPS = 4
"""Maps of retention on a page, of the strategies that got furthest; the baseline's is one more."""


def comparison_figures(
    comparison: Comparison, histories: Mapping[str, History]
) -> dict[str, Figure]:
    """All figures of a comparison, by name.

    Args:
        comparison: to show.
        histories: its runs', by their ids.
    """
    maps = {
        f"retention_{number}": each.figure
        for number, each in enumerate(_maps(comparison, histories), start=1)
    }
    beyond = [each.figure for each in _extrapolation(comparison, histories)]
    measured = comparison.measured
    scores = {} if measured is None else {"measured": measured_by_strategy(comparison, measured)}
    return {
        **scores,
        "reach_by_strategy": reach_by_strategy(comparison),
        "cost_by_stage": cost_by_stage(comparison),
        "learning_rate": settings_map(comparison),
        **maps,
        **({"extrapolation": beyond[0]} if beyond else {}),
    }


def history_figures(
    comparison: Comparison, histories: Mapping[str, History]
) -> Iterator[CaptionedFigure]:
    """Retention along the best runs, and how far beyond their training all got.

    Args:
        comparison: to show.
        histories: its runs', by their ids.
    """
    yield from _maps(comparison, histories)
    yield from _extrapolation(comparison, histories)


def _extrapolation(
    comparison: Comparison, histories: Mapping[str, History]
) -> Iterator[CaptionedFigure]:
    """How far beyond their training the final models got; nothing where that wasn't evaluated."""
    events = {
        name: [found for result in outcome.results.values() if (found := _final(result, histories))]
        for name, outcome in comparison.outcomes.items()
    }
    events = {name: found for name, found in events.items() if found}
    if events:
        names, description = comparison.axis_names, next(iter(histories.values())).description
        ready = comparison.verdict is Verdict.READY
        metric = description.score_name if ready else Y_LABEL
        many = len(events) > MOST_TOGETHER and BASELINE in events
        dotted = f" Grey and dotted: the median of {BASELINE}." if many else ""
        yield CaptionedFigure(
            extrapolation_curves(events, comparison.experiment, names, metric=metric),
            f"The final models, of each seed the run's that got furthest, on every {names.length} of the "
            f"path, and beyond it (right of the dashed line): the median over seeds and its "
            f"interval, at {names.lengths} that all seeds of a strategy were tested on. Small dots: "
            f"single seeds, at other {names.lengths}, or where there are fewer than {LEAST_SEEDS}.{dotted}",
        )


def _maps(comparison: Comparison, histories: Mapping[str, History]) -> Iterator[CaptionedFigure]:
    """Of the baseline, and of the strategies that got furthest, what a run of theirs retained."""
    furthest = sorted(comparison.outcomes.values(), key=_merit)[:MOST_MAPS]
    baseline = comparison.outcomes.get(BASELINE)
    shown = furthest if baseline is None or baseline in furthest else [baseline, *furthest]
    runs = [run for outcome in shown if (run := _best_retained(outcome, histories))]
    names = {outcome.strategy for outcome in furthest}
    why = _why(comparison, apart=bool(runs) and runs[0].strategy not in names)
    for run in runs:
        setting = "width" if run.strategy == GUESS else "learning rate"
        title = f"{run.strategy}, seed {run.seed}, {setting} {run.learning_rate:g}"
        yield CaptionedFigure(
            retention_map(
                histories[run.run_id].retention,
                title,
                comparison.axis_names,
                verdict=comparison.verdict,
                metric=histories[run.run_id].description.score_name,
            ),
            f"Retention under {title}: after each visit that {verb_of(comparison.verdict)} its stage, the score on "
            f"every stage of the path, on examples of a stream of their own.{why}",
        )
        why = ""


def _best_retained(outcome: Outcome, histories: Mapping[str, History]) -> RunSummary | None:
    """Of a strategy's runs whose retention was measured, the one that got furthest."""
    found = [
        run
        for result in outcome.results.values()
        for run in result.runs
        if any(event.scores for event in histories[run.run_id].retention)
    ]
    return min(found, key=_run_merit, default=None)


def _why(comparison: Comparison, *, apart: bool) -> str:
    """Which runs are shown; `apart` where the baseline is one more than those that got furthest."""
    run, unit = "the run that got furthest, with the least", comparison.unit
    if len(comparison.outcomes) <= MOST_MAPS:
        return f" Of each strategy, {run} {unit}."
    which = f"the {MOST_MAPS} strategies that got furthest, with the least {unit}"
    return f" Shown are {'the baseline and ' if apart else ''}{which}; of each, {run}."


def _run_merit(run: RunSummary) -> tuple[float, float]:
    assert run.unit is not None  # a run without a limit is not comparable
    return -run.reach, getattr(run.mastered.get(run.reach, run.total), run.unit)


def _merit(outcome: Outcome) -> tuple[float, float]:
    place = int(outcome.reach.value)
    unit = next(iter(outcome.results.values())).unit
    return -place, outcome.cost(place, unit).value if place >= 0 else 0.0


def _final(result: SeedResult, histories: Mapping[str, History]) -> list[FinalEvaluated]:
    """Of the run that got furthest, at the least cost."""
    return list(histories[min(result.runs, key=_run_merit).run_id].final_evaluations)
