"""The table of what stages cost a model that has mastered the one before, and one that is new."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence

from recorded_rows import Row
from relearning import ALL
from run_tables import Content, by, table

from curriculum import Stage
from curriculum.report.units import short


def relearning(content: Content) -> str:
    """A line for each stage of each path, and one for the whole; medians over seeds."""
    (rows,) = content

    def lines() -> Iterator[Sequence[str]]:
        for pair, found in by(rows, "pair").items():
            trained = by(found, "trained")
            paths = trained.pop(ALL)
            for place, key in enumerate(trained):
                yield _stage(pair if not place else "", key, paths, trained[key])
            whole, alone = _median(map(_whole, paths)), _median(map(_whole, trained[key]))
            ratio = "–" if None in (whole, alone) else f"**× {whole / alone:.2g}**"  # type: ignore[operator]
            yield ["", "the path", "", "", "", "", _cost(whole), _cost(alone), ratio]

    head = [
        "path",
        "stage",
        "score on coming to it",
        "loss on coming to it",
        "of a new model",
        "steps",
        "compute",
        "of a new model, on it alone",
        "ratio",
    ]
    return table(head, lines())


def _stage(pair: str, key: str, paths: Sequence[Row], alone: Sequence[Row]) -> Sequence[str]:
    after = [visit for row in paths for visit in row["visits"] if visit["stage"] == key]
    fresh = [row["visits"][0] for row in alone if row["visits"]]
    steps, cost = (
        _median(_mastered(visit, name) for visit in after) for name in ("steps", "compute")
    )
    base = _median(_mastered(visit, "compute") for visit in fresh)
    ratio = "–" if cost is None or base is None else f"× {cost / base:.2g}"
    stage = Stage.from_key(key)
    return [
        pair,
        f"{stage.length}/{stage.vocab_size}",
        _number(_median(visit["entry_score"] for visit in after)),
        _number(_median(visit["entry_loss"] for visit in after)),
        _number(_median(visit["entry_loss"] for visit in fresh)),
        "–" if steps is None else f"{steps:,.0f}",
        _cost(cost),
        _cost(base),
        ratio,
    ]


def _mastered(visit: Row, name: str) -> float | None:
    value: float = visit[name]
    return value if visit["mastered"] else None


def _whole(row: Row) -> float | None:
    """What a run has cost; None where it did not master its last stage."""
    if row["status"] != "reached":
        return None
    total: float = sum(visit["compute"] for visit in row["visits"])
    return total


def _median(values: Iterator[float | None] | Sequence[float | None]) -> float | None:
    """Of some values, where None is above all others; None where that is the median."""
    found = [math.inf if value is None else value for value in values]
    middle = statistics.median_low(found) if found else math.inf
    return None if math.isinf(middle) else middle


def _cost(value: float | None) -> str:
    return "never" if value is None else short(value, "compute")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"
