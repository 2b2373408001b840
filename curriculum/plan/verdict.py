"""What an evaluation says of a stage, and why a stage is visited."""

from enum import StrEnum


class Verdict(StrEnum):
    """What an evaluation says of the stage that the model is trained on.

    At `WORSENED` the visit goes on from its best state, with a lower learning rate. A stage is
    `MASTERED` by a criterion that shows mastery, and `READY` to grow from by any other. `ENDED` is a
    visit that could go on, where the run ends for another reason.
    """

    LEARNING = "learning"
    WORSENED = "worsened"
    MASTERED = "mastered"
    READY = "ready"
    EXHAUSTED = "exhausted"
    ENDED = "ended"

    @property
    def passed(self) -> bool:
        """Whether the stage is left for a harder one."""
        return self in (Verdict.MASTERED, Verdict.READY)


def verb_of(verdict: str) -> str:
    """What a model has done to a stage with that verdict: `mastered` it, or `made ready`."""
    return "made ready" if verdict == Verdict.READY else str(verdict)


class VisitReason(StrEnum):
    """Why a stage is visited."""

    ADVANCE = "advance"
    HALF_STEP = "half_step"
    DEMOTION = "demotion"
    RETURN = "return"
    FRESH_START = "fresh_start"
    CONTINUATION = "continuation"
