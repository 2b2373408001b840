"""A GRU encoder-decoder on decimal addition, the sum in reverse: operands of 1 to 5 digits."""

from curriculum import Adam, Arithmetic, Budget, Experiment, Explicit, Mastery, Stage, Training
from curriculum.models import Seq2Seq
from curriculum.tasks import DecimalAddition

experiment = Experiment(
    task=DecimalAddition(),
    model=Seq2Seq(hidden_size=128, embedding_size=32, attention="dot"),
    growth=Arithmetic(start=Stage(1, 10), end=Stage(5, 10)),
    criterion=Mastery(threshold=0.95),
    optimizer=Adam(learning_rate=2e-3),
    training=Training(batch_size=128, eval_every=50),
    budget=Budget(steps_per_stage=4000),
)

plain = experiment.replace(task=DecimalAddition(reverse=False))
"""The sum written as usual, with its first digit first."""

operands = experiment.replace(
    growth=Explicit(lengths=(1, 2, 3, 3, 3), vocab_sizes=(10,), levels=(1, 1, 1, 2, 3))
)
"""From two operands of a digit to four operands of three."""
