"""One visit to a stage, added up from the journal."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from curriculum.config import Choices, Range
from curriculum.plan import Cost, Stage, Verdict, VisitReason
from curriculum.record.events import Evaluated, RolledBack, TrialSelected
from curriculum.record.result import StageResult
from curriculum.record.trial_record import CompletedTrial, TrialReport


@dataclass(slots=True)
class Visit:
    """One visit to a stage.

    Attributes:
        learning_rate: the one carried, and once a trial is selected, its.
        hidden_size: likewise.
        started: seconds since the run's start.
        verdict: `LEARNING` while the visit is not over.
        kept: whether the model stayed as it was at the end of the visit.
        restored: the visit whose model the run ends with; None for its own, or where it goes on.
        rollbacks: to the visit's best state, each after so many steps of the run.
        reason: why the last evaluation was decided as it was, in words.
        limit_reached: why the visit ended without passing, in words; None where it did not.
        next_stage: that is visited next, once the visit is over; None where the run is.
        cost: of the learner that went on, evaluations included.
        discarded_cost: of trials that were not selected, or have not been yet.
        seconds: up to its last evaluation.
        ended: seconds since the run's start; None while it is not over.
        evaluations: on the stream `gate`.
        parameters: what the search varied, by dotted name; empty where there was none.
        reports: the evaluations of trials, in the order of the race.
        report_times: when each was recorded, as the time of day.
        trials: that are over.
        selection: which trial was selected, and how the search ended.
    """

    number: int
    stage: Stage
    visit_reason: VisitReason
    retuning: bool
    learning_rate: float
    hidden_size: int
    started: float
    verdict: Verdict = Verdict.LEARNING
    kept: bool = False
    restored: int | None = None
    rollbacks: list[tuple[int, RolledBack]] = field(default_factory=list)
    reason: str = ""
    limit_reached: str | None = None
    next_stage: Stage | None = None
    cost: Cost = field(default_factory=Cost)
    discarded_cost: Cost = field(default_factory=Cost)
    seconds: float = 0.0
    ended: float | None = None
    evaluations: list[Evaluated] = field(default_factory=list)
    parameters: Mapping[str, Range | Choices] = field(default_factory=dict)
    reports: list[TrialReport] = field(default_factory=list)
    report_times: list[float] = field(default_factory=list)
    trials: list[CompletedTrial] = field(default_factory=list)
    selection: TrialSelected | None = None

    @property
    def longest(self) -> int:
        """The longest length that was trained on; 0 for none."""
        stages = {stage for each in self.evaluations for stage in each.examples_by_stage}
        if self.selection is not None and self.selection.cost.steps:
            stages.add(self.stage)
        return max((stage.length for stage in stages), default=0)

    @property
    def trial_count(self) -> int:
        """How many trials were evaluated."""
        return len({report.trial for report in self.reports})

    @property
    def discarded_share(self) -> float:
        """The part of the visit's compute that discarded trials took."""
        return discarded_share(self.cost, self.discarded_cost)

    def result(self) -> StageResult:
        """What the visit came to, so far."""
        return StageResult(
            length=self.stage.length,
            vocab_size=self.stage.vocab_size,
            level=self.stage.level,
            verdict=self.verdict.value,
            steps=self.cost.steps,
            tokens=self.cost.tokens,
            seconds=round(self.seconds, 3),
            learning_rate=self.learning_rate,
            hidden_size=self.hidden_size,
            trials=self.trial_count,
            discarded_steps=self.discarded_cost.steps,
            discarded_tokens=self.discarded_cost.tokens,
            discarded_share=round(self.discarded_share, 4),
        )


def discarded_share(cost: Cost, discarded_cost: Cost) -> float:
    """The part of all compute that discarded trials took."""
    total = cost.compute + discarded_cost.compute
    return discarded_cost.compute / total if total else 0.0
