"""What a run's journal tells of its trials."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from curriculum.plan import Cost, Loss
from curriculum.record.codec import Json

Outcome = Literal["mastered", "ready", "overtaken", "exhausted", "stopped", "diverged"]
"""How a trial ended: `overtaken` by one that passed first, or `stopped` with its search."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialReport:
    """A trial's evaluation on the stream `tuning`, and its cost so far.

    Attributes:
        trial: its number.
        cost: since the trial began, evaluations included.
        loss: the mean training loss since its evaluation before, in nats.
        score: at this evaluation, in [0, 1] or, of a loss, its unit; None where it diverged.
        mastered: whether it meets a criterion of mastery.
        ready: whether it meets any other.
        objective: what trials are ranked by; None where that is the score.
        ending: why it can't be trained further, in words; None while it can.
        rollbacks: how often it went back to its best state so far, with a lower learning rate.
        diverged: whether it can't since its loss is no longer finite, or memory ran out.
        reason: what the evaluation found, in words.
    """

    trial: int
    cost: Cost
    loss: Loss | None
    score: float | None
    mastered: bool = False
    ready: bool = False
    objective: float | None = None
    ending: str | None = None
    rollbacks: int = 0
    diverged: bool = False
    reason: str = ""

    @property
    def passed(self) -> bool:
        """Whether it meets the criterion."""
        return self.mastered or self.ready

    @property
    def value(self) -> float | None:
        """What trials are ranked by, the more the better; None where it diverged."""
        return self.score if self.objective is None else self.objective


@dataclass(frozen=True, kw_only=True, slots=True)
class CompletedTrial:
    """A trial that is over.

    Attributes:
        number: from 0 within its study.
        settings: that were tried, by dotted name.
        score: at its last evaluation, in [0, 1] or, of a loss, its unit; None where it diverged.
        objective: what trials are ranked by; None where that is the score.
        outcome: how it ended.
        reason: why, in words.
        compute: that it cost.
        steps: that it took.
        tokens: that it was trained on.
    """

    number: int
    settings: Mapping[str, Json]
    score: float | None
    outcome: Outcome
    reason: str = ""
    compute: float = 0.0
    steps: int = 0
    tokens: int = 0
    objective: float | None = None

    @property
    def value(self) -> float | None:
        """What trials are ranked by, the more the better; None where it diverged."""
        return self.score if self.objective is None else self.objective
