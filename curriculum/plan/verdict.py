"""What an evaluation says of a stage, and why a stage is visited."""

from enum import StrEnum


class Verdict(StrEnum):
    """What an evaluation says of the stage that the model is trained on."""

    LEARNING = "learning"
    MASTERED = "mastered"
    EXHAUSTED = "exhausted"


class VisitReason(StrEnum):
    """Why a stage is visited."""

    ADVANCE = "advance"
    HALF_STEP = "half_step"
    DEMOTION = "demotion"
    RETURN = "return"
