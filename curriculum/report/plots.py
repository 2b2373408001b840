"""Pictures of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curriculum.record.history import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figures", "reach_figure", "score_figure"]

MASTERED, EXHAUSTED, UNDECIDED = "#0072B2", "#D55E00", "#999999"  # Okabe & Ito's palette
COLOURS = {"mastered": MASTERED, "exhausted": EXHAUSTED, "learning": UNDECIDED}
MARKERS = {"mastered": "o", "exhausted": "X", "learning": "s"}


def figures(history: History) -> dict[str, Figure]:
    """All pictures of a run, by name."""
    if not history.visits:
        return {}
    return {"reach": reach_figure(history), "score_by_stage": score_figure(history)}


def reach_figure(history: History) -> Figure:
    """The reach against the tokens trained on, and the outcome of each visit."""
    figure, axes = _figure()
    tokens, lengths, best, total = [0], [0], 0, 0
    for visit in history.visits:
        total += visit.tokens
        if visit.verdict == "mastered":
            best = max(best, visit.stage.length)
        tokens.append(total)
        lengths.append(best)
    axes.step(tokens, lengths, where="post", color=MASTERED, label="reach")
    _outcomes(axes, history)
    axes.set_xlabel("tokens trained on")
    axes.set_ylabel("sequence length (symbols)")
    if max(visit.stage.length for visit in history.visits) > 50:
        axes.set_yscale("symlog", linthresh=10)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(_spelled)
    axes.xaxis.set_major_formatter(_spelled)
    _title(axes, history, "reach against tokens")
    axes.legend(loc="lower right", frameon=False)
    return figure


def score_figure(history: History) -> Figure:
    """The score of every look over the steps, stage by stage, against the threshold."""
    figure, axes = _figure()
    threshold = None
    for visit in history.visits:
        points = [
            (look["spent"]["steps"], look["decision"]["score"])
            for look in visit.looks
            if look["decision"]["score"] is not None
        ]
        if not points:
            continue
        threshold = visit.looks[-1]["decision"]["threshold"]
        axes.plot(
            *zip(*points, strict=True),
            marker=MARKERS[visit.verdict],
            markersize=3,
            linewidth=1,
            color=COLOURS[visit.verdict],
        )
        if visit.steps:  # labels of stages passed at once would lie upon each other
            axes.annotate(
                f"{visit.stage.length}",
                points[0],
                xytext=(3, 3),
                textcoords="offset points",
                fontsize=7,
            )
    if threshold is not None:
        axes.axhline(threshold, linestyle="--", linewidth=1, color=UNDECIDED, label="threshold")
        axes.legend(loc="lower right", frameon=False)
    axes.set_xlabel("optimizer steps")
    axes.set_ylabel("score of the looks")
    axes.set_ylim(-0.02, 1.05)
    _title(axes, history, "score by stage (numbers: lengths trained on)")
    return figure


def _spelled(value: float, _: float) -> str:
    return f"{value:,.0f}"


def _outcomes(axes: Axes, history: History) -> None:
    total = 0
    seen = set()
    for visit in history.visits:
        total += visit.tokens
        axes.plot(
            total,
            visit.stage.length,
            linestyle="",
            marker=MARKERS[visit.verdict],
            markersize=5,
            color=COLOURS[visit.verdict],
            label=None if visit.verdict in seen else visit.verdict,
        )
        seen.add(visit.verdict)


def _figure() -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), dpi=120)
    axes = figure.subplots()
    figure.subplots_adjust(left=0.12, right=0.97, top=0.91, bottom=0.13)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    return figure, axes


def _title(axes: Axes, history: History, what: str) -> None:
    described = history.description
    axes.set_title(
        f"{described['experiment']}, seed {described['seed']}: {what}", loc="left", fontsize=10
    )
