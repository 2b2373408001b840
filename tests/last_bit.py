"""A task that no file defines, as far as a store knows: as one of a notebook's cell."""

from dataclasses import dataclass, replace

import numpy as np

from curriculum import Batch, Stage
from curriculum.tasks import FirstBit


@dataclass(frozen=True)
class LastBit(FirstBit):
    """First bit, with its inputs turned round."""

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        batch = FirstBit.sample(self, rng, stage, batch_size)
        return replace(batch, inputs=batch.inputs[:, ::-1].copy())
