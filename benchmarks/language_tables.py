"""Tables of how language models were trained, on windows of one length and on windows that grow."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from recorded_rows import Row
from run_tables import Content, by, table

from curriculum.report.units import short

WINDOWS = {
    "direct": "whole from the start (`direct`)",
    "linear_warmup": "along a line (`linear_warmup`)",
    "gated": "gated by `LossBelow`",
    "plateau": "gated by `Plateau`",
}
EQUAL = {"tokens": "tokens", "compute": "cost"}


def growing_windows(content: Content) -> str:
    """What models score after equal tokens and after equal cost, by how their windows grew."""

    def lines() -> Iterator[Sequence[str]]:
        for unit, runs in by(content[0], "equal").items():
            for condition, rows in by(runs, "condition").items():
                rates = {row["rate"] for row in rows}
                yield [
                    EQUAL[unit],
                    WINDOWS[condition],
                    ", ".join(f"{rate:g}" for rate in sorted(rates)),
                    each(rows, "bits_1024", ".3f"),
                    each(rows, "bits_512", ".3f"),
                    each(rows, "reach", ","),
                    *(
                        short(statistics.median(row[name] for row in rows), name)
                        for name in ("tokens", "compute")
                    ),
                    f"{statistics.median(row['evaluations'] for row in rows):.0%}",
                ]

    head = ["equal", "windows", "rate", "bits per byte at 1,024", "at 512", "longest passed"]
    return table([*head, "tokens", "compute", "evaluations' part of compute"], lines())


def stability(content: Content) -> str:
    """Spikes and divergence by learning rate and batch, with whole and with lengthening sequences."""

    def lines() -> Iterator[Sequence[str]]:
        for rate, of_rate in by(content[0], "rate").items():
            for batch, of_batch in by(of_rate, "batch").items():
                yield [f"{rate:g}", str(batch), *(summary(of_batch, rising) for rising in RISING)]

    head = ["rate", "batch", "whole length", "lengthening"]
    return table(head, lines())


RISING = (False, True)


def summary(rows: Sequence[Row], rising: bool) -> str:
    """Of some runs: spikes a run, how many diverged, and the final loss of each."""
    chosen = [row for row in rows if row["rising"] == rising]
    diverged = sum(row["diverged"] for row in chosen)
    ended = f"; {diverged} of {len(chosen)} diverged" if diverged else ""
    return f"{each(chosen, 'spikes', ',')} spikes{ended}; {each(chosen, 'held_out', '.2f')} nats"


def each(rows: Sequence[Row], name: str, form: str) -> str:
    """A column's values in the order of seeds."""
    return ", ".join(f"{row[name]:{form}}" for row in sorted(rows, key=lambda row: row["seed"]))
