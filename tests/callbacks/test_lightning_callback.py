import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from curriculum import Arithmetic, Budget, Evaluation, Mastery, Scheduler, Stage, UsageError
from curriculum.callbacks.lightning import CurriculumCallback


class Batches(IterableDataset[Tensor]):
    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler

    def __iter__(self) -> Iterator[Tensor]:
        while True:
            yield torch.ones(4, self.scheduler.stage.length)


class Module(LightningModule):
    """Records the length of each batch that it is trained on."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.lengths: list[int] = []

    def training_step(self, batch: Tensor, index: int) -> Tensor:
        self.lengths.append(batch.shape[1])
        return (self.weight * batch).mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def scheduler_of(steps_per_stage: int = 20) -> Scheduler:
    growth = Arithmetic(start=Stage(2), end=Stage(4))
    return Scheduler(growth, Mastery(threshold=0.9), budget=Budget(steps_per_stage=steps_per_stage))


def every_third_correct(scheduler: Scheduler) -> tuple[int, int]:
    """All predictions correct in every third evaluation of a stage."""
    return (500 if scheduler.counts.evaluations % 3 == 2 else 0), 500


def trainer_of(scheduler: Scheduler, *more: ModelCheckpoint, **settings: Any) -> Trainer:
    callback = CurriculumCallback(
        scheduler, lambda *_: every_third_correct(scheduler), eval_every=2
    )
    settings = {"max_steps": 100, "logger": False} | settings
    return Trainer(
        accelerator="cpu",
        callbacks=[*more, callback],
        enable_checkpointing=bool(more),
        enable_progress_bar=False,
        enable_model_summary=False,
        **settings,
    )


def data(scheduler: Scheduler, **settings: Any) -> DataLoader[Tensor]:
    return DataLoader(Batches(scheduler), batch_size=None, **settings)


def fitted(scheduler: Scheduler, **settings: Any) -> tuple[Trainer, Module]:
    trainer, module = trainer_of(scheduler, **settings), Module()
    trainer.fit(module, data(scheduler))
    return trainer, module


def test_decisions_are_those_of_the_plain_loop() -> None:
    plain, steps = scheduler_of(), 0
    while not plain.finished:
        steps += 2
        plain.update(Evaluation.from_counts(*every_third_correct(plain), steps=steps))
    scheduler = scheduler_of()
    trainer, _ = fitted(scheduler)
    assert scheduler.state_dict() == plain.state_dict()
    assert scheduler.reach == Stage(4)
    assert trainer.global_step == steps == 18  # it stopped when the scheduler finished


def test_a_budget_used_up_stops_the_fit_and_is_not_mastery() -> None:
    scheduler = scheduler_of(steps_per_stage=4)
    trainer, _ = fitted(scheduler)
    assert trainer.global_step == 4
    assert scheduler.reach is None
    assert scheduler.ending is not None
    assert "the stage's budget of 4 steps is used up" in scheduler.ending


def test_one_batch_of_the_previous_stage_may_be_fetched_already() -> None:
    _, module = fitted(scheduler_of())
    assert module.lengths == 7 * [2] + 6 * [3] + 5 * [4]


def test_accumulated_batches_are_one_step() -> None:
    scheduler = scheduler_of()
    _, module = fitted(scheduler, accumulate_grad_batches=3)
    assert len(module.lengths) == 3 * 18
    assert scheduler.cost.steps == 18


def test_every_evaluation_is_logged_however_rarely_the_trainer_logs(tmp_path: Path) -> None:
    trainer, _ = fitted(scheduler_of(), logger=CSVLogger(tmp_path), log_every_n_steps=50)
    (path,) = tmp_path.rglob("metrics.csv")
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [*range(2, 19, 2)]
    assert [float(row["curriculum/verdict"]) for row in rows] == 3 * [0, 0, 1]
    assert [float(row["curriculum/length"]) for row in rows] == 3 * [2] + 3 * [3] + 3 * [4]
    reach = [float(row["curriculum/reach_length"]) for row in rows]
    assert reach == 2 * [0] + 3 * [2] + 3 * [3] + [4]
    assert trainer.callback_metrics["curriculum/reach_length"] == 4  # for other callbacks


@pytest.mark.filterwarnings("ignore:Checkpoint directory .* is not empty:UserWarning")  # rightly
@pytest.mark.parametrize("stop", [7, 8])
def test_a_resumed_fit_decides_as_an_uninterrupted_one(tmp_path: Path, stop: int) -> None:
    whole = scheduler_of()
    fitted(whole)
    first = scheduler_of()
    checkpoints = ModelCheckpoint(tmp_path, filename="{step}", every_n_train_steps=1)
    trainer_of(first, checkpoints, max_steps=stop).fit(Module(), data(first))
    scheduler, module = scheduler_of(), Module()
    trainer = trainer_of(scheduler, ModelCheckpoint(tmp_path, every_n_train_steps=1))
    trainer.fit(module, data(scheduler), ckpt_path=tmp_path / f"step={stop}.ckpt")
    assert scheduler.state_dict() == whole.state_dict()
    assert trainer.global_step == 18
    assert module.lengths[0] == 3  # the stage of the checkpoint


def test_a_second_fit_continues_where_the_first_ended() -> None:
    scheduler = scheduler_of()
    fitted(scheduler, max_steps=10)
    assert scheduler.reach == Stage(2)
    fitted(scheduler)
    assert scheduler.reach == Stage(4)
    assert scheduler.cost.steps == 18


def test_a_finished_scheduler_is_not_trained_on() -> None:
    scheduler = scheduler_of()
    fitted(scheduler)
    _, module = fitted(scheduler)
    assert module.lengths == []


def test_a_loader_with_workers_is_refused() -> None:
    scheduler = scheduler_of()
    with pytest.raises(UsageError, match="got 1 workers"):
        trainer_of(scheduler).fit(Module(), data(scheduler, num_workers=1))


def test_the_callback_refuses_an_invalid_argument() -> None:
    with pytest.raises(UsageError, match="eval_every must be"):
        CurriculumCallback(scheduler_of(), lambda *_: (0, 1), eval_every=0)


def test_without_lightning_the_import_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "lightning.pytorch", None)
    monkeypatch.delitem(sys.modules, "curriculum.callbacks.lightning")
    with pytest.raises(ImportError, match=r"pip install 'curriculum\[lightning\]'"):
        import curriculum.callbacks.lightning  # noqa: F401
