"""Trains a learner on the stage that the scheduler holds, and looks now and then."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import nn

from curriculum.learn.answers import loss_of
from curriculum.learn.examiner import Examiner
from curriculum.learn.learner import Learner
from curriculum.learn.meter import Meter
from curriculum.learn.network import teach
from curriculum.learn.randomness import batch_of, forked, generator, reseed
from curriculum.learn.schedule import set_one_cycle
from curriculum.learn.settings import Training
from curriculum.learn.task import Batch, Contiguous, Task
from curriculum.plan import Look, Scheduler, Spending, Stage

__all__ = ["Interval", "Pause", "Trainer"]

MOST_MEASURED = 1024
"""Of the examples that are trained on over and over, so many are looked at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """How far training has come since the last look.

    Attributes:
        steps: taken since then.
        loss: the sum of their losses, in nats.
        spent: what the run has spent by now, apart from what it lost on trials.
    """

    steps: int = 0
    loss: float = 0.0
    spent: Spending

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps, "loss": self.loss, "spent": self.spent.state_dict()}

    @classmethod
    def from_state_dict(cls, state: dict[str, Any]) -> Self:
        spent = Spending.from_state_dict(state["spent"])
        return cls(steps=state["steps"], loss=float(state["loss"]), spent=spent)


@dataclass(frozen=True, slots=True)
class Pause:
    """Lets others in between two steps: asked before each whether it `is_due`, and then `taken`."""

    is_due: Callable[[], bool]
    taken: Callable[[Interval], None]


NEVER = Pause(lambda: False, lambda _: None)


class Trainer:
    """Trains on one task with one seed, and charges what it costs to a meter."""

    def __init__(
        self, task: Task, *, seed: int, examiner: Examiner, meter: Meter, pause: Pause = NEVER
    ) -> None:
        self.task = task
        self._pause = pause
        self._document = task if isinstance(task, Contiguous) else None
        self.seed = seed
        self.examiner = examiner
        self.meter = meter

    def train(
        self, learner: Learner, scheduler: Scheduler, since: Interval | None = None
    ) -> Iterator[tuple[Look, float | None]]:
        """Yield a look after every `look_every` steps, from where the visit stands.

        With each look comes the mean training loss since the one before, in nats. The
        caller hands the look to the scheduler and stops when it says so. `since` tells how
        far training had come since the last look, where it goes on from there.
        """
        while True:
            visit, step = scheduler.position
            count = min(learner.recipe.training.look_every, scheduler.steps_left)
            loss = self.take_steps(
                learner, scheduler, visit=visit, start=step, count=count, since=since
            )
            diverged = divergence(learner, loss)
            yield self.look(learner, scheduler, diverged=diverged), loss
            since = None

    def look(self, learner: Learner, scheduler: Scheduler, *, diverged: str | None = None) -> Look:
        """Look at the scheduler's stage, on fresh examples."""
        found = self.examiner.look(
            learner,
            scheduler.stage,
            looks=scheduler.looks,
            tests=scheduler.tests,
            full=scheduler.wants_test(self.meter.spent),
            criterion=scheduler.criterion,
        )
        self.meter.examined(found.tokens, learner.parameters)
        return Look(
            screen=found.screen,
            test=found.test,
            slices=found.slices,
            measures=found.measures | self._memorised(learner, scheduler),
            spent=self.meter.spent,
            lost=self.meter.lost,
            stream=self.examiner.stream,
            diverged=diverged,
        )

    def take_steps(
        self,
        learner: Learner,
        scheduler: Scheduler,
        *,
        visit: int,
        start: int,
        count: int,
        since: Interval | None = None,
    ) -> float:
        """Take `count` optimizer steps from `start` of this visit on; give their mean loss.

        Batches are numbered by visit and step, so that no visit trains on another's. Of
        the steps, those that `since` tells of were taken before.
        """
        answer, seed, trial = self.task.answer, self.seed, learner.trial
        settings, peak = learner.recipe.training, learner.recipe.learning_rate
        model, optimizer, device = learner.model, learner.optimizer, learner.device
        parameters = list(model.parameters())
        taken = 0 if since is None else since.steps
        total = torch.tensor(0.0 if since is None else since.loss, device=device)
        several = scheduler.sampling.several
        rng = generator(seed, "sampling", visit, start)
        with forked(seed, "training", visit, trial):
            for step in range(start + taken, start + count):
                if self._pause.is_due():
                    done = Interval(steps=step - start, loss=float(total), spent=self.meter.spent)
                    self._pause.taken(done)
                if several:
                    rng = generator(seed, "sampling", visit, step)
                stage = scheduler.draw(rng)
                if self._begins(settings, stage, step):
                    learner.state = None
                batch = self._batch(settings, stage, visit, step)
                inputs = torch.from_numpy(batch.inputs).to(device, non_blocking=True)
                targets = torch.from_numpy(batch.targets).to(device, non_blocking=True)
                reseed(seed, "training", visit, trial, step)
                logits, learner.state = teach(model, learner.manner, inputs, targets, learner.state)
                loss = loss_of(answer, logits, targets)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                if settings.clip_norm is not None:
                    nn.utils.clip_grad_norm_(parameters, settings.clip_norm)
                if settings.schedule == "one_cycle":
                    set_one_cycle(optimizer, peak, step / scheduler.horizon, settings.warmup)
                optimizer.step()
                total += loss.detach()
                self.meter.trained(batch.token_count, learner.parameters)
        return float(total) / count

    def _begins(self, settings: Training, stage: Stage, step: int) -> bool:
        """Whether nothing comes before this step's batch."""
        if self._document is None:
            return True
        return step % self._document.passages(stage, settings.batch_size) == 0

    def _batch(self, settings: Training, stage: Stage, visit: int, step: int) -> Batch:
        """The batch of a step; in online training its one example."""
        size = settings.batch_size
        if self._document is not None:
            return self._document.passage(stage, size, step % self._document.passages(stage, size))
        number, place = divmod(step, size) if settings.online else (step, None)
        if settings.distinct_examples is None:
            index = (visit << 32) + number
        else:
            index = number % (settings.distinct_examples // size)
        batch = self._drawn(stage, size, index)
        if place is None:
            return batch
        return Batch(
            inputs=batch.inputs[place : place + 1], targets=batch.targets[place : place + 1]
        )

    def _drawn(self, stage: Stage, size: int, index: int) -> Batch:
        return batch_of(self.task, stage, size, seed=self.seed, stream="train", index=index)

    def _memorised(self, learner: Learner, scheduler: Scheduler) -> dict[str, float]:
        """How well the examples are known that are trained on over and over."""
        settings = learner.recipe.training
        if settings.distinct_examples is None:
            return {}
        size = settings.batch_size
        batches = [
            self._drawn(scheduler.trained, size, number)
            for number in range(max(1, min(settings.distinct_examples, MOST_MEASURED) // size))
        ]
        found, tokens = self.examiner.measure(learner, batches)
        self.meter.examined(tokens, learner.parameters)
        return {f"memorised_{name}": value for name, value in found.items()}


def divergence(learner: Learner, loss: float) -> str | None:
    """What of a learner is no longer a finite number, in words; None where all is.

    A gradient that isn't finite shows in the weights that it was applied to.
    """
    if not math.isfinite(loss):
        return "the loss is no longer a finite number"
    if not all(bool(torch.isfinite(p).all()) for p in learner.model.parameters()):
        return "a gradient, and so the weights, are no longer finite numbers"
    return None
