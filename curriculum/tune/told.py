"""What is kept of a trial that is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from curriculum.tune.space import Settings

__all__ = ["Told"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A trial that is over.

    Attributes:
        number: from 0 within its study.
        settings: what was tried, by dotted name.
        score: at its last look, in [0, 1]; None where it diverged.
        compute: what it spent.
        outcome: `mastered`, or why it did not: `lost`, `exhausted`, `cut`, `diverged`.
        attributes: what else is known of it.
    """

    number: int
    settings: Settings
    score: float | None
    compute: float
    outcome: str
    attributes: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Self:
        """The trial that a record of the journal tells of."""
        return cls(**{name: record[name] for name in cls.__slots__})
