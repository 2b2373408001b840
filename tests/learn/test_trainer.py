"""What a trainer does: its steps, what it charges, and what it evaluates."""

import math
from typing import Any

import pytest
import torch
from small_training import STAGE, scheduler, start, trainer
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from curriculum import (
    Adam,
    Batch,
    Budget,
    Direct,
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
    State,
    Trainer,
    batch_of,
    divergence,
    weights_sha256,
)
from curriculum.learn.learning_rate_schedule import one_cycle
from curriculum.learn.work import evaluation_compute, training_compute
from curriculum.models import LanguageModel
from curriculum.tasks import FirstBit, HumanNumbers


def take_step_by_hand(learner: Learner, batch: Batch, rows: slice = slice(None)) -> None:
    logits = learner.model(torch.from_numpy(batch.inputs[rows]))
    targets = torch.from_numpy(batch.targets[rows]).float()
    loss = binary_cross_entropy_with_logits(logits, targets)
    learner.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(learner.model.parameters(), 1.0)
    learner.optimizer.step()


def test_training_is_the_loop_that_one_would_write_by_hand() -> None:
    one, by_hand = start(batch_size=8), start()
    trainer().take_steps(one, scheduler(), visit=2, start=10, count=5)
    for step in range(10, 15):
        batch = batch_of(FirstBit(), STAGE, 8, seed=0, stream="train", index=(2 << 32) + step)
        take_step_by_hand(by_hand, batch)
    assert weights_sha256(one.model) == weights_sha256(by_hand.model)


def test_ten_steps_are_five_and_five() -> None:
    one, other = start(), start()
    trainer().take_steps(one, scheduler(), visit=0, start=0, count=10)
    for first in (0, 5):
        trainer().take_steps(other, scheduler(), visit=0, start=first, count=5)
    assert weights_sha256(one.model) == weights_sha256(other.model)


def test_online_training_takes_a_step_on_each_example_of_a_batch() -> None:
    one, by_hand = start(batch_size=2, online=True), start()
    trainer().take_steps(one, scheduler(), visit=0, start=0, count=4)
    for step in range(4):
        batch = batch_of(FirstBit(), STAGE, 2, seed=0, stream="train", index=step // 2)
        take_step_by_hand(by_hand, batch, slice(step % 2, step % 2 + 1))
    assert weights_sha256(one.model) == weights_sha256(by_hand.model)


def test_no_two_visits_train_on_the_same_batches() -> None:
    one, other = start(), start()
    trainer().take_steps(one, scheduler(), visit=0, start=0, count=3)
    trainer().take_steps(other, scheduler(), visit=1, start=0, count=3)
    assert weights_sha256(one.model) != weights_sha256(other.model)


def test_an_evaluation_changes_nothing() -> None:
    one = start()
    before = weights_sha256(one.model)
    assert trainer().evaluate(one, scheduler()).cost.steps == 0
    assert weights_sha256(one.model) == before


def test_evaluations_come_at_the_given_interval_and_the_loss_falls() -> None:
    one, schedule = start(eval_every=7), scheduler()
    found: list[tuple[int, float | None]] = []
    charged = trainer()
    for _ in range(30):
        evaluation = charged.train(one, schedule)
        schedule.update(evaluation)
        found.append((evaluation.cost.steps, evaluation.train_loss))
        if schedule.finished:
            break
    assert [steps for steps, _ in found] == [7 * number for number in range(1, len(found) + 1)]
    losses = [loss for _, loss in found if loss is not None]
    assert len(losses) == len(found)
    assert losses[-1] < losses[0]


def test_everything_is_charged() -> None:
    one, schedule, meter = start(eval_every=4, batch_size=8), scheduler(), CostMeter()
    charged = trainer(meter)
    schedule.update(charged.evaluate(one, schedule))
    evaluation = charged.train(one, schedule)
    assert evaluation.cost.tokens == 4 * 8 * 6
    a_step = training_compute(one.work(8, 6, 1, training=True), one.parameters)
    an_evaluation = evaluation_compute(one.work(7, 6, 1, training=False))
    assert evaluation.cost.compute == 4 * a_step + 2 * an_evaluation
    assert evaluation.cost.seconds > 0


def test_training_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    trainer().take_steps(start(), scheduler(), visit=0, start=0, count=2)
    assert torch.equal(torch.rand(1), expected)


def test_distinct_examples_are_repeated_in_the_same_order() -> None:
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
    """Predicts first bit correctly at length 6, and wrongly at any other."""

    def forward(self, inputs: Tensor) -> Tensor:
        right = inputs.min(dim=1).values.float() - 0.5
        return right if inputs.shape[1] == 6 else -right


@pytest.mark.parametrize("online", [False, True])
def test_examples_trained_on_repeatedly_are_measured_separately(*, online: bool) -> None:
    """Under direct pacing it is the last stage's examples, whichever stage is evaluated."""
    schedule = Scheduler(
        Explicit(lengths=(3, 6)), Mastery(threshold=1), budget=Budget(steps=9), pacing=Direct()
    )
    one = start(batch_size=4, distinct_examples=8, online=online)
    one.model = RightAtSix()
    evaluation = trainer().evaluate(one, schedule)
    assert evaluation.full_test is not None
    assert evaluation.full_test.value == 0
    assert evaluation.metrics == {"memorised_exact_match": 1}
    assert not trainer().evaluate(start(), scheduler()).metrics


def test_the_cycle_spans_a_visits_budget_and_restarts_with_each_visit() -> None:
    schedule = Scheduler(
        Explicit(lengths=(6, 7)), Mastery(threshold=1), budget=Budget(steps_per_stage=10)
    )
    one = start(schedule="one_cycle", warmup=0.5)
    rates = []
    for step in range(10):
        trainer().take_steps(one, schedule, visit=0, start=step, count=1)
        rates.append(one.optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([1e-2 * one_cycle(step / 10, 0.5)[0] for step in range(10)])
    trainer().take_steps(one, schedule, visit=1, start=0, count=1)
    assert one.optimizer.param_groups[0]["lr"] == pytest.approx(rates[0])


class CountingReader(nn.Module):
    """Records which states it is given; its state is how many batches it has read."""

    carries_state = True

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(39))
        self.given: list[float | None] = []

    def forward_with_state(self, inputs: Tensor, state: State | None) -> tuple[Tensor, State]:
        self.given.append(None if state is None else float(state[0][0, 0]))
        read = torch.ones(len(inputs), 1) if state is None else state[0] + 1
        return self.bias.expand(*inputs.shape, 39), (read,)

    def initial_state(self, batch_size: int) -> State:
        return (torch.zeros(batch_size, 1),)


def reading() -> tuple[Learner, CountingReader, Trainer, Scheduler]:
    task, stage = HumanNumbers(), Stage(20, 38)  # three chunks of 64 rows
    network = CountingReader()
    recipe = Recipe(
        model=LanguageModel(carries_state=True), optimizer=Adam(), training=Training(batch_size=64)
    )
    device = torch.device("cpu")
    learner = Learner(network, recipe, device, shape=Shape.of("symbols", stage))
    criterion = Mastery(threshold=1, metric="symbol_accuracy")
    evaluator = Evaluator(task, criterion, 0)
    schedule = Scheduler(Explicit(lengths=(20,), vocab_sizes=(38, 39)), criterion)
    return learner, network, Trainer(task, seed=0, evaluator=evaluator, meter=CostMeter()), schedule


def test_the_state_is_empty_at_the_start_of_a_visit_and_after_the_documents_end() -> None:
    learner, network, charged, schedule = reading()
    charged.take_steps(learner, schedule, visit=0, start=0, count=5)
    assert network.given == [None, 1, 2, None, 1]
    charged.take_steps(learner, schedule, visit=0, start=5, count=1)
    assert network.given[5:] == [2]
    charged.take_steps(learner, schedule, visit=1, start=0, count=2)
    assert network.given[6:] == [None, 1]


def test_an_evaluation_starts_with_an_empty_state_and_leaves_the_learners_alone() -> None:
    learner, network, charged, schedule = reading()
    charged.take_steps(learner, schedule, visit=0, start=0, count=2)
    kept = learner.state
    charged.evaluate(learner, schedule)
    windows = HumanNumbers().evaluation_set(schedule.stage)
    assert windows.rows is not None
    assert network.given[2:] == [None, *range(1, windows.examples // windows.rows)]
    assert learner.state is kept


def test_chunks_are_trained_on_in_order() -> None:
    learner, _, charged, schedule = reading()
    seen: list[Any] = []
    task = HumanNumbers()

    class Recording(HumanNumbers):
        def chunk(self, stage: Stage, batch_size: int, index: int) -> Batch:
            seen.append(index)
            return task.chunk(stage, batch_size, index)

    charged = Trainer(Recording(), seed=0, evaluator=charged.evaluator, meter=CostMeter())
    charged.take_steps(learner, schedule, visit=0, start=1, count=4)
    assert seen == [1, 2, 0, 1]


def poisoned(gradient: float) -> Learner:
    """A learner one of whose gradients is no finite number, while its loss is one."""
    one = start(clip_norm=None, eval_every=3)
    first = next(one.model.parameters())
    first.register_hook(lambda found: torch.full_like(found, gradient))  # type: ignore[no-untyped-call]
    return one


@pytest.mark.parametrize("gradient", [math.inf, -math.inf, math.nan])
def test_a_gradient_that_is_not_finite_is_reported_though_the_loss_is_finite(
    gradient: float,
) -> None:
    one, schedule = poisoned(gradient), scheduler()
    loss = trainer().take_steps(one, schedule, visit=0, start=0, count=1).mean_loss
    assert math.isfinite(loss)
    message = divergence(one, loss)
    assert message == "a gradient, and so the weights, are no longer finite numbers"
    evaluation = trainer().train(poisoned(gradient), scheduler())
    assert evaluation.divergence is not None


@pytest.mark.parametrize("loss", [math.inf, math.nan])
def test_a_loss_that_is_not_finite_is_reported(loss: float) -> None:
    assert divergence(start(), loss) == "the loss is no longer a finite number"
    assert divergence(start(), 3.0) is None


def test_an_evaluation_of_a_finite_model_reports_no_divergence() -> None:
    evaluation = trainer().train(start(eval_every=2), scheduler())
    assert evaluation.divergence is None
