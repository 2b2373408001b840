"""What a run came to."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from curriculum.plan import AxisNames, Stage


@dataclass(frozen=True, kw_only=True, slots=True)
class StageResult:
    """What a visit to a stage came to.

    Attributes:
        verdict: `mastered` or `ready`, `exhausted`, or `learning` where it is not over.
        steps: by the learner that went on; so are tokens.
        seconds: evaluations and trials included.
        trials: how many its search had.
        discarded_steps: by its discarded trials; so are discarded tokens.
        discarded_share: the part of the visit's compute that discarded trials took.
    """

    length: int
    vocab_size: int
    level: int
    verdict: str
    steps: int
    tokens: int
    seconds: float
    learning_rate: float
    hidden_size: int
    trials: int
    discarded_steps: int
    discarded_tokens: int
    discarded_share: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ArmResult:
    """What an arm of a portfolio has come to in its race.

    Attributes:
        reach: the hardest stage of the path that it has mastered, in order or ahead; None for none.
        mastered: whether that is the target.
        selected: whether the run is what this arm was.
        ending: why it could not be trained further, in words; None where it could.
        evaluations: how often it was evaluated; 0 where it was never trained.
        stage: that it stood on at the last of them; None before any.
        score: there, on that stage; the target score, on the target. None where nothing was measured.
        steps: that it took, discarded trials included; so are tokens and compute.
    """

    reach: Stage | None = None
    mastered: bool = False
    selected: bool = False
    ending: str | None = None
    evaluations: int = 0
    stage: Stage | None = None
    score: float | None = None
    target_score: float | None = None
    steps: int = 0
    tokens: int = 0
    compute: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What a run came to.

    Attributes:
        status: `reached` the target or `stopped` short of it, once the run is over; before,
            `running`, `interrupted`, `failed` or `killed`, and it can be resumed.
        ending: why it is over, or was stopped, in words.
        reach: the hardest stage of the path that was passed; None where none was.
        reach_verdict: what that stage is by the criterion, `mastered` or `ready`.
        held: the stages of the path that the final model still passes.
        retained: the last stage up to which it passes all; None where not the first.
        extrapolated: the longest length beyond those trained on that it passes, if any.
        weights_sha256: digest of the final model's tensors; None while the run is not over.
        steps: optimizer steps, trials and the arms of a portfolio included; so are tokens and compute.
        discarded_share: the part of the compute that discarded trials took.
        stages: visit by visit.
        axis_names: what the task calls the axes of its stages.
        arms: of a portfolio, by name what each came to; empty for other strategies.
    """

    run_id: str
    experiment: str
    seed: int
    status: str
    ending: str
    reach: Stage | None
    held: tuple[Stage, ...]
    retained: Stage | None
    extrapolated: int | None
    weights_sha256: str | None
    steps: int
    tokens: int
    compute: float
    discarded_share: float
    seconds: float
    stages: tuple[StageResult, ...]
    axis_names: AxisNames = field(default_factory=AxisNames)
    reach_verdict: str = "mastered"
    arms: Mapping[str, ArmResult] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The result as the command line's `--json` prints it."""
        content = asdict(self)
        del content["axis_names"]
        content["held"] = [asdict(stage) for stage in self.held]
        content["stages"] = [asdict(stage) for stage in self.stages]
        return content
