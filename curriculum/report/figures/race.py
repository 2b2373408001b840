"""The race of a portfolio's arms: how far each was, against what all had cost together."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from curriculum.record import ArmEvaluated, History
from curriculum.report.figures.axes import TITLE, cost_axis, new_figure, place_axis, score_limits
from curriculum.report.figures.line_styles import INK, LineStyle, line_styles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Points = dict[str, list[tuple[float, ArmEvaluated]]]
"""By arm, its evaluations, each with what the race had cost then."""


def race_figure(history: History, title: str) -> Figure:
    """The reach of each arm, and below it the scores on the target of those that were screened there."""
    description, points = history.description, _points(history)
    all_arms = [event for found in points.values() for _, event in found]
    screened = sum(event.report.target_score is not None for event in all_arms) > 1
    figure, panels = new_figure(1 + screened, height=5.2 if screened else 4.0, share_y=False)
    styles = line_styles(history.arms.names)
    path = [description.axis_names.brief(stage, description.path) for stage in description.path]
    for name, found in points.items():
        costs = [0.0, *(cost for cost, _ in found)]
        places = [-1, *(_place(history, event) for _, event in found)]
        label = f"{name} (selected)" if _is_selected(history, name) else name
        panels[0].step(costs, places, where="post", label=label, **_line(history, name, styles))
        if screened:
            _scores(panels[1], history, name, points, styles)
        if _is_selected(history, name):
            _mark(panels[0], costs[-1], places[-1], styles[name])
    place_axis(panels[0], path)
    panels[0].set_ylabel("hardest stage mastered")
    if screened:
        scores = [event.report.target_score or 0.0 for event in all_arms]
        panels[1].set(ylim=score_limits(scores), ylabel=f"{description.score_name} on the target")
    cost_axis(panels[-1], [history.arms.compute], "compute")
    panels[-1].set_xlim(left=0)
    panels[-1].set_xlabel("compute of all arms together (FLOP equivalents)")
    panels[0].set_title(f"{title}: the race of its arms", **TITLE)
    figure.legend(loc="outside lower right", ncols=3, frameon=False, fontsize=8)
    return figure


def _points(history: History) -> Points:
    costs, found = dict[str, float](), defaultdict[str, list[tuple[float, ArmEvaluated]]](list)
    for event in history.arms.evaluations:
        costs[event.arm] = event.cost.compute
        found[event.arm].append((sum(costs.values()), event))
    return found


def _scores(
    axes: Axes, history: History, name: str, points: Points, styles: dict[str, LineStyle]
) -> None:
    """One arm's scores on the target, where it was screened there."""
    found = [
        (c, e.report.target_score) for c, e in points[name] if e.report.target_score is not None
    ]
    if not found:
        return
    axes.plot(
        *zip(*found, strict=True), marker=styles[name].marker, ms=3, **_line(history, name, styles)
    )
    if _is_selected(history, name):
        _mark(axes, *found[-1], styles[name])


def _line(history: History, name: str, styles: dict[str, LineStyle]) -> dict[str, Any]:
    return {**styles[name].line, "lw": 2 if _is_selected(history, name) else 1.2}


def _mark(axes: Axes, x: float, y: float, style: LineStyle) -> None:
    """A star at the end of the selected arm's line."""
    axes.plot(
        x, y, marker="*", ms=13, ls="", color=style.color, mec=INK, mew=0.6, zorder=4, clip_on=False
    )


def _place(history: History, event: ArmEvaluated) -> int:
    path = history.description.path
    return path.index(event.reach) if event.reach in path else -1


def _is_selected(history: History, name: str) -> bool:
    return history.arms.selected is not None and history.arms.selected.arm == name
