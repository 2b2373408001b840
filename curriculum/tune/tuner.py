"""Searches the settings that a stage needs, and gives the learner that was selected."""

from collections.abc import Collection, Generator, Iterable
from dataclasses import KW_ONLY, dataclass, replace
from typing import Protocol

from curriculum import record
from curriculum.config import SearchSpace, Settings, search_space_of, widest_size
from curriculum.learn import CostMeter, Learner, Snapshot, seed_of
from curriculum.plan import Cost, Scheduler
from curriculum.tune.executor import TrialExecutor
from curriculum.tune.race import ROUND, race
from curriculum.tune.run_setup import RunSetup
from curriculum.tune.search import Search, passed_by


class Journal(Protocol):
    """Where a search is recorded."""

    def write(self, event: record.Event, seconds: float | None = None) -> record.Record:
        """Record an event at so many seconds since the run's start; give it with its clock."""

    def replay_rounds(self) -> list[record.Event]:
        """The events of rounds that are recorded already, where a run is resumed.

        They are neither trained nor recorded again.
        """


@dataclass
class Tuner:
    """Proposes trials in rounds and races them; one study a visit, continued by its retune.

    All that it decides follows from the parent, the scheduler and the trials completed before:
    with one process or several, and in a search that is resumed.

    Attributes:
        setup: the run's.
        meter: charged with the cost of the trials, once it is known which of them is selected.
        executor: trains them.
        journal: records them.
    """

    setup: RunSetup
    _: KW_ONLY
    meter: CostMeter
    executor: TrialExecutor
    journal: Journal

    def __post_init__(self) -> None:
        experiment = self.setup.experiment
        self.tuning, self.budget = experiment.tuning, experiment.budget
        self._widest = widest_size(self.tuning, experiment.model) if self.tuning.is_on else 0
        self._search = Search.none()
        self._ending: str | None = None

    def end(self, why: str) -> None:
        """End searches after the next evaluation of a trial; `why` says so in words."""
        self._ending = why

    def is_due(self, scheduler: Scheduler) -> bool:
        """Whether this visit is searched, once it is known to need training."""
        retuning = self.tuning.mode == "exhausted" and scheduler.retuning
        return (self.tuning.mode == "each" and not scheduler.continues) or retuning

    @property
    def rollbacks(self) -> int | None:
        """How often the trial that was selected last went back, each time to a lower rate."""
        best = self._search.best
        return None if best is None else self._search.reports[best].rollbacks

    def resume(self, events: Iterable[record.Event]) -> None:
        """Continue from what the journal's events tell of the last search."""
        self._search = Search.of_events(events)

    def search(self, parent: Snapshot, scheduler: Scheduler) -> Generator[None, None, Learner]:
        """Give the learner of the first trial to master, or else of the one that scored best.

        Where every trial diverged, it is the parent itself. It pauses after each evaluation of a trial.
        """
        if self._search.selected:
            self._search = self._search.next(scheduler.visit, retuning=scheduler.retuning)
        search = self._search
        search.take_rounds(self.journal.replay_rounds())
        space = search_space_of(self.tuning, parent.recipe, self._widest)
        learner = None  # of the best trial
        while search.ending is None and search.tried < self.tuning.trials:
            # A round: all of its trials start from the parent, and race until one masters.
            trials = self._propose(space, min(ROUND, self.tuning.trials - search.tried))
            self.executor.start_round(trials, parent, scheduler)
            won = yield from self._race(trials, scheduler)
            # The best of all rounds is kept, as its executor drops it with the next round.
            if search.best in trials:
                learner = self.executor.learner(search.best)
            for number, settings in trials.items():
                trial = search.complete(number, settings, won=won)
                event = record.TrialCompleted(visit=search.visit, study=search.study, trial=trial)
                self._write(event)
        if learner is None:
            learner = self._trained_again(parent, scheduler)
        return self._select(learner)

    def _propose(self, space: SearchSpace, count: int) -> dict[int, Settings]:
        """The next round's trials, by their numbers."""
        from curriculum.tune.study import propose  # Optuna, which a run without trials needn't load

        search = self._search
        first = len(search.completed)
        # Freshly seeded each time, so that a resumed search proposes the same.
        seed = seed_of(self.setup.seed, "sampler", search.study, first)
        settings = propose(space, search.completed, count, sampler=self.tuning.sampler, seed=seed)
        trials = dict(enumerate(settings, first))
        self._write(
            record.RoundProposed(
                visit=search.visit, study=search.study, parameters=space.parameters, trials=trials
            )
        )
        return trials

    def _race(self, trials: Collection[int], scheduler: Scheduler) -> Generator[None, None, bool]:
        """Race a round, until a trial masters or a limit ends the search; whether one did."""
        search = self._search
        for report in race(trials, self.executor.advance):
            search.reports[report.trial] = report
            entry = self._write(
                record.TrialEvaluated(visit=search.visit, study=search.study, report=report)
            )
            yield
            if report.passed:
                search.ending = passed_by(report.trial, "ready" if report.ready else "mastered")
                return True
            evaluated = len(search.reports) == search.tried + len(trials)
            search.ending = self._ending or self._limit_reached(
                scheduler, entry.clock.seconds, all_evaluated=evaluated
            )
            if search.ending is not None:
                break
        return False

    def _limit_reached(
        self, scheduler: Scheduler, seconds: float, *, all_evaluated: bool
    ) -> str | None:
        """Which limit ends the search at that time, in words; None while there is none.

        Once each trial of the round was evaluated, the best of them is to go on alone where the
        search has cost more than fresh weights would.
        """
        cost = replace(self.meter.cost, seconds=seconds)
        total = cost + self.meter.discarded_cost + self._search.cost
        discarded = self.meter.discarded_cost.compute + self._search.discarded_cost.compute
        visit = Cost(seconds=scheduler.cost_of_visit(cost).seconds)
        limit = self.budget.run_limit_reached(total) or self.budget.visit_limit_reached(visit)
        some = self._search.best is not None  # or else there is no trial to select
        if limit is None and some and discarded > self.tuning.share * total.compute:
            return f"discarded trials have taken {self.tuning.share:.0%} of the run's compute"
        if limit is None and some and all_evaluated:
            before = scheduler.compute_before
            if scheduler.backtracker.prefers_fresh_start(before=before, after=total.compute):
                return "fresh weights are the cheaper way to try others"
        return limit

    def _trained_again(self, parent: Snapshot, scheduler: Scheduler) -> Learner:
        """The learner of the best trial, if that was trained before the run was stopped."""
        best = self._search.best
        if best is None:
            return Learner.of(parent, self.setup.device)
        trials = {best: dict(self._search.completed[best].settings)}
        self.executor.start_round(trials, parent, scheduler)
        while self.executor.advance(best).cost != self._search.reports[best].cost:
            pass
        return self.executor.learner(best)

    def _select(self, learner: Learner) -> Learner:
        """Charge the trials, and record which learner continues."""
        search = self._search
        selected, discarded = search.cost - search.discarded_cost, search.discarded_cost
        self.meter.add_trials(selected, discarded)
        search.selected = True
        self._write(
            record.TrialSelected(
                visit=search.visit,
                study=search.study,
                trial=search.best,
                learning_rate=learner.recipe.learning_rate,
                hidden_size=learner.recipe.hidden_size,
                ending=search.ending or "all trials were tried",
                cost=selected.without_clock(),
                discarded_cost=discarded.without_clock(),
            )
        )
        return learner

    def _write(self, event: record.Event) -> record.Record:
        return self.journal.write(event, self.meter.cost.seconds)
