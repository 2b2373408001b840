"""Tables of runs that reach their target or do not: on how many seeds, and at what cost."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from recorded_rows import Row

from curriculum.report.units import short

Content = list[Any]
"""What the commands of a table wrote, in order: a list of rows of each, or one comparison."""

MACHINES = ("one thread", "two threads", "one thread, without AVX")
"""What `any_seed` counts as three machines."""

NETS = ("unrolled", "loop", "every_word", "stateful", "rnn", "gru")
"""The language models of human numbers."""


def table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def share(rows: Sequence[Row]) -> str:
    """On how many of them the target is reached."""
    return f"{sum(row['status'] == 'reached' for row in rows)} of {len(rows)}"


def by(rows: Sequence[Row], name: str) -> dict[Any, list[Row]]:
    """The rows of each value of a column."""
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(row[name], []).append(row)
    return found


def cost_of(rows: Sequence[Row], unit: str) -> str:
    """The median cost of those that reach their target, in a few characters."""
    value = median_of(rows, unit)
    return "–" if math.isnan(value) else short(value, unit)


def median_of(rows: Sequence[Row], name: str) -> float:
    """Of those that reach their target."""
    found: list[float] = [row[name] for row in rows if row["status"] == "reached"]
    return statistics.median(found) if found else math.nan


def middle_and_range(rows: Sequence[Row], name: str) -> str:
    """Of those that reach their target: the median, and from where to where."""
    values = sorted(row[name] for row in rows if row["status"] == "reached")
    if not values:
        return "–"
    return f"{statistics.median(values):,.0f} ({values[0]:,}–{values[-1]:,})"


COSTS = ("compute", "seconds", "steps", "tokens")
"""The columns of a cost."""


def any_seed(content: Content) -> str:
    """On how many seeds each experiment reaches its target, on each of three machines."""
    machines = [by(rows, "experiment") for rows in content]

    def lines() -> Iterator[Sequence[str]]:
        for name, rows in machines[0].items():
            counts = [share(each[name]) for each in machines]
            every = share([row for each in machines for row in each[name]])
            yield [f"`{name}`", *counts, f"**{every}**", *(cost_of(rows, unit) for unit in COSTS)]

    return table(["experiment", *MACHINES, "together", *COSTS], lines())


GOALS = {
    "lstm_firstbit": "first bit at length 1000",
    "gru_firstbit": "length 1000",
    "rnn_firstbit": "length 1000",
    "parity": "`my_parity.py`, above: parity at length 500",
    "bert_reverse": "reversal at length 100 with 1,000 symbols",
    "gru_subsequence": "subsequences of inputs of length 14",
    "human_numbers_gru": ".83 of next words correct on 8001–9999",
}
"""What experiments reach, in words, in the order of the README."""


def summary(content: Content) -> str:
    """What each experiment reaches, after how long, and on how many seeds; of several figures."""
    every = [row for figure in content for rows in figure for row in rows]
    found = by(every, "experiment")

    def lines() -> Iterator[Sequence[str]]:
        for name, goal in GOALS.items():
            costs = (cost_of(found[name], unit) for unit in ("compute", "seconds"))
            yield [f"`{name}`", goal, share(found[name]), *costs]

    head = ["experiment", "what it reaches", "on how many runs", "compute, median", "time, median"]
    return table(head, lines())


def far_off(content: Content) -> str:
    """The same at learning rates that are far off."""
    names = by(content[0], "experiment")

    def lines() -> Iterator[Sequence[str]]:
        for name in names:
            found = [by(rows, "experiment")[name] for rows in content]
            yield [f"`{name}`", *(share(rows) for rows in found)]

    return table(["experiment", "× 30", "× 1/30"], lines())


def slow(content: Content) -> str:
    """On how many seeds the slower experiments reach their target, and after how long."""

    def lines() -> Iterator[Sequence[str]]:
        for rows in content:
            for name, each in by(rows, "experiment").items():
                seconds = sorted(row["seconds"] for row in each)
                fresh = sum(row["fresh_starts"] > 0 for row in each)
                yield [
                    f"`{name}`",
                    share(each),
                    cost_of(each, "compute"),
                    ", ".join(f"{value:,.0f}" for value in seconds),
                    f"{fresh} of {len(each)}",
                ]

    return table(
        ["experiment", "reached", "compute, median", "seconds, run by run", "with a fresh start"],
        lines(),
    )


def how_far(content: Content) -> str:
    """What each of further experiments came to, run by run, and what that took."""

    def lines() -> Iterator[Sequence[str]]:
        for name, rows in by(content[0], "experiment").items():
            yield [
                f"`{name}`",
                rows[0]["target"],
                share(rows),
                ", ".join(row["got_to"] or "none" for row in rows),
                *(
                    short(statistics.median(row[unit] for row in rows), unit)
                    for unit in ("compute", "seconds")
                ),
            ]

    head = ["experiment", "target", "reached", "mastered, run by run"]
    return table([*head, "compute, median", "time, median"], lines())


def first_crossing(content: Content) -> str:
    """Human numbers: the cost until the target is come to first, with the curriculum and directly."""
    found = by(content[0], "experiment")

    def lines() -> Iterator[Sequence[str]]:
        for net in NETS:
            for variant in ("", ":direct"):
                rows = found[f"human_numbers_{net}{variant}"]
                costs = (cost_of(rows, unit) for unit in ("compute", "seconds"))
                yield [f"`{net}{variant}`", share(rows), *costs, middle_and_range(rows, "steps")]

    return table(["net", "reached", "compute", "seconds", "steps, median (range)"], lines())


def hard_pair(content: Content) -> str:
    """On how many seeds the hard pair alone is separated, and after how many updates."""

    def lines() -> Iterator[Sequence[str]]:
        for length, rows in zip((10, 100), content, strict=True):
            for name, each in by(rows, "experiment").items():
                costs = (cost_of(each, unit) for unit in ("compute", "seconds"))
                steps = middle_and_range(each, "steps")
                yield [f"`{name}`", str(length), share(each), *costs, steps]

    head = ["experiment", "length", "separated", "compute", "seconds", "updates, median (range)"]
    return table(head, lines())


def order(content: Content) -> str:
    """What the order of stages matters: steps and compute until all are mastered."""

    def lines() -> Iterator[Sequence[str]]:
        for rows in content:
            name = rows[0]["settings"].split()[1]
            costs = (cost_of(rows, unit) for unit in ("compute", "seconds"))
            yield [f"`{name}`", share(rows), *costs, middle_and_range(rows, "steps")]

    return table(["strategy", "reach 20", "compute", "seconds", "steps (range)"], lines())


def guessing(content: Content) -> str:
    """Which lengths are guessed, in how many guesses, and what training takes."""
    rows = content[0]
    widths = list(by(rows, "width"))

    def words(some: Sequence[Row]) -> str:
        if not any(row["status"] == "reached" for row in some):
            return share(some)
        compute, seconds = (cost_of(some, unit) for unit in ("compute", "seconds"))
        return f"{share(some)}: {median_of(some, 'steps'):,.0f} ({compute}, {seconds})"

    def lines() -> Iterator[Sequence[str]]:
        for cell, of_cell in by(rows, "cell").items():
            for zeros, of_zeros in by(of_cell, "zeros").items():
                for length, some in by(of_zeros, "length").items():
                    found = by(some, "width")
                    yield [cell, zeros, str(length), *(words(found[width]) for width in widths)]

    heads = ("trained, gated" if w is None else f"guessed, w = {w:g}" for w in widths)
    return table(["net", "zeros", "length", *heads], lines())
