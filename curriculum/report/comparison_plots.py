"""Pictures of a comparison: how far for how much, and what each stage took."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from curriculum.report.canvas import (
    MOST_TOGETHER,
    canvas,
    legend_outside,
    length_axis,
    name_together,
    place_axis,
    small_multiples,
    spending_axis,
)
from curriculum.report.comparison import Comparison, Outcome
from curriculum.report.difficulty import Difficulty
from curriculum.report.line_styles import FAINT, LineStyle, line_styles
from curriculum.report.median_curve import MedianCurve, median_curve
from curriculum.report.medians import LEAST_SEEDS
from curriculum.report.quantity import UNIT_LABELS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["reach_by_strategy", "spending_by_stage"]

MOST_LABELS = 6
TITLE: dict[str, Any] = {"loc": "left", "fontsize": 10, "parse_math": False}


def reach_by_strategy(comparison: Comparison) -> Figure:
    """The hardest stage mastered against what was spent, with the median's interval or seeds."""
    outcomes, names = comparison.outcomes, _names(comparison)
    curves = {n: median_curve(list(o.entries.values())) for n, o in outcomes.items()}
    rises = [spent for curve in curves.values() for spent in curve.rises]
    end = max([*rises, comparison.budget])
    many = len(outcomes) > MOST_TOGETHER
    figure, panels = small_multiples(len(outcomes), [*names, "none"]) if many else canvas()
    styles = line_styles(outcomes)
    for number, (name, outcome) in enumerate(outcomes.items()):
        axes, style = panels[number if many else 0], styles[name]
        if many:
            _others(axes, curves, name, end)
            axes.set_title(name, fontsize=9, loc="left")
        spent, places = curves[name].median(end)
        look: dict[str, Any] = {"color": style.color, "linestyle": style.linestyle}
        axes.step(spent, places, where="post", linewidth=1.8, label=name, **look)
        _spread(axes, curves[name], outcome, style, end)
    spending_axis(panels[0], [*rises, end], comparison.unit)
    place_axis(panels[0], names, **({"most": MOST_LABELS} if many else {}))
    _name_axes(figure, panels, comparison, many=many)
    return figure


def spending_by_stage(comparison: Comparison) -> Figure:
    """The median of what each stage took; a line ends where most seeds got no further."""
    figure, (axes,) = canvas(height=4.4)
    difficulty, styles = Difficulty(comparison.path), line_styles(comparison.outcomes)
    heights = [difficulty.height(stage) for stage in comparison.path]
    shown: list[float] = []
    for name, outcome in comparison.outcomes.items():
        medians = [outcome.spent(p, comparison.unit) for p in range(len(heights))]
        values = [_seen(median.value) for median in medians]
        lows, highs = [_seen(m.low) for m in medians], [_seen(m.high) for m in medians]
        style = styles[name]
        look: dict[str, Any] = {"color": style.color, "linestyle": style.linestyle}
        axes.plot(heights, values, marker=style.marker, ms=4, lw=1.2, label=name, **look)
        shown += values
        if len(styles) <= MOST_TOGETHER:
            axes.fill_between(heights, lows, highs, color=style.color, alpha=0.15, lw=0)
            shown += lows + highs
    spending_axis(axes, shown, comparison.unit, which="y")
    length_axis(axes, heights, difficulty.label)
    if difficulty.ticks:
        axes.set_xticks(heights, _names(comparison), rotation=45)
    axes.set_title(f"{comparison.experiment}: what each stage took (median)", **TITLE)
    legend_outside(figure)
    return figure


def _seen(value: float | None) -> float:
    """Not a number, so not drawn, where there is no finite one."""
    return value if value is not None and math.isfinite(value) else math.nan


def _names(comparison: Comparison) -> list[str]:
    return [comparison.key(place) for place in range(len(comparison.path))]


def _spread(axes: Axes, curve: MedianCurve, outcome: Outcome, style: LineStyle, end: float) -> None:
    """The interval as a band; for few seeds, a thin line each."""
    if len(outcome.entries) >= LEAST_SEEDS:
        axes.fill_between(*curve.band(end), step="post", color=style.color, alpha=0.18, lw=0)
        return
    for entry in outcome.entries.values():
        rises = [(0.0, -1), *entry.curve(), (end, entry.reach)]
        axes.step(*zip(*rises, strict=True), where="post", color=style.color, lw=0.6, alpha=0.7)


def _others(axes: Axes, curves: Mapping[str, MedianCurve], shown: str, end: float) -> None:
    """The other strategies' medians, faintly, as one line with gaps."""
    spent: list[float] = []
    places: list[float] = []
    for name, curve in curves.items():
        if name != shown:
            more_spent, more_places = curve.median(end)
            spent += [*more_spent, math.nan]
            places += [*more_places, math.nan]
    axes.step(spent, places, where="post", color=FAINT, lw=0.5, alpha=0.5)


def _name_axes(
    figure: Figure, panels: Sequence[Axes], comparison: Comparison, *, many: bool
) -> None:
    title = f"{comparison.experiment}: reach against {comparison.unit}, median and its interval"
    up = f"hardest stage mastered: {Difficulty(comparison.path).label}"
    if many:
        panels[0].set_xlabel("")
        name_together(figure, title, UNIT_LABELS[comparison.unit], up)
        return
    panels[0].set_title(title, **TITLE)
    panels[0].set_ylabel(up)
    legend_outside(figure)
