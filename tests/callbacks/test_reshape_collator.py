from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from transformers import Trainer, TrainingArguments

from curriculum import Arithmetic, Explicit, Mastery, Scheduler, Stage, UsageError
from curriculum.callbacks.gate import Gate
from curriculum.callbacks.hugging_face import CurriculumCallback
from curriculum.callbacks.reshape_collator import ReshapeCollator
from curriculum.callbacks.shared_stage import SharedStage


def scheduler_of(*lengths: int) -> Scheduler:
    return Scheduler(Explicit(lengths=lengths, vocab_sizes=(2,)), Mastery(threshold=0.9))


def rows(count: int, length: int) -> list[dict[str, Any]]:
    numbers = torch.arange(count * length).reshape(count, length)
    return [{"input_ids": row.tolist(), "labels": row.tolist()} for row in numbers]


@pytest.mark.parametrize(
    ("mode", "length", "multiple_of", "expected"),
    [
        ("reshape", 4, 1, (6, 4)),
        ("reshape", 5, 1, (4, 5)),  # the last two of each example are left out
        ("reshape", 3, 4, (6, 4)),  # rounded up
        ("reshape", 9, 8, (2, 12)),  # but to no more than there is
        ("truncate", 5, 1, (2, 5)),
        ("truncate", 5, 8, (2, 8)),
    ],
)
def test_a_batch_is_cut_to_the_stages_length(
    mode: Any, length: int, multiple_of: int, expected: tuple[int, int]
) -> None:
    batch = ReshapeCollator(scheduler_of(length), mode, multiple_of)(rows(2, 12))
    assert batch["input_ids"].shape == batch["labels"].shape == expected
    assert torch.equal(batch["input_ids"], batch["labels"])
    first = batch["input_ids"][:, 0]
    assert torch.equal(batch["input_ids"], first[:, None] + torch.arange(expected[1]))
    if mode == "reshape":
        assert len(set(batch["input_ids"].flatten().tolist())) == batch["input_ids"].numel()


def test_examples_may_be_tensors_or_tuples_of_them() -> None:
    collator = ReshapeCollator(scheduler_of(2), multiple_of=1)
    assert collator([torch.zeros(6), torch.ones(6)]).shape == (6, 2)
    inputs, targets = collator([(torch.zeros(6, 3), [1] * 6)])
    assert inputs.shape == (3, 2, 3)
    assert targets.tolist() == [[1, 1]] * 3


def test_positions_begin_anew_and_pieces_of_padding_are_left_out() -> None:
    examples = [
        {"x": [1, 2, 3, 0, 0, 0], "attention_mask": [1, 1, 1, 0, 0, 0], "position_ids": [*range(6)]}
    ]
    batch = ReshapeCollator(scheduler_of(2), multiple_of=1)(examples)
    assert batch["x"].tolist() == [[1, 2], [3, 0]]
    assert batch["position_ids"].tolist() == [[0, 1], [0, 1]]


def test_labels_of_whole_sequences_are_for_truncate() -> None:
    examples = [{"x": [1, 2, 3], "label": 1}, {"x": [4, 5, 6], "label": 0}]
    batch = ReshapeCollator(scheduler_of(2), "truncate", 1)(examples)
    assert batch["label"].tolist() == [1, 0]
    with pytest.raises(UsageError, match=r"'label' has one entry for each example, .*truncate"):
        ReshapeCollator(scheduler_of(2), "reshape", 1)(examples)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mode": "fold"}, "mode must be reshape or truncate, got 'fold'"),
        ({"multiple_of": 0}, "multiple_of must be a whole number, at least 1, got 0"),
        ({"multiple_of": 1.5}, "multiple_of must be a whole number, at least 1, got 1.5"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ReshapeCollator(scheduler_of(2), **settings)


def test_examples_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match="length is 9, and the dataset's examples have 6; make"):
        ReshapeCollator(scheduler_of(9))([torch.zeros(6)])
    with pytest.raises(UsageError, match=r"examples of one length, got \[2, 3\]; cut or pack"):
        ReshapeCollator(scheduler_of(2))([torch.zeros(2), torch.zeros(3)])
    with pytest.raises(UsageError, match="examples of one length, got none"):
        ReshapeCollator(scheduler_of(2))([torch.tensor(1)])


class Windows(Dataset[dict[str, Tensor]]):
    """An ordinary dataset that knows of no stage: 32 windows of 16 tokens."""

    def __len__(self) -> int:
        return 32

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {"inputs": torch.arange(16) + 100 * index}


class Model(nn.Module):
    """Records the batches that it is trained on."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.batches: list[Tensor] = []

    def forward(self, inputs: Tensor) -> dict[str, Tensor]:
        self.batches.append(inputs)
        return {"loss": (self.weight * inputs.float()).mean() / 1e6}


def trained(folder: Path, resume: bool = False, **settings: Any) -> tuple[Model, Scheduler]:
    scheduler, model = scheduler_of(2, 4, 16), Model()
    given: dict[str, Any] = {"max_steps": 20, "save_strategy": "no", "report_to": "none"} | settings
    arguments = TrainingArguments(
        str(folder), use_cpu=True, disable_tqdm=True, per_device_train_batch_size=4, **given
    )
    trainer = Trainer(
        model,
        arguments,
        train_dataset=Windows(),
        data_collator=ReshapeCollator(scheduler, multiple_of=1),
    )
    found = lambda *_: (500, 500)  # noqa: E731 - mastered at each evaluation
    trainer.add_callback(CurriculumCallback(scheduler, found, log=trainer.log, eval_every=4))
    trainer.train(resume_from_checkpoint=resume)
    return model, scheduler


def test_each_step_of_a_trainer_has_as_many_tokens_and_resumes_as_ever(tmp_path: Path) -> None:
    model, scheduler = trained(tmp_path / "whole")
    assert scheduler.reached_target
    assert [len(batch) * batch.shape[1] for batch in model.batches] == 12 * [64]
    assert {batch.shape[1] for batch in model.batches} == {2, 4, 16}
    trained(tmp_path / "cut", max_steps=6, save_strategy="steps", save_steps=6)
    resumed, later = trained(tmp_path / "cut", resume=True)
    assert later.state_dict() == scheduler.state_dict()
    assert len(resumed.batches) == 6
    for one, other in zip(resumed.batches[1:], model.batches[7:], strict=True):
        assert torch.equal(one, other)  # the same examples, cut alike


def test_workers_learn_of_the_next_stage() -> None:
    scheduler = Scheduler(Arithmetic(start=Stage(2), end=Stage(3)), Mastery(threshold=0.9))
    shared = SharedStage(scheduler)
    gate = Gate(scheduler, lambda *_: (500, 500), eval_every=1, shared_stage=shared)
    gate.begin(0, workers=1)
    loader: Any = DataLoader(
        Windows(),
        batch_size=4,
        num_workers=1,
        prefetch_factor=1,
        collate_fn=ReshapeCollator(shared, multiple_of=1),
    )
    lengths = []
    for step, batch in enumerate(loader, start=1):
        lengths.append(batch["inputs"].shape[1])
        if step == 3:
            gate.after_step(Model(), step)
    assert lengths[:3] == [2, 2, 2]
    assert lengths[-1] == 3
    assert shared.stage == scheduler.stage


def test_a_restored_state_is_shared() -> None:
    scheduler = scheduler_of(2, 4)
    first = Gate(scheduler, lambda *_: (500, 500), eval_every=1)
    first.begin(0)
    first.after_step(Model(), 1)
    other = scheduler_of(2, 4)
    shared = SharedStage(other)
    assert shared.stage == Stage(2)
    second = Gate(other, lambda *_: (500, 500), eval_every=1, shared_stage=shared)
    second.load_state_dict(first.state_dict())
    assert shared.stage == Stage(4)
