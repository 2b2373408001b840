"""A GRU encoder-decoder with attention on subsequences: lengths 4 to 20."""

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
from tasks import Subsequence

experiment = Experiment(
    task=Subsequence(),
    model=Seq2Seq(hidden_size=128, embedding_size=128, attention="dot"),
    growth=Arithmetic(start=Stage(4, 10), until=Stage(20, 10), step=2),
    criterion=Mastery(threshold=0.95),
    optimizer=Adam(learning_rate=1e-3),
    training=Training(batch_size=64, look_every=50),
    budget=Budget(steps_per_stage=8000),
    tuning=Tuning(mode="stuck", trials=8, learning_rate=(3e-4, 1e-2)),
)

direct = experiment.but(
    pacing=Direct(),
    growth=Explicit(lengths=(20,), vocab_sizes=(10,)),
    budget=Budget(steps=8000),
    tuning=Tuning(mode="off"),
)
"""The last stage from the start, without a curriculum."""
