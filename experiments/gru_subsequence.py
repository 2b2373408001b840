"""A GRU encoder-decoder on subsequences: lengths 4 to 14, each mastered before the next."""

from curriculum import (
    Adam,
    Arithmetic,
    Budget,
    Direct,
    Experiment,
    Explicit,
    Mastery,
    Stage,
    Training,
    Tuning,
)
from curriculum.models import Seq2Seq
from curriculum.tasks import Subsequence

experiment = Experiment(
    task=Subsequence(),
    model=Seq2Seq(hidden_size=128, embedding_size=128),
    growth=Arithmetic(start=Stage(4, 10), end=Stage(14, 10), step=2),
    criterion=Mastery(threshold=0.95),
    optimizer=Adam(learning_rate=3e-3),
    training=Training(batch_size=64, eval_every=50),
    budget=Budget(steps_per_stage=8000),
    tuning=Tuning(mode="exhausted", trials=8, learning_rate=(3e-4, 1e-2)),
)

direct = experiment.replace(
    pacing=Direct(),
    growth=Explicit(lengths=(14,), vocab_sizes=(10,)),
    budget=Budget(steps=8000),
    tuning=Tuning(mode="off"),
)
"""The last stage from the start, without a curriculum."""

seed = experiment.replace(
    model=Seq2Seq(
        hidden_size=256,
        embedding_size=128,
        layers=3,
        dropout=0.5,
        teacher_forcing=0.5,
        init_range=0.08,
    ),
    pacing=Direct(),
    growth=Explicit(lengths=(10,), vocab_sizes=(10,)),
    criterion=Mastery(threshold=0.95, min_steps=2048),
    optimizer=Adam(learning_rate=1e-3),
    training=Training(batch_size=32, eval_every=128),
    budget=Budget(steps=2048),
    tuning=Tuning(mode="off"),
)
"""Three layers at length 10 for 16 epochs of 4,096 examples, as the notebook has it."""
