"""A point of difficulty."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from curriculum.errors import UsageError

KEY = re.compile(r"(\d+)x(\d+)(?:x(\d+))?")

AXES = ("length", "vocab_size", "level")
"""What may grow along a path."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Sequences of `length` symbols, each one of `vocab_size` symbols, at a `level` of difficulty.

    Attributes:
        length: symbols of an input, or what the task says that it is.
        vocab_size: how many different symbols there are.
        level: what else makes the task harder, by the task's own measure; 1 for nothing.

    Raises:
        UsageError: where any of them is below 1.

    >>> Stage(100, 10).key, Stage(100, 10, level=3).key
    ('100x10', '100x10x3')
    """

    length: int
    vocab_size: int = 2
    level: int = 1

    def __post_init__(self) -> None:
        for name in AXES:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise UsageError(
                    f"a stage's {name} must be a whole number, at least 1, got {value!r}"
                )

    @property
    def numbers(self) -> tuple[int, ...]:
        """Length and vocabulary, and the level where it is above 1: all that tells it from others."""
        return (self.length, self.vocab_size, self.level)[: 2 if self.level == 1 else 3]

    @property
    def key(self) -> str:
        """The stage as a short name for files and records, e.g. `100x10`."""
        return "x".join(map(str, self.numbers))

    @property
    def short(self) -> str:
        """The stage as a short text for tables, e.g. `1,000/10`."""
        return "/".join(f"{number:,}" for number in self.numbers)

    @classmethod
    def from_key(cls, key: str) -> Stage:
        """The stage of that `key`."""
        match = KEY.fullmatch(key)
        if match is None:
            raise UsageError(
                f"a stage is written LENGTHxVOCABULARY or LENGTHxVOCABULARYxLEVEL, e.g. 100x10, "
                f"got {key!r}"
            )
        found = cls(*(int(number) for number in match.groups(default="1")))
        if found.key != key:
            raise UsageError(f"the stage {found.key} is not written {key!r}")
        return found

    @classmethod
    def covering(cls, stages: Sequence[Stage]) -> Stage:
        """The smallest stage that is as large as each of `stages` along every axis."""
        return cls(*(max(getattr(stage, axis) for stage in stages) for axis in AXES))

    def covers(self, other: Stage) -> bool:
        """Whether it is as large as another along every axis."""
        return all(getattr(self, axis) >= getattr(other, axis) for axis in AXES)

    def __str__(self) -> str:
        level = "" if self.level == 1 else f", level {self.level}"
        return f"length {self.length}, vocabulary {self.vocab_size}{level}"


def growing_axes(path: Sequence[Stage]) -> tuple[str, ...]:
    """Those of `AXES` along which the stages of a path differ."""
    return tuple(axis for axis in AXES if len({getattr(stage, axis) for stage in path}) > 1)
