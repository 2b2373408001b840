"""Pictures of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from curriculum.plan import Stage
from curriculum.record.history import History, Visit
from curriculum.report.difficulty import Difficulty
from curriculum.report.extrapolation_plot import extrapolation_curve
from curriculum.report.retention_plot import retention_map

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figures", "reach_figure", "score_figure", "settings_figure", "trial_figures"]

MASTERED, EXHAUSTED, UNDECIDED = "#0072B2", "#D55E00", "#999999"  # Okabe & Ito's palette
COLOURS = {"mastered": MASTERED, "exhausted": EXHAUSTED, "learning": UNDECIDED}
MARKERS = {"mastered": "o", "exhausted": "X", "learning": "s"}


def figures(history: History) -> dict[str, Figure]:
    """All pictures of a run, by name."""
    if not history.visits:
        return {}
    found = {"reach": reach_figure(history), "score_by_stage": score_figure(history)}
    if any(visit.advances for visit in history.visits):
        found["settings"] = settings_figure(history)
    return found | _findings(history)


def _findings(history: History) -> dict[str, Figure]:
    """What was retained at each stage, and how the final model does on lengths; where asked."""
    found = {}
    if any(record["scores"] for record in history.retention):
        found["retention"] = retention_map(history.retention, _run(history))
    lengths = {Stage.from_key(record["stage"]).length for record in history.retests}
    if history.end is not None and len(lengths) > 1:
        strategy, trained = history.description["strategy"], history.trained
        found["extrapolation"] = extrapolation_curve(
            history.retests, strategy, trained, _run(history)
        )
    return found


def reach_figure(history: History) -> Figure:
    """The reach against the tokens trained on, and the outcome of each visit."""
    from matplotlib.ticker import EngFormatter

    figure, axes = _figure()
    difficulty = Difficulty([Stage.from_key(key) for key in history.description["path"]])
    tokens, heights, best, total = [0], [0.0], 0.0, 0
    for visit in history.visits:
        total += visit.spent.tokens + visit.lost.tokens
        if visit.verdict == "mastered":
            best = max(best, difficulty.height(visit.stage))
        tokens.append(total)
        heights.append(best)
    axes.step(tokens, heights, where="post", color=MASTERED, label="reach")
    _outcomes(axes, history, difficulty)
    axes.set_xlabel("tokens trained on")
    axes.set_ylabel(difficulty.label)
    if difficulty.ticks:
        axes.set_yticks(list(difficulty.ticks), list(difficulty.ticks.values()), fontsize=8)
        figure.subplots_adjust(left=0.15)
    elif max(map(difficulty.height, difficulty.path)) > 50:
        axes.set_yscale("symlog", linthresh=10)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(_spelled)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    _title(axes, history, "reach against tokens")
    axes.legend(loc="lower right", frameon=False)
    return figure


def score_figure(history: History) -> Figure:
    """The score of every look over the steps, stage by stage, against the threshold."""
    figure, axes = _figure()
    difficulty = Difficulty([Stage.from_key(key) for key in history.description["path"]])
    thresholds: list[tuple[int, float]] = []  # from that step on
    for visit in history.visits:
        points = [
            (look["spent"]["steps"] + look["lost"]["steps"], look["decision"]["score"])
            for look in visit.looks
            if look["decision"]["score"] is not None
        ]
        if not points:
            continue
        thresholds.append((points[0][0], visit.looks[-1]["decision"]["threshold"]))
        axes.plot(
            *zip(*points, strict=True),
            marker=MARKERS[visit.verdict],
            markersize=3,
            linewidth=1,
            color=COLOURS[visit.verdict],
        )
        if visit.spent.steps:  # labels of stages passed at once would lie upon each other
            axes.annotate(
                difficulty.name(visit.stage),
                points[0],
                xytext=(3, 3),
                textcoords="offset points",
                fontsize=7,
            )
    if thresholds:
        steps, heights = zip(*thresholds, strict=True)
        axes.step(
            [*steps, history.total.steps],
            [*heights, heights[-1]],
            where="post",
            linestyle="--",
            linewidth=1,
            color=UNDECIDED,
            label="threshold",
        )
        axes.legend(loc="lower right", frameon=False)
    axes.set_xlabel("optimizer steps")
    axes.set_ylabel("score of the looks")
    axes.set_ylim(-0.02, 1.05)
    _title(axes, history, "score by stage (labels: where it was trained)")
    return figure


def settings_figure(history: History) -> Figure:
    """Learning rate and hidden size that each visit went on with, along the way."""
    from matplotlib.ticker import MaxNLocator, NullFormatter, ScalarFormatter

    figure, (above, below) = _figure(rows=2)
    numbers = [visit.number for visit in history.visits]
    for axes, values, label in (
        (above, [visit.learning_rate for visit in history.visits], "learning rate"),
        (below, [visit.hidden_size for visit in history.visits], "hidden size (units)"),
    ):
        axes.step(numbers, values, where="mid", color=UNDECIDED, linewidth=1)
        seen = set()
        for visit, value in zip(history.visits, values, strict=True):
            outcome = visit.verdict if visit.advances else "no search"
            axes.plot(
                visit.number,
                value,
                linestyle="",
                marker=MARKERS[visit.verdict] if visit.advances else ".",
                markersize=6,
                color=COLOURS[visit.verdict] if visit.advances else UNDECIDED,
                label=None if outcome in seen else outcome,
            )
            seen.add(outcome)
        axes.set_yscale("log")
        axes.set_ylabel(label)
    below.yaxis.set_major_formatter(ScalarFormatter())
    below.yaxis.set_minor_formatter(NullFormatter())
    below.set_yticks(sorted({visit.hidden_size for visit in history.visits}))
    below.xaxis.set_major_locator(MaxNLocator(integer=True))
    below.set_xlabel("visit")
    above.legend(loc="best", frameon=False, fontsize=8)
    _title(above, history, "settings chosen along the way")
    return figure


def trial_figures(visit: Visit, importances: Mapping[str, float]) -> dict[str, Figure]:
    """A searched visit's pictures: the race, the history of its study, what mattered."""
    found = {"race": _race_figure(visit), "history": _history_figure(visit)}
    if importances:
        found["importance"] = _importance_figure(visit, importances)
    return found


def _race_figure(visit: Visit) -> Figure:
    """The score of each trial against the compute that it had spent."""
    figure, axes = _figure()
    chosen = None if visit.choice is None else visit.choice["trial"]
    curves: dict[int, list[tuple[float, float]]] = {}
    for look in visit.advances:
        if look["score"] is not None:
            point = (look["spent"]["compute"], look["score"])
            curves.setdefault(look["trial"], []).append(point)
    for trial, points in sorted(curves.items()):
        won = trial == chosen
        axes.plot(
            *zip(*points, strict=True),
            marker=".",
            linewidth=2 if won else 1,
            color=MASTERED if won else UNDECIDED,
            zorder=3 if won else 2,
            label=f"trial {trial}, chosen" if won else None,
        )
    axes.set_xlabel("compute (tokens x parameters)")
    axes.set_ylabel("score of the looks at each trial")
    axes.set_ylim(-0.02, 1.05)
    if chosen is not None:
        axes.legend(loc="lower right", frameon=False)
    _visit_title(axes, visit, "the race of its trials")
    return figure


def _history_figure(visit: Visit) -> Figure:
    """The score of each trial, in the order in which they were asked, and the best so far."""
    from matplotlib.ticker import MaxNLocator

    figure, axes = _figure()
    scored = [trial for trial in visit.trials if trial["score"] is not None]
    numbers = [trial["number"] for trial in scored]
    scores = [trial["score"] for trial in scored]
    best = [max(scores[: place + 1]) for place in range(len(scores))]
    axes.step(numbers, best, where="post", color=UNDECIDED, label="best so far")
    seen = set()
    for trial in scored:
        outcome = trial["outcome"]
        won = outcome == "mastered"
        axes.plot(
            trial["number"],
            trial["score"],
            linestyle="",
            marker="o" if won else "X" if outcome == "exhausted" else "s",
            color=MASTERED if won else EXHAUSTED if outcome == "exhausted" else UNDECIDED,
            label=None if outcome in seen else outcome,
        )
        seen.add(outcome)
    axes.set_xlabel("trial")
    axes.set_ylabel("score at its last look")
    axes.set_ylim(-0.02, 1.05)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if scored:
        axes.legend(loc="lower right", frameon=False)
    _visit_title(axes, visit, "history of its study")
    return figure


def _importance_figure(visit: Visit, importances: Mapping[str, float]) -> Figure:
    figure, axes = _figure()
    figure.subplots_adjust(left=0.2)
    names = sorted(importances, key=lambda name: importances[name])
    axes.barh(names, [importances[name] for name in names], color=MASTERED, height=0.5)
    axes.set_xlabel("importance for the score (PED-ANOVA; all together 1)")
    axes.set_xlim(0, 1)
    _visit_title(axes, visit, "which settings mattered")
    return figure


def _spelled(value: float, _: float) -> str:
    return f"{value:,.0f}"


def _outcomes(axes: Axes, history: History, difficulty: Difficulty) -> None:
    total = 0
    seen = set()
    for visit in history.visits:
        total += visit.spent.tokens + visit.lost.tokens
        axes.plot(
            total,
            difficulty.height(visit.stage),
            linestyle="",
            marker=MARKERS[visit.verdict],
            markersize=5,
            color=COLOURS[visit.verdict],
            label=None if visit.verdict in seen else visit.verdict,
        )
        seen.add(visit.verdict)


def _figure(rows: int = 1) -> tuple[Figure, Any]:
    """A figure with one pair of axes, or with a column of them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4 if rows == 1 else 2.6 * rows), dpi=120)
    found = figure.subplots(rows, sharex=True)
    figure.subplots_adjust(left=0.12, right=0.97, top=0.91, bottom=0.13)
    for axes in [found] if rows == 1 else found:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    return figure, found


def _visit_title(axes: Axes, visit: Visit, what: str) -> None:
    axes.set_title(f"Visit {visit.number}, {visit.stage}: {what}", loc="left", fontsize=10)


def _title(axes: Axes, history: History, what: str) -> None:
    axes.set_title(f"{_run(history)}: {what}", loc="left", fontsize=10)


def _run(history: History) -> str:
    return f"{history.description['experiment']}, seed {history.description['seed']}"
