"""What the arms of a portfolio cost before any was trained, and whether they can be raced at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch

from curriculum import learn
from curriculum.config import Experiment
from curriculum.errors import UsageError
from curriculum.plan import Cost

COPIES = 10
"""Of its parameters that a learner takes: weights, gradients and two moments, and two snapshots of these."""

BYTES = 4
"""Of a number."""

MEMORY = Path("/proc/meminfo")
"""Where Linux tells how much memory there is."""


def first_intervals(arms: Mapping[str, Experiment], learner: learn.Learner) -> dict[str, Cost]:
    """What each arm's first evaluation interval costs, by the stage that it trains on first."""
    return {name: _first_interval(arm, learner) for name, arm in arms.items()}


def _first_interval(experiment: Experiment, learner: learn.Learner) -> Cost:
    training, stage = experiment.training, experiment.scheduler().frontier
    size = training.step_size(stage.length)
    batch = learn.batch_of(experiment.task, stage, size, seed=0, stream="train", index=0)
    steps = training.eval_every
    return Cost(
        steps=steps, tokens=steps * batch.token_count, compute=steps * learner.step_compute(batch)
    )


def check_budget(experiment: Experiment, intervals: Mapping[str, Cost]) -> None:
    """Check that the budget of a run lets each of its arms come to an evaluation.

    Raises:
        UsageError: where it doesn't.
    """
    total = sum(intervals.values(), Cost())
    for name in ("steps", "tokens", "compute"):
        given, least = getattr(experiment.budget, name), getattr(total, name)
        if given is not None and given < least:
            raise UsageError(
                f"the budget of {len(intervals)} arms must let each come to its first evaluation: "
                f"budget.{name} must be at least {least:,.0f}, got {given:,.0f}; raise it, lower "
                f"training.eval_every ({experiment.training.eval_every}), or name fewer with --arms"
            )


def check_memory(experiment: Experiment, count: int, device: torch.device) -> None:
    """Check that the learners of so many arms fit into memory, as far as can be told before they are made.

    Raises:
        UsageError: where they don't.
    """
    parameters = learn.parameter_count(experiment.model, experiment.shape)
    free = _free_bytes(device)
    if parameters is None or free is None:
        return
    needed = count * COPIES * BYTES * parameters
    if needed > free:
        raise UsageError(
            f"the learners of {count} arms take some {needed / 1e9:,.1f} GB of memory, and {free / 1e9:,.1f} GB "
            f"are free; name fewer with --arms, or lower model.hidden_size "
            f"({experiment.model.hidden_size})"
        )


def _free_bytes(device: torch.device) -> int | None:
    """Of the memory that learners on a device are in; None where that can't be told."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type != "cpu":
        return None
    try:  # with what the system would give up of its caches
        found = re.search(r"^MemAvailable:\s+(\d+) kB", MEMORY.read_text(), re.MULTILINE)
    except OSError:  # no system that tells
        return None
    return None if found is None else 1024 * int(found[1])
