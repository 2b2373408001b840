"""Makes one run of a sweep: a strategy with a seed at a learning rate."""

import json
import signal
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from curriculum.config import Experiment, deserialize, load_module
from curriculum.learn import StopRequest
from curriculum.record import Record, Result
from curriculum.runner import RunOptions, resume, run
from curriculum.sweeps.grid import Amount, Until, comparable_experiment


@dataclass(frozen=True, slots=True)
class SweepSettings:
    """What all runs of a sweep have in common.

    Attributes:
        experiment: what the runs are of, but for strategy, budget and learning rate, serialized.
        source: the user's file that defines its task or model.
        overrides: of its settings, as typed, for the record.
        amount: the budget of each strategy with each seed.
        rate_count: how many learning rates share it.
        store: the folder of the runs.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        threads: of each process.
        until: what they train until.
    """

    experiment: str
    source: str | None
    overrides: tuple[str, ...]
    amount: Amount
    rate_count: int
    store: Path
    device: str
    threads: int
    until: Until = "target"


@dataclass(frozen=True, slots=True)
class Job:
    """Which run to make; where `run_id` is given, that one is resumed."""

    strategy: str
    seed: int
    learning_rate: float
    run_id: str | None = None


def make_run(
    settings: SweepSettings,
    job: Job,
    listener: Callable[[Record], None],
    base: Experiment | None = None,
) -> Result:
    """Run to the end, or until SIGINT or SIGTERM.

    Args:
        settings: of the sweep.
        job: the run.
        listener: called with each record.
        base: the settings' experiment; by default it is made of what they hold.
    """
    source = None if settings.source is None else Path(settings.source)
    base = base or _experiment(settings.experiment, source)
    strategy, rate, amount = job.strategy, job.learning_rate, settings.amount
    experiment = comparable_experiment(
        base, strategy, amount, rate, settings.rate_count, until=settings.until
    )
    options: RunOptions = {
        "store": settings.store,
        "device": settings.device,
        "threads": settings.threads,
        "source": source,
        "mirror": False,
        "listener": listener,
        "stop": StopRequest(signal.SIGINT, signal.SIGTERM),
    }
    if job.run_id is not None:
        return resume(job.run_id, experiment=experiment, **options)
    limit = getattr(experiment.budget, amount.unit)
    chosen = ("--strategy", strategy, "--optimizer.learning-rate", repr(rate))
    budget = (f"--budget.{amount.unit}", repr(limit))
    until = ("--budget.until", settings.until) if settings.until != "target" else ()
    overrides = (*settings.overrides, *chosen, *budget, *until)
    return run(experiment, job.seed, overrides=overrides, **options)


@cache
def _experiment(serialized: str, source: Path | None) -> Experiment:
    with redirect_stdout(sys.stderr):  # a user's file may print
        module = None if source is None else load_module(source)
    return deserialize(json.loads(serialized), module)
