"""The scheduler as a callback of Lightning's `Trainer`. Extra: `lightning`."""

from typing import Any, Unpack

import numpy as np

from curriculum.callbacks.gate import Evaluate, Gate, GateOptions
from curriculum.plan import Scheduler

try:
    from lightning.pytorch import Callback, LightningModule, Trainer
except ModuleNotFoundError as error:
    raise ImportError(
        "the callback for Lightning needs the package lightning: "
        "pip install 'curriculum[lightning]'"
    ) from error


class CurriculumCallback(Callback):
    """Evaluates every `eval_every` optimizer steps, and stops the training with the scheduler.

    What it logs is under `curriculum/`: the stage evaluated, its score and verdict
    (1 mastered or ready, 0 learning, -1 exhausted), the reach (0 before the first) and the evaluation's own
    metrics. Every evaluation gets into the loggers, whatever `log_every_n_steps`. The state is in the trainer's
    checkpoints. The arguments, and what they raise, are those of `callbacks.gate.Gate`.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        evaluate: Evaluate,
        *,
        eval_every: int = 50,
        **options: Unpack[GateOptions],
    ) -> None:
        self._gate = Gate(scheduler, evaluate, eval_every=eval_every, **options)

    @property
    def data_generator(self) -> np.random.Generator:
        """For training data; see `callbacks.gate.Gate`. Read it anew for every batch."""
        return self._gate.data_generator

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._gate.begin(
            trainer.global_step,
            processes=trainer.world_size,
            workers=getattr(trainer.train_dataloader, "num_workers", 0),
        )
        self._stop(trainer)

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: object) -> None:
        numbers = self._gate.after_step(pl_module, trainer.global_step)
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
