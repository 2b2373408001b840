"""What a sweep would cost, before anything of it is run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

from curriculum.config import Experiment, deserialize, load_module
from curriculum.learn import OPERATIONS_A_SECOND, Learner, batch_of, resolve_device
from curriculum.plan import Cost, Stage
from curriculum.record import RunOverview, Store
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


def estimate_sweep(plan: SweepPlan) -> SweepEstimate:
    """The estimate: by runs of the store under the same settings, or else by the budgets.

    Raises:
        UsageError: where a user's file can't be imported again.
    """
    known, wanted = dict[str, list[Cost]](), frozenset(plan.run_ids)
    done = set[str]()
    for run_id, found in Store(plan.store).overviews():
        if isinstance(found, RunOverview) and found.totals.ended is not None:
            done |= {run_id} & wanted
            known.setdefault(_key(found.description.settings), []).append(found.totals.cost)
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
        compute=missing and missing * fmean((compute for compute, _, _ in looked_at), weights),
        core_seconds=missing and missing * fmean((seconds for _, seconds, _ in looked_at), weights),
        is_limit=any(is_limit for _, _, is_limit in looked_at),
    )


def _estimate(variant: RunVariant, known: Mapping[str, list[Cost]]) -> tuple[float, float, bool]:
    """The compute and the core-seconds of a run, and whether that is the most that it may cost."""
    module = None if variant.source is None else load_module(variant.source)
    experiment = deserialize(json.loads(variant.experiment), module)
    alike = known.get(_key(experiment.flat()))
    if alike:
        seconds = fmean(cost.seconds for cost in alike) * variant.threads
        return fmean(cost.compute for cost in alike), seconds, False
    compute = _most_compute(experiment)
    return compute, compute / OPERATIONS_A_SECOND, True


def _most_compute(experiment: Experiment) -> float:
    """What the budget allows, evaluations apart where it is not in compute."""
    budget, path = experiment.budget, experiment.growth.path()
    limits = []
    if budget.compute is not None:
        limits.append(budget.compute)
    if budget.seconds is not None:
        limits.append(budget.seconds * OPERATIONS_A_SECOND)
    last, tokens = _step(experiment, path[-1])
    if budget.steps is not None:
        limits.append(budget.steps * last)
    if budget.tokens is not None:
        limits.append(budget.tokens / tokens * last)
    if not limits:  # the middle of the path stands for all of it
        middle, _ = _step(experiment, path[len(path) // 2])
        limits.append(len(path) * budget.steps_per_stage * middle)
    return min(limits)


def _step(experiment: Experiment, stage: Stage) -> tuple[float, int]:
    """What a step on a stage is charged, and its tokens."""
    task, size = experiment.task, experiment.training.step_size(stage.length)
    batch = batch_of(task, stage, size, seed=0, stream="train", index=0)
    device = resolve_device("cpu")
    learner = Learner.start(experiment.shape, experiment.recipe, seed=0, device=device)
    return learner.step_compute(batch), batch.token_count


def _key(settings: Mapping[str, object]) -> str:
    return json.dumps(settings, sort_keys=True)
