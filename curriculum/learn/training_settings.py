"""Settings of the training loop."""

from dataclasses import dataclass
from typing import Annotated, Literal

from curriculum.errors import UsageError, check_fields


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """How a learner is trained.

    Attributes:
        batch_size: examples of a step.
        tokens_per_step: in place of `batch_size`, as many examples as have so many tokens (positions
            of the longest input of their stage): the longer the stage, the fewer examples. A batch
            of several stages has as many as the longest of these allows.
        accumulate: a step adds up the gradients of so many parts of its batch, one after another,
            so that only one of them has to fit into memory.
        clip_norm: gradients are scaled down to this norm; None leaves them.
        eval_every: optimizer steps between two evaluations.
        online: take a step on each example of a batch in turn, in place of one on all.
        precision: `bf16` computes in bfloat16 what torch's autocast does, in training and in
            evaluations; weights, gradients and the optimizer's moments stay float32.
        compile: lets torch compile the network, in place.
        deterministic: takes torch's deterministic algorithms alone; on a CPU they always are.
        schedule: whether the learning rate is `constant`; rises to itself and falls to nothing,
            along a line (`linear`) or half a cosine (`cosine`, Loshchilov & Hutter 2017, arXiv
            1608.03983); or goes through `one_cycle` (Smith 2018, arXiv 1803.09820), in which the
            momentum, or Adam's first beta, goes from .95 to .85 and back in place of the
            optimizer's own.
        schedule_over: whether that happens in each `visit`, until its steps are used up (mastery
            may cut it short), or once in the whole `run`, until its budget of steps, tokens or
            compute is.
        warmup: the part of the schedule in which the rate rises, in (0, 1).
        optimizer_state: what a visit to a stage begins with: the optimizer's moments as the stage before
            left them (`kept`), or none (`reset`).
        distinct_examples: train on so many examples of a stage, repeatedly and in the same
            order; None draws fresh ones at every step. Evaluations then measure these too, as
            `memorised`.
    """

    batch_size: Annotated[int, "[1, inf)"] = 32
    tokens_per_step: Annotated[int | None, "[1, inf)"] = None
    accumulate: Annotated[int, "[1, inf)"] = 1
    clip_norm: Annotated[float | None, "(0, inf)"] = 1.0
    eval_every: Annotated[int, "[1, inf)"] = 10
    online: bool = False
    precision: Literal["float32", "bf16"] = "float32"
    compile: bool = False
    deterministic: bool = False
    schedule: Literal["constant", "one_cycle", "linear", "cosine"] = "constant"
    schedule_over: Literal["visit", "run"] = "visit"
    warmup: Annotated[float, "(0, 1)"] = 0.3
    optimizer_state: Literal["kept", "reset"] = "kept"
    distinct_examples: int | None = None

    def step_size(self, length: int) -> int:
        """How many examples a step is taken on, where an input has so many positions."""
        if self.tokens_per_step is not None:
            return max(1, self.tokens_per_step // length)
        return 1 if self.online else self.batch_size

    def __post_init__(self) -> None:
        check_fields(self, "training")
        self._check_combination()
        fixed = self.distinct_examples
        if fixed is not None and (fixed < 1 or fixed % self.batch_size):
            raise UsageError(
                f"training.distinct_examples must be a multiple of training.batch_size "
                f"({self.batch_size}), got {fixed}"
            )

    def _check_combination(self) -> None:
        """Check that no setting is contradicted by another."""
        given = {
            "tokens_per_step": self.tokens_per_step is not None,
            "accumulate": self.accumulate > 1,
            "online": self.online,
            "distinct_examples": self.distinct_examples is not None,
        }
        for one, other in (
            ("tokens_per_step", "online"),
            ("tokens_per_step", "distinct_examples"),
            ("accumulate", "online"),
        ):
            if given[one] and given[other]:
                raise UsageError(
                    f"training.{one} and training.{other} exclude each other: both say what a step "
                    f"is taken on; leave one of them out"
                )
        if self.tokens_per_step is None and self.accumulate > self.batch_size:
            raise UsageError(
                f"training.accumulate ({self.accumulate}) must be at most training.batch_size "
                f"({self.batch_size}): each part has an example at least"
            )
