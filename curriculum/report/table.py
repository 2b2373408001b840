"""The table of a run's visits."""

from __future__ import annotations

from rich.table import Table

from curriculum.record.history import Result

__all__ = ["markdown_table", "stage_table"]

COLUMNS = ("length", "vocab", "verdict", "steps", "tokens", "seconds", "rate", "hidden")


def stage_table(result: Result) -> Table:
    """The visits as a table for a terminal."""
    table = Table(title=f"{result.experiment}, seed {result.seed}", title_justify="left")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == "verdict" else "right")
    for row in _rows(result):
        style = "red" if row[2] == "exhausted" else None
        table.add_row(*row, style=style)
    return table


def markdown_table(result: Result) -> str:
    """The visits as a table in markdown."""
    lines = [COLUMNS, ("---",) * len(COLUMNS), *_rows(result)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _rows(result: Result) -> list[tuple[str, ...]]:
    return [
        (
            f"{stage.length:,}",
            f"{stage.vocab_size:,}",
            stage.verdict,
            f"{stage.steps:,}",
            f"{stage.tokens:,}",
            f"{stage.seconds:.2f}",
            f"{stage.learning_rate:g}",
            f"{stage.hidden_size:,}",
        )
        for stage in result.stages
    ]
