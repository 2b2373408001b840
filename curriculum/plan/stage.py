"""A point of difficulty."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from curriculum.errors import UsageError

KEY = re.compile(r"(\d+)x(\d+)")


@dataclass(frozen=True, slots=True)
class Stage:
    """Sequences of `length` symbols, each one of `vocab_size` symbols.

    Attributes:
        length: symbols of an input.
        vocab_size: how many different symbols there are.

    Raises:
        UsageError: where either is below 1.
    """

    length: int
    vocab_size: int = 2

    def __post_init__(self) -> None:
        for name in ("length", "vocab_size"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise UsageError(
                    f"a stage's {name} must be a whole number, at least 1, got {value!r}"
                )

    @property
    def key(self) -> str:
        """The stage as a short name for files and records, e.g. `100x10`."""
        return f"{self.length}x{self.vocab_size}"

    @classmethod
    def from_key(cls, key: str) -> Stage:
        """The stage of that `key`."""
        match = KEY.fullmatch(key)
        if match is None:
            raise UsageError(f"a stage is written LENGTHxVOCABULARY, e.g. 100x10, got {key!r}")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def covering(cls, stages: Sequence[Stage]) -> Stage:
        """The smallest stage with the length and the vocabulary of each of `stages`."""
        return cls(max(s.length for s in stages), max(s.vocab_size for s in stages))

    def __str__(self) -> str:
        return f"length {self.length}, vocabulary {self.vocab_size}"
