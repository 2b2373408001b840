"""Curriculum learning of sequence models: how far can a model get?

Public names are imported when they are first used, so that importing this package is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from curriculum.errors import RunFailed, UsageError
    from curriculum.experiment import Experiment
    from curriculum.learn import (
        SGD,
        Adam,
        AdamW,
        Answer,
        Batch,
        Contiguous,
        Exam,
        Examined,
        Model,
        OptimizerSettings,
        RAdam,
        Scored,
        Shape,
        Shaped,
        Sliced,
        Stop,
        Streamed,
        Task,
        Training,
        Widens,
        Worded,
    )
    from curriculum.loading import load
    from curriculum.plan import (
        Arithmetic,
        Budget,
        Current,
        Decision,
        Direct,
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
    from curriculum.record.saving import Saving
    from curriculum.running import resume, run
    from curriculum.tune import Choices, Range, Tuning

__version__ = "0.1.0"

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Answer",
    "Arithmetic",
    "Batch",
    "Budget",
    "Choices",
    "Contiguous",
    "Current",
    "Decision",
    "Direct",
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
    "Range",
    "Result",
    "RunFailed",
    "Sampling",
    "Saving",
    "Scheduler",
    "Scored",
    "Shape",
    "Shaped",
    "Sliced",
    "Spending",
    "Stage",
    "StageResult",
    "Stop",
    "Streamed",
    "Stuck",
    "Tally",
    "Task",
    "Training",
    "Tuning",
    "UsageError",
    "Verdict",
    "Widens",
    "Worded",
    "load",
    "resume",
    "run",
]

HOMES = {
    "curriculum.errors": "RunFailed UsageError",
    "curriculum.experiment": "Experiment",
    "curriculum.learn": "SGD Adam AdamW Answer Batch Contiguous Exam Examined Model OptimizerSettings RAdam Scored Shape Shaped Sliced Stop Streamed Task Training Widens Worded",
    "curriculum.plan": "Arithmetic Budget Current Decision Direct Explicit Galloping Gated Geometric Growth Look Mastery Pacing Sampling Scheduler Spending Stage Stuck Tally Verdict",
    "curriculum.record.history": "Result StageResult",
    "curriculum.tune": "Choices Range Tuning",
    "curriculum.loading": "load",
    "curriculum.record.saving": "Saving",
    "curriculum.running": "resume run",
}
"""The modules that define the public names."""

_HOME = {name: module for module, names in HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'curriculum' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
