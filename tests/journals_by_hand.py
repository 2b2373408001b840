"""Descriptions and records of runs, made by hand."""

from collections.abc import Iterable
from typing import Any

from curriculum import Cost, Stage, Verdict
from curriculum.plan import Decision, VisitReason
from curriculum.record import (
    Evaluated,
    Event,
    History,
    MlflowSettings,
    Record,
    RolledBack,
    RunDescription,
    RunEnded,
    VisitEnded,
    VisitStarted,
)
from curriculum.record.events import Clock


def describe(**differences: Any) -> RunDescription:
    """The description of a run on two stages, but for what differs."""
    values: dict[str, Any] = {
        "id": "abcd1234",
        "experiment": "exp",
        "seed": 3,
        "created": 1.0,
        "task": "FirstBit",
        "model": "Recurrent",
        "strategy": "gated",
        "path": (Stage(2), Stage(4)),
        "settings": {},
        "config": None,
        "overrides": (),
        "source": None,
        "source_sha256": None,
        "classes_sha256": None,
        "user": "",
        "user_git_commit": None,
        "mlflow": MlflowSettings(),
        "tracking_uri": None,
        "optuna_storage": None,
        "withheld": (),
        "device": "cpu",
        "threads": 1,
        "flush_denormal": True,
        "dtype": "float32",
        "cpu_capability": "AVX2",
        "gpu": None,
        "environment": {},
        "git_commit": None,
    }
    return RunDescription(**(values | differences))


def history(description: RunDescription, events: Iterable[tuple[float, Event]]) -> History:
    """The history of events, each with the seconds since the run's start."""
    records = (Record(event, Clock(time=seconds, seconds=seconds)) for seconds, event in events)
    return History(description, records)


def cost_of(steps: int) -> Cost:
    """At ten tokens a step, and one unit of compute."""
    return Cost(steps=steps, tokens=10 * steps, compute=1.0 * steps)


def visit_started(
    visit: int,
    stage: Stage,
    reason: VisitReason = VisitReason.ADVANCE,
    *,
    retuning: bool = False,
    hidden_size: int = 20,
) -> VisitStarted:
    return VisitStarted(
        visit=visit,
        stage=stage,
        reason=reason,
        retuning=retuning,
        learning_rate=0.01,
        hidden_size=hidden_size,
    )


def evaluated(
    visit: int, stage: Stage, cost: Cost, reason: str = "", *, discarded_cost: Cost | None = None
) -> Evaluated:
    decision = Decision(
        mastered=False,
        cleared=False,
        reason=reason,
        metric="exact_match",
        threshold=1.0,
        score=0.5,
    )
    return Evaluated(
        visit=visit,
        stage=stage,
        train_loss=0.5,
        decision=decision,
        cost=cost,
        discarded_cost=discarded_cost or Cost(),
    )


def rolled_back(visit: int, number: int, step: int, score: float | None) -> RolledBack:
    """From that score at that step, to a score of .9 ten steps before."""
    return RolledBack(
        visit=visit,
        number=number,
        step=step,
        score=score,
        best_step=step - 10,
        best_score=0.9,
        learning_rate=0.01 / 3**number,
    )


def visit_ended(
    visit: int,
    stage: Stage,
    verdict: Verdict,
    reach: Stage | None,
    limit_reached: str | None = None,
) -> VisitEnded:
    return VisitEnded(
        visit=visit,
        stage=stage,
        verdict=verdict,
        limit_reached=limit_reached,
        kept=verdict is Verdict.MASTERED,
        reach=reach,
        next_stage=None,
        next_reason=None,
        weights_sha256="00",
    )


def run_ended(ending: str = "", **differences: Any) -> RunEnded:
    values: dict[str, Any] = {
        "status": "stopped",
        "ending": ending,
        "reach": None,
        "held": (),
        "retained": None,
        "extrapolated": None,
        "steps": 0,
        "tokens": 0,
        "weights_sha256": "00",
    }
    return RunEnded(**(values | differences))
