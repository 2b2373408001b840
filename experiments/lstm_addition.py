"""An LSTM on decimal addition, the sum in reverse after the input: operands of 1 to 5 digits."""

from curriculum import (
    Adam,
    AfterInput,
    Arithmetic,
    Backtracking,
    Budget,
    Experiment,
    Mastery,
    Stage,
    Training,
)
from curriculum.models import Recurrent
from curriculum.tasks import DecimalAddition

experiment = Experiment(
    task=AfterInput(task=DecimalAddition()),
    model=Recurrent(cell="lstm", hidden_size=256, embedding_size=16),
    growth=Arithmetic(start=Stage(1, 10), end=Stage(5, 10)),
    criterion=Mastery(threshold=0.95, target_threshold=0.99, examples=2048),
    optimizer=Adam(learning_rate=3e-3),
    training=Training(
        batch_size=128, eval_every=50, schedule="cosine", schedule_over="run", warmup=0.01
    ),
    budget=Budget(compute=4e13, steps_per_stage=100_000),
    backtracking=Backtracking(patience=4000),
)

nine = experiment.replace(
    growth=Arithmetic(start=Stage(1, 10), end=Stage(9, 10)),
    budget=Budget(compute=1.2e14, steps_per_stage=100_000),
)
"""Operands of 1 to 9 digits."""
