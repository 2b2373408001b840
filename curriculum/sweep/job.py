"""Makes one run of a sweep: a strategy with a seed at a learning rate."""

import signal
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from curriculum.config import Experiment, load_experiment, override
from curriculum.learn import StopRequest
from curriculum.record import Record, Result
from curriculum.runner import RunOptions, resume, run
from curriculum.sweep.grid import Amount, comparable_experiment


@dataclass(frozen=True, slots=True)
class SweepSettings:
    """What all runs of a sweep have in common.

    Attributes:
        name: the experiment's name, or a file.
        overrides: of its settings, as typed.
        amount: the budget of each strategy with each seed.
        rate_count: how many learning rates share it.
        store: the folder of the runs.
        device: `auto`, `cpu` or `cuda`.
        threads: of each process.
    """

    name: str
    overrides: tuple[str, ...]
    amount: Amount
    rate_count: int
    store: Path
    device: str
    threads: int


@dataclass(frozen=True, slots=True)
class Job:
    """Which run to make; where `run_id` is given, that one is resumed."""

    strategy: str
    seed: int
    learning_rate: float
    run_id: str | None = None


def make_run(settings: SweepSettings, job: Job, listener: Callable[[Record], None]) -> Result:
    """Run to the end, or until SIGINT or SIGTERM; `listener` is called with each record."""
    base, source = sweep_experiment(settings.name, settings.overrides)
    strategy, rate, amount = job.strategy, job.learning_rate, settings.amount
    options: RunOptions = {
        "store": settings.store,
        "device": settings.device,
        "source": source,
        "mirror": False,
        "listener": listener,
        "stop": StopRequest(signal.SIGINT, signal.SIGTERM),
    }
    if job.run_id is not None:
        return resume(job.run_id, **options)
    experiment = comparable_experiment(base, strategy, amount, rate, settings.rate_count)
    limit = getattr(experiment.budget, amount.unit)
    chosen = ("--strategy", strategy, "--optimizer.learning-rate", repr(rate))
    budget = (f"--budget.{amount.unit}", repr(limit))
    overrides = (*settings.overrides, *chosen, *budget)
    return run(experiment, job.seed, overrides=overrides, **options)


@cache
def sweep_experiment(name: str, overrides: tuple[str, ...]) -> tuple[Experiment, Path]:
    """The experiment with its overrides, and the file that it is from."""
    with redirect_stdout(sys.stderr):  # a user's file may print
        experiment, source = load_experiment(name)
    return override(experiment, overrides), source
