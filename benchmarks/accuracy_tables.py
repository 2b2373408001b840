"""Tables of how accurate models are at their end or by epoch, and of how near compute is to seconds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Sequence

from notebooks import REPORTED, interval
from recorded_rows import Row
from run_tables import NETS, Content, by, table

from curriculum.report.units import short

LEAST_INTERVAL = 2
"""An interval needs so many seeds."""


def full_cycle(content: Content) -> str:
    """Human numbers: accuracy at the end of a cycle, with the curriculum and directly."""
    found = by(content[0], "experiment")

    def lines() -> Iterator[Sequence[str]]:
        for net in NETS:
            every = found[f"human_numbers_{net}"]
            rows = [row for row in every if row["curriculum"] is not None]
            line = [f"`{net}`", f"{len(rows)} of {len(every)}"]
            if len(rows) < LEAST_INTERVAL:
                yield [*line, "–", "–", "–", "–", "–"]
                continue
            differences = [row["curriculum"] - row["direct"] for row in rows]
            low, high = interval(differences)
            yield [
                *line,
                *(mean_and_range([row[side] for row in rows]) for side in ("curriculum", "direct")),
                f"{statistics.mean(differences):+.3f} ({low:+.3f} to {high:+.3f})",
                *(
                    short(statistics.median(row[unit] for row in rows), unit)
                    for unit in ("compute", "seconds")
                ),
            ]

    head = ["net", "come to the last stage", "with the curriculum", "directly", "difference (95 %)"]
    return table([*head, "compute", "seconds"], lines())


def mean_and_range(values: Sequence[float]) -> str:
    """To three digits, as in .844 (.832–.858)."""
    return f"{bare(statistics.mean(values))} ({bare(min(values))}–{bare(max(values))})"


def bare(value: float, digits: int = 3) -> str:
    """A share without its leading zero."""
    return f"{value:.{digits}f}".removeprefix("0")


def notebook_ends(content: Content) -> str:
    """Human numbers as the notebook trains them, at their end."""
    found = by(content[0], "experiment")

    def lines() -> Iterator[Sequence[str]]:
        for net in NETS:
            name = f"human_numbers_{net}:seed"
            rows = found[name]
            scores, losses = (
                [row["epochs"][-1][metric] for row in rows] for metric in ("score", "loss")
            )
            metric, figure = REPORTED[name]
            low, high = interval(scores)
            yield [
                f"`{net}`",
                bare(figure) if metric == "score" else f"loss {figure:.2f}",
                bare(statistics.mean(scores)),
                f"{bare(low)}–{bare(high)}",
                f"{bare(min(scores))}–{bare(max(scores))}",
                f"{statistics.mean(losses):.2f}",
                f"{statistics.median(row['seconds'] for row in rows):.0f}",
            ]

    head = ["net", "notebook", "mean", "95 % interval of it", "range", "loss", "seconds"]
    return table(head, lines())


def epochs(*columns: tuple[str, str]) -> Callable[[Content], str]:
    """The epochs of one run; each column is a metric and its heading."""

    def made(content: Content) -> str:
        (row,) = content[0]
        lines = (
            [str(number + 1), *(f"{epoch[metric]:.3f}" for metric, _ in columns)]
            for number, epoch in enumerate(row["epochs"])
        )
        return table(["epoch", *(heading for _, heading in columns)], lines)

    return made


def charged(content: Content) -> str:
    """How near compute is to seconds, by kind of network."""
    rows = content[0]

    def counts(some: Sequence[Row]) -> Sequence[str]:
        off = [abs(math.log(row["ratio"])) for row in some]
        inside = (sum(value <= math.log(factor) for value in off) for factor in (1.5, 2))
        return [*(f"{count} of {len(off)}" for count in inside), f"{math.exp(max(off)):.2f}"]

    def lines() -> Iterator[Sequence[str]]:
        for kind, some in sorted(by(rows, "kind").items()):
            yield [kind, *counts(some)]
        for words, fitted in (("the constants were fitted to", True), ("played no part", False)):
            yield [
                f"**all that {words}**",
                *counts([row for row in rows if row["fitted"] == fitted]),
            ]

    return table(["network", "within × 1.5", "within × 2", "farthest"], lines())
