"""Trains a learner on the stage that the scheduler holds, and looks now and then."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import torch
from torch import Tensor, nn

from curriculum.learn.answers import loss_of, share_right
from curriculum.learn.batches import Batches
from curriculum.learn.examiner import Examiner
from curriculum.learn.learner import Learner
from curriculum.learn.meter import Meter
from curriculum.learn.network import teach
from curriculum.learn.randomness import Key, forked, generator, reseed
from curriculum.learn.schedule import set_one_cycle
from curriculum.learn.task import Batch, Task
from curriculum.plan import Look, Scheduler, Signal, Spending
from curriculum.plan.sampling.signal import SignalKind

__all__ = ["Interval", "Pause", "Trainer"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """How far training has come since the last look.

    Attributes:
        steps: taken since then.
        loss: the sum of their losses, in nats.
        drawn: how many examples of each stage they took, by its key.
        spent: what the run has spent by now, apart from what it lost on trials.
    """

    steps: int = 0
    loss: float = 0.0
    drawn: Mapping[str, int] = field(default_factory=dict)
    spent: Spending

    @property
    def mean_loss(self) -> float:
        """Of a step, in nats; there must have been one."""
        return self.loss / self.steps

    def state_dict(self) -> dict[str, Any]:
        return {
            "steps": self.steps,
            "loss": self.loss,
            "drawn": dict(self.drawn),
            "spent": self.spent.state_dict(),
        }

    @classmethod
    def from_state_dict(cls, state: dict[str, Any]) -> Self:
        return cls(
            steps=state["steps"],
            loss=float(state["loss"]),
            drawn=state["drawn"],
            spent=Spending.from_state_dict(state["spent"]),
        )


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
        self._batches = Batches(task, seed)
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
            taken = self.take_steps(
                learner, scheduler, visit=visit, start=step, count=count, since=since
            )
            loss = taken.mean_loss
            diverged = divergence(learner, loss)
            yield self.look(learner, scheduler, diverged=diverged, drawn=taken.drawn), loss
            since = None

    def look(
        self,
        learner: Learner,
        scheduler: Scheduler,
        *,
        diverged: str | None = None,
        drawn: Mapping[str, int] | None = None,
    ) -> Look:
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
            drawn=drawn or {},
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
    ) -> Interval:
        """Take `count` optimizer steps from `start` of this visit on; fewer if the budget ends.

        Batches are numbered by visit and step, so that no visit trains on another's. Of
        the steps, those that `since` tells of were taken before.
        """
        answer, seed, trial = self.task.answer, self.seed, learner.trial
        settings, peak = learner.recipe.training, learner.recipe.learning_rate
        model, optimizer, device = learner.model, learner.optimizer, learner.device
        parameters = list(model.parameters())
        sampling, timed = scheduler.sampling, scheduler.pacing.timed
        taken = 0 if since is None else since.steps
        total = torch.tensor(0.0 if since is None else since.loss, device=device)
        drawn = Counter({} if since is None else since.drawn)
        rng = generator(seed, "sampling", visit, start)
        with forked(seed, "training", visit, trial):
            for step in range(start + taken, start + count):
                if taken and self.meter.has_used_up(scheduler.budget):
                    break
                if self._pause.is_due():
                    self._pause.taken(self._interval(taken, total, drawn))
                if sampling.several:
                    rng = generator(seed, "sampling", visit, step)
                mix = scheduler.mix(rng, settings.step_size, self.meter.spent if timed else None)
                stage = next(iter(mix))
                if self._batches.begins(settings, stage, step):
                    learner.state = None
                batch = self._batches.of(settings, mix, visit, step)
                inputs = torch.from_numpy(batch.inputs).to(device, non_blocking=True)
                targets = torch.from_numpy(batch.targets).to(device, non_blocking=True)
                key = (seed, "training", visit, trial, step)
                reseed(*key)
                logits, learner.state = teach(model, learner.manner, inputs, targets, learner.state)
                loss = loss_of(answer, logits, targets)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                if settings.clip_norm is not None:
                    nn.utils.clip_grad_norm_(parameters, settings.clip_norm)
                if settings.schedule == "one_cycle":
                    set_one_cycle(optimizer, peak, step / scheduler.horizon, settings.warmup)
                optimizer.step()
                taken, total = taken + 1, total + loss.detach()
                drawn.update({each.key: examples for each, examples in mix.items()})
                self.meter.trained(batch.token_count, learner.parameters)
                signal = self._signal(
                    sampling.signal, learner, batch, key, passed=(inputs, targets, logits, loss)
                )
                if signal is not None:
                    scheduler.observe(rng, stage, signal)
        return self._interval(taken, total, drawn)

    def _signal(
        self,
        kind: SignalKind | None,
        learner: Learner,
        batch: Batch,
        key: Key,
        *,
        passed: tuple[Tensor, Tensor, Tensor, Tensor],
    ) -> Signal | None:
        """What a step showed that was just taken; None where the sampling doesn't learn.

        Args:
            kind: of the signal.
            learner: after the step; prediction gain charges a second look at the batch.
            batch: that was trained on.
            key: what the step's dropout was drawn by.
            passed: the batch's inputs and targets, and its logits and mean loss before the step.
        """
        if kind is None:
            return None
        inputs, targets, logits, loss = passed
        if kind == "score":
            value = share_right(self.task.answer, logits, targets)
        else:
            reseed(*key)  # the same dropout as before
            gain = float(loss.detach()) - self._loss_now(learner, inputs, targets)
            self.meter.examined(batch.token_count, learner.parameters)
            value = gain * batch.asked_count
        return Signal(value=value, tokens=batch.token_count)

    def _loss_now(self, learner: Learner, inputs: Tensor, targets: Tensor) -> float:
        """The mean loss on a batch as training sees it, in nats, without a step."""
        with torch.no_grad():
            logits, _ = teach(learner.model, learner.manner, inputs, targets, None)
        return float(loss_of(self.task.answer, logits, targets))

    def _interval(self, steps: int, total: Tensor, drawn: Mapping[str, int]) -> Interval:
        return Interval(steps=steps, loss=float(total), drawn=dict(drawn), spent=self.meter.spent)

    def _memorised(self, learner: Learner, scheduler: Scheduler) -> dict[str, float]:
        """How well the examples are known that are trained on over and over."""
        batches = self._batches.repeated(learner.recipe.training, scheduler.trained)
        if not batches:
            return {}
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
