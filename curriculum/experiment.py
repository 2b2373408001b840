"""The frozen description of a run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any, Self, get_args

from curriculum.errors import UsageError
from curriculum.learn.model import Batched, Model, Widens
from curriculum.learn.optimizers import Adam, Guess, OptimizerSettings
from curriculum.learn.recipe import Recipe
from curriculum.learn.settings import Training
from curriculum.learn.shape import Answer, Shape
from curriculum.learn.task import METRICS, Contiguous, Scored, Task, exam_of, shape_of
from curriculum.plan import (
    Budget,
    Certificate,
    Current,
    Gated,
    Growth,
    Mastery,
    Pacing,
    Sampling,
    Scheduler,
    Stage,
    Stuck,
)
from curriculum.plan.bounds import examples_needed
from curriculum.plan.certificate import LEAST_SHOWN
from curriculum.plan.strategy import name_of, strategy_of
from curriculum.tune.settings import Tuning
from curriculum.tune.space import space_of, widest_of

__all__ = ["Experiment", "flattened"]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}(:[A-Za-z0-9_]{1,50})?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Experiment:
    """A task, a model, a path of stages, and what it takes to move along it.

    Attributes:
        task: where the examples come from.
        model: what is trained.
        growth: the path of stages.
        criterion: when a stage is mastered.
        optimizer: its kind, and the learning rate.
        training: batch size, clipping, how often to look.
        budget: what a visit and the run may spend.
        tuning: which settings are searched, and on which stages.
        stuck: what to do when a stage's budget is used up.
        pacing: when the frontier moves.
        sampling: which stages a training batch is drawn from.
        certificate: what is retested once the run is over.
        name: its name in the store and in MLflow; a file's experiments are named after it.

    Raises:
        UsageError: where the parts don't fit together, or the threshold can't be cleared.
    """

    task: Task
    model: Model
    growth: Growth
    criterion: Mastery = field(default_factory=Mastery)
    optimizer: OptimizerSettings = field(default_factory=Adam)
    training: Training = field(default_factory=Training)
    budget: Budget = field(default_factory=Budget)
    tuning: Tuning = field(default_factory=Tuning)
    stuck: Stuck = field(default_factory=Stuck)
    pacing: Pacing = field(default_factory=Gated)
    sampling: Sampling = field(default_factory=Current)
    certificate: Certificate = field(default_factory=Certificate)
    name: str = ""

    def __post_init__(self) -> None:
        for part, kind in (("task", Task), ("model", Model), ("growth", Growth)):
            value = getattr(self, part)
            if not is_dataclass(value) or not isinstance(value, kind):
                raise UsageError(
                    f"an experiment's {part} must be a dataclass with the members of "
                    f"{kind.__name__}, got {type(value).__name__}"
                )
        name = self.name or f"{type(self.task).__name__}_{type(self.model).__name__}".lower()
        if not NAME.fullmatch(name):
            raise UsageError(
                f"an experiment's name is letters, digits, '_', '-' and '.', got {name!r}"
            )
        object.__setattr__(self, "name", name)
        if self.task.answer not in get_args(Answer):
            raise UsageError(
                f"a task's answer is {', '.join(get_args(Answer))}, got {self.task.answer!r}"
            )
        self._check_pacing()
        self._check_sampling()
        self._check_batch_size()
        metrics = (*METRICS, *(self.task.metrics if isinstance(self.task, Scored) else ()))
        if self.criterion.metric not in metrics:
            raise UsageError(
                f"criterion.metric must be one that the task reports ({', '.join(metrics)}), "
                f"got {self.criterion.metric!r}"
            )
        if self.grows_with_stages and not isinstance(self.model, Widens):
            raise UsageError(
                f"training.sized_for 'stage' takes a model that can grow, and "
                f"{type(self.model).__name__} has no `placements`; leave it at 'path'"
            )
        if self.tuning.is_on:
            space_of(self.tuning, self.recipe, widest_of(self.tuning, self.model))
        path = self.growth.path()
        for stage in path:
            self.check_stage(stage)
        self._check_certificate()
        if any(exam_of(self.task, stage) is None for stage in path):
            for target in (False, True):
                self.criterion.at(target=target).check_can_be_cleared()

    @property
    def strategy(self) -> str:
        """The name of its curriculum: of its pacing and its sampling, or of guessing."""
        if isinstance(self.optimizer, Guess):
            return "guess"
        return name_of(self.pacing, self.sampling)

    @property
    def recipe(self) -> Recipe:
        """What the run's first learner is made and trained by."""
        return Recipe(model=self.model, optimizer=self.optimizer, training=self.training)

    @property
    def grows_with_stages(self) -> bool:
        """Whether the model gets vocabulary and positions only as its stages need them."""
        return self.training.sized_for == "stage"

    def but(self, **changes: Any) -> Self:
        """The same experiment with some fields changed."""
        return replace(self, **changes)

    def under(self, strategy: str) -> Self:
        """The same experiment with the curriculum of that name.

        A curriculum that trains without regard to mastery gets, where the run has no limit
        yet, as many steps as all stages may take; and no search is made where there can be none.

        Raises:
            UsageError: where there is no such strategy, or the task refuses it.
        """
        chosen, budget, tuning = strategy_of(strategy), self.budget, self.tuning
        limited = budget.is_counted if chosen.pacing.timed else budget.limits_the_run
        if not (chosen.pacing.listens or limited):
            steps = budget.steps_per_stage * len(self.growth.path())
            budget = replace(budget, steps=steps)
        if not chosen.can_be_tuned:
            tuning = replace(tuning, mode="off")
        found = self.but(
            pacing=chosen.pacing, sampling=chosen.sampling, budget=budget, tuning=tuning
        )
        return found._guessing() if chosen.guesses else found

    def _guessing(self) -> Self:
        """The same with weights drawn at random: a look at each, and next to nothing besides."""
        least = self.model.least_batch_size if isinstance(self.model, Batched) else 1
        training = replace(
            self.training,
            batch_size=max(2, least),
            look_every=1,
            clip_norm=None,
            online=False,
            schedule="constant",
            distinct_examples=None,
        )
        return self.but(optimizer=Guess(), training=training)

    def scheduler(self) -> Scheduler:
        """A fresh scheduler under these settings."""
        return Scheduler(
            self.growth,
            self.criterion,
            budget=self.budget,
            stuck=self.stuck,
            pacing=self.pacing,
            sampling=self.sampling,
            allows=self._allows,
            tuned=self.tuning.is_on,
        )

    @property
    def largest(self) -> Stage:
        """The greatest length and the greatest vocabulary of the path."""
        path = self.growth.path()
        return Stage(max(stage.length for stage in path), max(stage.vocab_size for stage in path))

    @property
    def shape(self) -> Shape:
        """What a model needs for the whole path."""
        return shape_of(self.task, self.largest)

    def _allows(self, stage: Stage) -> bool:
        try:
            self.check_stage(stage)
        except UsageError:
            return False
        return True

    def check_stage(self, stage: Stage) -> None:
        """Check that the task can make a stage, and the model take it."""
        self.task.check(stage)
        self.model.check(shape_of(self.task, stage))

    def _check_certificate(self) -> None:
        """Check that what is tested beyond the path can show something."""
        criterion, settings = self.criterion.at(target=True), self.certificate
        rate = min(criterion.threshold, LEAST_SHOWN)
        needed = examples_needed(rate, criterion.confidence)
        if settings.mode == "on" and needed is not None and needed > settings.examples:
            raise UsageError(
                f"certificate.examples {settings.examples} can't show a rate of {rate:g}: all right "
                f"would need {needed}"
            )

    def _check_batch_size(self) -> None:
        """Check that the model can be trained on batches of that size."""
        size = self.training.step_size
        if isinstance(self.model, Batched) and size < self.model.least_batch_size:
            raise UsageError(
                f"{type(self.model).__name__} takes at least {self.model.least_batch_size} "
                f"examples a step, got {size}; see training.batch_size and training.online"
            )

    def _check_pacing(self) -> None:
        """Check that the budget is one that the pacing obeys."""
        budget, steps = self.budget, self.budget.steps_per_stage
        where = "steps_per_stage"
        if not self.pacing.listens:
            kind = type(self.pacing).__name__.lower()
            if not budget.limits_the_run:
                raise UsageError(
                    f"pacing {kind} trains on without regard to mastery, so the whole run needs a "
                    f"limit: budget.steps, budget.tokens, budget.compute or budget.seconds"
                )
            if self.pacing.timed and not budget.is_counted:
                raise UsageError(
                    f"pacing {kind} goes by a clock that must be the same whenever the run is "
                    f"repeated: give it budget.steps, budget.tokens or budget.compute"
                )
            if self.tuning.is_on:
                raise UsageError(
                    f"a search races trials to the mastery of a stage, and pacing {kind} does not "
                    f"train on stages one by one; set tuning.mode off"
                )
            if self.training.schedule != "constant" and budget.steps is None:
                raise UsageError(
                    f"training.schedule {self.training.schedule} needs a horizon: with pacing "
                    f"{kind}, budget.steps"
                )
            steps, where = budget.steps or self.criterion.least_steps, "steps"
        if self.criterion.least_steps > steps:
            raise UsageError(
                f"criterion.least_steps ({self.criterion.least_steps}) must be within "
                f"budget.{where} ({steps})"
            )

    def _check_sampling(self) -> None:
        """Check that the task has what is drawn, and that a search can be made beside it."""
        kind = type(self.sampling).__name__.lower()
        if self.sampling.signal is not None and self.tuning.is_on:
            raise UsageError(
                f"sampling {kind} learns from one model's progress, and a search trains several; "
                f"set tuning.mode off"
            )
        if isinstance(self.task, Contiguous):
            self._check_order_of_reading()
        elif self.sampling.several:
            path = self.growth.path()
            for stage in set(self.sampling.stages(path)) - set(path):
                if not self._allows(stage):
                    raise UsageError(
                        f"sampling {kind} also draws stages that are not on the path, and "
                        f"{type(self.task).__name__} or the model has no {stage}"
                    )

    def _check_order_of_reading(self) -> None:
        """Check that what is read in order is read from one document, and whole."""
        name = type(self.task).__name__
        if self.sampling.several:
            raise UsageError(
                f"{name} is read in order from one document, so its batches can't be drawn from "
                f"several stages, as strategy {self.strategy} does; take direct or gated"
            )
        if self.training.online or self.training.distinct_examples is not None:
            raise UsageError(
                f"{name} is read in order from one document; leave training.online and "
                f"training.distinct_examples out"
            )

    def flat(self) -> dict[str, Any]:
        """All settings by dotted name, as the command line spells them."""
        names = [part.name for part in fields(self) if part.name != "name"]
        return flattened({name: getattr(self, name) for name in names})


def flattened(parts: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of an experiment's parts by dotted name."""
    found: dict[str, Any] = {}
    for name, value in parts.items():
        _flatten(name, value, found)
    return found


def _flatten(prefix: str, value: Any, found: dict[str, Any]) -> None:
    if isinstance(value, Stage):
        found[f"{prefix}.length"] = value.length
        found[f"{prefix}.vocab_size"] = value.vocab_size
    elif is_dataclass(value):
        found[prefix] = type(value).__name__
        for part in fields(value):
            _flatten(f"{prefix}.{part.name}", getattr(value, part.name), found)
    elif isinstance(value, tuple) and any(is_dataclass(part) for part in value):
        found[prefix] = [asdict(part) for part in value]
    else:
        found[prefix] = value
