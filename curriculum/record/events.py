"""What a run's journal tells: one frozen dataclass for each kind of event."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

from curriculum.config import Choices, Range
from curriculum.plan import Answer, Cost, Decision, Loss, Score, Stage, Verdict, VisitReason
from curriculum.record.codec import Json, Malformed, decode, encode
from curriculum.record.race_events import (
    ArmEvaluated,
    ArmSelected,
    FavouritesChanged,
    RaceEvent,
    RaceStarted,
)
from curriculum.record.trial_record import CompletedTrial, TrialReport


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitStarted:
    """A visit to a stage begins, with the settings that the learner carries."""

    visit: int
    stage: Stage
    reason: VisitReason
    retuning: bool
    learning_rate: float
    hidden_size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluated:
    """The model was evaluated on the stream `gate`, and the scheduler decided on it.

    Attributes:
        train_loss: the mean of the steps since the evaluation before, in nats.
        examples_by_stage: that were trained on since the evaluation before.
        cost: of the run so far, without discarded trials.
        discarded_cost: of its discarded trials so far.
    """

    visit: int
    stage: Stage
    train_loss: Loss | None
    screen: Score | None = None
    full_test: Score | None = None
    slices: Mapping[str, Score] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    examples_by_stage: Mapping[Stage, int] = field(default_factory=dict)
    decision: Decision
    cost: Cost
    discarded_cost: Cost


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundProposed:
    """A search proposes a round of trials: their settings, by their numbers in the study."""

    visit: int
    study: int
    parameters: Mapping[str, Range | Choices]
    trials: Mapping[int, Mapping[str, Json]]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialEvaluated:
    """A trial of a round was trained to its next evaluation."""

    visit: int
    study: int
    report: TrialReport


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialCompleted:
    """A trial is over, as its round is."""

    visit: int
    study: int
    trial: CompletedTrial


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialSelected:
    """A search is over: the run continues with one of its trials, or for None with the parent."""

    visit: int
    study: int
    trial: int | None
    learning_rate: float
    hidden_size: int
    ending: str
    cost: Cost
    discarded_cost: Cost


@dataclass(frozen=True, kw_only=True, slots=True)
class RolledBack:
    """The model had become worse, and is again what it was when it was best in this visit.

    Attributes:
        number: how often this visit went back, with this time.
        step: of the visit, at which it had become worse.
        score: then, in [0, 1]; None where the loss was no longer finite.
        best_step: the visit's step at which it was best.
        best_score: then.
        learning_rate: from now on.
    """

    visit: int
    number: int
    step: int
    score: float | None
    best_step: int
    best_score: float
    learning_rate: float


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitEnded:
    """A visit is over.

    Attributes:
        limit_reached: why it ended without passing, in words; None where it did not.
        kept: whether the model stays as it was trained, or goes back.
        restored: where the run ends short of its target: the visit whose model it ends with, as
            that is the one that got farthest; None where the model is already that one.
        reach: the hardest stage of the path mastered, or ready, in order; None for none.
        next_stage: that is visited next; None where the run is over.
        next_reason: why it is.
    """

    visit: int
    stage: Stage
    verdict: Verdict
    limit_reached: str | None
    kept: bool
    restored: int | None = None
    reach: Stage | None
    next_stage: Stage | None
    next_reason: VisitReason | None
    weights_sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ProvenanceChanged:
    """The run was forced to resume under a changed provenance: what was and what is, by name."""

    changes: Mapping[str, tuple[Json, Json]]
    dropped: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FinalEvaluated:
    """The final model was evaluated on a stage of the path, or `beyond` it."""

    stage: Stage
    beyond: bool
    score: float
    examples: int
    answer: Answer
    reason: str

    @property
    def passes(self) -> bool:
        """Whether it is shown that the model passes the stage."""
        return self.answer == "passes"


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetScreened:
    """The target was screened ahead of the stages below it, after so many evaluations.

    Attributes:
        loss: the mean on those examples, in nats or squared; None where the task has none.
    """

    visit: int
    stage: Stage
    evaluation: int
    score: float
    examples: int
    loss: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetEvaluated:
    """The target was tested in full ahead of the stages below it, after so many evaluations.

    Attributes:
        full_test: kept where a final model is compared with it.
    """

    visit: int
    stage: Stage
    evaluation: int
    score: float
    examples: int
    cleared: bool
    mastered: bool
    reason: str
    ready: bool = False
    full_test: Score | None = None

    @property
    def passed(self) -> bool:
        """Whether the target is mastered, or ready."""
        return self.mastered or self.ready


@dataclass(frozen=True, kw_only=True, slots=True)
class RetentionMeasured:
    """The model that passed a stage was evaluated on all stages of the path."""

    visit: int
    stage: Stage
    scores: Mapping[Stage, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingEnded:
    """The target is `reached`, or training `stopped` short of it; what follows is the final evaluation."""

    status: Literal["reached", "stopped"]
    ending: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictedExamples:
    """A few inputs, and what the final model predicts on them; whoever loads it can compare.

    Attributes:
        inputs: of each the symbol, or the numbers of its channels, at each position.
        predictions: of each a number, or several symbols or values.
    """

    inputs: tuple[tuple[int | tuple[float, ...], ...], ...]
    predictions: tuple[Json, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunEnded:
    """The run is over: the target is `reached`, or the run `stopped` short of it."""

    status: Literal["reached", "stopped"]
    ending: str
    reach: Stage | None
    held: tuple[Stage, ...]
    retained: Stage | None
    extrapolated: int | None
    steps: int
    tokens: int
    weights_sha256: str
    examples: PredictedExamples | None = None


TuningEvent: TypeAlias = RoundProposed | TrialEvaluated | TrialCompleted | TrialSelected
VisitEvent: TypeAlias = (
    Evaluated
    | RolledBack
    | TuningEvent
    | VisitEnded
    | TargetScreened
    | TargetEvaluated
    | RetentionMeasured
)
"""What happens within the visit that started before it."""

Event: TypeAlias = (
    RaceEvent
    | VisitStarted
    | VisitEvent
    | ProvenanceChanged
    | TrainingEnded
    | FinalEvaluated
    | RunEnded
)

KINDS: Mapping[str, type[Any]] = {
    "race": RaceStarted,
    "arm_evaluation": ArmEvaluated,
    "favourites": FavouritesChanged,
    "arm_selection": ArmSelected,
    "visit_started": VisitStarted,
    "evaluation": Evaluated,
    "round": RoundProposed,
    "trial_evaluation": TrialEvaluated,
    "trial": TrialCompleted,
    "selection": TrialSelected,
    "rollback": RolledBack,
    "visit_ended": VisitEnded,
    "provenance_change": ProvenanceChanged,
    "training_ended": TrainingEnded,
    "final_evaluation": FinalEvaluated,
    "target_screen": TargetScreened,
    "target_evaluation": TargetEvaluated,
    "retention": RetentionMeasured,
    "run_ended": RunEnded,
}
"""What the journal calls each kind of event."""

NAMES = {kind: name for name, kind in KINDS.items()}
OF_A_VISIT: tuple[type[Any], ...] = get_args(VisitEvent)


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """When an event was recorded: the time of day, and the seconds since the run's start."""

    time: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Record:
    """An event, and apart from it what may differ when the run is repeated."""

    event: Event
    clock: Clock


def event_json(event: Event) -> dict[str, Any]:
    """An event as the journal writes it, without its clock."""
    return {"kind": NAMES[type(event)], **encode(event)}


def record_from_json(content: Any) -> Record:
    """The record that a line of the journal holds.

    Raises:
        Malformed: where it holds none.
    """
    if not isinstance(content, dict):
        raise Malformed("a record is an object")
    rest = dict(content)
    kind = KINDS.get(str(rest.pop("kind", None)))
    clock = decode(Clock, rest.pop("clock", None))
    if kind is None:
        raise Malformed(f"there is no kind of event {content.get('kind')!r}")
    return Record(decode(kind, rest), clock)
