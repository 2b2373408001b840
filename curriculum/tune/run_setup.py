"""A run's experiment, seed, device and stop request, as all its parts need them."""

from dataclasses import dataclass, field

import torch

from curriculum.config import Experiment
from curriculum.learn import StopRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class RunSetup:
    """What is run, and where.

    Attributes:
        experiment: what is run.
        seed: all randomness follows from it.
        device: that learners are on.
        stop: asks the run to stop.
    """

    experiment: Experiment
    seed: int
    device: torch.device
    stop: StopRequest = field(default_factory=StopRequest)
