"""A task with metrics of its own that are no rates."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curriculum import Adam, Batch, Budget, Criterion, Experiment, Explicit, MetricScale, Task
from curriculum.models import Recurrent

SCALES = {
    "error": MetricScale(lower_is_better=True, high=math.inf),
    "points": MetricScale(high=100.0),
}


@dataclass(frozen=True)
class ShareOfOnes(Task):
    """What part of the symbols are ones: off by some hundredths, and from 0 to 100 points."""

    output = "values"
    tolerance = 0.05
    metrics = ("error", "points", "close")
    scaled: bool = True

    @property
    def metric_scales(self) -> Mapping[str, MetricScale]:
        return SCALES if self.scaled else {}

    def sample(self, rng: np.random.Generator, stage: Any, batch_size: int) -> Batch:
        inputs = rng.integers(2, size=(batch_size, stage.length))
        return Batch(inputs=inputs, targets=inputs.mean(axis=1, keepdims=True).astype(np.float32))

    def metric_values(self, outputs: NDArray[np.float32], batch: Batch) -> dict[str, NDArray[Any]]:
        off = 100 * np.abs(outputs - batch.targets)[:, 0]
        return {"error": off, "points": np.maximum(0, 100 - off), "close": off < 10}


def estimation(criterion: Criterion, **changes: Any) -> Experiment:
    settings: dict[str, Any] = {
        "task": ShareOfOnes(),
        "model": Recurrent(cell="gru", hidden_size=16, embedding_size=4),
        "growth": Explicit(lengths=(2, 3), vocab_sizes=(2, 2)),
        "criterion": criterion,
        "optimizer": Adam(learning_rate=1e-2),
        "budget": Budget(steps_per_stage=400),
        "name": "estimation",
    }
    return Experiment(**(settings | changes))
