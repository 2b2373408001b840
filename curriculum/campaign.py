"""Runs what a comparison still lacks, one after another or several at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from curriculum.attempting import Order, Terms, attempted, experiment_of
from curriculum.attempts import Planned
from curriculum.crew import Crew
from curriculum.errors import RunFailed, UsageError
from curriculum.learn.learner import resolve_device
from curriculum.learn.process import configure
from curriculum.record.circumstances import circumstances
from curriculum.record.history import History, Result
from curriculum.record.journal import Record
from curriculum.record.store import Store
from curriculum.report.attempt import NOT_OVER, WITHOUT_EFFECT, Attempt

__all__ = ["Campaign", "Hearer"]

ALIKE = ("device", "threads", "flush_denormal", "source_sha256", "git_commit")


class Hearer(Protocol):
    """Hears how runs go."""

    def looked(self, plan: Planned, record: Record) -> None:
        """A run under way was looked at; `record` is the look's."""

    def over(self, plan: Planned, result: Result) -> None:
        """A run is over."""


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

    def run(self, jobs: int, hearer: Hearer) -> bool:
        """Run what is missing, and say whether all of it was.

        A run that is interrupted saves itself, and the next call goes on with it.

        Raises:
            RunFailed: for what a run can't go on without, or where a process was killed; the
                others have saved themselves.
        """
        try:
            return self._here(hearer) if jobs == 1 else self._beside(jobs, hearer)
        except KeyboardInterrupt:
            return False

    def _here(self, hearer: Hearer) -> bool:
        configure(self.terms.threads)
        for plan, run_id in self.missing.items():

            def heard(record: Record, plan: Planned = plan) -> None:
                if record["kind"] == "look":
                    hearer.looked(plan, record)

            result = attempted(self.terms, _order(plan, run_id), heard)
            if not self._noted(plan, result, hearer):
                return False
        return True

    def _beside(self, jobs: int, hearer: Hearer) -> bool:
        """In processes of their own."""
        plans = {_order(plan, run_id): plan for plan, run_id in self.missing.items()}
        waiting = iter(plans)
        with Crew(min(jobs, len(plans)), self.terms) as crew:
            while True:
                while crew.has_room and (order := next(waiting, None)) is not None:
                    crew.start(order)
                if not crew.is_at_work:
                    return True
                for order, said in crew.news():
                    if not isinstance(said, Result):
                        hearer.looked(plans[order], said)
                    elif not self._noted(plans[order], said, hearer):
                        return False

    def _noted(self, plan: Planned, result: Result, hearer: Hearer) -> bool:
        """Whether a run is over, and not interrupted."""
        if result.status == "interrupted":
            return False
        self.there[plan] = result.run_id
        hearer.over(plan, result)
        return True

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


def _order(plan: Planned, run_id: str | None) -> Order:
    return Order(plan.strategy, plan.seed, plan.learning_rate, run_id)


def _key(seed: int, settings: Mapping[str, Any]) -> str:
    return json.dumps([seed, settings], sort_keys=True)


def _alike(begun: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether nothing besides settings and seed differs that a run's numbers depend on."""
    libraries = [
        {k: v for k, v in each["environment"].items() if k not in WITHOUT_EFFECT}
        for each in (begun, now)
    ]
    return libraries[0] == libraries[1] and all(begun[name] == now[name] for name in ALIKE)
