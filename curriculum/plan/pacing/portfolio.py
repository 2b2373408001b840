"""Several strategies, raced in compute."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from curriculum.errors import UsageError
from curriculum.plan.pacing.pacing import Pacing


@dataclass(frozen=True, kw_only=True, slots=True)
class Portfolio(Pacing):
    """Trains a learner of its own under each of several strategies, until the first masters the target.

    The arm that is predicted to need least is trained next, and the model of the first to master the target
    is the run's; see `curriculum.plan.Race`.

    Attributes:
        arms: the strategies, two or more; of equals the first in order is trained next.
        least_share: of what each arm would get if all got the same: so much even the least promising gets.
            With 1 all get the same, and a race costs at most as many times what its cheapest arm does as
            there are arms, whatever is predicted.
    """

    arms: tuple[str, ...] = ("direct", "gated", "combined")
    least_share: Annotated[float, "(0, 1]"] = 0.25

    waits_for_mastery: ClassVar[bool] = True

    def __post_init__(self) -> None:
        Pacing.__post_init__(self)
        if len(self.arms) < 2:
            raise UsageError(
                f"a portfolio has two arms or more, got {', '.join(self.arms) or 'none'}; to train one "
                f"strategy alone, name it: --strategy {self.arms[0] if self.arms else 'gated'}"
            )
        twice = {arm for arm in self.arms if self.arms.count(arm) > 1}
        if twice:
            raise UsageError(f"each arm of a portfolio is named once, got {twice.pop()} twice")

    def frontier(self, lowest_unmastered: int, last: int, fraction_used: float) -> int:
        """That of an arm that is gated; each arm has its own."""
        return lowest_unmastered
