"""Trains a learner on the stage that the scheduler holds, and evaluates it now and then."""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import partial
from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from curriculum.learn.batch import Batch
from curriculum.learn.batches import TrainingBatches
from curriculum.learn.cost_meter import CostMeter
from curriculum.learn.deferred_numbers import DeferredNumbers
from curriculum.learn.evaluator import Evaluator
from curriculum.learn.gradient_step import GradientStep, StepResult
from curriculum.learn.learner import Learner
from curriculum.learn.learning_rate_schedule import set_rate
from curriculum.learn.prefetching import DrawingTime, Prefetcher
from curriculum.learn.randomness import Key, forked, generator
from curriculum.learn.task import Task
from curriculum.learn.training_settings import Training
from curriculum.plan import Cost, Evaluation, Feedback, FeedbackKind, Loss, Scheduler, Stage

GRADIENT_NORM = "gradient_norm"
"""The metric of an evaluation: the mean norm of the gradients since the one before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingInterval:
    """The training since the last evaluation.

    Attributes:
        steps: taken since then.
        loss: the sum of their losses, in nats.
        gradient_norm: the sum of the norms of their gradients before clipping; 0 where gradients
            aren't clipped.
        examples_by_stage: how many examples of each stage they took.
        cost: of the run by now, without discarded trials.
    """

    steps: int = 0
    loss: Loss = 0.0
    gradient_norm: Loss = 0.0
    examples_by_stage: Mapping[Stage, int] = field(default_factory=dict)
    cost: Cost

    @property
    def mean_loss(self) -> float:
        """Of a step, in nats; there must have been one."""
        return self.loss / self.steps

    @property
    def mean_gradient_norm(self) -> dict[str, float]:
        """Of a step, under the name that it is recorded by; empty where it was not measured."""
        mean = self.gradient_norm / self.steps
        return {GRADIENT_NORM: mean} if mean and math.isfinite(mean) else {}


@dataclass
class _Sums:
    """Over the steps since the last evaluation.

    Losses and norms stay on the device: reading them every step would wait for it each time.
    """

    steps: int
    loss: Tensor
    gradient_norm: Tensor
    examples_by_stage: Counter[Stage]

    @classmethod
    def of(cls, interval: TrainingInterval, device: torch.device) -> Self:
        """As they are after an interval."""
        loss, norm = (
            torch.tensor(float(value), device=device)
            for value in (interval.loss, interval.gradient_norm)
        )
        return cls(interval.steps, loss, norm, Counter(interval.examples_by_stage))

    def add(self, result: StepResult, mixture: Mapping[Stage, int]) -> None:
        """Add a step on so many examples of those stages."""
        self.steps += 1
        self.loss = self.loss + result.loss
        if result.gradient_norm is not None:
            self.gradient_norm = self.gradient_norm + result.gradient_norm
        self.examples_by_stage.update(mixture)

    def interval(self, cost: Cost) -> TrainingInterval:
        """What they come to, at that cost of the run."""
        return TrainingInterval(
            steps=self.steps,
            loss=float(self.loss),
            gradient_norm=float(self.gradient_norm),
            examples_by_stage=dict(self.examples_by_stage),
            cost=cost,
        )


class DrawnStep(NamedTuple):
    """The batch of a step, how many examples of which stages it has, and the generator that drew these."""

    rng: np.random.Generator
    mixture: dict[Stage, int]
    batch: Batch


@dataclass(frozen=True, slots=True)
class StepHook:
    """Called between two steps: `run`, before each step at which it `is_due`."""

    is_due: Callable[[], bool]
    run: Callable[[TrainingInterval], None]


NEVER = StepHook(lambda: False, lambda _: None)


@dataclass
class Trainer:
    """Trains on one task with one seed, and charges what it costs to a meter."""

    task: Task
    _: KW_ONLY
    seed: int
    evaluator: Evaluator
    meter: CostMeter
    step_hook: StepHook = NEVER

    def __post_init__(self) -> None:
        self._batches = TrainingBatches(self.task, self.seed)
        self._scores = DeferredNumbers()
        self._drawing_times: dict[Stage, DrawingTime] = {}

    def train(
        self, learner: Learner, scheduler: Scheduler, resumed: TrainingInterval | None = None
    ) -> Evaluation:
        """Train for `eval_every` steps from where the visit stands, and evaluate.

        `resumed` is the interval that the run was stopped in.
        """
        visit, step = scheduler.next_batch
        count = min(learner.recipe.training.eval_every, scheduler.steps_left)
        interval = self.take_steps(
            learner,
            scheduler,
            visit=visit,
            start=step,
            count=count,
            rate_factor=scheduler.rate.factor,
            resumed=resumed,
        )
        return self.evaluate(learner, scheduler, interval)

    def evaluate(
        self,
        learner: Learner,
        scheduler: Scheduler,
        interval: TrainingInterval | None = None,
    ) -> Evaluation:
        """Evaluate on the scheduler's stage, on fresh examples, after an interval if there was one."""
        evaluation, compute = self.evaluator.evaluate(
            learner,
            scheduler.stage,
            scheduler.counts,
            full_test=scheduler.wants_full_test(self.meter.cost),
            criterion=scheduler.criterion,
        )
        self.meter.add_evaluation(compute)
        memorised = self._measure_memorised(learner, scheduler)
        loss = None if interval is None else interval.mean_loss
        norm = {} if interval is None else interval.mean_gradient_norm
        return replace(
            evaluation,
            metrics={**evaluation.metrics, **memorised, **norm},
            cost=self.meter.cost,
            discarded_cost=self.meter.discarded_cost,
            divergence=None if loss is None else divergence(learner, loss),
            train_loss=loss,
            examples_by_stage={} if interval is None else interval.examples_by_stage,
        )

    def take_steps(
        self,
        learner: Learner,
        scheduler: Scheduler,
        *,
        visit: int,
        start: int,
        count: int,
        rate_factor: float = 1.0,
        resumed: TrainingInterval | None = None,
    ) -> TrainingInterval:
        """Take `count` optimizer steps from `start` of this visit on; fewer if the budget ends.

        Batches are numbered by visit and step, so that no visit trains on another's. Of
        the steps, those of the interval that is `resumed` were taken before. `rate_factor` is
        what the recipe's learning rate is multiplied by.
        """
        seed, trial = self.seed, learner.trial
        settings, peak = learner.recipe.training, learner.recipe.learning_rate * rate_factor
        for group in learner.optimizer.param_groups:
            group["lr"] = peak
        gradient_step = GradientStep(self.task, learner)
        sampling = scheduler.sampling
        sums = _Sums.of(resumed or TrainingInterval(cost=self.meter.cost), learner.device)
        common = generator(seed, "sampling", visit, start)
        draw = partial(self._draw, settings, scheduler, common, visit)
        times = self._drawing_times.setdefault(scheduler.frontier, DrawingTime())
        # Where the stages of a batch depend on the steps before, it can't be drawn ahead of them.
        ahead = sampling.feedback is None and not scheduler.pacing.uses_clock
        with (
            forked(seed, "training", visit, trial, device=learner.device),
            Prefetcher(draw, start + count, times, allowed=ahead) as batches,
        ):
            for step in range(start + sums.steps, start + count):
                # An interval has at least one step, so that every evaluation has a loss.
                if sums.steps and self.meter.has_used_up(scheduler.budget):
                    break
                # Checkpoints and stops come here, where the state is that before a step.
                if self.step_hook.is_due():
                    self.step_hook.run(sums.interval(self.meter.cost))
                rng, mixture, batch = batches.take(step)
                if self._batches.starts_sequence(settings, next(iter(mixture)), step):
                    learner.state = None
                if settings.schedule != "constant":
                    set_rate(
                        learner.optimizer, settings, peak, self._progress(scheduler, settings, step)
                    )
                key = (seed, "training", visit, trial, step)
                result = gradient_step.take(batch, key)
                # Charge the step, and tell a sampling that learns what it showed.
                sums.add(result, mixture)
                compute = sum(learner.step_compute(part) for part, _ in gradient_step.parts(batch))
                self.meter.add_step(batch.token_count, compute)
                if sampling.feedback is not None:
                    feedback = self._feedback(sampling.feedback, gradient_step, batch, key, result)
                    scheduler.observe(rng, next(iter(mixture)), feedback)
        return sums.interval(self.meter.cost)

    def _draw(
        self,
        settings: Training,
        scheduler: Scheduler,
        common: np.random.Generator,
        visit: int,
        step: int,
    ) -> DrawnStep:
        """The batch of a step: a function of seed, visit and step, so that a resume draws the same.

        `common` is for a sampling that draws nothing.
        """
        mixes = scheduler.sampling.mixes_stages
        rng = generator(self.seed, "sampling", visit, step) if mixes else common
        cost = self.meter.cost if scheduler.pacing.uses_clock else None
        mixture = scheduler.sample_mixture(rng, partial(self._batches.size, settings), cost)
        return DrawnStep(rng, mixture, self._batches.draw(settings, mixture, visit, step))

    def _feedback(
        self, kind: FeedbackKind, step: GradientStep, batch: Batch, key: Key, result: StepResult
    ) -> Feedback:
        """What a step that was just taken on a batch showed.

        Prediction gain charges a second pass over the batch.
        """
        if kind == "score":
            share = self.evaluator.share_correct(result.outputs, result.targets, batch)
            value = self._scores.add(share) if isinstance(share, Tensor) else share
            return Feedback(value=value, tokens=batch.token_count)
        both = torch.stack([result.loss, step.loss_again(result.passes, key)])
        before, after = both.tolist()  # one wait for the device
        self.meter.add_pass(step.learner.evaluation_compute(batch, training=True))
        return Feedback(value=(before - after) * batch.target_count, tokens=batch.token_count)

    def _progress(self, scheduler: Scheduler, settings: Training, step: int) -> float:
        """How much of the learning rate's schedule is over before a step, in [0, 1]."""
        if settings.schedule_over == "visit":
            return step / scheduler.budget.horizon(of_visit=scheduler.pacing.waits_for_mastery)
        return scheduler.budget.fraction_used(self.meter.cost + self.meter.discarded_cost)

    def _measure_memorised(self, learner: Learner, scheduler: Scheduler) -> dict[str, float]:
        """The metrics on the examples that are trained on repeatedly."""
        batches = self._batches.repeated(learner.recipe.training, scheduler.frontier)
        if not batches:
            return {}
        metrics, compute = self.evaluator.measure(learner, batches)
        self.meter.add_evaluation(compute)
        return {f"memorised_{name}": value for name, value in metrics.items()}


def divergence(learner: Learner, loss: float) -> str | None:
    """What of a learner is no longer a finite number, in words; None where all is.

    A gradient that isn't finite shows in the weights that it was applied to.
    """
    if not math.isfinite(loss):
        return "the loss is no longer a finite number"
    # All parameters at once: each question to the device would wait for it.
    finite = [torch.isfinite(parameter).all() for parameter in learner.model.parameters()]
    if not bool(torch.stack(finite).all()):
        return "a gradient, and so the weights, are no longer finite numbers"
    return None
