"""What an evaluation says of a stage, and why a stage is visited."""

from enum import StrEnum


class Verdict(StrEnum):
    """What an evaluation says of the stage that the model is trained on.

    At `WORSENED` the visit goes on from its best state, with a lower learning rate.
    """

    LEARNING = "learning"
    WORSENED = "worsened"
    MASTERED = "mastered"
    EXHAUSTED = "exhausted"


class VisitReason(StrEnum):
    """Why a stage is visited."""

    ADVANCE = "advance"
    HALF_STEP = "half_step"
    DEMOTION = "demotion"
    RETURN = "return"
    FRESH_START = "fresh_start"
