"""BERT on reversal: lengths 5 to 100, then vocabularies to 1000, each mastered before the next."""

from curriculum import (
    Budget,
    Direct,
    Experiment,
    Explicit,
    Geometric,
    Mastery,
    RAdam,
    Stage,
    Training,
    Tuning,
)
from curriculum.models import Bert
from curriculum.tasks import Reverse

experiment = Experiment(
    task=Reverse(),
    model=Bert(hidden_size=128, layers=2, positions="sinusoidal"),
    growth=Geometric(start=Stage(5, 10), end=Stage(100, 1000), factor=2.1),
    criterion=Mastery(threshold=0.95),
    optimizer=RAdam(learning_rate=2e-3, betas=(0.9, 0.98)),
    training=Training(eval_every=25),
    model_size="stage",
    budget=Budget(steps_per_stage=3000),
    tuning=Tuning(trials=8, learning_rate=(1e-3, 4e-3)),  # for --tuning.mode each, or exhausted
)

together = experiment.replace(
    growth=Geometric(
        start=Stage(5, 10), end=Stage(100, 1000), factor=2.1, vocab_factor=3.16, order="together"
    ),
    model_size="path",
)
"""Length and vocabulary grow together, in a model of the whole path's size: it relearns less."""

direct = experiment.replace(
    pacing=Direct(),
    growth=Explicit(lengths=(100,), vocab_sizes=(1000,)),
    budget=Budget(steps=1500),
)
"""The last stage from the start, without a curriculum, for at most 1,500 steps."""


def notebook(length: int, vocab_size: int, epochs: int) -> Experiment:
    """BERT-base on 128 fixed examples, in batches of 16 and so 8 steps an epoch, evaluated each."""
    steps = 8 * epochs
    return direct.replace(
        model=Bert(hidden_size=768, layers=12, dropout=0.1, initializer_range=0.02),
        growth=Explicit(lengths=(length,), vocab_sizes=(vocab_size,)),
        criterion=Mastery(threshold=0.95, min_steps=steps),
        optimizer=RAdam(learning_rate=1e-4),
        training=Training(batch_size=16, clip_norm=None, eval_every=8, distinct_examples=128),
        model_size="path",
        budget=Budget(steps=steps),
    )


seed_5_10 = notebook(5, 10, epochs=15)
"""The notebook's first stage: BERT-base on 128 fixed examples of length 5 for 15 epochs."""

seed_100_10 = notebook(100, 10, epochs=100)
"""The notebook's second stage: length 100, 10 symbols, 100 epochs."""

seed_10_1000 = notebook(10, 1000, epochs=40)
"""The notebook's third stage: length 10, 1,000 symbols, 40 epochs."""

seed_100_1000 = notebook(100, 1000, epochs=150)
"""The notebook's last stage: length 100, 1,000 symbols, 150 epochs."""
