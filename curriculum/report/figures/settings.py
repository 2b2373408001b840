"""The settings that each strategy mastered each stage with."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from curriculum.comparison import Comparison, Outcome, median_of
from curriculum.plan import verb_of
from curriculum.report.figures.axes import TITLE, new_figure, place_ticks
from curriculum.report.figures.difficulty import Difficulty
from curriculum.sweeps import GUESS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_COLOURS = 9
MARGIN = 0.15
"""The part of the scale left out at either end, too close to the colour of a page."""


def settings_map(
    comparison: Comparison, hidden_sizes: Mapping[str, Mapping[int, int]] | None = None
) -> Figure:
    """By strategy and stage, the learning rate of the quickest run (median over seeds).

    The control that doesn't train has none, and is left out.

    Args:
        comparison: to show.
        hidden_sizes: by strategy and place on the path; drawn below where given.
    """
    stages, names = range(len(comparison.path)), [n for n in comparison.outcomes if n != GUESS]
    rates = [[_rate(comparison.outcomes[n], place) for place in stages] for n in names]
    maps = [("learning rate", rates)]
    if hidden_sizes:
        sizes = [[hidden_sizes.get(n, {}).get(p, math.nan) for p in stages] for n in names]
        maps.append(("hidden size (units)", sizes))
    figure, panels = new_figure(len(maps), height=(1.3 + 0.21 * len(names)) * len(maps))
    for axes, (label, cells) in zip(panels, maps, strict=True):
        _draw(axes, cells, label)
        axes.set_yticks([row + 0.5 for row in range(len(names))], names, fontsize=8)
        axes.set_ylabel("strategy")
    panels[0].invert_yaxis()
    ticks = place_ticks([comparison.key(place) for place in stages], most=12)
    panels[-1].set_xticks([place + 0.5 for place in ticks], list(ticks.values()), fontsize=8)
    panels[-1].set_xlabel(f"stage: {Difficulty(comparison.path, comparison.axis_names).label}")
    panels[0].set_title(
        f"{comparison.experiment}: settings by stage (blank: {verb_of(comparison.verdict)} by no seed)",
        **TITLE,
    )
    return figure


def _rate(outcome: Outcome, place: int) -> float:
    """Not a number where no seed passed the stage."""
    found = [result.quickest(place) for result in outcome.results.values()]
    rates = [run.learning_rate for run in found if run is not None]
    return median_of(rates, whole=True).value if rates else math.nan


def _draw(axes: Axes, cells: Sequence[Sequence[float]], label: str) -> None:
    """A colour a value; a scale of colours where there are many."""
    from matplotlib import colormaps
    from matplotlib.colors import Normalize
    from matplotlib.patches import Patch

    axes.grid(visible=False)
    values = sorted({value for row in cells for value in row if math.isfinite(value)})
    ranks = [[values.index(v) if math.isfinite(v) else math.nan for v in row] for row in cells]
    top = max(1, len(values) - 1)
    colours, scale = colormaps["viridis"], Normalize(-MARGIN * top, (1 + MARGIN) * top)
    axes.pcolormesh(ranks, cmap=colours, norm=scale, edgecolors="face", linewidth=0.4)
    every = max(1, math.ceil(len(values) / MOST_COLOURS))
    shown = [(rank, values[rank]) for rank in range(0, len(values), every)]
    handles = [Patch(color=colours(scale(rank)), label=f"{value:g}") for rank, value in shown]
    place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.01, 1), "frameon": False}
    axes.legend(handles=handles, title=label, fontsize=8, title_fontsize=8, **place)
