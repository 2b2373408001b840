"""Tables of how many sequences it took until a target was mastered."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from recorded_rows import Row
from run_tables import Content, by, cost_of, share, table
from sequences import TESTED

from curriculum.report.units import short

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


DIGITS = {"lstm_addition": 5, "lstm_addition:nine": 9}
"""Of each operand of the last stage."""


def addition(content: Content) -> str:
    """Decimal addition by each strategy: how far, how exactly, and what it took or used up."""

    def lines() -> Iterator[Sequence[str]]:
        for name, runs in by([row for rows in content for row in rows], "experiment").items():
            for strategy, rows in by(runs, "strategy").items():
                exact = (1 - row["wrong"] / TESTED for row in rows)
                yield [
                    f"{DIGITS[name]}",
                    f"`{strategy}`",
                    share(rows),
                    ", ".join(str(row["reach"] or 0) for row in rows),
                    ", ".join(f"{value:.3f}" for value in exact),
                    *(
                        short(statistics.median(row[unit] for row in rows), unit)
                        for unit in ("sequences", "steps", "compute", "seconds")
                    ),
                ]

    head = ["digits", "strategy", "mastered", "digits mastered", f"exact match of {TESTED:,}"]
    return table([*head, "examples", "steps", "compute", "time"], lines())


def run_by_run(rows: Sequence[Row], name: str) -> str:
    """A column's values in the order of seeds."""
    return ", ".join(f"{row[name]:,}" for row in rows)
