"""Figures and axes in this package's style."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from curriculum.report.units import UNIT_LABELS, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 7.0  # inches
ROW_HEIGHT = 1.6  # inches
COLUMNS = 3
MOST_TOGETHER = 5
"""More curves with bands can't be told apart on one pair of axes; each gets its own."""

TITLE: dict[str, Any] = {"loc": "left", "fontsize": 10, "parse_math": False}
"""How the title of a figure is set."""

SCORES = (-0.02, 1.05)
"""The limits of an axis of scores that are in [0, 1]."""


def score_limits(scores: Iterable[float]) -> tuple[float, float]:
    """The limits of an axis of such scores: of losses, which may be above 1, from 0 to the largest.

    >>> score_limits([0.2, 0.9]), score_limits([1.0, 5.0])
    ((-0.02, 1.05), (-0.1, 5.25))
    """
    low, high = SCORES
    largest = max(1.0, max(scores, default=1.0))
    return low * largest, high * largest


MOST_LABELS = 9
LOGARITHMIC_FROM = 20.0
"""The ratio of the last to the first value from which an axis is logarithmic."""

MARGIN = 1.3
"""By that factor a logarithmic axis extends beyond what is shown."""

MOST_DENSE = 1_000
"""Up to that ratio, a decade has room for three labels."""


def new_figure(
    rows: int = 1,
    columns: int = 1,
    *,
    height: float = 4.0,
    share_y: bool = True,
    by_hand: bool = False,
) -> tuple[Figure, list[Axes]]:
    """A figure and its axes, row by row; several share their scales.

    Matplotlib finds the room for labels, which takes time, or else it is set by hand.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), dpi=120, layout=None if by_hand else "constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=share_y)
    found: list[Axes] = list(grid.flat)
    for axes in found:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.25)
    return figure, found


def small_multiples(count: int, names: Sequence[str]) -> tuple[Figure, list[Axes]]:
    """Small axes with the same scales, laid out by hand: that is quicker.

    Args:
        count: how many.
        names: of the ticks up their side, which get the room for the longest.
    """
    rows = math.ceil(count / COLUMNS)
    height = ROW_HEIGHT * rows + 0.8
    figure, panels = new_figure(rows, COLUMNS, height=height, by_hand=True)
    left = (0.45 + 0.07 * max(map(len, names))) / WIDTH
    figure.subplots_adjust(
        left=left, right=0.98, top=1 - 0.55 / height, bottom=0.6 / height, wspace=0.08, hspace=0.3
    )
    for axes in panels:
        axes.tick_params(labelsize=7)
    for axes in panels[count - COLUMNS : count]:
        axes.tick_params(labelbottom=True)
    for axes in panels[count:]:
        axes.remove()
    return figure, panels[:count]


def strategy_panels(strategies: Collection[str], ticks: Sequence[str]) -> tuple[Figure, list[Axes]]:
    """A figure, and for each strategy its axes: of many small ones, else the same for all.

    Args:
        strategies: their names.
        ticks: the names up the side of small axes.
    """
    if len(strategies) <= MOST_TOGETHER:
        figure, panels = new_figure()
        return figure, panels * len(strategies)
    figure, panels = small_multiples(len(strategies), ticks)
    for axes, name in zip(panels, strategies, strict=True):
        axes.set_title(name, fontsize=9, loc="left")
    return figure, panels


def label_panels(
    figure: Figure, panels: Sequence[Axes], title: str, x_label: str, y_label: str
) -> None:
    """The title, and the labels of axes that all strategies share; for few, their names too."""
    if len(panels) > MOST_TOGETHER:
        panels[0].set_xlabel("")
        figure.suptitle(title, x=0.02, ha="left", fontsize=10, parse_math=False)
        figure.supxlabel(x_label, fontsize=9)
        figure.supylabel(y_label, fontsize=9)
    else:
        panels[0].set(xlabel=x_label, ylabel=y_label)
        panels[0].set_title(title, **TITLE)
        legend_outside(figure)


def legend_outside(figure: Figure) -> None:
    """The names of what is drawn, to the right of it."""
    figure.legend(loc="outside right upper", frameon=False, fontsize=8)


def cost_axis(
    axes: Axes, values: Sequence[float], unit: str, *, which: Literal["x", "y"] = "x"
) -> None:
    """Scale and ticks of a cost; `values` are what is shown on it."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axis = axes.xaxis if which == "x" else axes.yaxis
    found = [value for value in values if 0 < value < math.inf]
    if found and max(found) > LOGARITHMIC_FROM * min(found):
        limits = (min(found) / MARGIN, max(found) * MARGIN)
        axes.set(**{f"{which}scale": "log", f"{which}lim": limits})
        axis.set_major_locator(LogLocator(numticks=6))
        axis.set_minor_locator(NullLocator())
    else:
        axes.locator_params(axis=which, nbins=5)
    axis.set_major_formatter(FuncFormatter(_formatter(unit)))
    axis.set_label_text(UNIT_LABELS[unit])


def place_axis(axes: Axes, names: Sequence[str], *, most: int = MOST_LABELS) -> None:
    """The stages of a path along the y axis, evenly spaced, above `none` at place -1."""
    ticks = place_ticks(names, most)
    apart = max(1, math.ceil(len(names) / most))
    shown = {-1: "none"} | {place: name for place, name in ticks.items() if place >= apart - 1}
    axes.set_yticks(list(shown), list(shown.values()))
    axes.set_ylim(-1.4, len(names) - 0.6)


def place_ticks(names: Sequence[str], most: int = MOST_LABELS) -> dict[int, str]:
    """The names of some places on a path, the last among them, evenly spaced."""
    every = max(1, math.ceil(len(names) / most))
    return {place: names[place] for place in range(len(names) - 1, -1, -every)}


def length_axis(axes: Axes, lengths: Sequence[float], label: str) -> None:
    """The x axis for lengths; logarithmic where they differ much."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    if lengths and max(lengths) > LOGARITHMIC_FROM * min(lengths):
        dense = max(lengths) <= MOST_DENSE * min(lengths)
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if dense else (1,), numticks=12))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlim(min(lengths) / MARGIN, max(lengths) * MARGIN)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlabel(label)


def _formatter(unit: str) -> Callable[[float, int | None], str]:
    if unit == "seconds":
        return lambda value, _: f"{value:g}"
    return lambda value, _: short(value, unit).replace(".0e", "e")
