"""A picture of how a final model does beyond the lengths that it was trained on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from curriculum.plan import Stage
from curriculum.report.canvas import canvas, legend_outside, length_axis
from curriculum.report.line_styles import FAINT, LineStyle, line_styles
from curriculum.report.medians import Median, median_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["extrapolation_curve", "extrapolation_curves"]

Retests = Sequence[Mapping[str, Any]]


def extrapolation_curves(retests: Mapping[str, Sequence[Retests]], title: str) -> Figure:
    """The median score against length, with its interval; for few seeds, a point each.

    Args:
        retests: by strategy, for each seed the records of its retest,
            `{"stage": "2000x2", "score": 0.98, "beyond": True, …}`.
        title: of which experiment.
    """
    return _figure(retests, f"{title}: beyond the lengths trained on (median)", _path_end(retests))


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
        _draw(axes, name, scores, styles[name])
    if trained is not None:
        axes.axvline(
            trained, color=FAINT, linestyle="--", linewidth=1, label=f"trained to {trained:,}"
        )
    length_axis(axes, sorted(lengths), "sequence length (symbols)")
    axes.set_ylabel("score (part answered right)")
    axes.set_ylim(-0.02, 1.05)
    axes.set_title(title, loc="left", fontsize=10, parse_math=False)
    legend_outside(figure)
    return figure


def _draw(axes: Axes, name: str, scores: Mapping[int, Sequence[float]], style: LineStyle) -> None:
    """One strategy's scores, by length one a seed."""
    medians = {length: median_of(found) for length, found in sorted(scores.items())}
    values = [median.value for median in medians.values()]
    look: dict[str, Any] = {"color": style.color, "linestyle": style.linestyle}
    axes.plot(list(medians), values, marker=style.marker, ms=4, lw=1.4, label=name, **look)
    band = _band(medians)
    if band:
        at, lows, highs = zip(*band, strict=True)
        axes.fill_between(at, lows, highs, color=style.color, alpha=0.15, lw=0)
    for length, found in scores.items():
        if medians[length].low is None and len(found) > 1:
            axes.plot([length] * len(found), found, ".", color=style.color, alpha=0.5, ms=4)


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
