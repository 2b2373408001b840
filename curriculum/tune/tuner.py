"""Searches the settings that a stage needs, and gives the learner that won."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

import torch

from curriculum.experiment import Experiment
from curriculum.learn.learner import Learner, Snapshot
from curriculum.learn.meter import Meter
from curriculum.learn.randomness import seed_of
from curriculum.plan import Scheduler, Spending
from curriculum.tune.field import Field
from curriculum.tune.race import ROUND, race
from curriculum.tune.search import Search, mastered_by
from curriculum.tune.space import Settings, Space, space_of, widest_of

__all__ = ["Tuner"]

Record = dict[str, Any]
Write = Callable[[str, Record, float], Record]


class Tuner:
    """Asks for trials in rounds and races them; one study a visit, continued by its retune.

    All that it decides follows from the parent, the scheduler and what was told before:
    with one process or several, and in a search that goes on from a record.
    """

    def __init__(
        self,
        experiment: Experiment,
        *,
        seed: int,
        device: torch.device,
        meter: Meter,
        field: Field,
        write: Write,
        recall: Callable[[], list[Record]] = list,
    ) -> None:
        """Make a tuner for a run.

        Args:
            experiment: what is run.
            seed: the run's.
            device: where learners live.
            meter: charged with what the trials spend, once it is known which of them won.
            field: where they are trained.
            write: called with kind, content and seconds since the start of each record;
                gives it back with its clock.
            recall: gives the records of rounds that are over already, where a run goes on
                from its journal. They are neither trained nor written again.
        """
        self.tuning = experiment.tuning
        self.budget = experiment.budget
        self._seed = seed
        self._device = device
        self._meter = meter
        self._field = field
        self._write = write
        self._recall = recall
        self._widest = widest_of(self.tuning, experiment.model) if self.tuning.is_on else 0
        self._search = Search.none()

    def is_due(self, scheduler: Scheduler) -> bool:
        """Whether this visit is searched, once it is known to need training."""
        return self.tuning.mode == "each" or (self.tuning.mode == "stuck" and scheduler.retuning)

    def remember(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Go on from what the journal's records tell of the last search."""
        self._search = Search.of_records(records)

    def best(self, parent: Snapshot, scheduler: Scheduler) -> Learner:
        """The learner of the first trial to master, or else of the one that scored best.

        Where every trial diverged, it is the parent itself.
        """
        if self._search.chosen:
            self._search = self._search.next(scheduler.visit, retuning=scheduler.retuning)
        search = self._search
        search.recall(self._recall())
        space = space_of(self.tuning, parent.recipe, self._widest)
        learner = None  # of the best trial
        while search.ending is None and search.tried < self.tuning.trials:
            entrants = self._ask(space, min(ROUND, self.tuning.trials - search.tried))
            self._field.enter(entrants, parent, scheduler)
            won = self._race(entrants, scheduler)
            if search.best in entrants:
                learner = self._field.learner(search.best)
            for number, settings in entrants.items():
                told = search.tell(number, settings, won=won)
                self._record("trial", asdict(told))
        if learner is None:
            learner = self._repeated(parent, scheduler)
        return self._choose(learner)

    def _ask(self, space: Space, count: int) -> dict[int, Settings]:
        """The next round's trials, by their numbers."""
        from curriculum.tune.study import ask  # Optuna, which a run without trials needn't load

        study, begin = self._search.study, len(self._search.told)
        seed = seed_of(self._seed, "sampler", study, begin)
        asked = ask(space, self._search.told, count, sampler=self.tuning.sampler, seed=seed)
        content = {
            "axes": {name: asdict(axis) for name, axis in space.axes.items()},
            "trials": {str(number): settings for number, settings in enumerate(asked, begin)},
        }
        self._record("round", content)
        return dict(enumerate(asked, begin))

    def _race(self, entrants: Iterable[int], scheduler: Scheduler) -> bool:
        """Race a round, until a trial masters or a limit ends the search; whether one did."""
        search = self._search
        for look in race(entrants, self._field.advance):
            search.looks[look.trial] = look
            written = self._record("advance", look.record())
            if look.mastered:
                search.ending = mastered_by(look.trial)
                return True
            search.ending = self._limit(scheduler, written["clock"]["seconds"])
            if search.ending is not None:
                break
        return False

    def _limit(self, scheduler: Scheduler, seconds: float) -> str | None:
        """Which limit ends the search at that time, in words; None while there is none."""
        spent = replace(self._meter.spent, seconds=seconds)
        total = spent + self._meter.lost + self._search.spent
        lost = self._meter.lost.compute + self._search.lost.compute
        visit = Spending(seconds=scheduler.in_visit(spent).seconds)
        over = self.budget.run_overrun(total) or self.budget.visit_overrun(visit)
        stands = self._search.best is not None  # or else there is nothing to go on with
        if over is None and stands and lost > self.tuning.share * total.compute:
            return f"losing trials have taken {self.tuning.share:.0%} of the run's compute"
        return over

    def _repeated(self, parent: Snapshot, scheduler: Scheduler) -> Learner:
        """The learner of the best trial, if that was trained before the run was stopped."""
        best = self._search.best
        if best is None:
            return Learner.of(parent, self._device)
        self._field.enter({best: self._search.told[best].settings}, parent, scheduler)
        while self._field.advance(best).spent != self._search.looks[best].spent:
            pass
        return self._field.learner(best)

    def _choose(self, learner: Learner) -> Learner:
        """Charge the trials, and record which learner goes on."""
        search = self._search
        won, lost = search.spent - search.lost, search.lost
        self._meter.won(won)
        self._meter.lose(lost)
        search.chosen = True
        content = {
            "trial": search.best,
            "learning_rate": learner.recipe.learning_rate,
            "hidden_size": learner.recipe.hidden_size,
            "ending": search.ending or "its trials are used up",
            "won": won.exact(),
            "lost": lost.exact(),
        }
        self._record("choice", content)
        return learner

    def _record(self, kind: str, content: Record) -> Record:
        where = {"visit": self._search.visit, "study": self._search.study}
        return self._write(kind, where | content, self._meter.spent.seconds)
