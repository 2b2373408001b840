"""The types of what a scheduler's state holds, as it is saved in a checkpoint.

They are spelled out without defaults: what is missing is damage, and not the beginning of a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from curriculum.plan import Cost, EvaluationCounts, Stage, VisitReason
from curriculum.record.codec import decode

Numbers = float | tuple[float, ...] | None
Learnt = Numbers | tuple[Numbers | tuple[Numbers, ...], ...]
"""What a sampler that learns may keep: numbers, and lists of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Position:
    aim: int
    trail: tuple[int, ...]
    reach: int
    stride: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Network:
    rate_exponent: int
    started: float
    farthest: int
    longest_visit: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Backtracker:
    networks: tuple[_Network, ...]
    retries: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rate:
    count: int
    before: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _BestState:
    counts: tuple[int, int] | None
    steps: int
    is_newest: bool
    worse: int
    mean: tuple[float, float, int] | None = None  # of a score in a range of its own alone


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plateau:
    start: int
    points: tuple[
        tuple[int, float, int, float | None] | tuple[int, float, int, float | None, float], ...
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Monitor:
    rollbacks: int
    best: _BestState
    plateau: _Plateau


@dataclass(frozen=True, kw_only=True, slots=True)
class _Scheduler:
    stage: Stage
    visit_reason: VisitReason
    counts: Mapping[str, EvaluationCounts]
    visit: int
    retuning: bool
    finished: bool
    ending: str | None
    compute_before: float
    position: _Position
    sampler: Mapping[str, Learnt]
    backtracker: _Backtracker
    rate: _Rate
    monitor: _Monitor
    cost: Cost
    discarded_cost: Cost
    cost_before: Cost


def check_scheduler_state(state: Mapping[str, Any]) -> None:
    """Check the types of all that `Scheduler.state_dict` gives.

    Raises:
        Malformed: where anything is of another type.
    """
    decode(_Scheduler, dict(state))
