"""What a sampling that learns gets to know of a training step."""

from dataclasses import dataclass
from typing import Literal, SupportsFloat

FeedbackKind = Literal["gain", "score"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Feedback:
    """What a step on one batch showed of the model.

    Attributes:
        value: of the kind `gain`, how far the step lowered the loss on its own batch, in nats
            over all its targets (prediction gain: Graves et al. 2017, arXiv 1704.03003); of the
            kind `score`, the share of the batch's symbols that were correct before the step,
            in [0, 1]. Where `float` of it waits for the device, a sampler had better wait with it.
        tokens: the input positions of the batch.
    """

    value: SupportsFloat
    tokens: int
