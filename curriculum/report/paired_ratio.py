"""What the baseline spent on a stage as a multiple of what a strategy did, seed by seed."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from curriculum.report.entry import Entry
from curriculum.report.medians import Ratio, ratio_of

__all__ = ["paired_ratio", "reached", "stage_of_interest"]


def stage_of_interest(strategies: Sequence[Collection[Entry]]) -> int | None:
    """The place of the hardest stage that some strategy mastered on at least half of its seeds."""
    last = max((entry.reach for entries in strategies for entry in entries), default=-1)
    for place in range(last, -1, -1):
        if any(entries and 2 * reached(entries, place) >= len(entries) for entries in strategies):
            return place
    return None


def reached(entries: Collection[Entry], place: int) -> int:
    """How many of them mastered a stage."""
    return sum(entry.quickest(place) is not None for entry in entries)


def paired_ratio(ours: Sequence[Entry], baseline: Sequence[Entry], place: int, unit: str) -> Ratio:
    """The median over pairs of one seed; both in one order, and at least one."""
    pairs = zip(ours, baseline, strict=True)
    return ratio_of([_bounds(one, other, place, unit) for one, other in pairs])


def _bounds(ours: Entry, baseline: Entry, place: int, unit: str) -> tuple[float, float]:
    """What is known of one ratio: who did not get there would have spent more than the limit."""
    one, other = ours.spent(place), baseline.spent(place)
    below = ours.limit(unit) if one is None else getattr(one, unit)
    above = baseline.limit(unit) if other is None else getattr(other, unit)
    if not (below and above):
        return 0.0, math.inf  # a clock that did not tick tells nothing
    ratio = above / below
    return 0.0 if one is None else ratio, math.inf if other is None else ratio
