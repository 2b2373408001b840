"""A net in a loop on human numbers, its state carried from batch to batch."""

from curriculum import AdamW, Budget, Direct, Experiment, Explicit, Mastery, Training, Tuning
from curriculum.models import LanguageModel
from tasks import HumanNumbers

experiment = Experiment(
    task=HumanNumbers(),
    model=LanguageModel(net="every_word", carries_state=True),
    growth=Explicit(lengths=(20,), vocab_sizes=(19, 29, 37, 38, 39)),
    criterion=Mastery(threshold=0.42, target_threshold=0.55, metric="symbol_accuracy"),
    optimizer=AdamW(learning_rate=3e-3, betas=(0.9, 0.99)),
    training=Training(batch_size=64, look_every=20, schedule="one_cycle"),
    budget=Budget(steps_per_stage=400),
    tuning=Tuning(mode="stuck", trials=8),
)
direct = experiment.but(
    pacing=Direct(),
    growth=Explicit(lengths=(20,), vocab_sizes=(39,)),
    budget=Budget(steps=800),
    tuning=Tuning(mode="off"),
)
"""The numbers to 9,999 from the start, for as many steps."""

seed = direct.but(
    criterion=Mastery(threshold=0.55, metric="symbol_accuracy", least_steps=800),
    optimizer=AdamW(learning_rate=3e-3, betas=(0.9, 0.99)),
    training=Training(batch_size=64, clip_norm=None, look_every=40, schedule="one_cycle"),
    budget=Budget(steps=800),
)
"""20 epochs at 3e-3, as the notebook has it; looks every epoch."""
