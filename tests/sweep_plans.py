"""Plans of sweeps of one experiment."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from curriculum import Experiment
from curriculum.sweeps import SweepPlan, VariantRequest, run_variants


def plan_of(
    experiment: Experiment,
    seeds: Sequence[int] = (0, 1),
    store: Path = Path("store"),
    grid: Mapping[str, Sequence[str]] | None = None,
    **request: Any,
) -> SweepPlan:
    """The plan of a sweep of one experiment."""
    made = VariantRequest(grid=grid or {}, **request)
    return SweepPlan(
        variants=tuple(run_variants(experiment, None, made)), seeds=tuple(seeds), store=store
    )
