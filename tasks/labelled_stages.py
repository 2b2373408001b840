"""What stages of labelled examples of one's own need to have."""

from __future__ import annotations

from typing import Literal

import numpy as np

from curriculum.data import Choice, Examples
from curriculum.errors import UsageError
from curriculum.plan import Stage

EvaluateOn = Literal["gate", "tuning", "target", "certificate"]


def check_stage(
    examples: Examples, stage: Stage, levels: int, trained: Choice, held_out: Choice, *, at: str
) -> None:
    """Check that a stage can be learned and evaluated.

    Args:
        examples: all that there are.
        stage: of the path.
        levels: how many levels there are.
        trained: those of the stage that are trained on.
        held_out: those that it is evaluated on.
        at: what they have at most, in words.

    Raises:
        UsageError: where it has no such level or length, no examples, or a class that is never trained on.
    """
    if stage.level > levels:
        raise UsageError(
            f"there are {levels} levels of difficulty, got {stage.level}; raise task.levels"
        )
    longest = int(examples.lengths.max())
    if stage.length > longest:
        raise UsageError(
            f"the longest of all examples has a length of {longest:,}, got a stage of {stage.length:,}; end the path "
            f"at {longest:,}"
        )
    if len(trained.classes) < 2 or not len(held_out.members):
        raise UsageError(
            f"of at most {at} there are {len(trained.members):,} examples of {len(trained.classes)} classes to "
            f"train on and {len(held_out.members):,} held out; it takes 2 classes and one held out: take "
            f"a larger stage, or more examples"
        )
    unknown = np.setdiff1d(held_out.classes, trained.classes)
    if len(unknown):
        raise UsageError(
            f"of at most {at} the class {examples.classes[unknown[0]]!r} has held-out examples and none to train "
            f"on; take a larger stage, or leave the class out"
        )
