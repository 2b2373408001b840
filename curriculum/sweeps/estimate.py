"""What a sweep would cost, before anything of it is run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from curriculum.config import Experiment, deserialize, load_module
from curriculum.learn import OPERATIONS_A_SECOND
from curriculum.plan import Cost
from curriculum.record import RunOverview, Store
from curriculum.sweeps.step_cost import step_cost
from curriculum.sweeps.sweep_plan import SweepPlan
from curriculum.sweeps.variants import RunVariant

MOST_VARIANTS = 50
"""That are looked at; of more, these stand for the others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepEstimate:
    """What the missing runs of a sweep would cost.

    Attributes:
        runs: all of the sweep.
        done: those that are over.
        compute: of the missing ones.
        core_seconds: of one core each, likewise.
        is_limit: whether that is the most that they may cost, as there are no runs to go by.
    """

    runs: int
    done: int
    compute: float
    core_seconds: float
    is_limit: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class RunCost:
    """What a run would cost; `is_limit` is whether that is the most that it may."""

    compute: float
    core_seconds: float
    is_limit: bool


class KnownCosts:
    """What runs of a store that are over cost, by their settings.

    Attributes:
        done: the ids of all that are over.
    """

    def __init__(self, store: Path) -> None:
        self.done = set[str]()
        self._costs: dict[str, list[Cost]] = {}
        self._paces: dict[str, Cost] = {}
        for run_id, found in Store(store).overviews():
            if isinstance(found, RunOverview) and found.totals.ended is not None:
                cost, name = found.totals.cost, found.description.experiment
                self.done.add(run_id)
                self._costs.setdefault(_key(found.description.settings), []).append(cost)
                self._paces[name] = self._paces.get(name, Cost()) + cost

    def of(self, experiment: Experiment, threads: int) -> RunCost:
        """The cost of a run: the mean of those under the same settings, or else the most."""
        alike = self._costs.get(_key(experiment.flat()))
        if alike:
            return RunCost(
                compute=fmean(cost.compute for cost in alike),
                core_seconds=fmean(cost.seconds for cost in alike) * threads,
                is_limit=False,
            )
        compute = most_compute(experiment)
        return RunCost(compute=compute, core_seconds=compute / OPERATIONS_A_SECOND, is_limit=True)

    def compute_a_second(self, name: str) -> float | None:
        """That runs of an experiment took, whatever their settings; None where there are none."""
        found = self._paces.get(name)
        return found.compute / found.seconds if found is not None and found.seconds else None


def estimate_sweep(plan: SweepPlan) -> SweepEstimate:
    """The estimate: by runs of the store under the same settings, or else by the budgets.

    Raises:
        UsageError: where a user's file can't be imported again.
    """
    known = KnownCosts(plan.store)
    done = known.done & frozenset(plan.run_ids)
    incomplete = [
        (variant, count) for variant in plan.variants if (count := plan.missing(variant, done))
    ]
    chosen = incomplete[:: max(1, len(incomplete) // MOST_VARIANTS)]
    looked_at = [_estimate(variant, known) for variant, _ in chosen]
    weights = [count for _, count in chosen]
    missing = len(plan.run_ids) - len(done)
    return SweepEstimate(
        runs=len(plan.run_ids),
        done=len(done),
        compute=missing and missing * fmean((each.compute for each in looked_at), weights),
        core_seconds=missing
        and missing * fmean((each.core_seconds for each in looked_at), weights),
        is_limit=any(each.is_limit for each in looked_at),
    )


def _estimate(variant: RunVariant, known: KnownCosts) -> RunCost:
    module = None if variant.source is None else load_module(variant.source)
    experiment = deserialize(json.loads(variant.experiment), module)
    return known.of(experiment, variant.threads)


def most_compute(experiment: Experiment) -> float:
    """What a run's budget allows, evaluations apart where it is not in compute."""
    budget, path = experiment.budget, experiment.growth.path()
    limits = []
    if budget.compute is not None:
        limits.append(budget.compute)
    if budget.seconds is not None:
        limits.append(budget.seconds * OPERATIONS_A_SECOND)
    last, tokens = step_cost(experiment, path[-1])
    if budget.steps is not None:
        limits.append(budget.steps * last)
    if budget.tokens is not None:
        limits.append(budget.tokens / tokens * last)
    if not limits:  # the middle of the path stands for all of it
        middle, _ = step_cost(experiment, path[len(path) // 2])
        limits.append(len(path) * budget.steps_per_stage * middle)
    return min(limits)


def _key(settings: Mapping[str, object]) -> str:
    return json.dumps(settings, sort_keys=True)
