"""The table of the Chomsky hierarchy as a heat map, as far as it was made.

python benchmarks/chomsky_map.py    # docs/images/chomsky.png from benchmarks/figures.json
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from chomsky_plan import NETWORKS, PROBLEMS, Cell
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from recorded_rows import Row

ROOT = Path(__file__).parents[1]
FIGURES = ROOT / "benchmarks" / "figures.json"
IMAGE = ROOT / "docs" / "images" / "chomsky.png"

SOLVED = 90.0
"""From which mean score on the paper calls a task solved."""

WAYS = {True: "with the curriculum (gated)", False: "without (uniform)"}


def main() -> None:
    """Draw what was measured."""
    (rows,) = json.loads(FIGURES.read_text())["chomsky"]["content"]
    heat_map(rows).savefig(IMAGE, dpi=110)


def heat_map(rows: Sequence[Row]) -> Figure:
    """Mean scores in per cent, tasks by networks: with a curriculum, without, and the difference."""
    scores = {way: [[score(rows, t, n, way) for n in NETWORKS] for t in PROBLEMS] for way in WAYS}
    figure = Figure(figsize=(11, 7), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True)
    for axes, (way, title) in zip(panels, WAYS.items(), strict=False):
        shown = draw(axes, scores[way], title, "viridis", (0, 100))
    figure.colorbar(shown, ax=panels[:2], shrink=0.6, location="bottom", label="score, per cent")
    gain = [
        [None if None in pair else pair[0] - pair[1] for pair in zip(*both, strict=True)]
        for both in zip(*scores.values(), strict=True)
    ]
    shown = draw(panels[2], gain, "the difference", "RdBu", (-60, 60))
    label = "points; blue: better with the curriculum"
    figure.colorbar(shown, ax=panels[2], shrink=0.9, location="bottom", label=label)
    panels[0].set_yticks(range(len(PROBLEMS)), [name.replace("_", " ") for name in PROBLEMS])
    return figure


def score(rows: Sequence[Row], task: str, network: str, way: bool) -> float | None:
    """The mean over the seeds that are shown; None where none was run."""
    found = Cell(task=task, network=network, curriculum=way).of(rows)
    return 100 * statistics.mean(row["score"] for row in found) if found else None


def draw(
    axes: Axes,
    values: Sequence[Sequence[float | None]],
    title: str,
    colours: str,
    limits: tuple[float, float],
) -> AxesImage:
    """A coloured cell for each value, with the value in it; grey where there is none."""
    numbers = [[math.nan if value is None else value for value in row] for row in values]
    axes.set_facecolor("0.85")
    shown = axes.imshow(numbers, cmap=colours, vmin=limits[0], vmax=limits[1], aspect="auto")
    for y, row in enumerate(numbers):
        for x, value in enumerate(row):
            if math.isfinite(value):
                weight = "bold" if limits[0] == 0 and value >= SOLVED else "normal"
                ink = "black" if _is_light(shown, value) else "white"
                axes.text(
                    x,
                    y,
                    f"{round(value)}",
                    ha="center",
                    va="center",
                    color=ink,
                    weight=weight,
                    size=9,
                )
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_xticks(
        range(len(NETWORKS)), [name.replace("_", " ") for name in NETWORKS], rotation=40
    )
    axes.grid(visible=False)
    return shown


def _is_light(shown: AxesImage, value: float) -> bool:
    ((red, green, blue, _),) = shown.to_rgba(np.array([value]))
    return bool(0.299 * red + 0.587 * green + 0.114 * blue > 0.5)


if __name__ == "__main__":
    main()
