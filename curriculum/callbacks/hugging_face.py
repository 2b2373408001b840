"""The scheduler as a callback of the Hugging Face `Trainer`. Extra: `hugging-face`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from curriculum.callbacks.gate import Examine, Gate, OnTransition
from curriculum.plan import Scheduler

__all__ = ["CurriculumCallback"]

STATE_KEY = "curriculum"
"""Where a checkpoint's `trainer_state.json` keeps the state, among those of other callbacks.

Not the name of the class: that would make `restore_callback_states_from_checkpoint` build a
second callback, from JSON alone, where the scheduler and `examine` can't come from.
"""


class CurriculumCallback(TrainerCallback):
    """Looks every `look_every` optimizer steps, and stops the training at the walk's end.

    Add it by `trainer.add_callback`, as it logs through the trainer. What it logs is under
    `curriculum/`: the stage looked at, its score and verdict (1 mastered, 0 learning, -1
    exhausted) and the reach (0 before the first). The state is in the trainer's checkpoints.

    Args:
        scheduler: whose `stage` the training data are drawn from.
        examine: given the model, in evaluation mode and without gradients, and the stage.
        log: the trainer's `log`.
        look_every: optimizer steps between two looks.
        on_transition: given the model and the verdict whenever a visit ended.

    Raises:
        UsageError: where an argument is of no use.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        examine: Examine,
        *,
        log: Callable[[dict[str, float]], object],
        look_every: int = 50,
        on_transition: OnTransition | None = None,
    ) -> None:
        self._gate = Gate(scheduler, examine, look_every=look_every, on_transition=on_transition)
        self._log = log

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        saved = _kept(state).get(STATE_KEY)  # there after a resume
        if saved is not None:
            self._gate.load_state_dict(saved)
        self._gate.begin(
            state.global_step, processes=args.world_size, workers=args.dataloader_num_workers
        )
        _kept(state)[STATE_KEY] = self._gate.state_dict()
        control.should_training_stop |= self._gate.scheduler.finished

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **more: Any
    ) -> None:
        numbers = self._gate.after(more["model"], state.global_step)
        if numbers is None:
            return
        _kept(state)[STATE_KEY] = self._gate.state_dict()
        due = control.should_log
        self._log(numbers)
        control.should_log = due  # logging takes it back, and the loss is to be logged yet
        control.should_training_stop |= self._gate.scheduler.finished


def _kept(state: TrainerState) -> dict[str, Any]:
    """The states of callbacks, which a checkpoint keeps; the library annotates them as a list."""
    return cast(dict[str, Any], state.stateful_callbacks)
