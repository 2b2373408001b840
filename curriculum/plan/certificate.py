"""What is retested once a run is over, and how far beyond what was trained."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from curriculum.errors import UsageError
from curriculum.plan.stage import Stage

__all__ = ["LEAST_SHOWN", "Certificate"]

LEAST_SHOWN = 0.95
"""What a sample must be able to show, whatever the threshold above it."""

STRIDE = math.sqrt(2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificate:
    """Retests on examples of a stream of their own, which decide nothing and are not charged.

    Attributes:
        mode: whether anything is retested.
        beyond: up to how many times the longest length trained or mastered.
        examples: of a test of a length beyond the path, where it has more inputs than can
            all be tested.
    """

    mode: Literal["on", "off"] = "on"
    beyond: float = 4.0
    examples: int = 512

    def __post_init__(self) -> None:
        if self.mode not in ("on", "off"):
            raise UsageError(f"certificate.mode must be on or off, got {self.mode!r}")
        if not 1 <= self.beyond < math.inf:
            raise UsageError(f"certificate.beyond must be at least 1, got {self.beyond}")
        if self.examples < 1:
            raise UsageError(f"certificate.examples must be at least 1, got {self.examples}")

    def lengths(self, longest: int) -> list[int]:
        """The lengths that are tested beyond the longest, each longer by the square root of 2.

        >>> Certificate().lengths(100)
        [141, 200, 283, 400]
        """
        found: list[int] = []
        power = 1
        while round(longest * STRIDE**power) <= round(longest * self.beyond):
            found.append(round(longest * STRIDE**power))
            power += 1
        return sorted({n for n in (*found, round(longest * self.beyond)) if n > longest})

    def stages(self, longest: int, vocab_size: int) -> list[Stage]:
        """The stages of these lengths."""
        return [Stage(length, vocab_size) for length in self.lengths(longest)]
