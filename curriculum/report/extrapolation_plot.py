"""A picture of how a final model does beyond the lengths that it was trained on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from curriculum.plan import Stage
from curriculum.report.canvas import (
    MOST_TOGETHER,
    canvas,
    legend_outside,
    length_axis,
    name_together,
    small_multiples,
)
from curriculum.report.comparison import BASELINE
from curriculum.report.line_styles import FAINT, LineStyle, line_styles
from curriculum.report.medians import Median, median_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["extrapolation_curve", "extrapolation_curves"]

Retests = Sequence[Mapping[str, Any]]

ALONG, UP = "sequence length (symbols)", "score (part answered right)"
LIMITS = (-0.02, 1.05)


def extrapolation_curves(retests: Mapping[str, Sequence[Retests]], title: str) -> Figure:
    """The median score against length, with its interval, where all seeds were tested.

    A small point a seed where they were not, or are too few for an interval. Many strategies
    get small axes each, with the baseline's medians beneath.

    Args:
        retests: by strategy, for each seed the records of its retest,
            `{"stage": "2000x2", "score": 0.98, "beyond": True, …}`.
        title: of which experiment.
    """
    draw = _apart if len(retests) > MOST_TOGETHER else _figure
    return draw(retests, f"{title}: beyond the lengths trained on", _path_end(retests))


def extrapolation_curve(retests: Retests, strategy: str, trained: int, title: str) -> Figure:
    """One final model's score against length.

    Args:
        retests: its records.
        strategy: of the run.
        trained: the longest length that the model was trained on; 0 for none.
        title: of which run.
    """
    return _figure({strategy: [retests]}, f"{title}: the final model by length", trained or None)


def _figure(retests: Mapping[str, Sequence[Retests]], title: str, trained: int | None) -> Figure:
    figure, (axes,) = canvas()
    styles, lengths = line_styles(retests), set[int]()
    for name, seeds in retests.items():
        scores = _scores(seeds)
        lengths |= {*scores}
        _draw(axes, name, scores, len(seeds), styles[name])
    if trained is not None:
        axes.axvline(
            trained, color=FAINT, linestyle="--", linewidth=1, label=f"trained to {trained:,}"
        )
    length_axis(axes, sorted(lengths), ALONG)
    axes.set_ylabel(UP)
    axes.set_ylim(*LIMITS)
    axes.set_title(title, loc="left", fontsize=10, parse_math=False)
    legend_outside(figure)
    return figure


def _apart(retests: Mapping[str, Sequence[Retests]], title: str, trained: int | None) -> Figure:
    """The same, on small axes, one a strategy."""
    from matplotlib.ticker import LogLocator, MaxNLocator

    figure, panels = small_multiples(len(retests), ["0.0"])
    styles, lengths = line_styles(retests), set[int]()
    baseline = _medians(_scores(retests.get(BASELINE, ())), len(retests.get(BASELINE, ())))
    for axes, (name, seeds) in zip(panels, retests.items(), strict=True):
        scores = _scores(seeds)
        lengths |= {*scores}
        if name != BASELINE:
            axes.plot(*_points(baseline), color=FAINT, linestyle=styles[BASELINE].linestyle, lw=1)
        _draw(axes, name, scores, len(seeds), styles[name])
        if trained is not None:
            axes.axvline(trained, color=FAINT, linestyle="--", linewidth=0.8)
        axes.set_title(name, fontsize=9, loc="left")
    length_axis(panels[0], sorted(lengths), "")
    wide = panels[0].get_xscale() == "log"
    few = LogLocator(subs=(1, 3), numticks=12) if wide else MaxNLocator(5, integer=True)
    panels[0].xaxis.set_major_locator(few)
    panels[0].set_ylim(*LIMITS)
    name_together(figure, title, ALONG, UP)
    return figure


def _draw(
    axes: Axes, name: str, scores: Mapping[int, Sequence[float]], count: int, style: LineStyle
) -> None:
    """One strategy's scores, by length one a seed, of `count` seeds."""
    medians = _medians(scores, count)
    look: dict[str, Any] = {"color": style.color, "linestyle": style.linestyle}
    axes.plot(*_points(medians), marker=style.marker, ms=4, lw=1.4, label=name, **look)
    band = _band(medians)
    if band:
        at, lows, highs = zip(*band, strict=True)
        axes.fill_between(at, lows, highs, color=style.color, alpha=0.15, lw=0)
    apart = [
        (length, score)
        for length, found in sorted(scores.items())
        if length not in medians or (medians[length].low is None and count > 1)
        for score in found
    ]
    if apart:
        axes.plot(*zip(*apart, strict=True), ".", color=style.color, alpha=0.5, ms=4)


def _medians(scores: Mapping[int, Sequence[float]], count: int) -> dict[int, Median]:
    """By length, for those that all seeds were tested on: others' would be of other seeds."""
    shared = {length: found for length, found in scores.items() if len(found) == count}
    return {length: median_of(shared[length]) for length in sorted(shared)}


def _scores(seeds: Sequence[Retests]) -> dict[int, list[float]]:
    """By length, a score a seed; of several vocabularies, on the largest."""
    found: dict[int, list[float]] = defaultdict(list)
    for records in seeds:
        scored = {Stage.from_key(r["stage"]): r["score"] for r in records}
        largest = {s.length: s for s in sorted(scored, key=lambda s: s.vocab_size)}
        for length, stage in largest.items():
            if scored[stage] is not None:
                found[length].append(scored[stage])
    return found


def _points(medians: Mapping[int, Median]) -> tuple[list[int], list[float]]:
    return list(medians), [median.value for median in medians.values()]


def _band(medians: Mapping[int, Median]) -> list[tuple[int, float, float]]:
    """The intervals, where there are enough seeds for one."""
    return [
        (length, median.low, median.high)
        for length, median in medians.items()
        if median.low is not None and median.high is not None
    ]


def _path_end(retests: Mapping[str, Sequence[Retests]]) -> int | None:
    """The longest length of the path."""
    lengths = (
        Stage.from_key(record["stage"]).length
        for seeds in retests.values()
        for records in seeds
        for record in records
        if not record["beyond"]
    )
    return max(lengths, default=None)
