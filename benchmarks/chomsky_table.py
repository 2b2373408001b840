"""The table of the Chomsky hierarchy, as far as it was made."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from chomsky_plan import CHOSEN_ON, SEEDS, cells
from recorded_rows import Row
from run_tables import Content, table

from curriculum.report.units import short


def chomsky(content: Content) -> str:
    """Mean scores with a curriculum and without; a line for each task and network that was begun."""
    rows = [row for row in content[0] if row["seed"] != CHOSEN_ON]
    planned = [(task, network) for task, network in cells(every=False)]
    begun = dict.fromkeys((row["task"], row["network"]) for row in rows)
    more = [pair for pair in begun if pair not in planned]

    def lines() -> Iterator[Sequence[str]]:
        for task, network in [*planned, *more]:
            if (task, network) not in begun:
                continue
            both = [_cell(rows, task, network, way) for way in (True, False)]
            yield [
                f"`{task}`",
                f"`{network}`",
                *(_score(each) for each in both),
                *(_reached(each) for each in both),
                *(_compute(each) for each in both),
                *(_rate(each) for each in both),
            ]

    head = ["task", "network"]
    for name in ("score", "trained to 40", "compute", "rate"):
        head += [f"{name}, curriculum", f"{name}, uniform"]
    wanted = 2 * len(SEEDS) * len([*planned, *more])
    return f"{table(head, lines())}\n\n{len(rows)} of {wanted} runs were made."


def _cell(rows: Sequence[Row], task: str, network: str, with_curriculum: bool) -> list[Row]:
    """The runs of a cell."""
    wanted = {"task": task, "network": network, "curriculum": with_curriculum}
    return [row for row in rows if row.items() >= wanted.items()]


def _score(rows: Sequence[Row]) -> str:
    """The mean over the seeds, the lowest and the highest, and how many there are if not all."""
    if not rows:
        return "–"
    scores = sorted(100 * row["score"] for row in rows)
    found = f"**{statistics.mean(scores):.1f}** ({scores[0]:.1f}–{scores[-1]:.1f})"
    return found if len(rows) == len(SEEDS) else f"{found}, {len(rows)} of {len(SEEDS)} seeds"


def _reached(rows: Sequence[Row]) -> str:
    """How many mastered length 40, and the median of the lengths mastered."""
    if not rows:
        return "–"
    lengths = [row["reach"] or 0 for row in rows]
    share = f"{sum(row['status'] == 'reached' for row in rows)} of {len(rows)}"
    return f"{share} (median {statistics.median_low(lengths)})"


def _compute(rows: Sequence[Row]) -> str:
    """The median."""
    return short(statistics.median(row["compute"] for row in rows), "compute") if rows else "–"


def _rate(rows: Sequence[Row]) -> str:
    """The learning rate that was chosen."""
    return f"{rows[0]['learning_rate']:g}" if rows else "–"
