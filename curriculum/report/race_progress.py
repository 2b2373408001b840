"""A race of arms in progress, as the lines and the panel of its run show it."""

from __future__ import annotations

from collections.abc import Iterator

from curriculum import record
from curriculum.plan import AxisNames, Stage
from curriculum.report.race_standing import standing_briefly
from curriculum.report.units import short


class RaceProgress:
    """How far the arms are, from the records of their race.

    Attributes:
        arms: added up so far.
        repeats_until: the time of day up to which records tell of the selected arm what the race told.
    """

    def __init__(self, path: tuple[Stage, ...], names: AxisNames) -> None:
        self._path, self._names = path, names
        self.arms = record.ArmsHistory()
        self.repeats_until = float("-inf")
        self._latest: record.ArmEvaluated | None = None
        self._risen = False  # with the latest evaluation its arm has mastered another stage

    @property
    def is_on(self) -> bool:
        """Whether arms are trained."""
        return self.arms.started is not None and self.arms.selected is None

    def take(self, entry: record.Record) -> None:
        """Take one more record of the race into account."""
        match entry.event:
            case record.ArmEvaluated() as event:
                before = self.arms.last.get(event.arm)
                self._risen = event.reach != (None if before is None else before.reach)
                self._latest = event
                self.arms.add(event, entry.clock.time)
            case record.RaceStarted() | record.FavouritesChanged() as event:
                self._risen = False
                self.arms.add(event, entry.clock.time)
            case record.ArmSelected() as event:
                self.arms.add(event, entry.clock.time)
                self.repeats_until = entry.clock.time
            case _:  # tells nothing of a race
                pass

    def news(self) -> str:
        """A line where the latest record tells of another stage mastered, or of the end; else empty."""
        if self.arms.selected is not None:
            return f"selected  {self._situation(self.arms.selected.arm)}"
        if self._latest is not None and self._risen:
            return f"mastered  {self._situation(self._latest.arm)}"
        return ""

    def situation(self) -> str:
        """A line that tells of the arm that was trained last."""
        return "" if self._latest is None else f"racing    {self._situation(self._latest.arm)}"

    def rows(self) -> Iterator[tuple[str, str]]:
        """The rows of a panel: of each arm, those that are trained on with a mark, and of the race."""
        favourites = self.arms.favourites[-1][1].arms if self.arms.favourites else ()
        for name, result in self.arms.results().items():
            mark = "> " if name in favourites else "  "
            yield f"{mark}{name}", standing_briefly(result, self._names, self._path)
        yield "race", f"compute {self._compute}, all arms together"

    def _situation(self, name: str) -> str:
        arm = standing_briefly(self.arms.results()[name], self._names, self._path)
        return f"{name}: {arm} of {self._compute}"

    @property
    def _compute(self) -> str:
        return short(self.arms.compute, "compute")
