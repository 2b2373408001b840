"""A GRU encoder-decoder with attention on subsequences: lengths 4 to 20."""

from curriculum import Adam, Arithmetic, Budget, Direct, Explicit, Stage, Tuning
from curriculum.experiments.gru_subsequence import experiment as gru_subsequence
from curriculum.models import Seq2Seq

experiment = gru_subsequence.replace(
    model=Seq2Seq(hidden_size=128, embedding_size=128, attention="dot"),
    growth=Arithmetic(start=Stage(4, 10), end=Stage(20, 10), step=2),
    optimizer=Adam(learning_rate=1e-3),
)

direct = experiment.replace(
    pacing=Direct(),
    growth=Explicit(lengths=(20,), vocab_sizes=(10,)),
    budget=Budget(steps=8000),
    tuning=Tuning(mode="off"),
)
"""The last stage from the start, without a curriculum."""
