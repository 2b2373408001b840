"""Checks settings that are shares."""

from __future__ import annotations

from curriculum.errors import UsageError

__all__ = ["check_share"]


def check_share(name: str, value: float) -> None:
    """Check that a sampling's setting is a share or a probability, in [0, 1]."""
    if not 0 <= value <= 1:
        raise UsageError(f"sampling.{name} must be in [0, 1], got {value}")
