"""Calls the command line within the process, on a tiny experiment of a user's own."""

from curriculum.cli.main import main

TINY = """\
'''A tiny one.'''
from dataclasses import dataclass
from curriculum import Adam, Budget, Experiment, Geometric, Mastery, Stage, Training
from curriculum.models import Recurrent
from curriculum.tasks import FirstBit

@dataclass(frozen=True)
class Mine(FirstBit):
    pass

experiment = Experiment(
    task=Mine(), model=Recurrent(cell='gru', hidden_size=8),
    growth=Geometric(start=Stage(2), end=Stage(5)), criterion=Mastery(threshold=1.0),
    optimizer=Adam(learning_rate=3e-2), budget=Budget(steps_per_stage=400),
)
"""


def call(*arguments: object) -> int:
    """The exit code of a command."""
    return main([str(argument) for argument in arguments])
