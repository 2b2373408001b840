import itertools
import json
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from curriculum import (
    SGD,
    Adam,
    Batch,
    Budget,
    Direct,
    Explicit,
    Look,
    Mastery,
    Scheduler,
    Shape,
    Stage,
    Training,
)
from curriculum.learn.examiner import Examiner
from curriculum.learn.learner import Learner, weights_sha256
from curriculum.learn.meter import Meter
from curriculum.learn.network import State
from curriculum.learn.randomness import batch_of
from curriculum.learn.recipe import Recipe
from curriculum.learn.schedule import one_cycle
from curriculum.learn.training import Interval, Pause, Trainer, divergence
from curriculum.models import LanguageModel, Recurrent, Seq2Seq
from tasks import FirstBit, HumanNumbers, Reverse

STAGE = Stage(6)


def start(**settings: Any) -> Learner:
    return Learner.start(
        Shape.of("bit", STAGE),
        Recipe(
            model=Recurrent(hidden_size=5),
            optimizer=Adam(learning_rate=1e-2),
            training=Training(**settings),
        ),
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


def test_distinct_examples_come_again_in_the_same_order() -> None:
    one, by_hand = start(batch_size=4, distinct_examples=8), start(batch_size=4)
    trainer().take_steps(one, scheduler(), visit=3, start=0, count=5)
    for number in (0, 1, 0, 1, 0):
        batch = batch_of(FirstBit(), STAGE, 4, seed=0, stream="train", index=number)
        logits = by_hand.model(torch.from_numpy(batch.inputs))
        loss = binary_cross_entropy_with_logits(logits, torch.from_numpy(batch.targets).float())
        by_hand.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(by_hand.model.parameters(), 1.0)
        by_hand.optimizer.step()
    assert weights_sha256(one.model) == weights_sha256(by_hand.model)


class RightAtSix(nn.Module):
    """Answers first bit rightly at length 6, and wrongly at any other."""

    def forward(self, inputs: Tensor) -> Tensor:
        right = inputs.min(dim=1).values.float() - 0.5
        return right if inputs.shape[1] == 6 else -right


@pytest.mark.parametrize("online", [False, True])
def test_what_is_trained_on_over_and_over_is_measured_apart(*, online: bool) -> None:
    """Under direct pacing it is the last stage's examples, whichever stage is looked at."""
    walk = Scheduler(
        Explicit(lengths=(3, 6)), Mastery(threshold=1), budget=Budget(steps=9), pacing=Direct()
    )
    one = start(batch_size=4, distinct_examples=8, online=online)
    one.model = RightAtSix()
    look = trainer().look(one, walk)
    assert look.test is not None
    assert look.test.score == 0
    assert look.measures == {"memorised_exact_match": 1}
    assert not trainer().look(start(), scheduler()).measures


def test_the_cycle_spans_a_visits_budget_and_starts_again_with_each() -> None:
    walk = Scheduler(
        Explicit(lengths=(6, 7)), Mastery(threshold=1), budget=Budget(steps_per_stage=10)
    )
    one = start(schedule="one_cycle", warmup=0.5)
    rates = []
    for step in range(10):
        trainer().take_steps(one, walk, visit=0, start=step, count=1)
        rates.append(one.optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([1e-2 * one_cycle(step / 10, 0.5)[0] for step in range(10)])
    trainer().take_steps(one, walk, visit=1, start=0, count=1)
    assert one.optimizer.param_groups[0]["lr"] == pytest.approx(rates[0])


class Reading(nn.Module):
    """Notes which states it is given; its state is how many batches it has read."""

    carries = True

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(39))
        self.given: list[float | None] = []

    def advance(self, inputs: Tensor, state: State | None) -> tuple[Tensor, State]:
        self.given.append(None if state is None else float(state[0][0, 0]))
        read = torch.ones(len(inputs), 1) if state is None else state[0] + 1
        return self.bias.expand(*inputs.shape, 39), (read,)

    def blank(self, rows: int) -> State:
        return (torch.zeros(rows, 1),)


def reading() -> tuple[Learner, Reading, Trainer, Scheduler]:
    task, stage = HumanNumbers(), Stage(20, 38)  # three passages of 64 rows
    network = Reading()
    recipe = Recipe(
        model=LanguageModel(carries_state=True), optimizer=Adam(), training=Training(batch_size=64)
    )
    device = torch.device("cpu")
    learner = Learner(network, recipe, device, shape=Shape.of("symbols", stage))
    criterion = Mastery(threshold=1, metric="symbol_accuracy")
    examiner = Examiner(task, criterion, 0)
    walk = Scheduler(Explicit(lengths=(20,), vocab_sizes=(38, 39)), criterion)
    return learner, network, Trainer(task, seed=0, examiner=examiner, meter=Meter()), walk


def test_the_state_is_empty_on_entering_a_stage_and_at_the_documents_end() -> None:
    learner, network, charged, walk = reading()
    charged.take_steps(learner, walk, visit=0, start=0, count=5)
    assert network.given == [None, 1, 2, None, 1]
    charged.take_steps(learner, walk, visit=0, start=5, count=1)
    assert network.given[5:] == [2]
    charged.take_steps(learner, walk, visit=1, start=0, count=2)
    assert network.given[6:] == [None, 1]


def test_a_look_begins_with_an_empty_state_and_leaves_the_learners_alone() -> None:
    learner, network, charged, walk = reading()
    charged.take_steps(learner, walk, visit=0, start=0, count=2)
    kept = learner.state
    charged.look(learner, walk)
    windows = HumanNumbers().exam(walk.stage)
    assert windows.rows is not None
    assert network.given[2:] == [None, *range(1, windows.examples // windows.rows)]
    assert learner.state is kept


def test_a_passage_goes_on_where_the_one_before_ends() -> None:
    learner, _, charged, walk = reading()
    seen: list[Any] = []
    task = HumanNumbers()

    class Noting(HumanNumbers):
        def passage(self, stage: Stage, batch_size: int, index: int) -> Batch:
            seen.append(index)
            return task.passage(stage, batch_size, index)

    charged = Trainer(Noting(), seed=0, examiner=charged.examiner, meter=Meter())
    charged.take_steps(learner, walk, visit=0, start=1, count=4)
    assert seen == [1, 2, 0, 1]


class BrokenOff(Exception):
    """Training is broken off between two steps."""


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


def walk_of(one: Learner) -> tuple[Any, Scheduler]:
    """The task that such a learner is trained on, and a walk along it."""
    if one.shape.answer == "bit":
        return FirstBit(), Scheduler(
            Explicit(lengths=(6, 7)), Mastery(threshold=1), budget=Budget(steps_per_stage=40)
        )
    criterion = Mastery(threshold=1, metric="symbol_accuracy")
    if one.manner == "generating":
        return Reverse(), Scheduler(Explicit(lengths=(6,), vocab_sizes=(4, 5)), criterion)
    return HumanNumbers(), Scheduler(Explicit(lengths=(20,), vocab_sizes=(38, 39)), criterion)


@pytest.mark.parametrize("begin", [plain, online, cyclic, carrying, drawing])
@pytest.mark.parametrize("cuts", [(0,), (3,), (1, 1, 4), (2, 5, 6)])
def test_an_interval_that_is_broken_off_goes_on_as_if_it_had_not_been(
    begin: LearnerOf, cuts: tuple[int, ...]
) -> None:
    def broken_off(interval: Interval) -> None:
        kept.append((one.snapshot(), json.dumps(interval.state_dict())))
        raise BrokenOff

    def charged_trainer(meter: Meter, pause: Pause | None = None) -> Trainer:
        task, _ = walk_of(whole)
        examiner = Examiner(task, Mastery(threshold=1), 0)
        more = {} if pause is None else {"pause": pause}
        return Trainer(task, seed=0, examiner=examiner, meter=meter, **more)

    whole, meter = begin(), Meter()
    _, walk = walk_of(whole)
    place: dict[str, Any] = {"visit": 1, "start": 4, "count": 7}
    loss = charged_trainer(meter).take_steps(whole, walk, **place).mean_loss

    one, since, spent = begin(), None, meter
    for cut in cuts:
        kept: list[Any] = []
        spent = Meter(None if since is None else since.spent)
        waits = iter(range(cut - (0 if since is None else since.steps)))
        pause = Pause(lambda left=waits: next(left, None) is None, broken_off)  # type: ignore[misc]
        with pytest.raises(BrokenOff):
            charged_trainer(spent, pause).take_steps(one, walk, since=since, **place)
        [(snapshot, state)] = kept
        one, since = Learner.of(snapshot, one.device), Interval.from_state_dict(json.loads(state))
        assert since.steps == cut
    assert since is not None
    spent = Meter(since.spent)
    assert charged_trainer(spent).take_steps(one, walk, since=since, **place).mean_loss == loss
    assert weights_sha256(one.model) == weights_sha256(whole.model)
    assert spent.spent.exact() == meter.spent.exact()
    for ours, theirs in zip(one.state or (), whole.state or (), strict=True):
        assert torch.equal(ours, theirs)
    one_more: dict[str, Any] = {"visit": 1, "start": 11, "count": 1}
    for learner in (one, whole):  # the optimizer's moments, and what is carried, are the same too
        charged_trainer(Meter()).take_steps(learner, walk, **one_more)
    assert weights_sha256(one.model) == weights_sha256(whole.model)


def test_what_the_first_look_after_a_break_says_is_of_the_whole_interval() -> None:
    def looks(since: Interval | None, one: Learner, meter: Meter) -> list[tuple[Look, Any]]:
        return list(itertools.islice(trainer(meter).train(one, scheduler(), since), 2))

    whole, meter = start(look_every=5), Meter()
    expected = looks(None, whole, meter)
    one, halved = start(look_every=5), Meter()
    mean = trainer(halved).take_steps(one, scheduler(), visit=0, start=0, count=3).mean_loss
    since = Interval(steps=3, loss=3 * mean, spent=halved.spent)
    found = looks(since, one, Meter(since.spent))
    assert [loss for _, loss in found] == pytest.approx([loss for _, loss in expected])
    for (ours, _), (theirs, _) in zip(found, expected, strict=True):
        assert ours.spent.exact() == theirs.spent.exact()
        assert ours.test == theirs.test


def test_others_are_let_in_before_every_step_and_training_goes_on() -> None:
    asked: list[int] = []
    taken: list[Interval] = []

    def is_due() -> bool:
        asked.append(len(asked))
        return len(asked) % 2 == 0

    examiner = Examiner(FirstBit(), Mastery(threshold=1), 0)
    pause = Pause(is_due, taken.append)
    one, other = start(), start()
    charged = Trainer(FirstBit(), seed=0, examiner=examiner, meter=Meter(), pause=pause)
    charged.take_steps(one, scheduler(), visit=0, start=0, count=6)
    trainer().take_steps(other, scheduler(), visit=0, start=0, count=6)
    assert len(asked) == 6
    assert [interval.steps for interval in taken] == [1, 3, 5]
    assert [interval.spent.steps for interval in taken] == [1, 3, 5]
    assert weights_sha256(one.model) == weights_sha256(other.model)


def poisoned(gradient: float) -> Learner:
    """A learner one of whose gradients is no finite number, while its loss is one."""
    one = start(clip_norm=None, look_every=3)
    first = next(one.model.parameters())
    first.register_hook(lambda found: torch.full_like(found, gradient))  # type: ignore[no-untyped-call]
    return one


@pytest.mark.parametrize("gradient", [math.inf, -math.inf, math.nan])
def test_a_gradient_that_is_no_finite_number_is_said_though_the_loss_is_one(
    gradient: float,
) -> None:
    one, walk = poisoned(gradient), scheduler()
    loss = trainer().take_steps(one, walk, visit=0, start=0, count=1).mean_loss
    assert math.isfinite(loss)
    said = divergence(one, loss)
    assert said == "a gradient, and so the weights, are no longer finite numbers"
    look, _ = next(trainer().train(poisoned(gradient), scheduler()))
    assert look.diverged is not None


@pytest.mark.parametrize("loss", [math.inf, math.nan])
def test_a_loss_that_is_no_finite_number_is_said(loss: float) -> None:
    assert divergence(start(), loss) == "the loss is no longer a finite number"
    assert divergence(start(), 3.0) is None


def test_a_look_at_what_is_finite_says_nothing_of_divergence() -> None:
    look, _ = next(trainer().train(start(look_every=2), scheduler()))
    assert look.diverged is None
