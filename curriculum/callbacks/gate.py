"""Connects another training loop with a scheduler: evaluates, and moves the scheduler on."""

import inspect
import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeAlias, TypedDict

import numpy as np
import torch
from torch import nn

from curriculum.callbacks.combined_evaluation import combined
from curriculum.callbacks.process_group import ProcessGroup
from curriculum.callbacks.shared_stage import SharedStage
from curriculum.errors import UsageError
from curriculum.learn import generator
from curriculum.plan import Evaluation, Scheduler, Stage, Verdict

# `Any` stands for the user's own class of models.
Evaluate: TypeAlias = Callable[..., Evaluation | tuple[int, int]]
"""Evaluates the model on fresh held-out examples of the stage; may give (correct, examples).

It is given the model and the stage, and where it takes a third argument, a numpy generator to draw the
examples with.
"""

OnTransition: TypeAlias = Callable[[Any, Verdict], object]
"""Called when a visit ended: mastered or ready, or exhausted. `scheduler.stage` is the next one already."""

LOGGED_VERDICTS = {
    Verdict.EXHAUSTED: -1.0,
    Verdict.LEARNING: 0.0,
    Verdict.MASTERED: 1.0,
    Verdict.READY: 1.0,
}
"""Verdicts as numbers, which is all that most loggers take."""


class GateOptions(TypedDict, total=False):
    """What callbacks hand on to their `Gate`; see there."""

    on_transition: OnTransition | None
    seed: int
    evaluation_parts: int | None
    shared_stage: SharedStage | None


class Gate:
    """Evaluates a model every `eval_every` optimizer steps, and updates the scheduler.

    Steps are counted on where a loop begins again from step 0 with a scheduler that was
    updated before.

    In several processes (of `torch.distributed`) each evaluates its share of the parts, the counts are
    summed, the first process decides, and all others take over its scheduler's state. An evaluation of so
    many parts is the same in any number of processes: part k is drawn with the same generator.

    Args:
        scheduler: whose `stage` the training data are drawn from.
        evaluate: given the model, in evaluation mode and without gradients, the stage, and, if it
            takes a third argument, a generator.
        eval_every: optimizer steps between two evaluations.
        on_transition: given the model and the verdict whenever a visit ended.
        seed: of the generators.
        evaluation_parts: how often `evaluate` is called for an evaluation, over all processes; by
            default once in each.
        shared_stage: of the scheduler, where workers of a data loader read the stage.

    Attributes:
        data_generator: for training data; each process has its own. Its state, in the first process, is in
            the checkpoint; generators of evaluations have nothing to do with it.
        step: of the loop, the last that it knows of; after a resume the checkpoint's.

    Raises:
        UsageError: where an argument is not what it should be.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        evaluate: Evaluate,
        *,
        eval_every: int,
        on_transition: OnTransition | None = None,
        seed: int = 0,
        evaluation_parts: int | None = None,
        shared_stage: SharedStage | None = None,
    ) -> None:
        if not isinstance(scheduler, Scheduler):
            raise UsageError(f"scheduler must be a curriculum.Scheduler, got {scheduler!r}")
        if not callable(evaluate):
            raise UsageError(f"evaluate must be a function of (model, stage), got {evaluate!r}")
        if isinstance(eval_every, bool) or not isinstance(eval_every, int) or eval_every < 1:
            raise UsageError(
                f"eval_every must be a number of steps, at least 1, got {eval_every!r}"
            )
        if on_transition is not None and not callable(on_transition):
            raise UsageError(
                f"on_transition must be a function of (model, verdict), got {on_transition!r}"
            )
        if evaluation_parts is not None and evaluation_parts < 1:
            raise UsageError(f"evaluation_parts must be at least 1, got {evaluation_parts!r}")
        if not (shared_stage is None or isinstance(shared_stage, SharedStage)):
            raise UsageError(f"shared_stage must be a SharedStage, got {shared_stage!r}")
        self.scheduler = scheduler
        self.group = ProcessGroup.current()
        self.data_generator = generator(seed, "data", self.group.rank)
        self._evaluate, self._takes_generator = evaluate, _takes(evaluate, 3)
        self._eval_every = eval_every
        self._on_transition = on_transition
        self._seed, self._parts, self._shared = seed, evaluation_parts, shared_stage
        self._steps_before = 0  # taken before those that the loop counts
        self._evaluations = 0
        self.step = 0

    def begin(self, step: int, *, processes: int = 1, workers: int = 0) -> None:
        """Check how a loop that has done `step` steps will train, and count on from there.

        Raises:
            UsageError: for several processes without `torch.distributed`, or whose evaluations might
                be of the same examples, and for data loaded by workers that don't share the stage.
        """
        if self.group != ProcessGroup.current():  # the loop has set it up since
            self.group = ProcessGroup.current()
            self.data_generator = generator(self._seed, "data", self.group.rank)
        size = self.group.size
        if processes > size:
            raise UsageError(
                f"the scheduler decides in one process and tells the others by torch.distributed, which "
                f"knows {size}, got {processes} processes; start them with torchrun or accelerate launch"
            )
        if size > 1 and not self._takes_generator:
            raise UsageError(
                f"in several processes evaluate must take (model, stage, generator), got {size} processes: "
                f"each draws examples of its own with it, and the counts are summed"
            )
        if self._parts is not None and self._parts % size:
            raise UsageError(
                f"evaluation_parts must be a multiple of the number of processes, {size}, got {self._parts}"
            )
        if workers > 0 and self._shared is None:
            raise UsageError(
                f"data must be loaded where the next stage is known, got {workers} workers; give them and "
                f"the callback a SharedStage(scheduler), as shared_stage=..., or set the number of the "
                f"data loader's workers to 0"
            )
        self._steps_before = max(self._steps_before, self.scheduler.cost.steps - step)
        self.step = step
        self._share()

    def after_step(self, model: nn.Module, step: int) -> dict[str, float] | None:
        """Evaluate if it is due after `step` of the loop; what was found, as numbers to log.

        None where no evaluation was due, or the scheduler has finished.

        Raises:
            UsageError: where `evaluate` gave neither an evaluation nor two counts.
        """
        self.step = step
        scheduler, steps = self.scheduler, self._steps_before + step
        if scheduler.finished or steps - scheduler.cost.steps < self._eval_every:
            return None
        stage = scheduler.stage
        with _evaluating(model):
            found = self.group.gathered(lambda: self._evaluated(model, stage, steps))
        verdict, numbers, decision, state = self.group.from_first(
            lambda: self._decided(found, stage)
        )
        if self.group.rank:
            scheduler.load_state_dict(state)
            scheduler.decision = decision
        self._evaluations += 1
        self._share()
        if verdict is not Verdict.LEARNING and self._on_transition is not None:
            self._on_transition(model, verdict)
        return numbers

    def _evaluated(self, model: nn.Module, stage: Stage, steps: int) -> list[Evaluation]:
        """This process's parts of an evaluation."""
        size = self._parts or self.group.size
        found = []
        for part in range(self.group.rank, size, self.group.size):
            given: tuple[Any, ...] = (model, stage)
            if self._takes_generator:
                given = (*given, generator(self._seed, "evaluation", self._evaluations, part))
            found.append(_evaluation(self._evaluate(*given), steps))
        return found

    def _decided(
        self, found: list[list[Evaluation]] | None, stage: Stage
    ) -> tuple[Verdict, dict[str, float], Any, dict[str, Any]]:
        """In the first process: the verdict, what is logged, and how the scheduler stands then."""
        assert found is not None
        # In the order of their numbers, whichever process each was evaluated in.
        parts = [part for parts in zip(*found, strict=True) for part in parts]
        evaluation = combined(parts)
        verdict = self.scheduler.update(evaluation)
        numbers = self._numbers(stage, verdict) | {
            f"curriculum/{name}": float(value) for name, value in evaluation.metrics.items()
        }
        state = self.scheduler.state_dict() if self.group.size > 1 else {}
        return verdict, numbers, self.scheduler.decision, state

    def _share(self) -> None:
        if self._shared is not None:
            self._shared.follow(self.scheduler)

    @property
    def data_generator_state(self) -> dict[str, Any]:
        """As JSON, how far training data were drawn."""
        found: dict[str, Any] = _plain(self.data_generator.bit_generator.state)
        return found

    def state_dict(self) -> dict[str, Any]:
        """The scheduler's state and the generators', and what the loop's count of steps leaves out, as JSON."""
        return {
            "scheduler": self.scheduler.state_dict(),
            "steps_before": self._steps_before,
            "evaluations": self._evaluations,
            "step": self.step,
            "data_generator": self.data_generator_state,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state that `state_dict` gave, under the same settings."""
        self.scheduler.load_state_dict(state["scheduler"])
        self._steps_before = state["steps_before"]
        self._evaluations = state["evaluations"]
        self.step = state.get("step", 0)  # earlier checkpoints have none
        self.group = ProcessGroup.current()
        if rank := self.group.rank:
            # The first process's alone was kept; this one draws what it has not drawn yet.
            steps = self._steps_before + self.step
            self.data_generator = generator(self._seed, "data", rank, steps)
        else:
            self.data_generator.bit_generator.state = state["data_generator"]
        self._share()

    def _numbers(self, stage: Stage, verdict: Verdict) -> dict[str, float]:
        reach, decision = self.scheduler.reach, self.scheduler.decision
        numbers = {
            "curriculum/length": float(stage.length),
            "curriculum/vocab_size": float(stage.vocab_size),
            "curriculum/level": float(stage.level),
            "curriculum/verdict": LOGGED_VERDICTS[verdict],
            "curriculum/reach_length": 0.0 if reach is None else float(reach.length),
            "curriculum/reach_vocab_size": 0.0 if reach is None else float(reach.vocab_size),
            "curriculum/reach_level": 0.0 if reach is None else float(reach.level),
        }
        if decision is not None and decision.score is not None:
            numbers["curriculum/score"] = decision.score
        return numbers


def _takes(function: Callable[..., object], count: int) -> bool:
    """Whether a function can be called with so many arguments."""
    try:
        inspect.signature(function).bind(*[None] * count)
    except (TypeError, ValueError):
        return False
    return True


def _plain(state: Any) -> Any:
    """The state of a generator of numpy as JSON."""
    if isinstance(state, dict):
        return {name: _plain(part) for name, part in state.items()}
    return state.tolist() if isinstance(state, np.ndarray) else state


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; afterwards each part is in the mode it was in."""
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for part, training in modes:
            part.training = training


def _evaluation(found: Evaluation | tuple[int, int], steps: int) -> Evaluation:
    """What `evaluate` gave as an evaluation, with the steps filled in."""
    if isinstance(found, Evaluation):
        return replace(found, cost=replace(found.cost, steps=steps))
    try:
        correct, examples = map(operator.index, found)  # tensors and numpy's integers will do
    except (TypeError, ValueError):
        correct, examples = 0, 0
    if not 0 <= correct <= examples or examples == 0:
        raise UsageError(
            f"evaluate must return an Evaluation, or how many predictions were correct and of how "
            f"many examples, as in (95, 100), got {found!r}"
        )
    return Evaluation.from_counts(correct, examples, steps=steps)
