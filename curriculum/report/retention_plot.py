"""A picture of what a run's model still mastered of earlier stages, visit by visit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from curriculum.plan import Stage
from curriculum.report.canvas import canvas, place_ticks
from curriculum.report.difficulty import Difficulty

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["retention_map"]

AXIS = 5.2
"""Inches, the least that the width is of; `CHARACTER` is that of one in a label."""

CHARACTER = 0.065
MOST_STAGES = 20
"""More labels of stages don't fit above each other."""

MOST_SPELLED = 12
"""With more visits or stages the numbers no longer fit into the cells."""

DARK, LIGHT = "#111111", "#ffffff"


def retention_map(records: Sequence[Mapping[str, Any]], title: str) -> Figure:
    """Visit by stage, the score; blank where a stage was not looked at.

    Args:
        records: as in a journal, one for each visit that mastered its stage,
            `{"visit": 3, "stage": "3x2", "scores": {"2x2": 1.0, "3x2": 0.98}, …}`.
        title: of which run.
    """
    stages = sorted({Stage.from_key(key) for r in records for key in r["scores"]}, key=_size)
    cells = [[r["scores"].get(stage.key, math.nan) for r in records] for stage in stages]
    figure, (axes,) = canvas(height=max(3.2, min(4.8, 1.4 + 0.3 * len(stages))))
    axes.grid(visible=False)
    drawn = axes.pcolormesh(cells, cmap="cividis", vmin=0, vmax=1, edgecolors="face", linewidth=0.4)
    bar = figure.colorbar(drawn, ax=axes, label="score")
    bar.outline.set_visible(False)
    _ticks(axes, stages, records)
    if max(len(stages), len(records)) <= MOST_SPELLED:
        _spell(axes, cells)
    axes.set_title(f"{title}: what was retained", loc="left", fontsize=10, parse_math=False)
    return figure


def _size(stage: Stage) -> tuple[int, int]:
    return stage.length, stage.vocab_size


def _ticks(axes: Axes, stages: Sequence[Stage], records: Sequence[Mapping[str, Any]]) -> None:
    """Along the x axis the stage mastered at each visit, as many as there is room for."""
    difficulty = Difficulty(stages)

    def spelled(stage: Stage) -> str:
        return stage.key if difficulty.widens else f"{stage.length:,}"

    names = place_ticks([*map(spelled, stages)], MOST_STAGES)
    axes.set_yticks([place + 0.5 for place in names], list(names.values()), fontsize=8)
    mastered = [spelled(Stage.from_key(record["stage"])) for record in records]
    room = int(AXIS / (CHARACTER * (2 + max(map(len, mastered)))))
    seen = place_ticks(mastered, room)
    axes.set_xticks([place + 0.5 for place in seen], list(seen.values()), fontsize=8)
    axes.set_xlabel("after the visit that mastered this stage, visit by visit")
    axes.set_ylabel(f"stage: {difficulty.label}")


def _spell(axes: Axes, cells: Sequence[Sequence[float]]) -> None:
    for row, scores in enumerate(cells):
        for column, score in enumerate(scores):
            if math.isfinite(score):
                axes.text(
                    column + 0.5,
                    row + 0.5,
                    "1" if score == 1 else f"{score:.2f}".removeprefix("0"),
                    ha="center",
                    va="center",
                    fontsize=7,
                    color=DARK if score > 0.5 else LIGHT,
                )
