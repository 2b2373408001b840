"""The table of the Chomsky hierarchy, as far as it was made."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from chomsky_plan import NETWORKS, PROBLEMS, STRATEGIES, Cell
from recorded_rows import Row
from run_tables import Content, table

from curriculum.report.units import short


def chomsky(content: Content) -> str:
    """Mean scores with a curriculum and without; a line for each task and network that was begun."""
    pairs = [(task, network) for task in PROBLEMS for network in NETWORKS]

    def lines() -> Iterator[Sequence[str]]:
        for task, network in pairs:
            both = [cell.of(content[0]) for cell in _ways(task, network)]
            if any(both):
                columns = (each(rows) for each in (_score, _reached, _compute) for rows in both)
                rates = dict.fromkeys(_rate(rows) for rows in both if rows)
                yield [f"`{task}`", f"`{network}`", *columns, ", ".join(rates)]

    head = ["task", "network"]
    for name in ("score", "trained to 40", "compute"):
        head += [f"{name}, {strategy}" for strategy in STRATEGIES.values()]
    head.append("rate")
    shown = [cell for pair in pairs for cell in _ways(*pair)]
    made = sum(len(cell.of(content[0])) for cell in shown)
    wanted = sum(len(cell.seeds) for cell in shown)
    return f"{table(head, lines())}\n\n{made} of {wanted} runs were made."


def _ways(task: str, network: str) -> list[Cell]:
    """With a curriculum and without."""
    return [Cell(task=task, network=network, curriculum=way) for way in STRATEGIES]


def _score(rows: Sequence[Row]) -> str:
    """The mean over the seeds, the lowest and the highest, and how many there are if not all."""
    if not rows:
        return "–"
    scores = sorted(100 * row["score"] for row in rows)
    found = f"**{statistics.mean(scores):.1f}** ({scores[0]:.1f}–{scores[-1]:.1f})"
    wanted = len(NETWORKS[rows[0]["network"]].seeds)
    return found if len(rows) == wanted else f"{found}, {len(rows)} of {wanted} seeds"


def _reached(rows: Sequence[Row]) -> str:
    """How many mastered length 40, and in brackets the median of the lengths mastered."""
    if not rows:
        return "–"
    lengths = [row["reach"] or 0 for row in rows]
    share = f"{sum(row['status'] == 'reached' for row in rows)} of {len(rows)}"
    return f"{share} ({statistics.median_low(lengths)})"


def _compute(rows: Sequence[Row]) -> str:
    """The median."""
    return short(statistics.median(row["compute"] for row in rows), "compute") if rows else "–"


def _rate(rows: Sequence[Row]) -> str:
    """The learning rate that was chosen."""
    return f"{rows[0]['learning_rate']:g}"
