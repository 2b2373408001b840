"""Tables of how many sequences it took until a target was mastered."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from recorded_rows import Row
from run_tables import Content, by, cost_of, share, table
from sequences import TESTED

PAPER = {
    "lstm_adding": ("adding, T = 100", 74_000),
    "lstm_adding_500": ("adding, T = 500", 209_000),
    "lstm_temporal_order": ("temporal order, 6a", 31_390),
}
"""Hochreiter & Schmidhuber 1997, tables 7 and 9: training sequences, the means of 10 or 20 trials."""


def long_lags(content: Content) -> str:
    """The problems of Hochreiter & Schmidhuber: sequences and errors, beside the paper's."""

    def lines() -> Iterator[Sequence[str]]:
        for name, rows in by(content[0], "experiment").items():
            words, published = PAPER[name]
            mean = statistics.mean(row["sequences"] for row in rows)
            yield [
                f"{words} (`{name}`)",
                f"{published:,}",
                share(rows),
                f"{mean:,.0f}",
                run_by_run(rows, "sequences"),
                run_by_run(rows, "wrong"),
                *(cost_of(rows, unit) for unit in ("compute", "seconds")),
            ]

    head = ["problem", "sequences, paper's mean", "mastered", "sequences, mean", "run by run"]
    return table([*head, f"wrong of {TESTED:,}", "compute, median", "time, median"], lines())


def run_by_run(rows: Sequence[Row], name: str) -> str:
    """A column's values in the order of seeds."""
    return ", ".join(f"{row[name]:,}" for row in rows)
