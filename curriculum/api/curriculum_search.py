"""The search over curricula, in the order of what it decides: rounds of trials, rungs, the confirmation."""

from __future__ import annotations

import os
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol

from curriculum import record, sweeps, tune
from curriculum.api.optimization_plan import ROUND, OptimizationPlan
from curriculum.api.stored_study import StoredStudy, studied
from curriculum.comparison import (
    Confirmation,
    CurriculumTrial,
    Optimization,
    SeedResult,
    TargetCost,
)
from curriculum.config import Experiment
from curriculum.errors import RunFailed, UsageError

Batches = Generator[Sequence[sweeps.Job], None, None]
"""Jobs that may be made at the same time; what comes next depends on them."""


class OptimizationListener(Protocol):
    """Receives the progress of a search."""

    def on_runs(self, run_ids: Sequence[str], done: Collection[str]) -> None:
        """A rung has these runs, of which some are over; the others are made now."""

    def on_rung(self, number: int, racing: int, trials: int) -> None:
        """So many trials begin a rung, once so many are over."""

    def on_round(self, trials: Sequence[CurriculumTrial]) -> None:
        """A round is over: these are all trials so far."""

    def on_confirmation(self, best: CurriculumTrial) -> None:
        """All trials are over, and the best is run on fresh seeds."""


@dataclass
class _Contender:
    """A curriculum in the race.

    Attributes:
        experiment: None where its settings don't fit together.
        results: by seed, at the largest budget so far.
        made: by budget and learning rate, the experiment as it is run, and what its runs' ids depend on.
    """

    number: int
    name: str
    settings: Mapping[str, Any]
    words: tuple[str, ...]
    experiment: Experiment | None
    problem: str | None = None
    complete: bool = False
    results: dict[int, SeedResult] = field(default_factory=dict)
    costs: list[TargetCost] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    made: dict[tuple[float, float], tuple[Experiment, str]] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return self.name or f"trial {self.number}"

    def is_settled(self, seed: int) -> bool:
        """Whether a larger budget would change nothing of that seed.

        The target was passed within a smaller one, and nothing but a clock, which a budget winds, depends
        on how much is left.
        """
        assert self.experiment is not None
        found = self.results.get(seed)
        clocked = self.experiment.pacing.uses_clock
        return found is not None and found.target_cost is not None and not clocked

    def trial(self) -> CurriculumTrial:
        """What it came to."""
        return CurriculumTrial(
            number=self.number,
            name=self.name,
            settings=self.settings,
            words=self.words,
            costs=tuple(self.costs),
            values=tuple(self.values),
            complete=self.complete,
            problem=self.problem,
        )


class CurriculumSearch:
    """A search over curricula; a pure function of its plan and of what its runs come to.

    Runs that the store has are not made again, so that a search that is started anew continues.

    Args:
        plan: of the search.
        listener: is told of its progress.
        study: that the trials are kept in; None for none.

    Attributes:
        experiments: by run id, of the jobs so far.
    """

    def __init__(
        self,
        plan: OptimizationPlan,
        listener: OptimizationListener,
        study: StoredStudy | None = None,
    ) -> None:
        self.experiments: dict[str, Experiment] = {}
        self._plan, self._listener, self._study = plan, listener, study
        self._store = record.Store(plan.settings.store)
        self._over: dict[str, sweeps.RunSummary] = {}

    def batches(self) -> Generator[Sequence[sweeps.Job], None, Optimization]:
        """The jobs of the search, batch by batch; then what it came to."""
        plan, trials = self._plan, list[CurriculumTrial]()
        experiments: dict[int, Experiment] = {}
        while len(trials) < plan.settings.trials:
            contenders = self._round(trials)
            experiments |= {c.number: c.experiment for c in contenders if c.experiment is not None}
            yield from self._race(contenders)
            trials += [contender.trial() for contender in contenders]
            if self._study is not None:
                self._study.add(trials)
            self._listener.on_round(trials)
        best = self._best(trials, experiments)
        confirmation = None
        if not best.name:
            self._listener.on_confirmation(best)
            confirmation = yield from self._confirm(best, experiments[best.number])
        if self._study is not None:
            self._study.close()
        parameters = plan.space.parameters
        return Optimization(
            experiment=plan.experiment.name,
            unit=plan.amount.unit,
            budget=plan.amount.value,
            learning_rates=plan.rates,
            seeds=plan.settings.seeds,
            parameters=parameters,
            trials=tuple(trials),
            best=best,
            importances=tune.curriculum_importances(parameters, map(studied, trials)),
            confirmation=confirmation,
        )

    def _round(self, trials: Sequence[CurriculumTrial]) -> list[_Contender]:
        """The next trials: first what is always tried, and then what Optuna proposes."""
        plan, begun = self._plan, len(trials)
        size = min(ROUND, plan.settings.trials - begun)
        always = {} if begun else plan.always
        found = [
            _Contender(number, name, plan.space.values_of(experiment), words, experiment)
            for number, (name, (experiment, words)) in enumerate(always.items())
        ]
        proposed = tune.propose_curricula(
            plan.space.parameters,
            map(studied, trials),
            size - len(found),
            seed=(plan.settings.seed * 1_000_003 + begun) % 2**32,
        )
        for settings in proposed:
            number, experiment, problem = begun + len(found), None, None
            words: tuple[str, ...] = ()
            try:
                experiment = plan.space.experiment(settings)
                words = plan.space.command(settings)
                for rung in plan.rungs:
                    plan.comparable(experiment, rung.amount, plan.rates[0])
            except UsageError as error:  # each by itself may be had, and not all together
                experiment, problem = None, str(error)
            found.append(_Contender(number, "", settings, words, experiment, problem))
        return found

    def _race(self, contenders: Sequence[_Contender]) -> Batches:
        """Give each rung to those that are left; what is always tried stays, to be compared with."""
        racing = [each for each in contenders if each.experiment is not None]
        path = self._plan.space.base.growth.path()
        for number, rung in enumerate(self._plan.rungs):
            self._listener.on_rung(number, len(racing), contenders[0].number)
            yield from self._evaluate(racing, rung)
            for each in racing:
                results = {seed: each.results[seed] for seed in rung.seeds}
                each.costs.append(TargetCost(results, rung.amount.value, rung.amount.unit))
                each.values.append(each.costs[-1].ranked(path))
            best = sweeps.best_third({c.number: c.values[-1] for c in racing if not c.name})
            if number < len(self._plan.rungs) - 1:
                racing = [each for each in racing if each.name or each.number in best]
        for each in racing:
            each.complete = True

    def _evaluate(self, racing: Sequence[_Contender], rung: sweeps.Rung) -> Batches:
        """Have made what is missing of a rung, and take the results."""
        planned = {
            (at, seed): [*self._planned(each, seed, rung.amount)]
            for at, each in enumerate(racing)
            for seed in rung.seeds
            if not each.is_settled(seed)
        }
        wanted = {job.run_id: job for found in planned.values() for job in found}
        jobs = [job for run_id, job in wanted.items() if run_id not in self._over]
        self._listener.on_runs([*wanted], wanted.keys() & self._over.keys())
        if jobs:
            yield jobs
        for (at, seed), found in planned.items():
            runs = tuple(self._summary(job.run_id) for job in found)
            racing[at].results[seed] = SeedResult(runs, rung.amount.unit)

    def _planned(
        self, contender: _Contender, seed: int, amount: sweeps.Amount
    ) -> Iterator[sweeps.Job]:
        """The run of each learning rate."""
        assert contender.experiment is not None
        for rate in self._plan.rates:
            key = amount.value, rate
            if key not in contender.made:
                made = self._plan.comparable(contender.experiment, amount, rate)
                settled = sweeps.settled_part(made, self._plan.settings.source)
                contender.made[key] = made, settled
            made, settled = contender.made[key]
            run_id = self._run_id(settled, seed)
            self.experiments[run_id] = made
            yield self._plan.job(run_id, made, seed, contender.label, contender.words)

    def _run_id(self, settled: str, seed: int) -> str:
        """The id of the run; one that was changed so that it can't be compared is not used again."""
        for number in count():
            found = sweeps.planned_run_id(settled, seed, dict(self._plan.provenance), number)
            if found in self._over or not os.path.lexists(self._store.folder(found).path):
                return found
            summary = sweeps.RunSummary.of(record.RunOverview.of(self._store.folder(found)))
            if summary.not_comparable is None:
                self._over[found] = summary
            if summary.not_comparable in (None, sweeps.NOT_OVER):
                return found
        raise AssertionError("counting ends nowhere")

    def _summary(self, run_id: str) -> sweeps.RunSummary:
        """The summary of a run that is over."""
        if run_id not in self._over:
            overview = record.RunOverview.of(self._store.folder(run_id))
            summary = sweeps.RunSummary.of(overview)
            if summary.not_comparable is not None:
                raise RunFailed(f"run {run_id} can't be compared: it is {summary.not_comparable}")
            self._over[run_id] = summary
        return self._over[run_id]

    def _best(
        self, trials: Sequence[CurriculumTrial], experiments: Mapping[int, Experiment]
    ) -> CurriculumTrial:
        """The best that was proposed, and is not what is always tried under another number."""
        known = [experiment.flat() for experiment, _ in self._plan.always.values()]
        complete = [trial for trial in trials if trial.complete]
        proposed = [
            trial
            for trial in complete
            if not trial.name and experiments[trial.number].flat() not in known
        ]
        named = [trial for trial in complete if trial.name]
        return min(proposed or named, key=lambda trial: (trial.values[-1], trial.number))

    def _confirm(
        self, best: CurriculumTrial, experiment: Experiment
    ) -> Generator[Sequence[sweeps.Job], None, Confirmation]:
        """Run the best, and what is always tried, on fresh seeds."""
        plan = self._plan
        rung = sweeps.Rung(plan.settings.confirm_seeds, plan.amount)
        contenders = [_Contender(best.number, "", best.settings, best.words, experiment)]
        contenders += [
            _Contender(number, name, {}, words, each)
            for number, (name, (each, words)) in enumerate(plan.always.items())
        ]
        yield from self._evaluate(contenders, rung)
        ours, *others = (
            TargetCost(each.results, plan.amount.value, plan.amount.unit) for each in contenders
        )
        return Confirmation.of(ours, dict(zip(plan.always, others, strict=True)))
