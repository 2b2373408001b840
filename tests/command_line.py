"""Calls the command line within the process, on a tiny experiment of a user's own."""

from pathlib import Path

import pytest

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


def check_mistake(
    arguments: list[str], expected: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistake is one sentence on stderr and exit code 2, and leaves nothing in the folder."""
    assert call(*arguments) == 2
    out, err = capsys.readouterr()
    assert expected in err
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert not out
    assert list(folder.iterdir()) == []
