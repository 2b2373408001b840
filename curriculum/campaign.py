"""Runs what a comparison still lacks, one after another or several at a time."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from curriculum.attempts import Amount, Planned, on_equal_terms
from curriculum.catalogue import load_experiment
from curriculum.errors import RunFailed, UsageError
from curriculum.experiment import Experiment
from curriculum.learn.learner import resolve_device
from curriculum.learn.process import configure
from curriculum.learn.stop import Stop
from curriculum.overrides import override
from curriculum.record.circumstances import circumstances
from curriculum.record.history import History, Result
from curriculum.record.store import Store
from curriculum.report.attempt import NOT_OVER, WITHOUT_EFFECT, Attempt
from curriculum.running import resume, run

__all__ = ["Campaign", "Terms", "experiment_of"]

Outcomes = Generator[tuple[Planned, Result], None, None]
Tell = Callable[[Planned, Result], None]

PARENT_SECONDS = 1.0
ALIKE = ("device", "threads", "flush_denormal", "source_sha256", "git_commit")


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


class Campaign:
    """The runs of a comparison: those that are there, and those that are to be run.

    Attributes:
        terms: what all have in common.
        plans: all of them.
        there: by planned run, the one that is over, and can be compared.
        missing: what is to be run, and the id of a run to go on with, if there is one.
    """

    def __init__(self, terms: Terms, plans: Sequence[Planned]) -> None:
        self.terms, self.plans = terms, plans
        self.there: dict[Planned, str] = {}
        self.missing: dict[Planned, str | None] = {}
        known = self._known(plans[0]) if plans else {}
        for plan in plans:
            history = known.get(_key(plan.seed, plan.experiment.flat()))
            run_id = None if history is None else str(history.description["id"])
            if history is None or run_id is None or history.end is None:
                self.missing[plan] = run_id
            else:
                self.there[plan] = run_id

    def run(self, jobs: int, tell: Tell) -> bool:
        """Run what is missing, and say whether all of it was; `tell` hears of each that is over.

        A run that is interrupted saves itself, and the next call goes on with it.
        """
        outcomes = self._here() if jobs == 1 else self._beside(jobs)
        try:
            for plan, result in outcomes:
                if result.status == "interrupted":
                    return False
                self.there[plan] = result.run_id
                tell(plan, result)
        except KeyboardInterrupt:
            outcomes.close()  # which waits until what is under way has saved itself
            return False
        except BrokenProcessPool as error:
            raise RunFailed(
                "a process of the comparison was killed, for want of memory perhaps; the same command "
                "goes on, with fewer --jobs if need be"
            ) from error
        return True

    def _here(self) -> Outcomes:
        configure(self.terms.threads)
        for plan, run_id in self.missing.items():
            where = (plan.strategy, plan.seed, plan.learning_rate)
            yield plan, attempted(self.terms, *where, run_id)

    def _beside(self, jobs: int) -> Outcomes:
        """In processes of their own; an interrupt reaches these too."""
        pool = ProcessPoolExecutor(
            jobs, get_context("spawn"), initializer=_begin, initargs=(self.terms.threads,)
        )
        waiting, open_runs = iter(self.missing.items()), dict[Future[Result], Planned]()
        try:
            while True:
                for plan, run_id in waiting:
                    where = (plan.strategy, plan.seed, plan.learning_rate)
                    open_runs[pool.submit(attempted, self.terms, *where, run_id)] = plan
                    if len(open_runs) == jobs:
                        break
                if not open_runs:
                    return
                over, _ = wait(open_runs, return_when=FIRST_COMPLETED)
                for future in over:
                    yield open_runs.pop(future), future.result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _known(self, plan: Planned) -> dict[str, History]:
        """By seed and settings, the store's runs under today's circumstances that may be compared.

        Of several the newest; but one that is over comes before any that is not.
        """
        terms, found = self.terms, dict[str, History]()
        now = circumstances(
            plan.experiment,
            plan.seed,
            resolve_device(terms.device),
            source=experiment_of(terms.name, terms.overrides)[1],
        )
        for folder in Store(terms.store).runs():
            try:
                begun = folder.description()
                if begun["experiment"] != plan.experiment.name or not _alike(begun, now):
                    continue
                history = History.of(folder)
            except (UsageError, RunFailed):
                continue
            key = _key(begun["seed"], begun["settings"])
            over = key in found and found[key].end is not None
            if Attempt.of(history).unfit in (None, NOT_OVER) and not (over and history.end is None):
                found[key] = history
        return found


def attempted(
    terms: Terms, strategy: str, seed: int, rate: float, run_id: str | None = None
) -> Result:
    """One run of a comparison, from its beginning or where `run_id` stands, to its end or a stop."""
    base, source = experiment_of(terms.name, terms.overrides)
    experiment = on_equal_terms(base, strategy, terms.amount, rate, terms.count)
    around: dict[str, Any] = {
        "store": terms.store,
        "device": terms.device,
        "source": source,
        "mirror": False,
        "stop": Stop(signal.SIGINT, signal.SIGTERM),
    }
    if run_id is not None:
        return resume(run_id, **around)
    limit = getattr(experiment.budget, terms.amount.unit)
    asked = ("--strategy", strategy, "--optimizer.learning-rate", repr(rate))
    budget = (f"--budget.{terms.amount.unit}", repr(limit))
    return run(experiment, seed, overrides=(*terms.overrides, *asked, *budget), **around)


@cache
def experiment_of(name: str, overrides: tuple[str, ...]) -> tuple[Experiment, Path]:
    """The experiment with its overrides, and the file that it is from."""
    with redirect_stdout(sys.stderr):  # a user's file may print
        experiment, source = load_experiment(name)
    return override(experiment, overrides), source


def _begin(threads: int) -> None:
    """Make a worker ready: only a run that is under way listens to interrupts."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    configure(threads)


def _end_with(parent: int) -> None:
    """Stop this process in order when its parent is gone, whoever killed that."""
    while os.getppid() == parent:
        time.sleep(PARENT_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def _key(seed: int, settings: Mapping[str, Any]) -> str:
    return json.dumps([seed, settings], sort_keys=True)


def _alike(begun: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether nothing besides settings and seed differs that a run's numbers depend on."""
    libraries = [
        {k: v for k, v in each["environment"].items() if k not in WITHOUT_EFFECT}
        for each in (begun, now)
    ]
    return libraries[0] == libraries[1] and all(begun[name] == now[name] for name in ALIKE)
