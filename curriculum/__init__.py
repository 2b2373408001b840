"""Curriculum learning of sequence models: how far can a model get?

Importing this package loads no torch; `run` and `load` do when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from curriculum.errors import UsageError
from curriculum.experiment import Experiment
from curriculum.learn import (
    SGD,
    Adam,
    AdamW,
    Answer,
    Batch,
    Exam,
    Examined,
    Model,
    OptimizerSettings,
    RAdam,
    Scored,
    Sliced,
    Task,
    Training,
)
from curriculum.plan import (
    Arithmetic,
    Budget,
    Current,
    Decision,
    Explicit,
    Galloping,
    Gated,
    Geometric,
    Growth,
    Look,
    Mastery,
    Pacing,
    Sampling,
    Scheduler,
    Spending,
    Stage,
    Stuck,
    Tally,
    Verdict,
)
from curriculum.record.history import Result, StageResult

if TYPE_CHECKING:
    from curriculum.loading import load
    from curriculum.loop import run

__version__ = "0.1.0"

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Answer",
    "Arithmetic",
    "Batch",
    "Budget",
    "Current",
    "Decision",
    "Exam",
    "Examined",
    "Experiment",
    "Explicit",
    "Galloping",
    "Gated",
    "Geometric",
    "Growth",
    "Look",
    "Mastery",
    "Model",
    "OptimizerSettings",
    "Pacing",
    "RAdam",
    "Result",
    "Sampling",
    "Scheduler",
    "Scored",
    "Sliced",
    "Spending",
    "Stage",
    "StageResult",
    "Stuck",
    "Tally",
    "Task",
    "Training",
    "UsageError",
    "Verdict",
    "load",
    "run",
]

LAZY = {"load": "curriculum.loading", "run": "curriculum.loop"}
"""What loads torch, and the module that defines it."""


def __getattr__(name: str) -> Any:
    if name not in LAZY:
        raise AttributeError(f"module 'curriculum' has no attribute {name!r}")
    return getattr(importlib.import_module(LAZY[name]), name)
