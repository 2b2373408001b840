"""The scheduler as a callback of Lightning's `Trainer`. Extra: `lightning`."""

from __future__ import annotations

from typing import Any

from curriculum.callbacks.gate import Examine, Gate, OnTransition
from curriculum.plan import Scheduler

try:
    from lightning.pytorch import Callback, LightningModule, Trainer
except ModuleNotFoundError as error:
    raise ImportError(
        "the callback for Lightning needs the package lightning: "
        "pip install 'curriculum[lightning]'"
    ) from error

__all__ = ["CurriculumCallback"]


class CurriculumCallback(Callback):
    """Looks every `look_every` optimizer steps, and stops the training at the walk's end.

    What it logs is under `curriculum/`: the stage looked at, its score and verdict
    (1 mastered, 0 learning, -1 exhausted) and the reach (0 before the first). Every look
    gets into the loggers, whatever `log_every_n_steps`. The state is in the trainer's
    checkpoints.

    Args:
        scheduler: whose `stage` the training data are drawn from.
        examine: given the model, in evaluation mode and without gradients, and the stage.
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
        look_every: int = 50,
        on_transition: OnTransition | None = None,
    ) -> None:
        self._gate = Gate(scheduler, examine, look_every=look_every, on_transition=on_transition)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._gate.begin(
            trainer.global_step,
            processes=trainer.world_size,
            workers=getattr(trainer.train_dataloader, "num_workers", 0),
        )
        self._stop(trainer)

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: object) -> None:
        numbers = self._gate.after(pl_module, trainer.global_step)
        if numbers is None:
            return
        for logger in trainer.loggers:
            logger.log_metrics(numbers, step=trainer.global_step)
        pl_module.log_dict(numbers, logger=False, on_step=True, on_epoch=False)  # for callbacks
        self._stop(trainer)

    def state_dict(self) -> dict[str, Any]:
        return self._gate.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._gate.load_state_dict(state_dict)

    def _stop(self, trainer: Trainer) -> None:
        trainer.should_stop = trainer.should_stop or self._gate.scheduler.finished
