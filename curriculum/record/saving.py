"""How often a run's state is saved, and how much of that is kept."""

from __future__ import annotations

from dataclasses import dataclass

from curriculum.errors import UsageError

__all__ = ["Saving"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Saving:
    """When checkpoints are made and kept. None of this changes what a run computes.

    Attributes:
        every: seconds after which one is made amid a visit; at a visit's end there always is.
        keep: how many of the newest stay, besides one of each mastered stage.
    """

    every: float = 30.0
    keep: int = 2

    def __post_init__(self) -> None:
        if not self.every >= 0:
            raise UsageError(
                f"seconds between checkpoints must be a number from 0 up, got {self.every}"
            )
        if self.keep < 1:
            raise UsageError(f"at least 1 checkpoint must be kept, got {self.keep}")
