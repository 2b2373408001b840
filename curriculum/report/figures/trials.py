"""Figures of a searched visit: the race of its trials, the history of its study."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from curriculum.plan import AxisNames
from curriculum.record import Visit
from curriculum.report.figures.axes import TITLE, new_figure, score_limits
from curriculum.report.figures.run import MASTERED, UNDECIDED, plot_outcomes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def trial_figures(
    visit: Visit, importances: Mapping[str, float], names: AxisNames
) -> dict[str, Figure]:
    """A searched visit's figures: the race, the history of its study, what mattered."""
    title = f"Visit {visit.number}, {names.words(visit.stage)}"
    found = {"race": _race_figure(visit, title), "history": _history_figure(visit, title)}
    if importances:
        found["importance"] = _importance_figure(importances, title)
    return found


def _race_figure(visit: Visit, title: str) -> Figure:
    """The score of each trial against its compute."""
    figure, (axes,) = new_figure()
    selected = None if visit.selection is None else visit.selection.trial
    curves: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for report in visit.reports:
        if report.score is not None:
            curves[report.trial].append((report.cost.compute, report.score))
    for trial, points in sorted(curves.items()):
        style: dict[str, Any] = {"lw": 1, "color": UNDECIDED}
        if trial == selected:
            style = {"lw": 2, "color": MASTERED, "zorder": 3, "label": f"trial {trial}, selected"}
        axes.plot(*zip(*points, strict=True), marker=".", **style)
    axes.set(xlabel="compute (tokens x parameters)", ylabel="score of each trial's evaluations")
    axes.set_ylim(*score_limits(score for points in curves.values() for _, score in points))
    if selected is not None:
        axes.legend(loc="lower right", frameon=False)
    axes.set_title(f"{title}: the race of its trials", **TITLE)
    return figure


def _history_figure(visit: Visit, title: str) -> Figure:
    """The score of each trial, in the order in which they were proposed, and the best so far."""
    from matplotlib.ticker import MaxNLocator

    figure, (axes,) = new_figure()
    scored = [(trial.number, trial.score, trial.outcome) for trial in visit.trials]
    points = [(n, score, outcome) for n, score, outcome in scored if score is not None]
    values = ((t.value or 0.0, t.score or 0.0) for t in visit.trials if t.score is not None)
    best = [score for _, score in accumulate(values, max)]
    axes.step([n for n, _, _ in points], best, where="post", color=UNDECIDED, label="best so far")
    plot_outcomes(axes, points)
    axes.set(xlabel="trial", ylabel="score at its last evaluation")
    axes.set_ylim(*score_limits(score for _, score, _ in points))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if points:
        axes.legend(loc="lower right", frameon=False)
    axes.set_title(f"{title}: history of its study", **TITLE)
    return figure


def _importance_figure(importances: Mapping[str, float], title: str) -> Figure:
    figure, (axes,) = new_figure()
    names = sorted(importances, key=lambda name: importances[name])
    axes.barh(names, [importances[name] for name in names], color=MASTERED, height=0.5)
    axes.set(xlabel="importance for the score (PED-ANOVA; all together 1)", xlim=(0, 1))
    axes.set_title(f"{title}: which settings mattered", **TITLE)
    return figure
