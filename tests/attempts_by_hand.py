"""Runs made by hand, and what is compared of them."""

from collections.abc import Sequence
from typing import Any

from curriculum import Spending, Stage
from curriculum.report.attempt import Attempt
from curriculum.report.comparison import Comparison, compared

PATH = (Stage(2), Stage(4), Stage(8))
TERMS = {"budget.compute": 100.0, "task": "FirstBit", "torch": "2.13"}


def attempt(
    strategy: str, seed: int, costs: Sequence[float], rate: float = 0.01, **more: Any
) -> Attempt:
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
        "terms": TERMS,
        "mastered": {
            place: Spending(steps=10, tokens=20, compute=cost, seconds=1.0)
            for place, cost in enumerate(costs)
        },
        "total": Spending(compute=100.0),
        "unfit": None,
    }
    return Attempt(**(values | more))


def six(strategy: str, costs: Sequence[float], **more: Any) -> list[Attempt]:
    return [attempt(strategy, seed, costs, **more) for seed in range(6)]


def of(*runs: Sequence[Attempt]) -> Comparison:
    return compared("exp", [run for group in runs for run in group])
