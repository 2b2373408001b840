"""One trial: a learner under settings of its own, trained and looked at on the tuning stream."""

from __future__ import annotations

from functools import partial

import torch

from curriculum.experiment import Experiment
from curriculum.learn.examiner import Examiner
from curriculum.learn.learner import Learner, Snapshot
from curriculum.learn.memory import OUT_OF_MEMORY, is_out_of_memory
from curriculum.learn.meter import Meter
from curriculum.learn.stop import Stop
from curriculum.learn.task import rehearsed
from curriculum.learn.training import Pause, Trainer, divergence
from curriculum.plan import Look, Scheduler, Spending
from curriculum.tune.race import Advance
from curriculum.tune.space import Settings

__all__ = ["Trial"]


class Trial:
    """Starts from the parent's function, and advances from look to look.

    It trains on the batches that the visit trains on, in the same order as all others,
    and never sees the streams `gate` and `certificate`.
    """

    def __init__(
        self,
        number: int,
        settings: Settings,
        parent: Snapshot,
        *,
        experiment: Experiment,
        scheduler: Scheduler,
        seed: int,
        device: torch.device,
        stop: Stop | None = None,
    ) -> None:
        self.number = number
        self.scheduler = scheduler
        self.meter = Meter()
        self._begin = partial(
            Learner.continuing,
            parent,
            parent.recipe.but(settings),
            device,
            seed=seed,
            visit=scheduler.visit,
            trial=number,
            cold=experiment.tuning.cold_start,
        )
        self._learner: Learner | None = None
        self._kept: Snapshot | None = None
        task = experiment.task
        examiner = Examiner(rehearsed(task), scheduler.criterion, seed, f"tuning/{scheduler.visit}")
        stop = stop or Stop()
        pause = Pause(lambda: stop.requested, lambda _: stop.check())
        self._trainer = Trainer(task, seed=seed, examiner=examiner, meter=self.meter, pause=pause)
        self._before = Spending(
            **scheduler.visit_spent.exact()
        )  # on its own first look, without a step
        self._looks = 0
        self._tests = 0
        self._passes = 0

    @property
    def learner(self) -> Learner:
        """What the trial has made of the parent so far."""
        if self._learner is None:
            self._learner = self._begin()
        return self._learner

    @property
    def before(self) -> Snapshot:
        """The learner as it was before the last `advance`, if that was to `keep` it."""
        assert self._kept is not None
        return self._kept

    def advance(self, *, keep: bool = False) -> Advance:
        """Train to the next look, and look; `keep` the learner as it was before.

        Where memory runs out, the trial is over, and says so.
        """
        try:
            self._kept = self.learner.snapshot() if keep else None
            return self._advance()
        except OUT_OF_MEMORY as error:
            if not is_out_of_memory(error):
                raise
            return self._failed(f"memory ran out: {str(error).splitlines()[0]}", None)

    def _advance(self) -> Advance:
        steps = self.meter.spent.steps
        left = self.scheduler.budget.steps_per_stage - steps
        taken = self._trainer.take_steps(
            self.learner,
            self.scheduler,
            visit=self.scheduler.visit,
            start=steps,
            count=min(self.learner.recipe.training.look_every, left),
        )
        loss = taken.mean_loss
        diverged = divergence(self.learner, loss)
        if diverged is not None:
            return self._failed(diverged, loss)
        look = self._look()
        decision = self.scheduler.criterion.decide(
            look,
            test_number=max(self._tests, 1),
            passes=self._passes,
            steps=look.spent.steps,
            least_steps=self.scheduler.least_steps,
        )
        self._passes = self._passes + 1 if decision.cleared else 0
        over = None
        if not decision.mastered:
            over = self.scheduler.budget.visit_overrun(
                self._before + Spending(**look.spent.exact())
            )
        return Advance(
            trial=self.number,
            spent=Spending(**look.spent.exact()),
            loss=loss,
            score=decision.score,
            mastered=decision.mastered,
            over=over,
            reason=decision.reason,
        )

    def _look(self) -> Look:
        steps = self.meter.spent.steps
        may_clear = self.scheduler.criterion.can_clear(self._tests + 1)
        full = steps >= self.scheduler.least_steps and may_clear
        found = self._trainer.examiner.look(
            self.learner, self.scheduler.stage, looks=self._looks, tests=self._tests, full=full
        )
        self.meter.examined(found.tokens, self.learner.parameters)
        self._looks += 1
        self._tests += found.test is not None
        return Look(
            screen=found.screen,
            test=found.test,
            slices=found.slices,
            measures=found.measures,
            spent=self.meter.spent,
            stream="tuning",
        )

    def _failed(self, why: str, loss: float | None) -> Advance:
        return Advance(
            trial=self.number,
            spent=Spending(**self.meter.spent.exact()),
            loss=loss,
            score=None,
            over=why,
            diverged=True,
            reason=why,
        )
