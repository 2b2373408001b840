"""Stands between somebody's training loop and a scheduler: looks, and moves the walk on."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeAlias

import torch
from torch import nn

from curriculum.errors import UsageError
from curriculum.plan import Look, Scheduler, Stage, Verdict

__all__ = ["Examine", "Gate", "OnTransition"]

# `Any` stands for the user's own class of models.
Examine: TypeAlias = Callable[[Any, Stage], Look | tuple[int, int]]
"""Examines the model on fresh held-out examples of the stage: a look, or (right, examples)."""

OnTransition: TypeAlias = Callable[[Any, Verdict], object]
"""Hears that a visit ended, mastered or exhausted. `scheduler.stage` is the next one already."""

LOGGED_VERDICTS = {Verdict.EXHAUSTED: -1.0, Verdict.LEARNING: 0.0, Verdict.MASTERED: 1.0}
"""Verdicts as numbers, which is all that most loggers take."""


class Gate:
    """Looks at a model every `look_every` optimizer steps, and hands the looks to `scheduler`.

    Steps are counted on where a loop begins again from step 0 with a scheduler that has
    walked already.

    Raises:
        UsageError: where an argument is of no use.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        examine: Examine,
        *,
        look_every: int,
        on_transition: OnTransition | None = None,
    ) -> None:
        if not isinstance(scheduler, Scheduler):
            raise UsageError(f"scheduler must be a curriculum.Scheduler, got {scheduler!r}")
        if not callable(examine):
            raise UsageError(f"examine must be a function of (model, stage), got {examine!r}")
        if isinstance(look_every, bool) or not isinstance(look_every, int) or look_every < 1:
            raise UsageError(f"look_every must be a number of steps from 1 up, got {look_every!r}")
        if on_transition is not None and not callable(on_transition):
            raise UsageError(
                f"on_transition must be a function of (model, verdict), got {on_transition!r}"
            )
        self.scheduler = scheduler
        self._examine = examine
        self._look_every = look_every
        self._on_transition = on_transition
        self._before = 0  # steps taken before those that the loop counts

    def begin(self, step: int, *, processes: int, workers: int) -> None:
        """Check how a loop that stands at `step` will train, and count on from there.

        Raises:
            UsageError: for several processes, which would decide each for itself, and for
                data loaded by workers, whose copies of a dataset never hear of the next stage.
        """
        if processes > 1:
            raise UsageError(
                f"the scheduler decides in one training process, got {processes}; train on one "
                f"device, or call the scheduler in a loop of your own"
            )
        if workers > 0:
            raise UsageError(
                f"data must be drawn in the training process, where it hears of the next stage, "
                f"got {workers} workers; set the number of the data loader's workers to 0"
            )
        self._before = max(self._before, self.scheduler.spent.steps - step)

    def after(self, model: nn.Module, step: int) -> dict[str, float] | None:
        """Look if one is due after `step` of the loop; what it found, as numbers to log.

        None where no look was due, or the walk is over.

        Raises:
            UsageError: where `examine` gave neither a look nor two counts.
        """
        scheduler, steps = self.scheduler, self._before + step
        if scheduler.finished or steps - scheduler.spent.steps < self._look_every:
            return None
        stage = scheduler.stage
        with _examined(model):
            found = self._examine(model, stage)
        verdict = scheduler.update(_look(found, steps))
        if verdict is not Verdict.LEARNING and self._on_transition is not None:
            self._on_transition(model, verdict)
        return self._numbers(stage, verdict)

    def state_dict(self) -> dict[str, Any]:
        """The scheduler's state, and what the loop's count of steps leaves out, as JSON."""
        return {"scheduler": self.scheduler.state_dict(), "before": self._before}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state that `state_dict` gave, under the same settings."""
        self.scheduler.load_state_dict(state["scheduler"])
        self._before = state["before"]

    def _numbers(self, stage: Stage, verdict: Verdict) -> dict[str, float]:
        reach, decision = self.scheduler.reach, self.scheduler.decision
        numbers = {
            "curriculum/length": float(stage.length),
            "curriculum/vocab_size": float(stage.vocab_size),
            "curriculum/verdict": LOGGED_VERDICTS[verdict],
            "curriculum/reach_length": 0.0 if reach is None else float(reach.length),
            "curriculum/reach_vocab_size": 0.0 if reach is None else float(reach.vocab_size),
        }
        if decision is not None and decision.score is not None:
            numbers["curriculum/score"] = decision.score
        return numbers


@contextmanager
def _examined(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; afterwards each part is in the mode it was in."""
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for part, training in modes:
            part.training = training


def _look(found: Look | tuple[int, int], steps: int) -> Look:
    """What `examine` gave as a look, with the steps filled in."""
    if isinstance(found, Look):
        return replace(found, spent=replace(found.spent, steps=steps))
    try:
        correct, examples = map(operator.index, found)  # tensors and numpy's integers will do
    except (TypeError, ValueError):
        correct, examples = 0, 0
    if not 0 <= correct <= examples or examples == 0:
        raise UsageError(
            f"examine must return a Look, or how many answers were right and of how many "
            f"examples, as in (95, 100), got {found!r}"
        )
    return Look.of(correct, examples, steps=steps)
