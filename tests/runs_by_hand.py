"""Runs made by hand, and their comparison."""

from collections.abc import Sequence
from typing import Any

from curriculum import Cost, Stage
from curriculum.comparison import Comparison, compare_runs
from curriculum.sweeps import RunSummary

PATH = (Stage(2), Stage(4), Stage(8))
CONDITIONS = {"budget.compute": 100.0, "task": "FirstBit", "torch": "2.13"}


def run_summary(
    strategy: str, seed: int, costs: Sequence[float], rate: float = 0.01, **more: Any
) -> RunSummary:
    """A run that mastered as many stages as there are costs, each in all so much."""
    values: dict[str, Any] = {
        "run_id": f"{strategy}-{seed}-{rate:g}",
        "strategy": strategy,
        "seed": seed,
        "learning_rate": rate,
        "created": 0.0,
        "path": PATH,
        "unit": "compute",
        "budget": 100.0,
        "conditions": CONDITIONS,
        "mastered": {
            place: Cost(steps=10, tokens=20, compute=cost, seconds=1.0)
            for place, cost in enumerate(costs)
        },
        "total": Cost(compute=100.0),
        "not_comparable": None,
    }
    return RunSummary(**(values | more))


def six(strategy: str, costs: Sequence[float], **more: Any) -> list[RunSummary]:
    return [run_summary(strategy, seed, costs, **more) for seed in range(6)]


def of(*runs: Sequence[RunSummary]) -> Comparison:
    return compare_runs("exp", [run for group in runs for run in group])
