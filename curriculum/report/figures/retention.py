"""What a run's model still passed of earlier stages, visit by visit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from curriculum.plan import AxisNames, Stage, Verdict, verb_of
from curriculum.record import RetentionMeasured
from curriculum.report.figures.axes import TITLE, new_figure, place_ticks
from curriculum.report.figures.difficulty import Difficulty

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AXIS = 5.2
"""Inches, the least that the width is of; `CHARACTER` is that of one in a label."""

CHARACTER = 0.065
MOST_STAGES = 20
"""More labels of stages don't fit above each other."""

MOST_NUMBERS = 12
"""With more visits or stages the numbers no longer fit into the cells."""

DARK, LIGHT = "#111111", "#ffffff"


def retention_map(
    events: Sequence[RetentionMeasured],
    title: str,
    names: AxisNames,
    *,
    verdict: Verdict = Verdict.MASTERED,
    metric: str = "score",
) -> Figure:
    """Visit by stage, the score; blank where a stage was not evaluated.

    Args:
        events: one for each visit that passed its stage.
        title: of which run.
        names: of the stages' axes.
        verdict: what a stage is that is passed.
        metric: that was measured.
    """
    found = {stage for event in events for stage in event.scores}
    stages = sorted(found, key=lambda stage: stage.numbers)
    cells = [[event.scores.get(stage, math.nan) for event in events] for stage in stages]
    figure, (axes,) = new_figure(height=max(3.2, min(4.8, 1.4 + 0.3 * len(stages))))
    axes.grid(visible=False)
    top = max(1.0, *(score for event in events for score in event.scores.values()))
    drawn = axes.pcolormesh(
        cells, cmap="cividis", vmin=0, vmax=top, edgecolors="face", linewidth=0.4
    )
    bar = figure.colorbar(drawn, ax=axes, label=metric)
    bar.outline.set_visible(False)
    _ticks(axes, Difficulty(stages, names), events, verb_of(verdict))
    if max(len(stages), len(events)) <= MOST_NUMBERS:
        _print_numbers(axes, cells, top)
    axes.set_title(f"{title}: what was retained", **TITLE)
    return figure


def _ticks(
    axes: Axes, difficulty: Difficulty, events: Sequence[RetentionMeasured], passed: str
) -> None:
    """Along the x axis the stage passed at each visit, as many as there is room for."""

    def name(stage: Stage) -> str:
        return stage.key if difficulty.axes != ("length",) else f"{stage.length:,}"

    names = place_ticks([*map(name, difficulty.path)], MOST_STAGES)
    axes.set_yticks([place + 0.5 for place in names], list(names.values()), fontsize=8)
    visited = [name(event.stage) for event in events]
    room = int(AXIS / (CHARACTER * (2 + max(map(len, visited)))))
    seen = place_ticks(visited, room)
    axes.set_xticks([place + 0.5 for place in seen], list(seen.values()), fontsize=8)
    x_label = f"after the visit that {passed} this stage, visit by visit"
    axes.set(xlabel=x_label, ylabel=f"stage: {difficulty.label}")


def _print_numbers(axes: Axes, cells: Sequence[Sequence[float]], top: float) -> None:
    for row, scores in enumerate(cells):
        for column, score in enumerate(scores):
            if math.isfinite(score):
                text = "1" if score == 1 else f"{score:.2f}".removeprefix("0")
                place = (column + 0.5, row + 0.5)
                colour = DARK if score > top / 2 else LIGHT
                axes.text(*place, text, ha="center", va="center", fontsize=7, color=colour)
