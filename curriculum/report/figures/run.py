"""Figures of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from curriculum.plan import Verdict
from curriculum.record import History
from curriculum.report.figures.axes import TITLE, new_figure, score_limits
from curriculum.report.figures.difficulty import Difficulty
from curriculum.report.figures.extrapolation import Y_LABEL, extrapolation_curve
from curriculum.report.figures.race import race_figure
from curriculum.report.figures.retention import retention_map
from curriculum.report.figures.svg import inline_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MASTERED, EXHAUSTED, UNDECIDED = "#0072B2", "#D55E00", "#999999"  # Okabe & Ito's palette
READY = "#009E73"
ROLLED_BACK = "#CC79A7"
NEUTRAL: Mapping[str, Any] = {"marker": "s", "color": UNDECIDED}
STYLES: Mapping[str, Mapping[str, Any]] = {
    "mastered": {"marker": "o", "color": MASTERED},
    "ready": {"marker": "D", "color": READY},
    "exhausted": {"marker": "X", "color": EXHAUSTED},
    "no search": {"marker": ".", "color": UNDECIDED},
}
"""By the outcome of a visit or a trial; others are neutral."""


def run_figures(history: History) -> dict[str, Figure]:
    """All figures of a run, by name."""
    found = dict[str, "Figure"]()
    if history.arms.evaluations:
        found["race"] = race_figure(history, _run(history))
    if not history.visits:
        return found
    found |= {"reach": reach_figure(history), "score_by_stage": score_figure(history)}
    if any(visit.reports for visit in history.visits):
        found["settings"] = settings_figure(history)
    if any(event.scores for event in history.retention):
        found["retention"] = retention_map(
            history.retention,
            _run(history),
            history.description.axis_names,
            verdict=history.description.verdict,
            metric=history.description.score_name,
        )
    lengths = {event.stage.length for event in history.final_evaluations}
    if history.end is not None and len(lengths) > 1:
        events, strategy = history.final_evaluations, history.description.strategy
        ready = history.description.verdict is Verdict.READY
        found["extrapolation"] = extrapolation_curve(
            events,
            strategy,
            history.longest_trained,
            _run(history),
            names=history.description.axis_names,
            metric=history.description.score_name if ready else Y_LABEL,
        )
    return found


def reach_svg(history: History) -> str:
    """The reach for within a page; empty before the first visit."""
    if not history.visits:
        return ""
    name, label = f"run-{history.description.id}", f"{_run(history)}: reach against tokens"
    return inline_svg(reach_figure(history), name, label)


def reach_figure(history: History) -> Figure:
    """The reach against the tokens trained on, and the outcome of each visit."""
    from matplotlib.ticker import EngFormatter

    figure, (axes,) = new_figure()
    difficulty = Difficulty(history.description.path, history.description.axis_names)
    visits, verdicts = history.visits, [visit.verdict for visit in history.visits]
    tokens = [*accumulate(v.cost.tokens + v.discarded_cost.tokens for v in visits)]
    heights = [difficulty.height(visit.stage) for visit in visits]
    passed = [h if v.passed else 0 for h, v in zip(heights, verdicts, strict=True)]
    reach_label = "reach (ready)" if history.description.verdict is Verdict.READY else "reach"
    reach = accumulate(passed, max, initial=0.0)
    axes.step([0, *tokens], [*reach], where="post", color=MASTERED, label=reach_label)
    plot_outcomes(axes, zip(tokens, heights, verdicts, strict=True), size=5)
    axes.set(xlabel="tokens trained on", ylabel=difficulty.label)
    if difficulty.ticks:
        axes.set_yticks(list(difficulty.ticks), list(difficulty.ticks.values()), fontsize=8)
    elif max(map(difficulty.height, difficulty.path)) > 50:
        axes.set_yscale("symlog", linthresh=10)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    _title(axes, history, "reach against tokens")
    axes.legend(loc="lower right", frameon=False)
    return figure


def score_figure(history: History) -> Figure:
    """The score of every evaluation over the steps, stage by stage, against the threshold."""
    figure, (axes,) = new_figure()
    difficulty = Difficulty(history.description.path, history.description.axis_names)
    thresholds: list[tuple[int, float]] = []  # from that step on
    rollbacks: list[tuple[int, float]] = []
    scores: list[float] = []
    for visit in history.visits:
        points = [
            ((each.cost + each.discarded_cost).steps, each.decision.score)
            for each in visit.evaluations
            if each.decision.score is not None
        ]
        if not points:
            continue
        rollbacks += [(step, each.score or 0.0) for step, each in visit.rollbacks]
        scores += [score for _, score in points]
        threshold = visit.evaluations[-1].decision.threshold
        if threshold is not None:
            thresholds.append((points[0][0], threshold))
        axes.plot(*zip(*points, strict=True), ms=3, lw=1, **STYLES.get(visit.verdict, NEUTRAL))
        if visit.cost.steps:  # labels of stages passed at once would overlap
            offset: dict[str, Any] = {"xytext": (3, 3), "textcoords": "offset points"}
            axes.annotate(difficulty.name(visit.stage), points[0], fontsize=7, **offset)
    if rollbacks:
        style: dict[str, Any] = {"marker": "v", "color": ROLLED_BACK, "ms": 6, "zorder": 3}
        axes.plot(*zip(*rollbacks, strict=True), ls="", label="rollback", **style)
    if thresholds:
        steps, heights = zip(*thresholds, strict=True)
        line = ([*steps, history.total_cost.steps], [*heights, heights[-1]])
        axes.step(*line, where="post", ls="--", lw=1, color=UNDECIDED, label="threshold")
        # Outside: visits begin with low scores, and so there may be no room within.
        figure.legend(loc="outside lower right", ncols=2, frameon=False, fontsize=8)
    name, limits = history.description.score_name, score_limits(scores)
    axes.set(xlabel="optimizer steps", ylabel=f"{name} of the evaluations", ylim=limits)
    _title(axes, history, "score by stage (labels: stages trained on)")
    return figure


def settings_figure(history: History) -> Figure:
    """Learning rate and hidden size that each visit ended with."""
    from matplotlib.ticker import MaxNLocator, NullFormatter, ScalarFormatter

    figure, (above, below) = new_figure(2, height=5.2, share_y=False)
    numbers = [visit.number for visit in history.visits]
    outcomes = [v.verdict.value if v.reports else "no search" for v in history.visits]
    for axes, values, label in (
        (above, [visit.learning_rate for visit in history.visits], "learning rate"),
        (below, [visit.hidden_size for visit in history.visits], "hidden size (units)"),
    ):
        axes.step(numbers, values, where="mid", color=UNDECIDED, lw=1)
        plot_outcomes(axes, zip(numbers, values, outcomes, strict=True))
        axes.set(yscale="log", ylabel=label)
    below.yaxis.set_major_formatter(ScalarFormatter())
    below.yaxis.set_minor_formatter(NullFormatter())
    below.set_yticks(sorted({visit.hidden_size for visit in history.visits}))
    below.xaxis.set_major_locator(MaxNLocator(integer=True))
    below.set_xlabel("visit")
    above.legend(loc="best", frameon=False, fontsize=8)
    _title(above, history, "settings selected by visit")
    return figure


def plot_outcomes(
    axes: Axes, points: Iterable[tuple[float, float, str]], *, size: float = 6
) -> None:
    """A mark at each place, in the style of its outcome; a legend would name each outcome once."""
    seen = set()
    for x, y, outcome in points:
        style = STYLES.get(outcome, NEUTRAL)
        axes.plot(x, y, ls="", ms=size, label=None if outcome in seen else outcome, **style)
        seen.add(outcome)


def _title(axes: Axes, history: History, what: str) -> None:
    axes.set_title(f"{_run(history)}: {what}", **TITLE)


def _run(history: History) -> str:
    return f"{history.description.experiment}, seed {history.description.seed}"
