"""A file of a user's with an experiment that takes an instant."""

TINY = """
from curriculum import Adam, Budget, Experiment, Geometric, Mastery, Stage, Training
from curriculum.models import Recurrent
from curriculum.tasks import FirstBit

experiment = Experiment(
    task=FirstBit(),
    model=Recurrent(cell="gru", hidden_size=4),
    growth=Geometric(start=Stage(2), end=Stage(5)),
    criterion=Mastery(threshold=1.0),
    optimizer=Adam(learning_rate=3e-2),
    training=Training(batch_size=8, eval_every=10),
    budget=Budget(steps_per_stage=400),
)
"""
