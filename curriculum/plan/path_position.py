"""Where on its path a run is, and where it goes next."""

from typing import Any

from curriculum.plan.growth import Growth
from curriculum.plan.stage import AXES, Stage


class PathPosition:
    """The stage that a run is to master next, and those mastered on the way to it.

    Attributes:
        path: the nominal stages.
        aim: the index of the stage to master next. A visit may fall short of it, by a half step.
        trail: the indices of the stages mastered on the way; demotions shorten it.
        reach: the index of the hardest stage passed; -1 before the first.
        stride: how many stages the last advance moved on.
    """

    def __init__(self, growth: Growth) -> None:
        self._growth = growth
        self.path = growth.path()
        self.aim = 0
        self.trail: list[int] = []
        self.reach = -1
        self.stride = 1

    @property
    def stage(self) -> Stage:
        """The stage to master next."""
        return self.path[self.aim]

    @property
    def last(self) -> int:
        """The index of the target."""
        return len(self.path) - 1

    def master(self) -> None:
        """The stage is mastered."""
        self.trail.append(self.aim)
        self.reach = max(self.reach, self.aim)

    def advance(self, *, trained: bool) -> None:
        """Move on from a stage that was just mastered, with or without training."""
        if not trained:
            self.stride = self._growth.widened_stride(self.stride)
        self.aim = min(self.aim + self.stride, self.last)

    def shorten_stride(self) -> bool:
        """Aim at a stage nearer to the last one mastered; False where the growth rule has none."""
        gap = self.aim - self.trail[-1]
        stride = self._growth.narrowed_stride(gap)
        if stride >= gap:
            return False
        self.stride = stride
        self.aim = self.trail[-1] + stride
        return True

    def midway(self) -> Stage | None:
        """The stage between the last one mastered and the next, rounded down; None for none."""
        lower, upper = self.path[self.trail[-1]], self.stage
        middle = Stage(*((getattr(lower, axis) + getattr(upper, axis)) // 2 for axis in AXES))
        return None if middle in (lower, upper) else middle

    def demote(self) -> None:
        """Go back to the last stage mastered."""
        self.aim = self.trail.pop()

    def start_anew(self) -> None:
        """Go back to the path's start. The reach stays what it was."""
        self.aim, self.trail, self.stride = 0, [], 1

    def state_dict(self) -> dict[str, Any]:
        trail = list(self.trail)
        return {"aim": self.aim, "trail": trail, "reach": self.reach, "stride": self.stride}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.aim, self.reach, self.stride = state["aim"], state["reach"], state["stride"]
        self.trail = list(state["trail"])
