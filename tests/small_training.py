"""A small learner on first bit, and what trains it."""

from typing import Any

import torch

from curriculum import (
    Adam,
    Explicit,
    Mastery,
    Scheduler,
    Shape,
    Stage,
    Training,
)
from curriculum.learn import (
    CostMeter,
    Evaluator,
    Learner,
    Recipe,
    Trainer,
)
from curriculum.models import Recurrent
from curriculum.tasks import FirstBit

STAGE = Stage(6)


def start(**settings: Any) -> Learner:
    return Learner.start(
        Shape.of("bit", STAGE),
        Recipe(
            model=Recurrent(hidden_size=5),
            optimizer=Adam(learning_rate=1e-2),
            training=Training(**settings),
        ),
        seed=0,
        device=torch.device("cpu"),
    )


def trainer(meter: CostMeter | None = None) -> Trainer:
    evaluator = Evaluator(FirstBit(), Mastery(threshold=1), 0)
    return Trainer(FirstBit(), seed=0, evaluator=evaluator, meter=meter or CostMeter())


def scheduler() -> Scheduler:
    return Scheduler(Explicit(lengths=(STAGE.length,)), Mastery(threshold=1))
