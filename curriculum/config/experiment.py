"""The frozen description of a run."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

from curriculum import learn, plan
from curriculum.config.criterion_check import check_criterion, check_final_evaluation
from curriculum.config.experiment_text import parts_as_html, parts_as_text
from curriculum.config.flat_settings import flatten
from curriculum.config.metric_direction import fitted_to_metric
from curriculum.config.portfolio import check_portfolio, is_portfolio
from curriculum.config.search_space import search_space_of, widest_size
from curriculum.config.training_checks import check_schedule, check_steps
from curriculum.config.tuning import Tuning
from curriculum.errors import UsageError, check_fields

if TYPE_CHECKING:
    import torch

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}(:[A-Za-z0-9_]{1,50}){0,2}")


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Experiment:
    """A task, a model, a path of stages, and what it takes to move along it.

    Attributes:
        task: where the examples come from.
        model: what is trained.
        growth: the path of stages.
        criterion: when a stage is mastered, or ready.
        optimizer: its kind, and the learning rate.
        training: batch size, clipping, how often to evaluate.
        budget: what a visit and the run may cost.
        tuning: which settings are searched, and on which stages.
        backtracking: what to do when a stage's budget is used up.
        rollback: when to go back to the best state of a visit.
        pacing: when the frontier moves.
        sampling: which stages a training batch is drawn from.
        final_evaluation: what is evaluated once the run is over.
        model_size: whether the model has the vocabulary and the positions of the whole
            `path` from the start, or grows them with each `stage`: it then keeps its
            function on what it knows, and the early stages cost less.
        name: its name in the store and in MLflow; a file's experiments are named after it.

    Raises:
        UsageError: where the parts don't fit together, or the threshold can't be cleared.
    """

    task: learn.Task
    model: learn.Model
    growth: plan.Growth
    criterion: plan.Criterion = field(default_factory=plan.Mastery)
    optimizer: learn.OptimizerSettings = field(default_factory=learn.Adam)
    training: learn.Training = field(default_factory=learn.Training)
    budget: plan.Budget = field(default_factory=plan.Budget)
    tuning: Tuning = field(default_factory=Tuning)
    backtracking: plan.Backtracking = field(default_factory=plan.Backtracking)
    rollback: plan.Rollback = field(default_factory=plan.Rollback)
    pacing: plan.Pacing = field(default_factory=plan.Gated)
    sampling: plan.Sampling = field(default_factory=plan.Current)
    final_evaluation: plan.FinalEvaluation = field(default_factory=plan.FinalEvaluation)
    model_size: Literal["path", "stage"] = "path"
    name: str = ""

    def __post_init__(self) -> None:
        self._check_parts()
        object.__setattr__(self, "criterion", fitted_to_metric(self.criterion, self.task))
        self._check_pacing()
        self._check_sampling()
        if is_portfolio(self):
            check_portfolio(self)
        with learn.user_errors(self.task):
            check_steps(self.training, self.task, self.model, self.growth.path())
        check_schedule(self.training, self.budget, self.pacing, searches=self.tuning.is_on)
        check_criterion(self.criterion, self.task, self.growth.path(), tuned=self.tuning.is_on)
        check_fields(self, "experiment", model_size=("path", "stage"))
        if self.grows_with_stages and not isinstance(self.model, learn.Widenable):
            raise UsageError(
                f"model_size 'stage' takes a model that can grow: {learn.why_not_widened(self.model)}; "
                f"leave it at 'path'"
            )
        if self.tuning.is_on:
            search_space_of(self.tuning, self.recipe, widest_size(self.tuning, self.model))
        path = self.growth.path()
        for stage in path:
            self.check_stage(stage)
        check_final_evaluation(self.criterion, self.final_evaluation)
        for stage, target in ((stage, stage == path[-1]) for stage in path):
            criterion = self.criterion.at(stage, target=target)
            tasks = [self.task, self.task.for_stream("target")][: 1 + target]
            if self.tuning.is_on and criterion.has_spread:  # or else no trial is ever ready
                tasks.append(self.task.for_stream("tuning"))
            for task in tasks:
                with learn.user_errors(self.task, self.axis_names.words(stage)):
                    whole = task.evaluation_set(stage)
                if whole is None:
                    criterion.check_evaluated(None, None)
                else:
                    criterion.check_evaluated(whole.independent, whole.source)

    def __repr__(self) -> str:
        return parts_as_text(self._heading, self.parts())

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return parts_as_html(self._heading, self.parts())

    @property
    def _heading(self) -> str:
        path, words = self.growth.path(), self.axis_names.words
        ends = f"{len(path)} stages, {words(path[0])} to {words(path[-1])}"
        stages = "1 stage" if len(path) == 1 else ends
        return f"{self.name}: {stages}, strategy {self.strategy}"

    @property
    def strategy(self) -> str:
        """The name of its curriculum: of its pacing and its sampling, or of guessing."""
        if isinstance(self.optimizer, learn.Guess):
            return "guess"
        return plan.strategy_name(self.pacing, self.sampling)

    @property
    def recipe(self) -> learn.Recipe:
        """What the run's first learner is made and trained by."""
        return learn.Recipe(model=self.model, optimizer=self.optimizer, training=self.training)

    @property
    def grows_with_stages(self) -> bool:
        """Whether the model gets vocabulary and positions only as its stages need them."""
        return self.model_size == "stage"

    def replace(self, **changes: Any) -> Self:
        """The same experiment with some fields changed."""
        return dataclasses.replace(self, **changes)

    def with_strategy(self, strategy: str) -> Self:
        """The same experiment with the curriculum of that name.

        A curriculum that trains without regard to mastery gets, where the run has no limit
        yet, as many steps as all stages may take; and no search is made where there can be none.

        Raises:
            UsageError: where there is no such strategy, or the task refuses it.
        """
        chosen, budget, tuning = plan.get_strategy(strategy), self.budget, self.tuning
        limited = budget.is_reproducible if chosen.pacing.uses_clock else budget.limits_run
        if not (chosen.pacing.waits_for_mastery or limited):
            steps = budget.steps_per_stage * len(self.growth.path())
            budget = dataclasses.replace(budget, steps=steps)
        if not chosen.can_be_tuned:
            tuning = dataclasses.replace(tuning, mode="off")
        found = self.replace(
            pacing=chosen.pacing, sampling=chosen.sampling, budget=budget, tuning=tuning
        )
        return found._guessing() if chosen.guesses else found

    def _guessing(self) -> Self:
        """The same with weights drawn at random: each is evaluated, and costs hardly more."""
        least = self.model.min_batch_size if isinstance(self.model, learn.HasMinBatchSize) else 1
        training = dataclasses.replace(
            self.training,
            batch_size=max(2, least),
            eval_every=1,
            clip_norm=None,
            tokens_per_step=None,
            accumulate=1,
            online=False,
            schedule="constant",
            distinct_examples=None,
        )
        return self.replace(optimizer=learn.Guess(), training=training)

    def scheduler(self) -> plan.Scheduler:
        """A fresh scheduler under these settings."""
        return plan.Scheduler(
            self.growth,
            self.criterion,
            budget=self.budget,
            backtracking=self.backtracking,
            rollback=self.rollback,
            pacing=self.pacing,
            sampling=self.sampling,
            allows=self.allows,
            tuned=self.tuning.is_on,
        )

    @property
    def shape(self) -> learn.Shape:
        """What a model is built for, to take the whole path."""
        return self.task.shape(plan.Stage.covering(self.growth.path()))

    @property
    def axis_names(self) -> plan.AxisNames:
        """What the task calls the axes of its stages."""
        with learn.user_errors(self.task):
            return learn.axis_names(self.task)

    def check_stage(self, stage: plan.Stage) -> None:
        """Check that the task can make a stage, and the model take it."""
        at = self.axis_names.words(stage)
        with learn.user_errors(self.task, at):
            if stage.level > 1 and self.task.level_name is None:
                raise UsageError(
                    f"{type(self.task).__name__} has no levels, got {at}; a task that has them "
                    f"says what they count by its `level_name`"
                )
            self.task.check(stage)
            shape = self.task.shape(stage)
        with learn.user_errors(self.model, at):
            self.model.check(shape)

    def allows(self, stage: plan.Stage) -> bool:
        """Whether the task can make a stage, and the model take it."""
        try:
            self.check_stage(stage)
        except UsageError:
            return False
        return True

    def check_first_batch(self, device: torch.device | str = "cpu") -> None:
        """Check what the task draws of the first and the last stage, and what the model makes of it.

        Args:
            device: that a network, which is thrown away, is tried on.

        Raises:
            UsageError: for the first that does not fit, with the stage and the user's line.
        """
        where = learn.resolve_device(str(device))
        if self.training.deterministic:
            learn.allow_deterministic(where)
        path, mixed = self.growth.path(), self.sampling.mixes_stages
        stages = dict.fromkeys((path[0], path[-1]))
        parts = (self.task, self.model, self.shape, stages)
        learn.check_first_batch(*parts, metric=self.criterion.measured, mixed=mixed, device=where)

    def parts(self) -> dict[str, Any]:
        """All its fields but its name."""
        return {part.name: getattr(self, part.name) for part in fields(self) if part.name != "name"}

    def flat(self) -> dict[str, Any]:
        """All settings by dotted name, as the command line spells them."""
        return flatten(self.parts())

    def _check_parts(self) -> None:
        for part, kind, how in (
            ("task", learn.Task, "that extends"),
            ("model", learn.Model, "with the members of"),
            ("growth", plan.Growth, "that extends"),
            ("criterion", plan.Criterion, "that extends"),
        ):
            value = getattr(self, part)
            if not is_dataclass(value) or not isinstance(value, kind):
                raise UsageError(
                    f"an experiment's {part} must be a dataclass {how} {kind.__name__}, "
                    f"got {type(value).__name__}"
                )
        name = self.name or f"{type(self.task).__name__}_{type(self.model).__name__}".lower()
        if not NAME.fullmatch(name):
            raise UsageError(
                f"an experiment's name is letters, digits, '_', '-' and '.', got {name!r}"
            )
        object.__setattr__(self, "name", name)
        learn.check_output(self.task)

    def _check_pacing(self) -> None:
        """Check that the budget is one that the pacing obeys."""
        budget, steps, limit = self.budget, self.budget.steps_per_stage, "steps_per_stage"
        if not self.pacing.waits_for_mastery:
            self._check_budget_of_run()
            steps, limit = budget.steps or self.criterion.min_steps, "steps"
        if self.criterion.min_steps > steps:
            raise UsageError(
                f"criterion.min_steps ({self.criterion.min_steps}) must be within "
                f"budget.{limit} ({steps})"
            )

    def _check_budget_of_run(self) -> None:
        """Check what a pacing needs that trains without regard to mastery."""
        kind, budget = type(self.pacing).__name__.lower(), self.budget
        if not budget.limits_run:
            raise UsageError(
                f"pacing {kind} trains on without regard to mastery, so the whole run needs a "
                f"limit: budget.steps, budget.tokens, budget.compute or budget.seconds"
            )
        if self.pacing.uses_clock and not budget.is_reproducible:
            raise UsageError(
                f"pacing {kind} goes by a clock that must be the same whenever the run is "
                f"repeated: give it budget.steps, budget.tokens or budget.compute"
            )
        if self.tuning.is_on:
            raise UsageError(
                f"a search races trials to the mastery of a stage, and pacing {kind} does not "
                f"train on stages one by one; set tuning.mode off"
            )

    def _check_sampling(self) -> None:
        """Check that the task has what is drawn, and that a search can be made beside it."""
        kind = type(self.sampling).__name__.lower()
        if self.sampling.feedback is not None and self.tuning.is_on:
            raise UsageError(
                f"sampling {kind} learns from one model's progress, and a search trains several; "
                f"set tuning.mode off"
            )
        if self.task.reads_in_order:
            self._check_contiguous()
        elif self.sampling.mixes_stages:
            path = self.growth.path()
            for stage in set(self.sampling.stages(path)) - set(path):
                if not self.allows(stage):
                    raise UsageError(
                        f"sampling {kind} also draws stages that are not on the path, and "
                        f"{type(self.task).__name__} or the model has no "
                        f"{self.axis_names.words(stage)}"
                    )

    def _check_contiguous(self) -> None:
        """Check that what is read in order is read from one document, and whole."""
        name = type(self.task).__name__
        if self.sampling.mixes_stages:
            raise UsageError(
                f"{name} is read in order from one document, so its batches can't be drawn from "
                f"several stages, as strategy {self.strategy} does; take direct or gated"
            )
        if self.training.online or self.training.distinct_examples is not None:
            raise UsageError(
                f"{name} is read in order from one document; leave training.online and "
                f"training.distinct_examples out"
            )
