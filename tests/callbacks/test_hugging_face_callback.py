import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import IterableDataset
from transformers import Trainer, TrainerCallback, TrainingArguments

from curriculum import Arithmetic, Budget, Evaluation, Mastery, Scheduler, Stage, UsageError
from curriculum.callbacks.hugging_face import CurriculumCallback


class Examples(IterableDataset[dict[str, Tensor]]):
    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        while True:
            yield {"inputs": torch.ones(self.scheduler.stage.length)}


class Model(nn.Module):
    """Records the length of each batch that it is trained on."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.lengths: list[int] = []

    def forward(self, inputs: Tensor) -> dict[str, Tensor]:
        self.lengths.append(inputs.shape[1])
        return {"loss": (self.weight * inputs).mean()}


def scheduler_of(steps_per_stage: int = 20) -> Scheduler:
    growth = Arithmetic(start=Stage(2), end=Stage(4))
    return Scheduler(growth, Mastery(threshold=0.9), budget=Budget(steps_per_stage=steps_per_stage))


def every_third_correct(scheduler: Scheduler) -> tuple[int, int]:
    """All predictions correct in every third evaluation of a stage."""
    return (500 if scheduler.counts.evaluations % 3 == 2 else 0), 500


def trainer_of(folder: Path, scheduler: Scheduler, **settings: Any) -> Trainer:
    quiet: dict[str, Any] = {"disable_tqdm": True, "report_to": "none", "save_strategy": "no"}
    arguments = TrainingArguments(
        str(folder), use_cpu=True, **(quiet | {"max_steps": 100} | settings)
    )
    trainer = Trainer(Model(), arguments, train_dataset=Examples(scheduler))
    trainer.add_callback(
        CurriculumCallback(
            scheduler, lambda *_: every_third_correct(scheduler), log=trainer.log, eval_every=2
        )
    )
    return trainer


def test_decisions_are_those_of_the_plain_loop(tmp_path: Path) -> None:
    plain, steps = scheduler_of(), 0
    while not plain.finished:
        steps += 2
        plain.update(Evaluation.from_counts(*every_third_correct(plain), steps=steps))
    scheduler = scheduler_of()
    trainer = trainer_of(tmp_path, scheduler)
    trainer.train()
    assert scheduler.state_dict() == plain.state_dict()
    assert scheduler.reach == Stage(4)
    assert trainer.state.global_step == steps == 18  # it stopped when the scheduler finished


def test_an_exhausted_budget_stops_the_training_and_is_not_mastery(tmp_path: Path) -> None:
    scheduler = scheduler_of(steps_per_stage=4)
    trainer = trainer_of(tmp_path, scheduler)
    trainer.train()
    assert trainer.state.global_step == 4
    assert scheduler.reach is None
    assert scheduler.ending is not None
    assert "the stage's budget of 4 steps is used up" in scheduler.ending


def test_one_batch_of_the_previous_stage_may_follow_a_transition(tmp_path: Path) -> None:
    trainer = trainer_of(tmp_path, scheduler_of())
    trainer.train()
    assert isinstance(trainer.model, Model)
    assert trainer.model.lengths == 7 * [2] + 6 * [3] + 5 * [4]


def test_a_step_of_several_batches_is_one_step(tmp_path: Path) -> None:
    scheduler = scheduler_of()
    trainer = trainer_of(tmp_path, scheduler, gradient_accumulation_steps=3)
    trainer.train()
    assert isinstance(trainer.model, Model)
    assert len(trainer.model.lengths) == 3 * 18
    assert scheduler.cost.steps == 18


def test_every_evaluation_is_in_the_trainers_log_beside_the_loss(tmp_path: Path) -> None:
    trainer = trainer_of(tmp_path, scheduler_of(), logging_steps=6)
    trainer.train()
    rows = [row for row in trainer.state.log_history if "curriculum/length" in row]
    assert [row["step"] for row in rows] == [*range(2, 19, 2)]
    assert [row["curriculum/verdict"] for row in rows] == 3 * [0, 0, 1]
    assert [row["curriculum/length"] for row in rows] == 3 * [2] + 3 * [3] + 3 * [4]
    assert [row["curriculum/reach_length"] for row in rows] == 2 * [0] + 3 * [2] + 3 * [3] + [4]
    losses = [row["step"] for row in trainer.state.log_history if "loss" in row]
    assert losses == [6, 12, 18]  # an evaluation on the same step doesn't drop them


class Other(TrainerCallback):
    """Nothing but another callback."""


@pytest.mark.parametrize("restore", [False, True])
@pytest.mark.parametrize("stop", [7, 8])
def test_a_resumed_training_decides_as_an_uninterrupted_one(
    tmp_path: Path, restore: bool, stop: int
) -> None:
    whole = scheduler_of()
    trainer_of(tmp_path / "whole", whole).train()
    cut = trainer_of(tmp_path / "cut", scheduler_of(), max_steps=stop, save_strategy="steps")
    cut.train()
    scheduler = scheduler_of()
    resumed = trainer_of(
        tmp_path / "cut",
        scheduler,
        ignore_data_skip=True,
        restore_callback_states_from_checkpoint=restore,
    )
    resumed.add_callback(Other())
    resumed.train(resume_from_checkpoint=True)
    assert scheduler.state_dict() == whole.state_dict()
    assert resumed.state.global_step == 18
    assert isinstance(resumed.model, Model)
    assert resumed.model.lengths[0] == 3  # the stage of the checkpoint


def test_the_state_is_in_the_checkpoint_as_json(tmp_path: Path) -> None:
    scheduler = scheduler_of()
    trainer_of(tmp_path, scheduler, max_steps=6, save_strategy="steps").train()
    saved = json.loads((tmp_path / "checkpoint-6" / "trainer_state.json").read_text())
    assert saved["stateful_callbacks"]["curriculum"]["scheduler"] == scheduler.state_dict()


def test_what_was_drawn_since_an_evaluation_is_in_the_checkpoint(tmp_path: Path) -> None:
    scheduler = scheduler_of()
    trainer = trainer_of(
        tmp_path, scheduler, max_steps=5, save_strategy="steps"
    )  # one after the 4th
    callback = next(
        each for each in trainer.callback_handler.callbacks if isinstance(each, CurriculumCallback)
    )
    drawn: list[float] = []

    class Drawing(TrainerCallback):
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            drawn.append(callback.data_generator.random())

    trainer.add_callback(Drawing())
    trainer.train()
    following = callback.data_generator.random()
    resumed = trainer_of(
        tmp_path, scheduler_of(), max_steps=5, save_strategy="no", ignore_data_skip=True
    )
    later = next(
        each for each in resumed.callback_handler.callbacks if isinstance(each, CurriculumCallback)
    )
    resumed.train(resume_from_checkpoint=True)
    assert len(set(drawn)) == 5
    assert later.data_generator.random() == following


def test_a_second_training_continues_where_the_first_ended(tmp_path: Path) -> None:
    scheduler = scheduler_of()
    trainer = trainer_of(tmp_path, scheduler, max_steps=10)
    trainer.train()
    assert scheduler.reach == Stage(2)
    trainer.train()
    assert scheduler.reach == Stage(4)
    assert scheduler.cost.steps == 18


def test_loading_by_workers_is_refused(tmp_path: Path) -> None:
    trainer = trainer_of(tmp_path, scheduler_of(), dataloader_num_workers=1)
    with pytest.raises(UsageError, match="got 1 workers"):
        trainer.train()


def test_an_invalid_argument_is_refused_when_the_callback_is_made() -> None:
    with pytest.raises(UsageError, match="eval_every must be"):
        CurriculumCallback(scheduler_of(), lambda *_: (0, 1), log=print, eval_every=0)
