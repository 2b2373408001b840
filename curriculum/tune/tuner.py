"""Searches the settings that a stage needs, and gives the learner that won."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

import torch

from curriculum.experiment import Experiment
from curriculum.learn.learner import Learner, Snapshot
from curriculum.learn.meter import Meter
from curriculum.learn.randomness import seed_of
from curriculum.plan import Scheduler, Spending
from curriculum.tune.field import Field
from curriculum.tune.race import ROUND, Advance, race
from curriculum.tune.space import Settings, Space, space_of, widest_of
from curriculum.tune.told import Told

__all__ = ["Tuner"]

Write = Callable[[str, dict[str, Any]], None]


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
    ) -> None:
        """Make a tuner for a run.

        Args:
            experiment: what is run.
            seed: the run's.
            device: where learners live.
            meter: charged with what the trials spend, once it is known which of them won.
            field: where they are trained.
            write: called with the kind and the content of each record.
        """
        self.experiment = experiment
        self.tuning = experiment.tuning
        self.budget = experiment.budget
        self._seed = seed
        self._device = device
        self._meter = meter
        self._field = field
        self._write = write
        self._widest = widest_of(self.tuning, experiment.model) if self.tuning.is_on else 0
        self._study = 0  # the visit that it was begun on
        self._told: list[Told] = []

    def is_due(self, scheduler: Scheduler) -> bool:
        """Whether this visit is searched, once it is known to need training."""
        return self.tuning.mode == "each" or (self.tuning.mode == "stuck" and scheduler.retuning)

    def remember(self, study: int, told: Iterable[Told]) -> None:
        """Go on with a study that was begun on that visit, from the trials told so far."""
        self._study, self._told = study, list(told)

    def best(self, parent: Snapshot, scheduler: Scheduler) -> Learner:
        """The learner of the first trial to master, or else of the one that scored best.

        Where every trial diverged, it is the parent itself.
        """
        if not scheduler.retuning:
            self.remember(scheduler.visit, ())
        search = _Search(parent)
        space = space_of(self.tuning, parent.recipe, self._widest)
        rounds, first = 0, len(self._told)
        ending = None
        while ending is None and len(self._told) - first < self.tuning.trials:
            count = min(ROUND, self.tuning.trials - (len(self._told) - first))
            entrants = self._ask(space, count, rounds)
            rounds += 1
            ending = self._race(entrants, search, scheduler)
        return self._choose(search, scheduler, rounds, ending or "its trials are used up")

    def _ask(self, space: Space, count: int, number: int) -> dict[int, Settings]:
        """The next round's trials, by their numbers."""
        from curriculum.tune.study import ask  # Optuna, which a run without trials needn't load

        begin = len(self._told)
        asked = ask(
            space,
            self._told,
            count,
            sampler=self.tuning.sampler,
            seed=seed_of(self._seed, "sampler", self._study, begin),
        )
        entrants = dict(enumerate(asked, start=begin))
        axes = {name: asdict(axis) for name, axis in space.axes.items()}
        trials = {str(number): settings for number, settings in entrants.items()}
        self._write(
            "round", {"study": self._study, "round": number, "axes": axes, "trials": trials}
        )
        return entrants

    def _race(
        self, entrants: Mapping[int, Settings], search: _Search, scheduler: Scheduler
    ) -> str | None:
        """Race a round. Why the search ends with it, in words; None where it does not."""
        self._field.enter(entrants, search.parent, scheduler)
        ending, won = None, False
        for look in race(entrants, self._field.advance):
            search.looks[look.trial] = look
            self._write("advance", {"study": self._study, **look.state_dict()})
            won = look.mastered
            if won:
                ending = f"trial {look.trial} mastered the stage"
            else:
                ending = self._halted(search, scheduler)
            if ending is not None:
                break
        best = search.best
        if best is not None and best in entrants:
            search.learner = self._field.learner(best)
        for number, settings in entrants.items():
            told = _told(number, settings, search.looks.get(number), won=won)
            self._told.append(told)
            self._write("trial", {"study": self._study, **asdict(told)})
        return ending

    def _halted(self, search: _Search, scheduler: Scheduler) -> str | None:
        """Which limit ends the search, in words; None while there is none."""
        total = self._meter.spent + self._meter.lost + search.spent
        over = self.budget.run_overrun(total)
        if over is not None:
            return over
        seconds = scheduler.in_visit(self._meter.spent).seconds
        over = self.budget.visit_overrun(Spending(seconds=seconds))
        if over is not None:
            return over
        lost = self._meter.lost.compute + search.lost.compute
        if lost > self.tuning.share * total.compute:
            return f"losing trials have taken {self.tuning.share:.0%} of the run's compute"
        return None

    def _choose(self, search: _Search, scheduler: Scheduler, rounds: int, ending: str) -> Learner:
        """Charge the trials, record the choice, and give the winner's learner."""
        won = Spending() if search.best is None else search.looks[search.best].spent
        lost = search.lost
        self._meter.won(won)
        self._meter.lose(lost)
        learner = search.learner or Learner.of(search.parent, self._device)
        self._write(
            "choice",
            {
                "study": self._study,
                "trial": search.best,
                "learning_rate": learner.recipe.learning_rate,
                "hidden_size": learner.recipe.hidden_size,
                "rounds": rounds,
                "trials": len(search.looks),
                "ending": ending,
                "won": won.exact(),
                "lost": lost.exact(),
            },
        )
        return learner


class _Search:
    """How the trials of one search stand.

    Attributes:
        parent: what they all start from.
        looks: the last look of each.
        learner: of the best trial of the rounds that are over; None where all diverged.
    """

    def __init__(self, parent: Snapshot) -> None:
        self.parent = parent
        self.looks: dict[int, Advance] = {}
        self.learner: Learner | None = None

    @property
    def best(self) -> int | None:
        """The trial that mastered, or else scored best; of equals the one with less loss."""
        standing = [look for look in self.looks.values() if not look.diverged]
        if not standing:
            return None
        return max(standing, key=_standing).trial

    @property
    def spent(self) -> Spending:
        """What all trials have spent."""
        return sum((look.spent for look in self.looks.values()), Spending())

    @property
    def lost(self) -> Spending:
        """What all trials but the best have spent."""
        best = self.best
        return self.spent if best is None else self.spent - self.looks[best].spent


def _standing(look: Advance) -> tuple[bool, float, float, int]:
    score = -1.0 if look.score is None else look.score
    loss = float("inf") if look.loss is None else look.loss
    return look.mastered, score, -loss, -look.trial


def _told(number: int, settings: Settings, look: Advance | None, *, won: bool) -> Told:
    """How a trial went, of a round that is over and was `won` or not."""
    if look is None:
        return Told(
            number=number,
            settings=settings,
            score=None,
            compute=0.0,
            outcome="cut",
            attributes={"reason": "the search was over before its first look"},
        )
    if look.mastered:
        outcome = "mastered"
    elif look.diverged:
        outcome = "diverged"
    elif look.over is not None:
        outcome = "exhausted"
    else:
        outcome = "lost" if won else "cut"
    return Told(
        number=number,
        settings=settings,
        score=look.score,
        compute=look.spent.compute,
        outcome=outcome,
        attributes={
            "steps": look.spent.steps,
            "tokens": look.spent.tokens,
            "reason": look.over or look.reason,
        },
    )
