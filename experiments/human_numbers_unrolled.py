"""A net unrolled for three words on human numbers: predicts the fourth."""

from curriculum import AdamW, Budget, Direct, Experiment, Explicit, Mastery, Training, Tuning
from curriculum.models import LanguageModel
from tasks import HumanNumbers

experiment = Experiment(
    task=HumanNumbers(predict="last"),
    model=LanguageModel(net="unrolled"),
    growth=Explicit(lengths=(3,), vocab_sizes=(19, 29, 37, 38, 39)),
    criterion=Mastery(threshold=0.38, target_threshold=0.35, metric="exact_match"),
    optimizer=AdamW(learning_rate=1e-3, betas=(0.9, 0.99)),
    training=Training(batch_size=64, look_every=20, schedule="one_cycle"),
    budget=Budget(steps_per_stage=800),
    tuning=Tuning(mode="stuck", trials=8),
)
direct = experiment.but(
    pacing=Direct(),
    growth=Explicit(lengths=(3,), vocab_sizes=(39,)),
    budget=Budget(steps=1600),
    tuning=Tuning(mode="off"),
)
"""The numbers to 9,999 from the start, for as many steps."""

seed = direct.but(
    criterion=Mastery(threshold=0.35, metric="exact_match", least_steps=1566),
    optimizer=AdamW(learning_rate=1e-4, betas=(0.9, 0.99)),
    training=Training(batch_size=64, clip_norm=None, look_every=261, schedule="one_cycle"),
    budget=Budget(steps=1566),
)
"""6 epochs at 1e-4, as the notebook has it; looks every epoch."""
