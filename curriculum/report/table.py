"""The table of a run's visits."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table

from curriculum.record.history import Result, StageResult

__all__ = ["markdown_table", "stage_table"]

COLUMNS = ("length", "vocab", "verdict", "steps", "tokens", "seconds", "rate", "hidden")
SEARCHED = ("trials", "lost")
"""Of a run with trials: how many, and the share of the compute that went on the losers."""


def stage_table(result: Result) -> Table:
    """The visits as a table for a terminal."""
    title = f"{result.experiment}, seed {result.seed}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=0)
    for column in _columns(result):
        table.add_column(column, justify="left" if column == "verdict" else "right")
    for row in _rows(result):
        style = "red" if row[2] == "exhausted" else None
        table.add_row(*row, style=style)
    return table


def markdown_table(result: Result) -> str:
    """The visits as a table in markdown."""
    columns = _columns(result)
    lines = [columns, ("---",) * len(columns), *_rows(result)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _columns(result: Result) -> tuple[str, ...]:
    return (*COLUMNS, *SEARCHED) if any(stage.trials for stage in result.stages) else COLUMNS


def _rows(result: Result) -> list[tuple[str, ...]]:
    return [
        (
            f"{stage.length:,}",
            f"{stage.vocab_size:,}",
            stage.verdict,
            f"{stage.steps:,}",
            f"{stage.tokens:,}",
            f"{stage.seconds:.2f}",
            f"{stage.learning_rate:.3g}",
            f"{stage.hidden_size:,}",
            *_search(stage)[: len(_columns(result)) - len(COLUMNS)],
        )
        for stage in result.stages
    ]


def _search(stage: StageResult) -> tuple[str, str]:
    """How many trials a visit took, and the share of the losers; nothing where it took none."""
    return (f"{stage.trials:,}", f"{stage.lost_share:.0%}") if stage.trials else ("", "")
