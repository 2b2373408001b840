"""An RNN on first bit: lengths 2 to 1000, each mastered before the next."""

from curriculum import (
    SGD,
    Adam,
    Budget,
    Experiment,
    Explicit,
    Geometric,
    Mastery,
    Stage,
    Stuck,
    Training,
    Tuning,
)
from curriculum.models import Recurrent
from tasks import FirstBit

experiment = Experiment(
    task=FirstBit(),
    model=Recurrent(cell="rnn", hidden_size=20),
    growth=Geometric(start=Stage(2), until=Stage(1000), factor=1.5),
    criterion=Mastery(threshold=1.0),
    optimizer=Adam(learning_rate=5e-3, betas=(0.9, 0.95)),
    training=Training(look_every=100),
    budget=Budget(steps_per_stage=300),
    tuning=Tuning(mode="each", trials=8, learning_rate=(1e-3, 1e-2)),
    stuck=Stuck(demotions=3),
)

hard = experiment.but(
    task=FirstBit(zeros="hard"),
    growth=Explicit(lengths=(10,)),
    optimizer=SGD(learning_rate=1e-2, momentum=0.99),
    training=Training(batch_size=2, online=True, clip_norm=None, look_every=100),
    budget=Budget(steps_per_stage=20_000),
    tuning=Tuning(mode="off"),
)
"""The hard pair alone, one example at a time, at length 10: no curriculum."""
