"""The scheduler as a callback of the Hugging Face `Trainer`. Extra: `hugging-face`."""

from collections.abc import Callable
from typing import Any, Unpack, cast

import numpy as np
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from curriculum.callbacks.gate import Evaluate, Gate, GateOptions
from curriculum.plan import Scheduler

STATE_KEY = "curriculum"
"""Where a checkpoint's `trainer_state.json` keeps the state, among those of other callbacks.

Not the name of the class: that would make `restore_callback_states_from_checkpoint` build a
second callback, from JSON alone, where the scheduler and `evaluate` can't come from.
"""


class CurriculumCallback(TrainerCallback):
    """Evaluates every `eval_every` optimizer steps, and stops the training with the scheduler.

    Add it by `trainer.add_callback`, as it logs through `log`, the trainer's. What it logs is
    under `curriculum/`: the stage evaluated, its score and verdict (1 mastered or ready, 0 learning, -1
    exhausted), the reach (0 before the first) and the evaluation's own metrics. The state is in the trainer's checkpoints.
    The other arguments, and what they raise, are those of `callbacks.gate.Gate`.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        evaluate: Evaluate,
        *,
        log: Callable[[dict[str, float]], object],
        eval_every: int = 50,
        **options: Unpack[GateOptions],
    ) -> None:
        self._gate = Gate(scheduler, evaluate, eval_every=eval_every, **options)
        self._log = log

    @property
    def data_generator(self) -> np.random.Generator:
        """For training data; see `callbacks.gate.Gate`. Read it anew for every example."""
        return self._gate.data_generator

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        saved = _callback_states(state).get(STATE_KEY)  # there after a resume
        if saved is not None:
            self._gate.load_state_dict(saved)
        self._gate.begin(
            state.global_step, processes=args.world_size, workers=args.dataloader_num_workers
        )
        _callback_states(state)[STATE_KEY] = self._gate.state_dict()
        control.should_training_stop |= self._gate.scheduler.finished

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **more: Any
    ) -> None:
        numbers = self._gate.after_step(more["model"], state.global_step)
        if numbers is None:
            # Data were drawn since the last evaluation, and this step may be one that is saved.
            kept = _callback_states(state)[STATE_KEY]
            kept["data_generator"], kept["step"] = self._gate.data_generator_state, self._gate.step
            return
        _callback_states(state)[STATE_KEY] = self._gate.state_dict()
        due = control.should_log
        self._log(numbers)
        control.should_log = due  # logging takes it back, and the loss is to be logged yet
        control.should_training_stop |= self._gate.scheduler.finished


def _callback_states(state: TrainerState) -> dict[str, Any]:
    """The states of callbacks, which a checkpoint keeps; the library annotates them as a list."""
    return cast(dict[str, Any], state.stateful_callbacks)
