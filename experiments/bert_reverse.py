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

direct = experiment.replace(
    pacing=Direct(),
    growth=Explicit(lengths=(100,), vocab_sizes=(1000,)),
    budget=Budget(steps=1500),
)
"""The last stage from the start, without a curriculum, for at most 1,500 steps."""

seed = direct.replace(
    model=Bert(hidden_size=768, layers=12, dropout=0.1, initializer_range=0.02),
    criterion=Mastery(threshold=0.95, min_steps=1200),
    optimizer=RAdam(learning_rate=1e-4),
    training=Training(batch_size=16, clip_norm=None, eval_every=8, distinct_examples=128),
    model_size="path",
    budget=Budget(steps=1200),
)
"""BERT-base on 128 fixed examples for 150 epochs, as the notebook has it; evaluated every epoch."""
