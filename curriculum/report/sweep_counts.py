"""What the runs of a sweep have come to so far: counts, reach, cost, and the time that is left."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from curriculum.errors import counted
from curriculum.report.units import short

MOST_REACHES = 3
"""That are told of a group of runs; the others are counted together."""


def reaches_in_words(reaches: Counter[str]) -> str:
    """How far runs came.

    >>> reaches_in_words(Counter({"length 5": 2, "length 3": 1}))
    '2 × length 5, length 3'
    """
    common = reaches.most_common(MOST_REACHES)
    words = [f"{count} × {reach}" if count > 1 else reach for reach, count in common]
    rest = reaches.total() - sum(count for _, count in common)
    return ", ".join([*words, counted(rest, "other")] if rest else words)


@dataclass(kw_only=True, slots=True)
class GroupCounts:
    """Of the runs that differ in their seed alone.

    Attributes:
        reaches: how many runs came how far, in the task's words.
    """

    done: int = 0
    failed: int = 0
    reaches: Counter[str] = field(default_factory=Counter)

    @property
    def reach(self) -> str:
        """How far they came: `5 × length 1000, length 45`."""
        return reaches_in_words(self.reaches)


@dataclass(kw_only=True, slots=True)
class SweepCounts:
    """Of all runs.

    Attributes:
        total: all.
        done: that are over; some may have been before.
        running: that are being made.
        failed: that can't be made.
        reached: of those that were made now, those that reached their target.
        compute: that those made now cost.
        made: how many these are.
        left_of: what the time left is that of, such as ` of the rung`; empty for all of it.
        groups: by what their runs have in common.
    """

    total: int
    done: int = 0
    running: int = 0
    failed: int = 0
    reached: int = 0
    made: int = 0
    compute: float = 0.0
    left_of: str = ""
    groups: dict[str, GroupCounts] = field(default_factory=dict)

    def group(self, name: str) -> GroupCounts:
        """The counts of the runs that have this in common."""
        return self.groups.setdefault(name, GroupCounts())

    @property
    def waiting(self) -> int:
        """How many were not begun."""
        return max(0, self.total - self.done - self.running - self.failed)

    def seconds_left(self, seconds: float, parts: float = 0.0) -> float | None:
        """How long the rest takes, at the pace of those made in so many seconds; None before any.

        Args:
            seconds: since the first was begun.
            parts: of runs in progress that are done, added up.
        """
        made = self.made + self.failed + parts
        if not self.made:
            return None
        return seconds / made * max(0.0, self.waiting + self.running - parts)

    def lines(self, seconds: float, parts: float = 0.0) -> list[str]:
        """The counts, and below them cost and time left, where there are any."""
        if not self.total:
            return ["no run is due yet"]
        words = [
            f"{self.done:,} of {counted(self.total, 'run')} done",
            f"{self.running:,} running",
            f"{self.waiting:,} waiting",
            f"{self.failed:,} failed",
        ]
        left = self.seconds_left(seconds, parts)
        ends = [f"cost {short(self.compute, 'compute')}"] if self.made else []
        ends += [f"about {short(left, 'seconds')} left{self.left_of}"] if left else []
        return [", ".join(words), *(["; ".join(ends)] if ends else [])]
