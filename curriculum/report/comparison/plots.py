"""Plots of a comparison: reach against cost, the cost of each stage, and what final models score."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from curriculum.comparison import (
    LEAST_SEEDS,
    Comparison,
    Measured,
    MedianCurve,
    Outcome,
    median_curve_of,
)
from curriculum.report.figures import axes as charts
from curriculum.report.figures.difficulty import Difficulty
from curriculum.report.figures.line_styles import FAINT, LineStyle, line_styles
from curriculum.report.units import UNIT_LABELS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_LABELS = 6


def reach_by_strategy(comparison: Comparison) -> Figure:
    """The hardest stage passed against the cost, with the median's interval or seeds."""
    outcomes, names = comparison.outcomes, _names(comparison)
    curves = {n: median_curve_of(list(o.results.values())) for n, o in outcomes.items()}
    rises = [cost for curve in curves.values() for cost in curve.rises]
    end = max([*rises, comparison.budget])
    figure, panels = charts.strategy_panels(outcomes, [*names, "none"])
    styles, many = line_styles(outcomes), len(panels) > charts.MOST_TOGETHER
    for axes, (name, outcome) in zip(panels, outcomes.items(), strict=True):
        if many:
            _others(axes, curves, name, end)
        costs, places = curves[name].median(end)
        axes.step(costs, places, where="post", lw=1.8, label=name, **styles[name].line)
        _spread(axes, curves[name], outcome, styles[name], end)
    charts.cost_axis(panels[0], [*rises, end], comparison.unit)
    charts.place_axis(panels[0], names, **({"most": MOST_LABELS} if many else {}))
    title = f"{comparison.experiment}: reach against {comparison.unit}, median and its interval"
    y_label = f"hardest stage {comparison.verdict}: {Difficulty(comparison.path, comparison.axis_names).label}"
    charts.label_panels(figure, panels, title, UNIT_LABELS[comparison.unit], y_label)
    return figure


def cost_by_stage(comparison: Comparison) -> Figure:
    """The median cost of each stage; a line ends where most seeds got no further."""
    figure, (axes,) = charts.new_figure(height=4.4)
    difficulty = Difficulty(comparison.path, comparison.axis_names)
    styles = line_styles(comparison.outcomes)
    heights = [difficulty.height(stage) for stage in comparison.path]
    shown: list[float] = []
    for name, outcome in comparison.outcomes.items():
        medians = [outcome.cost(p, comparison.unit) for p in range(len(heights))]
        values = [_seen(median.value) for median in medians]
        lows, highs = [_seen(m.low) for m in medians], [_seen(m.high) for m in medians]
        style = styles[name]
        axes.plot(heights, values, marker=style.marker, ms=4, lw=1.2, label=name, **style.line)
        shown += values
        if len(styles) <= charts.MOST_TOGETHER:
            axes.fill_between(heights, lows, highs, color=style.color, alpha=0.15, lw=0)
            shown += lows + highs
    charts.cost_axis(axes, shown, comparison.unit, which="y")
    charts.length_axis(axes, heights, difficulty.label)
    if difficulty.ticks:
        axes.set_xticks(heights, _names(comparison), rotation=45)
    axes.set_title(f"{comparison.experiment}: the cost of each stage (median)", **charts.TITLE)
    charts.legend_outside(figure)
    return figure


def measured_by_strategy(comparison: Comparison, measured: Measured) -> Figure:
    """What final models score: a dot for each seed, and a line at each strategy's median."""
    figure, (axes,) = charts.new_figure(height=3.6)
    styles = line_styles(measured.outcomes)
    for place, (name, outcome) in enumerate(measured.outcomes.items()):
        values = [seed.value for seed in outcome.seeds.values()]
        color = styles[name].color
        axes.plot([place] * len(values), values, "o", ms=4, color=color, alpha=0.7)
        axes.hlines(outcome.median.value, place - 0.3, place + 0.3, color=color, lw=1.8)
    rotation = 45 if len(styles) > MOST_LABELS else 0
    axes.set_xticks(range(len(styles)), [*styles], rotation=rotation)
    measure = measured.measure
    axes.set_ylabel(f"{measure.name} ({measure.unit})" if measure.unit else measure.name)
    title = f"{comparison.experiment}: {measure.name} of the final models"
    axes.set_title(title, **charts.TITLE)
    return figure


def _seen(value: float | None) -> float:
    """Not a number, so not drawn, where there is no finite one."""
    return value if value is not None and math.isfinite(value) else math.nan


def _names(comparison: Comparison) -> list[str]:
    return [comparison.key(place) for place in range(len(comparison.path))]


def _spread(axes: Axes, curve: MedianCurve, outcome: Outcome, style: LineStyle, end: float) -> None:
    """The interval as a band; for few seeds, a thin line each."""
    if len(outcome.results) >= LEAST_SEEDS:
        costs, lows, highs = curve.band(end)
        axes.fill_between(costs, lows, highs, step="post", color=style.color, alpha=0.18, lw=0)
        return
    for result in outcome.results.values():
        rises = [(0.0, -1), *result.curve(), (end, result.reach)]
        axes.step(*zip(*rises, strict=True), where="post", color=style.color, lw=0.6, alpha=0.7)


def _others(axes: Axes, curves: Mapping[str, MedianCurve], shown: str, end: float) -> None:
    """The other strategies' medians, faintly, as one line with gaps."""
    others = [curve.median(end) for name, curve in curves.items() if name != shown]
    costs, places = ([x for other in others for x in (*other[n], math.nan)] for n in (0, 1))
    axes.step(costs, places, where="post", color=FAINT, lw=0.5, alpha=0.5)
