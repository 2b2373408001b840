"""Which checkpoints of a run are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

__all__ = ["Kept", "superseded"]


@dataclass(frozen=True, slots=True)
class Kept:
    """What retention asks of a checkpoint.

    Attributes:
        mastered: the stage whose mastery it ends a visit with; None for any other.
        parent: the checkpoint that it goes back to, should its visit be given up.
    """

    mastered: str | None
    parent: str | None

    @classmethod
    def of_state(cls, state: Mapping[str, Any]) -> Self:
        """What it asks of the checkpoint of that state.

        Raises:
            KeyError: where the state does not say it.
            TypeError: where that is no text.
        """
        found = cls(state["mastered"], state["parent"])
        if not all(isinstance(text, str | None) for text in (found.mastered, found.parent)):
            raise TypeError("a stage and a checkpoint are named by text")
        return found


def superseded(saved: Mapping[str, Kept], newest: int) -> list[str]:
    """The checkpoints that are no longer needed.

    Kept are the `newest` ones, the latest of each mastered stage, and what these go back to.

    >>> saved = {"000001": Kept("2x2", None), "000002": Kept(None, None)}
    >>> superseded(saved | {"000003": Kept(None, None)}, 1)
    ['000002']
    """
    names = sorted(saved)
    stages = {saved[name].mastered: name for name in names}
    stages.pop(None, None)
    needed = {*names[-newest:], *stages.values()}
    needed |= {parent for name in needed if (parent := saved[name].parent) is not None}
    return [name for name in names if name not in needed]
