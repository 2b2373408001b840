"""Training that is interrupted between two steps continues as if it had not been."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from small_training import scheduler, start, trainer

from curriculum import (
    SGD,
    Adam,
    Budget,
    Evaluation,
    Explicit,
    Mastery,
    Scheduler,
    Shape,
    Stage,
    Training,
)
from curriculum.learn import (
    CostMeter,
    Evaluator,
    Learner,
    Recipe,
    StepHook,
    Trainer,
    TrainingInterval,
    weights_sha256,
)
from curriculum.models import LanguageModel, Seq2Seq
from curriculum.record import decode, encode
from curriculum.tasks import FirstBit, HumanNumbers, Reverse


class Interrupted(Exception):
    """Training is interrupted between two steps."""


LearnerOf = Callable[[], Learner]


def plain() -> Learner:
    return start(batch_size=8)


def online() -> Learner:
    return start(batch_size=4, online=True)


def cyclic() -> Learner:
    return start(schedule="one_cycle", warmup=0.5)


def carrying() -> Learner:
    recipe = Recipe(
        model=LanguageModel(net="lstm", hidden_size=4, carries_state=True),
        optimizer=Adam(learning_rate=1e-2),
        training=Training(batch_size=64),
    )
    shape = Shape.of("symbols", Stage(20, 38))
    return Learner.start(shape, recipe, seed=0, device=torch.device("cpu"))


def drawing() -> Learner:
    """One that draws at random in training: which units to drop, and what the decoder is shown."""
    model = Seq2Seq(hidden_size=4, embedding_size=3, dropout=0.3, teacher_forcing=0.5)
    recipe = Recipe(model=model, optimizer=SGD(learning_rate=1e-1), training=Training(batch_size=8))
    shape = Shape.of("symbols", Stage(6, 5))
    return Learner.start(shape, recipe, seed=0, device=torch.device("cpu"))


def task_and_scheduler_of(one: Learner) -> tuple[Any, Scheduler]:
    """The task that such a learner is trained on, and a scheduler for it."""
    if one.shape.output == "bit":
        return FirstBit(), Scheduler(
            Explicit(lengths=(6, 7)), Mastery(threshold=1), budget=Budget(steps_per_stage=40)
        )
    criterion = Mastery(threshold=1, metric="symbol_accuracy")
    if one.forward_mode == "autoregressive":
        return Reverse(), Scheduler(Explicit(lengths=(6,), vocab_sizes=(4, 5)), criterion)
    return HumanNumbers(), Scheduler(Explicit(lengths=(20,), vocab_sizes=(38, 39)), criterion)


@pytest.mark.parametrize("make", [plain, online, cyclic, carrying, drawing])
@pytest.mark.parametrize("cuts", [(0,), (3,), (1, 1, 4), (2, 5, 6)])
def test_an_interrupted_interval_is_resumed_as_if_uninterrupted(
    make: LearnerOf, cuts: tuple[int, ...]
) -> None:
    def interrupt(interval: TrainingInterval) -> None:
        kept.append((one.snapshot(), json.dumps(encode(interval))))
        raise Interrupted

    def charged_trainer(meter: CostMeter, hook: StepHook | None = None) -> Trainer:
        task, _ = task_and_scheduler_of(whole)
        evaluator = Evaluator(task, Mastery(threshold=1), 0)
        more = {} if hook is None else {"step_hook": hook}
        return Trainer(task, seed=0, evaluator=evaluator, meter=meter, **more)

    whole, meter = make(), CostMeter()
    _, schedule = task_and_scheduler_of(whole)
    where: dict[str, Any] = {"visit": 1, "start": 4, "count": 7}
    loss = charged_trainer(meter).take_steps(whole, schedule, **where).mean_loss

    one, resumed, charges = make(), None, meter
    for cut in cuts:
        kept: list[Any] = []
        charges = CostMeter(None if resumed is None else resumed.cost)
        waits = iter(range(cut - (0 if resumed is None else resumed.steps)))
        hook = StepHook(lambda left=waits: next(left, None) is None, interrupt)  # type: ignore[misc]
        with pytest.raises(Interrupted):
            charged_trainer(charges, hook).take_steps(one, schedule, resumed=resumed, **where)
        [(snapshot, state)] = kept
        one, resumed = (
            Learner.of(snapshot, one.device),
            decode(TrainingInterval, json.loads(state)),
        )
        assert resumed.steps == cut
    assert resumed is not None
    charges = CostMeter(resumed.cost)
    assert (
        charged_trainer(charges).take_steps(one, schedule, resumed=resumed, **where).mean_loss
        == loss
    )
    assert weights_sha256(one.model) == weights_sha256(whole.model)
    assert charges.cost.without_clock() == meter.cost.without_clock()
    for ours, theirs in zip(one.state or (), whole.state or (), strict=True):
        assert torch.equal(ours, theirs)
    one_more: dict[str, Any] = {"visit": 1, "start": 11, "count": 1}
    for learner in (one, whole):  # the optimizer's moments, and what is carried, are the same too
        charged_trainer(CostMeter()).take_steps(learner, schedule, **one_more)
    assert weights_sha256(one.model) == weights_sha256(whole.model)


def test_the_first_evaluation_after_a_resume_covers_the_whole_interval() -> None:
    def evaluations(
        resumed: TrainingInterval | None, one: Learner, meter: CostMeter
    ) -> list[Evaluation]:
        charged = trainer(meter)
        first = charged.train(one, scheduler(), resumed)
        return [first, charged.train(one, scheduler())]

    whole, meter = start(eval_every=5), CostMeter()
    expected = evaluations(None, whole, meter)
    one, halved = start(eval_every=5), CostMeter()
    mean = trainer(halved).take_steps(one, scheduler(), visit=0, start=0, count=3).mean_loss
    resumed = TrainingInterval(steps=3, loss=3 * mean, cost=halved.cost)
    found = evaluations(resumed, one, CostMeter(resumed.cost))
    assert [e.train_loss for e in found] == pytest.approx([e.train_loss for e in expected])
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.cost.without_clock() == theirs.cost.without_clock()
        assert ours.full_test == theirs.full_test


def test_the_step_hook_is_called_before_every_step_and_training_continues() -> None:
    calls: list[int] = []
    taken: list[TrainingInterval] = []

    def is_due() -> bool:
        calls.append(len(calls))
        return len(calls) % 2 == 0

    evaluator = Evaluator(FirstBit(), Mastery(threshold=1), 0)
    hook = StepHook(is_due, taken.append)
    one, other = start(), start()
    charged = Trainer(FirstBit(), seed=0, evaluator=evaluator, meter=CostMeter(), step_hook=hook)
    charged.take_steps(one, scheduler(), visit=0, start=0, count=6)
    trainer().take_steps(other, scheduler(), visit=0, start=0, count=6)
    assert len(calls) == 6
    assert [interval.steps for interval in taken] == [1, 3, 5]
    assert [interval.cost.steps for interval in taken] == [1, 3, 5]
    assert weights_sha256(one.model) == weights_sha256(other.model)
