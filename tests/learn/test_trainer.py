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
    State,
    StepHook,
    Trainer,
    TrainingInterval,
    batch_of,
    divergence,
    weights_sha256,
)
from curriculum.learn.learning_rate_schedule import one_cycle
from curriculum.models import LanguageModel, Recurrent, Seq2Seq
from curriculum.record import decode, encode
from curriculum.tasks import FirstBit, HumanNumbers, Reverse

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


def take_step_by_hand(learner: Learner, batch: Batch, rows: slice = slice(None)) -> None:
    logits = learner.model(torch.from_numpy(batch.inputs[rows]))
    targets = torch.from_numpy(batch.targets[rows]).float()
    loss = binary_cross_entropy_with_logits(logits, targets)
    learner.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(learner.model.parameters(), 1.0)
    learner.optimizer.step()


def trainer(meter: CostMeter | None = None) -> Trainer:
    evaluator = Evaluator(FirstBit(), Mastery(threshold=1), 0)
    return Trainer(FirstBit(), seed=0, evaluator=evaluator, meter=meter or CostMeter())


def scheduler() -> Scheduler:
    return Scheduler(Explicit(lengths=(STAGE.length,)), Mastery(threshold=1))


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
    trained, evaluated = 4 * 8 * 6, 2 * 7 * 6
    assert evaluation.cost.tokens == trained
    assert evaluation.cost.compute == (50_000 + one.parameters) * (trained + evaluated / 3)
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
