import itertools
from typing import Any

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from curriculum import Adam, Explicit, Mastery, Scheduler, Stage, Training
from curriculum.learn.examiner import Examiner
from curriculum.learn.learner import Learner, weights_sha256
from curriculum.learn.meter import Meter
from curriculum.learn.randomness import batch_of
from curriculum.learn.recipe import Recipe
from curriculum.learn.training import Trainer
from curriculum.models import Recurrent
from tasks import FirstBit

STAGE = Stage(6)


def start(**settings: Any) -> Learner:
    return Learner.start(
        "bit",
        Recipe(
            model=Recurrent(hidden_size=5),
            optimizer=Adam(learning_rate=1e-2),
            training=Training(**settings),
        ),
        last=STAGE,
        seed=0,
        device=torch.device("cpu"),
    )


def trainer(meter: Meter | None = None) -> Trainer:
    examiner = Examiner(FirstBit(), Mastery(threshold=1), 0)
    return Trainer(FirstBit(), seed=0, examiner=examiner, meter=meter or Meter())


def scheduler() -> Scheduler:
    return Scheduler(Explicit(lengths=(STAGE.length,)), Mastery(threshold=1))


def test_training_is_the_loop_that_one_would_write_by_hand() -> None:
    one, by_hand = start(batch_size=8), start()
    trainer().take_steps(one, scheduler(), visit=2, start=10, count=5)
    for step in range(10, 15):
        batch = batch_of(FirstBit(), STAGE, 8, seed=0, stream="train", index=(2 << 32) + step)
        logits = by_hand.model(torch.from_numpy(batch.inputs))
        loss = binary_cross_entropy_with_logits(logits, torch.from_numpy(batch.targets).float())
        by_hand.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(by_hand.model.parameters(), 1.0)
        by_hand.optimizer.step()
    assert weights_sha256(one.model) == weights_sha256(by_hand.model)


def test_ten_steps_are_five_and_five() -> None:
    one, other = start(), start()
    trainer().take_steps(one, scheduler(), visit=0, start=0, count=10)
    for begin in (0, 5):
        trainer().take_steps(other, scheduler(), visit=0, start=begin, count=5)
    assert weights_sha256(one.model) == weights_sha256(other.model)


def test_online_training_takes_a_step_on_each_example_of_a_batch() -> None:
    one, by_hand = start(batch_size=2, online=True), start()
    trainer().take_steps(one, scheduler(), visit=0, start=0, count=4)
    for step in range(4):
        batch = batch_of(FirstBit(), STAGE, 2, seed=0, stream="train", index=step // 2)
        row = slice(step % 2, step % 2 + 1)
        logits = by_hand.model(torch.from_numpy(batch.inputs[row]))
        loss = binary_cross_entropy_with_logits(
            logits, torch.from_numpy(batch.targets[row]).float()
        )
        by_hand.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(by_hand.model.parameters(), 1.0)
        by_hand.optimizer.step()
    assert weights_sha256(one.model) == weights_sha256(by_hand.model)


def test_no_two_visits_train_on_the_same_batches() -> None:
    one, other = start(), start()
    trainer().take_steps(one, scheduler(), visit=0, start=0, count=3)
    trainer().take_steps(other, scheduler(), visit=1, start=0, count=3)
    assert weights_sha256(one.model) != weights_sha256(other.model)


def test_a_look_changes_nothing() -> None:
    one = start()
    before = weights_sha256(one.model)
    assert trainer().look(one, scheduler()).spent.steps == 0
    assert weights_sha256(one.model) == before


def test_looks_come_every_so_many_steps_and_the_loss_falls() -> None:
    one, walk = start(look_every=7), scheduler()
    found: list[tuple[int, float | None]] = []
    for look, loss in itertools.islice(trainer().train(one, walk), 30):
        walk.update(look)
        found.append((look.spent.steps, loss))
        if walk.finished:
            break
    assert [steps for steps, _ in found] == [7 * number for number in range(1, len(found) + 1)]
    losses = [loss for _, loss in found if loss is not None]
    assert len(losses) == len(found)
    assert losses[-1] < losses[0]


def test_everything_is_charged() -> None:
    one, walk, meter = start(look_every=4, batch_size=8), scheduler(), Meter()
    charged = trainer(meter)
    walk.update(charged.look(one, walk))
    look, _ = next(charged.train(one, walk))
    trained, examined = 4 * 8 * 6, 2 * 7 * 6
    assert look.spent.tokens == trained
    assert look.spent.compute == (50_000 + one.parameters) * (trained + examined / 3)
    assert look.spent.seconds > 0


def test_training_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    trainer().take_steps(start(), scheduler(), visit=0, start=0, count=2)
    assert torch.equal(torch.rand(1), expected)
