"""Settings of the training loop."""

from dataclasses import dataclass
from typing import Annotated, Literal

from curriculum.errors import UsageError, check_fields


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """How a learner is trained.

    Attributes:
        batch_size: examples of a step.
        clip_norm: gradients are scaled down to this norm; None leaves them.
        eval_every: optimizer steps between two evaluations.
        online: take a step on each example of a batch in turn, in place of one on all.
        schedule: whether the learning rate is `constant`, or goes through `one_cycle` in each
            visit: up to itself, and down to nothing when the visit's steps are used up
            (Smith 2018, arXiv 1803.09820), while the momentum, or Adam's first beta, goes
            from .95 to .85 and back in place of the optimizer's own. Mastery may cut it short.
        warmup: the part of the cycle in which the rate rises, in (0, 1).
        distinct_examples: train on so many examples of a stage, repeatedly and in the same
            order; None draws fresh ones at every step. Evaluations then measure these too, as
            `memorised`.
    """

    batch_size: Annotated[int, "[1, inf)"] = 32
    clip_norm: Annotated[float | None, "(0, inf)"] = 1.0
    eval_every: Annotated[int, "[1, inf)"] = 10
    online: bool = False
    schedule: Literal["constant", "one_cycle"] = "constant"
    warmup: Annotated[float, "(0, 1)"] = 0.3
    distinct_examples: int | None = None

    @property
    def step_size(self) -> int:
        """How many examples a step is taken on."""
        return 1 if self.online else self.batch_size

    def __post_init__(self) -> None:
        check_fields(self, "training")
        fixed = self.distinct_examples
        if fixed is not None and (fixed < 1 or fixed % self.batch_size):
            raise UsageError(
                f"training.distinct_examples must be a multiple of training.batch_size "
                f"({self.batch_size}), got {fixed}"
            )
