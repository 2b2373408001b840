"""First bit by an LSTM, an RNN and a GRU."""

from curriculum import (
    SGD,
    Adam,
    Backtracking,
    Budget,
    Experiment,
    Explicit,
    Geometric,
    Mastery,
    Rollback,
    Stage,
    Training,
    Tuning,
)
from curriculum.models import Recurrent
from curriculum.tasks import FirstBit

lstm_firstbit = Experiment(
    task=FirstBit(),
    model=Recurrent(cell="lstm", hidden_size=20),
    growth=Geometric(start=Stage(2), end=Stage(1000), factor=1.5),
    criterion=Mastery(threshold=1.0),
    optimizer=Adam(learning_rate=2e-2, betas=(0.9, 0.95)),
    training=Training(eval_every=50),
    budget=Budget(steps_per_stage=300),
    tuning=Tuning(mode="each", trials=8, learning_rate=(1e-2, 5e-2)),
    backtracking=Backtracking(demotions=3),
)
"""An LSTM on first bit: lengths 2 to 1000, each mastered before the next."""

gru_firstbit = lstm_firstbit.replace(
    model=Recurrent(cell="gru", hidden_size=20),
    tuning=Tuning(mode="each", trials=8, learning_rate=(3e-3, 6e-2)),
)
"""A GRU on first bit: lengths 2 to 1000, each mastered before the next."""

rnn_firstbit = lstm_firstbit.replace(
    model=Recurrent(cell="rnn", hidden_size=20),
    optimizer=Adam(learning_rate=5e-3, betas=(0.9, 0.95)),
    training=Training(eval_every=100),
    tuning=Tuning(mode="each", trials=8, learning_rate=(1e-3, 1e-2)),
)
"""An RNN on first bit: lengths 2 to 1000, each mastered before the next."""


def hard(base: Experiment) -> Experiment:
    """The hard pair alone, one example at a time, at length 10: no curriculum."""
    return base.replace(
        task=FirstBit(zeros="hard"),
        growth=Explicit(lengths=(10,)),
        optimizer=SGD(learning_rate=1e-2, momentum=0.99),
        training=Training(batch_size=2, online=True, clip_norm=None, eval_every=100),
        budget=Budget(steps_per_stage=20_000),
        tuning=Tuning(mode="off"),
        backtracking=Backtracking(fresh_starts=0),
        rollback=Rollback(times=0),
    )
