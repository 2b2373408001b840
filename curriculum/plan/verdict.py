"""What a look says of a stage, and why a stage is visited."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Entry", "Verdict"]


class Verdict(StrEnum):
    """What a look says of the stage that the model stands on."""

    LEARNING = "learning"
    MASTERED = "mastered"
    EXHAUSTED = "exhausted"


class Entry(StrEnum):
    """Why a stage is visited."""

    STEP = "step"
    HALF_STEP = "half step"
    DEMOTION = "demotion"
    RETURN = "return"
