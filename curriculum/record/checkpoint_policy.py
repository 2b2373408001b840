"""How often a run's state is saved, and which checkpoints are kept."""

from collections.abc import Mapping
from dataclasses import dataclass

from curriculum.errors import check_fields


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckpointPolicy:
    """When checkpoints are made and kept. None of this changes what a run computes.

    Attributes:
        every: seconds after which one is made within a visit, infinity for never; at a
            visit's end there always is.
        keep: how many of the newest stay, besides one of each stage passed.
    """

    every: float = 30.0
    keep: int = 2

    def __post_init__(self) -> None:
        check_fields(self, "checkpoints", every="[0, inf]", keep="[1, inf)")


@dataclass(frozen=True, slots=True)
class CheckpointRole:
    """What a checkpoint is needed for.

    Attributes:
        mastered: the key of the stage whose mastery it ends a visit with; None for any other.
        parent: the checkpoint that its visit goes back to, should it be given up.
    """

    mastered: str | None
    parent: str | None


def superseded(saved: Mapping[str, CheckpointRole], newest: int) -> list[str]:
    """The checkpoints that are no longer needed.

    Kept are the `newest` ones, the latest of each stage passed, and what these go back to.

    >>> saved = {"000001": CheckpointRole("2x2", None), "000002": CheckpointRole(None, None)}
    >>> superseded(saved | {"000003": CheckpointRole(None, None)}, 1)
    ['000002']
    """
    names = sorted(saved)
    stages = {saved[name].mastered: name for name in names}
    stages.pop(None, None)
    needed = {*names[-newest:], *stages.values()}
    needed |= {parent for name in needed if (parent := saved[name].parent) is not None}
    return [name for name in names if name not in needed]
