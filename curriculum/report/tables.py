"""Tables of a run: its visits, its trials, its final evaluation."""

from collections.abc import Sequence
from html import escape
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from curriculum.plan import AXES, AxisNames, Stage
from curriculum.record import FinalEvaluated, History, Result, StageResult, Visit

VOCABULARY = "vocab"
"""The head of its column, which is narrow."""

COLUMNS = ("verdict", "steps", "tokens", "seconds", "rate", "hidden")
SEARCHED = ("trials", "discarded")
"""Of a run with trials: how many, and the share of the compute that discarded ones took."""

SPACE = "&nbsp;&nbsp;"
"""Before each cell of a table in markdown."""


def stage_table(result: Result) -> Table:
    """The visits as a table for a terminal."""
    table = _table(f"{result.experiment}, seed {result.seed}", _columns(result), left=("verdict",))
    for stage, row in zip(result.stages, _rows(result), strict=True):
        table.add_row(*row, style="red" if stage.verdict == "exhausted" else None)
    return table


def stage_table_markdown(result: Result) -> str:
    """The visits as a table in markdown; MLflow's UI leaves no space between columns, so cells have it."""
    columns, rule = _columns(result), "|" + " ---: |" * len(_columns(result))
    head, *rows = (
        f"| {' | '.join(SPACE + cell for cell in row)} |" for row in [columns, *_rows(result)]
    )
    return "\n".join([head, rule, *rows])


def stage_table_html(result: Result) -> str:
    """The visits as a table of a page."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in _columns(result))
    rows = (
        "".join(f'<td style="text-align: right">{escape(cell)}</td>' for cell in row)
        for row in _rows(result)
    )
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def final_evaluation_table(title: str, events: Sequence[FinalEvaluated], names: AxisNames) -> Table:
    """A row for each stage: its score, on how many examples, and what that shows, and why."""
    axes = _shown_axes([event.stage for event in events])
    columns = (*_heads(axes, names), "score", "examples", "answer", "why")
    table = _table(title, columns, left=("answer", "why"))
    for event in events:
        table.add_row(
            *(f"{getattr(event.stage, axis):,}" for axis in axes),
            f"{event.score:.4g}",
            f"{event.examples:,}",
            event.answer,
            event.reason,
        )
    return table


def trial_columns(visit: Visit) -> dict[str, list[Any]]:
    """A searched visit's trials as columns: number, settings, cost, score, outcome, reason."""
    trials = visit.trials
    names = list(trials[0].settings) if trials else []
    selected = None if visit.selection is None else visit.selection.trial
    return {
        "trial": [trial.number for trial in trials],
        "selected": [trial.number == selected for trial in trials],
        **{name.rpartition(".")[2]: [trial.settings[name] for trial in trials] for name in names},
        **{
            name: [getattr(trial, name) for trial in trials]
            for name in ("score", "outcome", "compute", "steps", "tokens", "reason")
        },
    }


def visit_columns(history: History) -> dict[str, list[Any]]:
    """A run's visits as columns: number, stage, why, verdict, settings, cost, reason."""
    visits = history.visits
    return {
        "visit": [visit.number for visit in visits],
        "length": [visit.stage.length for visit in visits],
        "vocab_size": [visit.stage.vocab_size for visit in visits],
        "level": [visit.stage.level for visit in visits],
        "visit_reason": [visit.visit_reason.value for visit in visits],
        "verdict": [str(visit.verdict) for visit in visits],
        **{
            name: [getattr(visit, name) for visit in visits]
            for name in ("learning_rate", "hidden_size", "seconds")
        },
        **{
            name: [getattr(visit.cost, name) for visit in visits]
            for name in ("steps", "tokens", "compute")
        },
        "trials": [len(visit.trials) for visit in visits],
        "reason": [visit.reason for visit in visits],
    }


def _table(title: str, columns: Sequence[str], left: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=0, show_edge=False)
    for column in columns:
        table.add_column(column, justify="left" if column in left else "right")
    return table


def _columns(result: Result) -> tuple[str, ...]:
    searched = SEARCHED if any(stage.trials for stage in result.stages) else ()
    return (*_heads(_shown_axes(result.stages), result.axis_names), *COLUMNS, *searched)


def _heads(axes: Sequence[str], names: AxisNames) -> tuple[str, ...]:
    """The heads of the columns that tell a stage."""
    return tuple(VOCABULARY if axis == "vocab_size" else names.of(axis) for axis in axes)


def _shown_axes(stages: Sequence[StageResult | Stage]) -> Sequence[str]:
    """What tells a stage; the level is left out where all are 1."""
    return AXES[: 3 if any(stage.level > 1 for stage in stages) else 2]


def _rows(result: Result) -> list[tuple[str, ...]]:
    axes = _shown_axes(result.stages)
    return [
        (
            *(f"{getattr(stage, axis):,}" for axis in axes),
            stage.verdict,
            f"{stage.steps:,}",
            f"{stage.tokens:,}",
            f"{stage.seconds:.2f}",
            f"{stage.learning_rate:.3g}",
            f"{stage.hidden_size:,}",
            *_search(stage)[: len(_columns(result)) - len(COLUMNS) - len(axes)],
        )
        for stage in result.stages
    ]


def _search(stage: StageResult) -> tuple[str, str]:
    """How many trials a visit had, and the share of those discarded; nothing where it had none."""
    return (f"{stage.trials:,}", f"{stage.discarded_share:.0%}") if stage.trials else ("", "")
