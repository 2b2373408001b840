"""Runs what a comparison still lacks, one after another or several at a time."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
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
from curriculum.record.store import RunFolder, Store
from curriculum.report.attempt import WITHOUT_EFFECT
from curriculum.running import run

__all__ = ["Campaign", "Terms", "experiment_of"]

Outcomes = Generator[tuple[Planned, Result], None, None]
Tell = Callable[[Planned, Result], None]

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
        there: by planned run, the one that is over.
        missing: what is to be run, or gone on with.
    """

    def __init__(self, terms: Terms, plans: Sequence[Planned]) -> None:
        self.terms = terms
        self.there: dict[Planned, str] = {}
        self.missing: list[Planned] = []
        known = self._known(plans[0]) if plans else {}
        for plan in plans:
            found = known.get(_key(plan.seed, plan.experiment.flat()))
            if found is None:
                self.missing.append(plan)
            else:
                self.there[plan] = found

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
        return True

    def _here(self) -> Outcomes:
        configure(self.terms.threads)
        for plan in self.missing:
            yield plan, attempted(self.terms, plan.strategy, plan.seed, plan.learning_rate)

    def _beside(self, jobs: int) -> Outcomes:
        """In processes of their own; an interrupt reaches these too."""
        pool = ProcessPoolExecutor(
            jobs, get_context("spawn"), initializer=_begin, initargs=(self.terms.threads,)
        )
        waiting, open_runs = iter(self.missing), dict[Future[Result], Planned]()
        try:
            while True:
                for plan in waiting:
                    where = (plan.strategy, plan.seed, plan.learning_rate)
                    open_runs[pool.submit(attempted, self.terms, *where)] = plan
                    if len(open_runs) == jobs:
                        break
                if not open_runs:
                    return
                over, _ = wait(open_runs, return_when=FIRST_COMPLETED)
                for future in over:
                    yield open_runs.pop(future), future.result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _known(self, plan: Planned) -> dict[str, str]:
        """By seed and settings, the store's runs that are over and went under today's circumstances."""
        terms, found = self.terms, dict[str, str]()
        now = circumstances(
            plan.experiment,
            plan.seed,
            resolve_device(terms.device),
            source=experiment_of(terms.name, terms.overrides)[1],
        )
        for folder in Store(terms.store).runs():
            try:
                begun = folder.description()
            except UsageError:
                continue
            if (
                begun["experiment"] == plan.experiment.name
                and _alike(begun, now)
                and _is_over(folder)
            ):
                found[_key(begun["seed"], begun["settings"])] = folder.id
        return found


def attempted(terms: Terms, strategy: str, seed: int, rate: float) -> Result:
    """One run of a comparison, to its end or to an interrupt."""
    base, source = experiment_of(terms.name, terms.overrides)
    experiment = on_equal_terms(base, strategy, terms.amount, rate, terms.count)
    asked = (*terms.overrides, "--strategy", strategy, "--optimizer.learning-rate", f"{rate:g}")
    return run(
        experiment,
        seed,
        store=terms.store,
        device=terms.device,
        source=source,
        mirror=False,
        resume=True,
        stop=Stop(signal.SIGINT, signal.SIGTERM),
        overrides=(
            *asked,
            f"--budget.{terms.amount.unit}",
            f"{terms.amount.value / terms.count:g}",
        ),
    )


@cache
def experiment_of(name: str, overrides: tuple[str, ...]) -> tuple[Experiment, Path]:
    """The experiment with its overrides, and the file that it is from."""
    with redirect_stdout(sys.stderr):  # a user's file may print
        experiment, source = load_experiment(name)
    return override(experiment, overrides), source


def _begin(threads: int) -> None:
    """Make a worker ready: only a run that is under way listens to interrupts."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    configure(threads)


def _key(seed: int, settings: Mapping[str, Any]) -> str:
    return json.dumps([seed, settings], sort_keys=True)


def _alike(begun: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether nothing besides settings and seed differs that a run's numbers depend on."""
    libraries = [
        {k: v for k, v in each["environment"].items() if k not in WITHOUT_EFFECT}
        for each in (begun, now)
    ]
    return libraries[0] == libraries[1] and all(begun[name] == now[name] for name in ALIKE)


def _is_over(folder: RunFolder) -> bool:
    try:
        return History.of(folder).end is not None
    except (OSError, ValueError, LookupError, TypeError, RunFailed):
        return False
