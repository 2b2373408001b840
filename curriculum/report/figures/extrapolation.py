"""The score of a final model beyond the lengths that it was trained on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from curriculum.comparison import BASELINE, Median, median_of
from curriculum.plan import AxisNames
from curriculum.record import FinalEvaluated
from curriculum.report.figures import axes as charts
from curriculum.report.figures.difficulty import axis_label
from curriculum.report.figures.line_styles import FAINT, LineStyle, line_styles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Events = Sequence[FinalEvaluated]

Y_LABEL = "score (share correct)"

MOST_MARKERS = 60
"""Of a curve: more would hide it."""


def extrapolation_curves(
    events: Mapping[str, Sequence[Events]], title: str, names: AxisNames, *, metric: str = Y_LABEL
) -> Figure:
    """The median score against length, with its interval, where all seeds were tested.

    A small point a seed where they were not, or are too few for an interval. Many strategies
    get small axes each, with the baseline's medians beneath.

    Args:
        events: by strategy, for each seed its final evaluation.
        title: of which experiment.
        names: of its stages' axes.
        metric: that the scores are of.
    """
    what = f"{title}: beyond the {names.lengths} trained on"
    return _figure(events, what, _path_end(events), axis_label(names.length), metric)


def extrapolation_curve(
    events: Events,
    strategy: str,
    trained: int,
    title: str,
    *,
    names: AxisNames,
    metric: str = Y_LABEL,
) -> Figure:
    """One final model's score against length.

    Args:
        events: its final evaluation.
        strategy: of the run.
        trained: the longest length that the model was trained on; 0 for none.
        title: of which run.
        names: of its stages' axes.
        metric: that the scores are of.
    """
    title, x_label = f"{title}: the final model by {names.length}", axis_label(names.length)
    return _figure({strategy: [events]}, title, trained or None, x_label, metric)


def _figure(
    events: Mapping[str, Sequence[Events]],
    title: str,
    trained: int | None,
    x_label: str,
    y_label: str = Y_LABEL,
) -> Figure:
    figure, panels = charts.strategy_panels(events, ["0.0"])
    styles, lengths = line_styles(events), set[int]()
    many, baseline = len(panels) > charts.MOST_TOGETHER, events.get(BASELINE, ())
    medians = _medians(_scores(baseline), len(baseline))
    for axes, (name, seeds) in zip(panels, events.items(), strict=True):
        scores = _scores(seeds)
        lengths |= {*scores}
        if many and name != BASELINE:
            axes.plot(*_points(medians), color=FAINT, linestyle=styles[BASELINE].linestyle, lw=1)
        _draw(axes, name, scores, len(seeds), styles[name])
    if trained is not None:
        for axes in dict.fromkeys(panels):
            width, label = (0.8 if many else 1), f"trained to {trained:,}"
            axes.axvline(trained, color=FAINT, ls="--", lw=width, label=label)
    charts.length_axis(panels[0], sorted(lengths), x_label)
    if many:
        _thin_out(panels[0])
    drawn = [e.score for seeds in events.values() for one in seeds for e in one]
    panels[0].set_ylim(*charts.score_limits(drawn))
    charts.label_panels(figure, panels, title, x_label, y_label)
    return figure


def _thin_out(axes: Axes) -> None:
    """Fewer ticks, for small axes."""
    from matplotlib.ticker import LogLocator, MaxNLocator

    wide = axes.get_xscale() == "log"
    few = LogLocator(subs=(1, 3), numticks=12) if wide else MaxNLocator(5, integer=True)
    axes.xaxis.set_major_locator(few)


def _draw(
    axes: Axes, name: str, scores: Mapping[int, Sequence[float]], count: int, style: LineStyle
) -> None:
    """One strategy's scores, by length one a seed, of `count` seeds."""
    medians = _medians(scores, count)
    marker = style.marker if len(medians) <= MOST_MARKERS else ""
    axes.plot(*_points(medians), marker=marker, ms=4, lw=1.4, label=name, **style.line)
    band = [(at, m.low, m.high) for at, m in medians.items() if None not in (m.low, m.high)]
    if band:  # where there are enough seeds for an interval
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


def _scores(seeds: Sequence[Events]) -> dict[int, list[float]]:
    """By length, a score a seed; of several stages of that length, on the hardest."""
    found: dict[int, list[float]] = defaultdict(list)
    for events in seeds:
        scored = {event.stage: event.score for event in events}
        largest = {s.length: s for s in sorted(scored, key=lambda s: s.numbers)}
        for length, stage in largest.items():
            found[length].append(scored[stage])
    return found


def _points(medians: Mapping[int, Median]) -> tuple[list[int], list[float]]:
    return list(medians), [median.value for median in medians.values()]


def _path_end(events: Mapping[str, Sequence[Events]]) -> int | None:
    """The longest length of the path."""
    found = (event for seeds in events.values() for one in seeds for event in one)
    return max((event.stage.length for event in found if not event.beyond), default=None)
