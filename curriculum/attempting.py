"""Runs one attempt of a comparison: a strategy with a seed at a learning rate."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from curriculum.attempts import Amount, on_equal_terms
from curriculum.catalogue import load_experiment
from curriculum.experiment import Experiment
from curriculum.learn.stop import Stop
from curriculum.overrides import override
from curriculum.record.history import Result
from curriculum.record.journal import Record
from curriculum.running import resume, run

__all__ = ["Order", "Terms", "attempted", "experiment_of"]


@dataclass(frozen=True, slots=True)
class Terms:
    """What all runs of a comparison have in common.

    Attributes:
        name: the experiment's name, or a file.
        overrides: of its settings, as typed.
        amount: what each strategy may spend with each seed.
        count: among how many learning rates it is shared.
        store: the folder of the runs.
        device: `auto`, `cpu` or `cuda`.
        threads: of each process.
    """

    name: str
    overrides: tuple[str, ...]
    amount: Amount
    count: int
    store: Path
    device: str
    threads: int


@dataclass(frozen=True, slots=True)
class Order:
    """Which run to make; where `run_id` is given, from where that one stands."""

    strategy: str
    seed: int
    learning_rate: float
    run_id: str | None = None


def attempted(terms: Terms, order: Order, listener: Callable[[Record], None]) -> Result:
    """Run to the end, or until SIGINT or SIGTERM; `listener` is called with each record."""
    base, source = experiment_of(terms.name, terms.overrides)
    strategy, rate = order.strategy, order.learning_rate
    experiment = on_equal_terms(base, strategy, terms.amount, rate, terms.count)
    around: dict[str, Any] = {
        "store": terms.store,
        "device": terms.device,
        "source": source,
        "mirror": False,
        "listener": listener,
        "stop": Stop(signal.SIGINT, signal.SIGTERM),
    }
    if order.run_id is not None:
        return resume(order.run_id, **around)
    limit = getattr(experiment.budget, terms.amount.unit)
    asked = ("--strategy", strategy, "--optimizer.learning-rate", repr(rate))
    budget = (f"--budget.{terms.amount.unit}", repr(limit))
    return run(experiment, order.seed, overrides=(*terms.overrides, *asked, *budget), **around)


@cache
def experiment_of(name: str, overrides: tuple[str, ...]) -> tuple[Experiment, Path]:
    """The experiment with its overrides, and the file that it is from."""
    with redirect_stdout(sys.stderr):  # a user's file may print
        experiment, source = load_experiment(name)
    return override(experiment, overrides), source
