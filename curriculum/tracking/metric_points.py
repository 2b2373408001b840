"""Points of metrics: at which step of a run and when, and the numbers that a stage is shown by."""

from __future__ import annotations

from collections.abc import Mapping

from mlflow.entities import Metric

from curriculum.plan import Cost, Stage, growing_axes
from curriculum.record import History

COMPUTE_UNIT = 1e6
"""Steps are whole numbers; against compute, one is a million FLOP equivalents."""


def main_points(values: Mapping[str, float | None], timestamp: int, cost: Cost) -> list[Metric]:
    """What is looked at first, by compute and by step; None is no point."""
    steps = {"by_compute": round(cost.compute / COMPUTE_UNIT), "by_step": cost.steps}
    return [
        point
        for section, step in steps.items()
        for point in points({f"{section}/{n}": v for n, v in values.items()}, timestamp, step)
    ]


def points(values: Mapping[str, float | None], timestamp: int, step: int) -> list[Metric]:
    """A point of each metric that has a value."""
    return [
        Metric(key, float(value), timestamp, step)
        for key, value in values.items()
        if value is not None
    ]


def cost_then(history: History) -> Cost:
    """What a run had cost altogether when its last record was made: the step of its points.

    The record of a portfolio's selected arm follows on the race. Each of its points stands where the race
    was by then, so that costs grow with the times of day.
    """
    if history.arms.selected is None or history.training_end is not None:
        return history.total_cost
    own = history.cost + history.discarded_cost
    return own + history.arms.cost_of_others(own.compute)


def stage_numbers(history: History, stage: Stage | None, *, place: bool = True) -> dict[str, int]:
    """What tells a stage of the path from the others, as numbers; all are 0 for none.

    Its place on the path, counted from 1, is one number where several of its numbers grow.
    """
    path = history.description.path
    names = growing_axes(path) or ("length",)
    found = {name: 0 if stage is None else getattr(stage, name) for name in names}
    if place and len(names) > 1:
        found["place"] = 0 if stage is None else 1 + path.index(stage)
    return found


def single_number(numbers: Mapping[str, int]) -> str:
    """The number that says how far along the path it is: where two grow, its place."""
    return "place" if "place" in numbers else next(iter(numbers))


def timestamp_of(time: float) -> int:
    """A time of day as MLflow counts it, in milliseconds."""
    return int(time * 1000)


def last_timestamp(history: History) -> int:
    """When the last record was written, or the run started."""
    return timestamp_of(history.last_written)
