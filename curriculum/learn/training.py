"""Trains a learner on the stage that the scheduler holds, and looks now and then."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import nn

from curriculum.learn.answers import loss_of
from curriculum.learn.examiner import Examiner
from curriculum.learn.learner import Learner
from curriculum.learn.meter import Meter
from curriculum.learn.randomness import batch_of, forked, generator, reseed
from curriculum.learn.settings import Training
from curriculum.learn.task import Batch, Task
from curriculum.plan import Look, Scheduler, Stage

__all__ = ["Trainer"]


class Trainer:
    """Trains on one task with one seed, and charges what it costs to a meter."""

    def __init__(self, task: Task, *, seed: int, examiner: Examiner, meter: Meter) -> None:
        self.task = task
        self.seed = seed
        self.examiner = examiner
        self.meter = meter

    def train(self, learner: Learner, scheduler: Scheduler) -> Iterator[tuple[Look, float | None]]:
        """Yield a look after every `look_every` steps, from where the visit stands.

        With each look comes the mean training loss since the one before, in nats. The
        caller hands the look to the scheduler and stops when it says so.
        """
        while True:
            step = scheduler.visit_spent.steps
            count = min(learner.recipe.training.look_every, scheduler.steps_left)
            loss = self.take_steps(
                learner, scheduler, visit=scheduler.visit, start=step, count=count
            )
            yield self.look(learner, scheduler, diverged=not math.isfinite(loss)), loss

    def look(self, learner: Learner, scheduler: Scheduler, *, diverged: bool = False) -> Look:
        """Look at the scheduler's stage, on fresh examples."""
        found = self.examiner.look(
            learner,
            scheduler.stage,
            looks=scheduler.looks,
            tests=scheduler.tests,
            full=scheduler.wants_test(self.meter.spent),
        )
        self.meter.examined(found.tokens, learner.parameters)
        return Look(
            screen=found.screen,
            test=found.test,
            slices=found.slices,
            spent=self.meter.spent,
            lost=self.meter.lost,
            stream=self.examiner.stream,
            diverged=diverged,
        )

    def take_steps(
        self, learner: Learner, scheduler: Scheduler, *, visit: int, start: int, count: int
    ) -> float:
        """Take `count` optimizer steps from `start` of this visit on; give their mean loss.

        Batches are numbered by visit and step, so that no visit trains on another's.
        """
        answer, seed, trial = self.task.answer, self.seed, learner.trial
        settings = learner.recipe.training
        model, optimizer, device = learner.model, learner.optimizer, learner.device
        parameters = list(model.parameters())
        total = torch.zeros((), device=device)
        rng = generator(seed, "sampling", visit, start)
        with forked(seed, "training", visit, trial):
            for step in range(start, start + count):
                batch = self._batch(settings, scheduler.draw(rng), visit, step)
                inputs = torch.from_numpy(batch.inputs).to(device, non_blocking=True)
                targets = torch.from_numpy(batch.targets).to(device, non_blocking=True)
                reseed(seed, "training", visit, trial, step)
                loss = loss_of(answer, model(inputs), targets)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                if settings.clip_norm is not None:
                    nn.utils.clip_grad_norm_(parameters, settings.clip_norm)
                optimizer.step()
                total += loss.detach()
                self.meter.trained(batch.token_count, learner.parameters)
        return float(total) / count

    def _batch(self, settings: Training, stage: Stage, visit: int, step: int) -> Batch:
        """The batch of a step; in online training its one example."""
        size = settings.batch_size
        number, place = divmod(step, size) if settings.online else (step, None)
        index = (visit << 32) + number
        batch = batch_of(self.task, stage, size, seed=self.seed, stream="train", index=index)
        if place is None:
            return batch
        return Batch(
            inputs=batch.inputs[place : place + 1], targets=batch.targets[place : place + 1]
        )
