"""Trains a learner on the stage that the scheduler holds, and evaluates it now and then."""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from curriculum.learn.batch import Batch
from curriculum.learn.batches import TrainingBatches
from curriculum.learn.cost_meter import CostMeter
from curriculum.learn.evaluator import Evaluator
from curriculum.learn.learner import Learner
from curriculum.learn.learning_rate_schedule import set_one_cycle
from curriculum.learn.network_protocols import Inputs, forward_train, input_tensors
from curriculum.learn.prefetching import DrawingTime, Prefetcher
from curriculum.learn.randomness import Key, forked, generator, reseed
from curriculum.learn.task import Task
from curriculum.plan import Cost, Evaluation, Feedback, FeedbackKind, Loss, Scheduler, Stage


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingInterval:
    """The training since the last evaluation.

    Attributes:
        steps: taken since then.
        loss: the sum of their losses, in nats.
        examples_by_stage: how many examples of each stage they took.
        cost: of the run by now, without discarded trials.
    """

    steps: int = 0
    loss: Loss = 0.0
    examples_by_stage: Mapping[Stage, int] = field(default_factory=dict)
    cost: Cost

    @property
    def mean_loss(self) -> float:
        """Of a step, in nats; there must have been one."""
        return self.loss / self.steps


class ForwardPass(NamedTuple):
    """A batch on the device, the logits of the model before the step, and their mean loss."""

    inputs: Inputs
    targets: Tensor
    logits: Tensor
    loss: Tensor


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
        return replace(
            evaluation,
            metrics={**evaluation.metrics, **memorised},
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
        parameters = list(learner.model.parameters())
        sampling = scheduler.sampling
        taken = 0 if resumed is None else resumed.steps
        # The sum stays on the device: reading it every step would wait for the device each time.
        total = torch.tensor(0.0 if resumed is None else resumed.loss, device=learner.device)
        examples = Counter[Stage]({} if resumed is None else resumed.examples_by_stage)
        common = generator(seed, "sampling", visit, start)

        def draw(step: int) -> DrawnStep:
            # Whatever is drawn follows from seed, visit and step, so that a resume draws the same.
            fresh = generator(seed, "sampling", visit, step) if sampling.mixes_stages else common
            cost = self.meter.cost if scheduler.pacing.uses_clock else None
            mixture = scheduler.sample_mixture(fresh, settings.step_size, cost)
            batch = self._batches.draw(settings, mixture, visit, step)
            return DrawnStep(fresh, mixture, batch)

        times = self._drawing_times.setdefault(scheduler.frontier, DrawingTime())
        # Where the stages of a batch depend on the steps before, it can't be drawn ahead of them.
        ahead = sampling.feedback is None and not scheduler.pacing.uses_clock
        with (
            forked(seed, "training", visit, trial),
            Prefetcher(draw, start + count, times, allowed=ahead) as batches,
        ):
            for step in range(start + taken, start + count):
                # An interval has at least one step, so that every evaluation has a loss.
                if taken and self.meter.has_used_up(scheduler.budget):
                    break
                # Checkpoints and stops come here, where the state is that before a step.
                if self.step_hook.is_due():
                    self.step_hook.run(self._interval(taken, total, examples))
                rng, mixture, batch = batches.take(step)
                if self._batches.starts_sequence(settings, next(iter(mixture)), step):
                    learner.state = None
                if settings.schedule == "one_cycle":
                    progress = step / scheduler.horizon
                    set_one_cycle(learner.optimizer, peak, progress, settings.warmup)
                key = (seed, "training", visit, trial, step)
                passed = self._step(learner, batch, key, parameters)
                # Charge the step, and tell a sampling that learns what it showed.
                taken, total = taken + 1, total + passed.loss.detach()
                examples.update(mixture)
                self.meter.add_step(batch.token_count, learner.step_compute(batch))
                if sampling.feedback is not None:
                    feedback = self._feedback(sampling.feedback, learner, batch, key, passed)
                    scheduler.observe(rng, next(iter(mixture)), feedback)
        return self._interval(taken, total, examples)

    def _step(
        self, learner: Learner, batch: Batch, key: Key, parameters: list[nn.Parameter]
    ) -> ForwardPass:
        """Take one optimizer step."""
        settings, optimizer = learner.recipe.training, learner.optimizer
        inputs = input_tensors(batch, learner.device)
        targets = torch.from_numpy(batch.targets).to(learner.device, non_blocking=True)
        reseed(*key)  # for dropout and teacher forcing
        logits, learner.state = forward_train(
            learner.model, learner.forward_mode, inputs, targets, learner.state
        )
        loss = self.task.loss(logits, targets)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if settings.clip_norm is not None:
            nn.utils.clip_grad_norm_(parameters, settings.clip_norm)
        optimizer.step()
        return ForwardPass(inputs, targets, logits, loss)

    def _feedback(
        self,
        kind: FeedbackKind,
        learner: Learner,
        batch: Batch,
        key: Key,
        passed: ForwardPass,
    ) -> Feedback:
        """What the step that was just taken showed.

        Args:
            kind: of the feedback.
            learner: after the step; prediction gain charges a second pass over the batch.
            batch: that was trained on.
            key: what the step's dropout was drawn by.
            passed: the forward pass of the step.
        """
        if kind == "score":
            value = self.evaluator.share_correct(passed.logits, batch)
        else:
            reseed(*key)  # the same dropout as before
            loss_now = self._loss_now(learner, passed.inputs, passed.targets)
            gain = float(passed.loss.detach()) - loss_now
            self.meter.add_evaluation(learner.evaluation_compute(batch, training=True))
            value = gain * batch.target_count
        return Feedback(value=value, tokens=batch.token_count)

    def _loss_now(self, learner: Learner, inputs: Inputs, targets: Tensor) -> float:
        """The mean loss on a batch as training sees it, in nats, without a step."""
        with torch.no_grad():
            logits, _ = forward_train(learner.model, learner.forward_mode, inputs, targets, None)
        return float(self.task.loss(logits, targets))

    def _interval(
        self, steps: int, total: Tensor, examples: Mapping[Stage, int]
    ) -> TrainingInterval:
        return TrainingInterval(
            steps=steps, loss=float(total), examples_by_stage=dict(examples), cost=self.meter.cost
        )

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
    if not all(bool(torch.isfinite(p).all()) for p in learner.model.parameters()):
        return "a gradient, and so the weights, are no longer finite numbers"
    return None
