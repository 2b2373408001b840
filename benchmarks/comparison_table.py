"""The table of a comparison: reach and cost of each strategy, and its ratio to direct training."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from run_tables import Content, table

from curriculum.report.units import short, times


def strategies(content: Content) -> str:
    """A comparison: reach and cost of each strategy, by compute and by the clock."""
    (found,) = content
    place, path = found["stage"], found["path"]
    sizes = {stage["vocab_size"] for stage in path}
    last = key(path[place], alone=len(sizes) == 1)

    def lines() -> Iterator[tuple[float, Sequence[str]]]:
        for name, outcome in found["strategies"].items():
            stage = outcome["stages"][place]
            seeds = len(outcome["seeds"])
            never = stage["compute"]["value"] is None
            costs = [
                "–" if never else short(stage[unit]["value"], unit)
                for unit in ("compute", "seconds", "tokens")
            ]
            if stage["reached"] < seeds:
                costs[0] = f"{'never' if never else costs[0]} ({stage['reached']} of {seeds})"
            value = math.inf if never else stage["compute"]["value"]
            yield (
                value,
                [
                    f"`{name}`",
                    reach(outcome["reach"], path, alone=len(sizes) == 1),
                    *costs,
                    against(outcome, "ratio"),
                    against(outcome, "ratio_seconds"),
                ],
            )

    head = [
        "strategy",
        "reach (interval)",
        f"compute to {last}",
        "seconds",
        "tokens",
        "against `direct`, by compute",
        "by the clock",
    ]
    return table(head, iter(line for _, line in sorted(lines(), key=lambda pair: pair[0])))


def key(stage: Mapping[str, int], *, alone: bool) -> str:
    """A stage in few characters; its vocabulary where stages differ in it."""
    return f"{stage['length']:,}" if alone else f"{stage['length']:,}/{stage['vocab_size']:,}"


def reach(median: Mapping[str, Any], path: Sequence[Mapping[str, int]], *, alone: bool) -> str:
    """The median reach, with its interval."""

    def words(place: float | None) -> str:
        return "?" if place is None else "–" if place < 0 else key(path[int(place)], alone=alone)

    return f"{words(median['value'])} ({words(median['low'])} to {words(median['high'])})"


def against(outcome: Mapping[str, Any], name: str) -> str:
    """A ratio with its interval, and by compute the verdict, corrected for the strategies' number."""
    ratio = outcome[name]
    if ratio is None:
        return "–"
    least, most = ratio["least"], ratio["most"]
    if most is None:
        value = f"× ≥ {times(least)}" if least else "unknown"
    elif not least:
        value = f"× ≤ {times(most)}"
    else:
        value = f"× {times(least)}"
    low, high = ratio["low"], ratio["high"]
    if low is not None:
        inside = (
            f"≥ {times(low)}"
            if high is None
            else f"≤ {times(high)}"
            if not low
            else f"{times(low)}–{times(high)}"
        )
        value += f" ({inside})" if low or high is not None else ""
    return f"{outcome['verdict']} {value}" if name == "ratio" else value
