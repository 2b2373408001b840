"""The table of searches over curricula: what each found, on fresh seeds."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Sequence

from recorded_rows import Row
from run_tables import Content, table

from curriculum.comparison import Ratio
from curriculum.report.comparison.advantage import advantage
from curriculum.report.units import short

BEST = "best"


def curricula_found(content: Content) -> str:
    """A block of lines for each search: the best found, and what it is compared with."""
    return table(
        (
            "experiment",
            "curriculum",
            "reached",
            "compute",
            "the best found is",
        ),
        (line for search in content for line in _lines(search)),
    )


def _lines(search: Row) -> Iterator[Sequence[str]]:
    confirmed = search["confirmation"]
    (best,) = (each for each in search["trials"] if each["number"] == search["best"]["trial"])
    settings = ", ".join(f"{key} {_value(value)}" for key, value in best["settings"].items())
    yield [f"**{_title(search)}**", f"best found: {settings}", *_cost(confirmed[BEST]), ""]
    for name, other in confirmed["others"].items():
        yield ["", f"`{name}`", *_cost(other), _advantage(other)]


def _title(search: Row) -> str:
    """The experiment, and where its path ends if that is not its own end."""
    words = shlex.split(search["best"]["command"])
    ends = [
        words[words.index(flag) + 1]
        for flag in ("--growth.end.length", "--growth.end.vocab-size")
        if flag in words
    ]
    return f"`{search['experiment']}`" + (f" to {'/'.join(ends)}" if ends else "")


def _value(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else f"{value}"


def _cost(evaluation: Row) -> list[str]:
    """How many seeds reached the target, and the geometric mean of their costs."""
    count = len(evaluation["seeds"])
    mean = short(evaluation["mean"], "compute")
    bound = "≥ " if evaluation["reached"] < count else ""
    return [f"{evaluation['reached']} of {count}", f"{bound}{mean}"]


def _advantage(other: Row) -> str:
    """How much cheaper the best found is, and whether that is shown."""
    bounds = dict(other["ratio"])
    for name, unknown in (("most", math.inf), ("high", math.inf if bounds["low"] else None)):
        bounds[name] = unknown if bounds[name] is None else bounds[name]
    return f"{advantage(Ratio(**bounds))}: {other['best_is'] or 'no verdict'}"
