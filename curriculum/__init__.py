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
        Guess,
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
        STRATEGIES,
        Arithmetic,
        Bandit,
        Budget,
        Certificate,
        Combined,
        Current,
        Decision,
        Direct,
        Explicit,
        Galloping,
        Gated,
        Geometric,
        Growth,
        Hardest,
        Linear,
        Look,
        LookBack,
        LookBackAndAhead,
        MasteringRate,
        Mastery,
        Mixed,
        Pacing,
        Root,
        Sampler,
        Sampling,
        Scheduler,
        Signal,
        Spending,
        Stage,
        Strategy,
        Stuck,
        Tally,
        Teacher,
        Uniform,
        Verdict,
        strategy_of,
    )
    from curriculum.record.history import Result, StageResult
    from curriculum.record.saving import Saving
    from curriculum.running import resume, run
    from curriculum.tune import Choices, Range, Tuning

__version__ = "0.1.0"

__all__ = [
    "SGD",
    "STRATEGIES",
    "Adam",
    "AdamW",
    "Answer",
    "Arithmetic",
    "Bandit",
    "Batch",
    "Budget",
    "Certificate",
    "Choices",
    "Combined",
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
    "Guess",
    "Hardest",
    "Linear",
    "Look",
    "LookBack",
    "LookBackAndAhead",
    "MasteringRate",
    "Mastery",
    "Mixed",
    "Model",
    "OptimizerSettings",
    "Pacing",
    "RAdam",
    "Range",
    "Result",
    "Root",
    "RunFailed",
    "Sampler",
    "Sampling",
    "Saving",
    "Scheduler",
    "Scored",
    "Shape",
    "Shaped",
    "Signal",
    "Sliced",
    "Spending",
    "Stage",
    "StageResult",
    "Stop",
    "Strategy",
    "Streamed",
    "Stuck",
    "Tally",
    "Task",
    "Teacher",
    "Training",
    "Tuning",
    "Uniform",
    "UsageError",
    "Verdict",
    "Widens",
    "Worded",
    "load",
    "resume",
    "run",
    "strategy_of",
]

HOMES = {
    "curriculum.errors": "RunFailed UsageError",
    "curriculum.experiment": "Experiment",
    "curriculum.learn": "Adam AdamW Answer Batch Contiguous Exam Examined Guess Model OptimizerSettings RAdam SGD Scored Shape Shaped Sliced Stop Streamed Task Training Widens Worded",
    "curriculum.plan": "Arithmetic Bandit Budget Certificate Combined Current Decision Direct Explicit Galloping Gated Geometric Growth Hardest Linear Look LookBack LookBackAndAhead MasteringRate Mastery Mixed Pacing Root STRATEGIES Sampler Sampling Scheduler Signal Spending Stage Strategy Stuck Tally Teacher Uniform Verdict strategy_of",
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
