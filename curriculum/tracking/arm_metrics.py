"""The metrics of a race of arms: what the run has cost as it goes on, and how far each arm is."""

from __future__ import annotations

from dataclasses import asdict

from mlflow.entities import Metric

from curriculum.plan import Stage
from curriculum.record import ArmEvaluated, ArmSelected, History, Record
from curriculum.tracking.metric_points import (
    last_timestamp,
    main_points,
    points,
    single_number,
    stage_numbers,
    timestamp_of,
)
from curriculum.tracking.metrics import progress


def race_metrics(history: History, record: Record) -> list[Metric]:
    """What all arms have cost together, and the reach of the one that has come farthest."""
    total, path = history.total_cost, history.description.path
    reached = [stage for stage in path if stage in {e.reach for e in history.arms.last.values()}]
    numbers = stage_numbers(history, reached[-1] if reached else None)
    single = single_number(numbers)
    values = {
        **progress(total, record.clock.seconds),
        f"arms/reach_{single}": numbers[single],
    }
    return points(values, timestamp_of(record.clock.time), total.steps)


def selection_metrics(history: History, event: ArmSelected) -> list[Metric]:
    """What the arms cost that the run is not made of: numbers of no step, which MLflow draws as bars."""
    discarded = event.discarded_cost.compute
    total = discarded + event.cost.compute
    values = {
        "arms/discarded_compute": discarded,
        "arms/discarded_share": discarded / total if total else 0.0,
    }
    return points(values, last_timestamp(history), 0)


def arm_metrics(history: History, event: ArmEvaluated, time: int) -> list[Metric]:
    """How far an arm is, by what it has cost alone, under the names of the run's own metrics."""
    report, cost = event.report, event.cost
    path = history.description.path  # which may have been changed since
    numbers = stage_numbers(history, event.reach if event.reach in path else None)
    single = single_number(numbers)
    main = {
        f"reach_{single}": numbers.pop(single),
        "score": report.score,
        "target_score": report.target_score,
        "target_loss": report.target_loss,
    }
    spent = asdict(cost)
    del spent["seconds"]  # arms take turns
    values: dict[str, float | None] = {
        **{f"progress/{name}": each for name, each in spent.items()},
        **{f"stage/reach_{name}": each for name, each in numbers.items()},
        **_stage(history, event.stage),
        "stage/passed": report.stages,
    }
    return [*main_points(main, time, cost), *points(values, time, cost.steps)]


def predicted_metrics(remaining: float, event: ArmEvaluated, time: int) -> list[Metric]:
    """What an arm is predicted to need yet, as of its last evaluation."""
    return points({"progress/predicted_compute": remaining}, time, event.cost.steps)


def _stage(history: History, stage: Stage) -> dict[str, int]:
    numbers = stage_numbers(history, stage, place=False)
    return {f"stage/{name}": value for name, value in numbers.items()}
