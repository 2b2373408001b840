from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from documents import Documents
from torch import Tensor, nn

from curriculum import SGD, Adam, Batch, EvaluationSet, LossBelow, Mastery, Shape, Stage, Training
from curriculum.learn import IGNORED, Evaluator, Learner, Recipe, Task, batch_of
from curriculum.learn.work import evaluation_compute
from curriculum.models import Recurrent
from curriculum.plan import EvaluationCounts
from curriculum.tasks import FirstBit, HumanNumbers, Reverse


class Oracle(nn.Module):
    """Predicts by a rule, and keeps what it was given."""

    def __init__(self, rule: str) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))
        self.rule = rule
        self.seen: list[Tensor] = []

    def forward(self, inputs: Tensor) -> Tensor:
        assert not self.training
        assert torch.is_inference_mode_enabled()
        self.seen.append(inputs)
        if self.rule == "first":
            return inputs[:, 0].float() - 0.5
        if self.rule == "right":
            return inputs.min(dim=1).values.float() - 0.5
        return torch.full((len(inputs),), -1.0)


def learner(rule: str) -> tuple[Learner, Oracle]:
    oracle = Oracle(rule)
    recipe = Recipe(model=Recurrent(), optimizer=Adam(), training=Training())
    device = torch.device("cpu")
    return Learner(oracle, recipe, device, shape=Shape.of("bit", Stage(2000))), oracle


@dataclass(frozen=True)
class Sampled(Task):
    """First bit without its evaluation set."""

    output = "bit"

    hard: bool = False

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        return FirstBit().sample(rng, stage, batch_size)


@dataclass(frozen=True)
class WithSlice(Sampled):
    @property
    def slices(self) -> tuple[str, ...]:
        return ("anywhere",)

    def sample_slice(
        self, rng: np.random.Generator, stage: Stage, batch_size: int, name: str
    ) -> Batch:
        assert name == "anywhere"
        return FirstBit(zeros="anywhere").sample(rng, stage, batch_size)


def charged(learner: Learner, length: int, *sizes: int) -> float:
    """What evaluations of so many examples each count, of a model that computes nothing."""
    works = [learner.work(size, length, 1, training=False) for size in sizes]
    return sum(map(evaluation_compute, works))


def test_every_input_is_evaluated_and_weighted() -> None:
    one, oracle = learner("right")
    found, compute = Evaluator(FirstBit(), Mastery(threshold=1), 0).evaluate(
        one, Stage(300), EvaluationCounts()
    )
    assert found.full_test is not None
    assert (found.full_test.value, found.full_test.examples, found.full_test.source) == (
        1.0,
        301,
        "every input",
    )
    assert found.slices["hard pair"].value == 1.0
    assert found.slices["hard pair"].examples == 2
    assert compute == charged(one, 300, 64, 256, 45)
    assert sum(map(len, oracle.seen)) == 64 + 301


def test_a_constant_prediction_scores_a_half() -> None:
    one, _ = learner("constant")
    found, _ = Evaluator(FirstBit(), Mastery(threshold=0.4), 0).evaluate(
        one, Stage(20), EvaluationCounts()
    )
    assert found.full_test is not None
    assert found.full_test.value == pytest.approx(0.5)


def test_reading_the_first_bit_alone_solves_the_hard_pair_and_nothing_else() -> None:
    one, _ = learner("first")
    found, _ = Evaluator(FirstBit(), Mastery(threshold=0.4), 0).evaluate(
        one, Stage(20), EvaluationCounts()
    )
    assert found.full_test is not None
    assert found.full_test.value == pytest.approx(0.5 + 0.5 / 20)
    assert found.slices["hard pair"].value == 1.0


def test_a_stage_with_few_inputs_needs_no_screen() -> None:
    one, _ = learner("right")
    evaluator = Evaluator(FirstBit(), Mastery(threshold=1), 0)
    assert evaluator.evaluate(one, Stage(63), EvaluationCounts())[0].screen is None
    assert evaluator.evaluate(one, Stage(64), EvaluationCounts())[0].screen is not None


def test_no_full_test_follows_a_failed_screen() -> None:
    one, oracle = learner("constant")
    found, _ = Evaluator(Sampled(), Mastery(), 0).evaluate(one, Stage(20), EvaluationCounts())
    assert found.screen is not None
    assert found.screen.value == 0.5
    assert found.full_test is None
    assert sum(map(len, oracle.seen)) == 64


def test_a_full_test_on_fresh_examples_follows_a_passed_screen() -> None:
    one, oracle = learner("right")
    found, compute = Evaluator(WithSlice(), Mastery(), 0).evaluate(
        one, Stage(2000), EvaluationCounts()
    )
    assert found.full_test is not None
    assert (found.full_test.value, found.full_test.examples, found.full_test.source) == (
        1.0,
        1024,
        "sample",
    )
    assert found.slices["anywhere"].examples == 1024
    sizes = [131] * 7 + [1024 - 7 * 131]
    assert compute == charged(one, 2000, 64, *sizes, *sizes)
    screen, rest = oracle.seen[0], torch.cat(oracle.seen[1:])
    zeros = {int(row.argmin()) for row in screen if row.min() == 0} - {0}
    later = {int(row.argmin()) for row in rest[:1024] if row.min() == 0} - {0}
    assert len(zeros & later) < len(zeros)


def test_examples_change_with_the_number_of_the_evaluation_and_of_the_full_test() -> None:
    def seen(evaluations: int, full_tests: int) -> list[Tensor]:
        one, oracle = learner("right")
        counts = EvaluationCounts(evaluations=evaluations, full_tests=full_tests)
        Evaluator(Sampled(), Mastery(), 0).evaluate(one, Stage(50), counts)
        return oracle.seen

    first, again = seen(0, 0), seen(0, 0)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], seen(1, 0)[0])
    assert not torch.equal(first[1], seen(0, 1)[1])


def test_streams_share_no_examples() -> None:
    one, oracle = learner("right")
    for stream in ("gate", "tuning"):
        Evaluator(Sampled(), Mastery(), 0, stream).evaluate(one, Stage(50), EvaluationCounts())
    half = len(oracle.seen) // 2
    for gate, tuning in zip(oracle.seen[:half], oracle.seen[half:], strict=True):
        assert gate.shape == tuning.shape
        assert not torch.equal(gate, tuning)


def test_a_full_test_on_fresh_examples_can_be_left_out() -> None:
    one, _ = learner("right")
    evaluator = Evaluator(Sampled(), Mastery(), 0)
    found, _ = evaluator.evaluate(one, Stage(50), EvaluationCounts(), full_test=False)
    assert found.screen is not None
    assert found.full_test is None
    whole = Evaluator(FirstBit(), Mastery(threshold=1), 0)
    found, _ = whole.evaluate(one, Stage(50), EvaluationCounts(), full_test=False)
    assert found.full_test is not None


def test_the_model_returns_to_training_mode() -> None:
    one, oracle = learner("right")
    Evaluator(FirstBit(), Mastery(threshold=1), 0).evaluate(one, Stage(5), EvaluationCounts())
    assert oracle.training


class Copier(nn.Module):
    """Predicts the symbol that it reads, likelier than each of the nine others by three nats."""

    def forward(self, inputs: Tensor) -> Tensor:
        return 3.0 * nn.functional.one_hot(inputs, 10).double()


def copier(task: Task, metric: str = "exact_match") -> tuple[Evaluator, Learner]:
    recipe = Recipe(model=Recurrent(), optimizer=SGD(), training=Training())
    network = Copier()
    network.register_parameter("unused", nn.Parameter(torch.zeros(1)))
    learner = Learner(network, recipe, torch.device("cpu"), shape=Shape.of("symbols", Stage(4, 10)))
    return Evaluator(task, Mastery(threshold=0.5, metric=metric), 0), learner


def test_an_evaluation_measures_loss_and_symbols_besides_the_exact_match() -> None:
    task, stage = Reverse(), Stage(4, 10)
    evaluator, learner = copier(task)
    found, _ = evaluator.evaluate(learner, stage, EvaluationCounts())
    batch = batch_of(task, stage, 64, seed=0, stream="gate/screen", index=0)
    right = batch.inputs == batch.targets
    each = np.where(right, 3.0, 0.0) - np.log(9 + np.exp(3.0))
    assert found.metrics == {
        "loss": pytest.approx(-each.mean()),
        "symbol_accuracy": pytest.approx(right.mean()),
    }
    assert found.screen is not None
    assert found.screen.value == right.all(axis=1).mean()


def test_the_exact_match_is_measured_where_it_is_not_the_criterions_metric() -> None:
    evaluator, learner = copier(Reverse(), "symbol_accuracy")
    found, _ = evaluator.evaluate(learner, Stage(4, 10), EvaluationCounts())
    assert set(found.metrics) == {"loss", "exact_match"}


def test_given_examples_are_measured_by_all_metrics() -> None:
    task, stage = Reverse(), Stage(2, 10)
    evaluator, learner = copier(task)
    batches = [
        batch_of(task, stage, 8, seed=0, stream="train", index=number) for number in range(2)
    ]
    found, compute = evaluator.measure(learner, batches)
    assert set(found) == {"loss", "symbol_accuracy", "exact_match"}
    assert compute == sum(map(learner.evaluation_compute, batches)) > 0


def test_a_document_is_scored_by_its_words_and_not_by_its_windows() -> None:
    class Ends(HumanNumbers):
        """An evaluation set of two windows, of which the second has one word to predict."""

        def evaluation_set(self, stage: Stage) -> EvaluationSet:
            return EvaluationSet(examples=2, source="document", rows=1)

        def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
            inputs = np.array([[1, 2, 3, 4], [5, 6, 7, 8]])
            targets = np.array([[1, 2, 3, 4], [9, IGNORED, IGNORED, IGNORED]])
            weights = np.array([4.0, 1.0])
            return Batch(
                inputs=inputs[start:stop], targets=targets[start:stop], weights=weights[start:stop]
            )

    evaluator, learner = copier(Ends(), "symbol_accuracy")
    found, _ = evaluator.evaluate(learner, Stage(4, 39), EvaluationCounts())
    assert found.screen is None
    assert found.full_test is not None
    assert found.full_test.value == pytest.approx(4 / 5)
    assert found.full_test.source == "document"
    losses = [np.log(9 + np.exp(3.0)) - 3] * 4 + [np.log(9 + np.exp(3.0))]
    assert found.metrics["loss"] == pytest.approx(np.mean(losses))


def test_a_stage_may_have_a_criterion_of_its_own() -> None:
    evaluator, learner = copier(Reverse(), "symbol_accuracy")
    strict, _ = evaluator.evaluate(learner, Stage(2, 10), EvaluationCounts())
    assert strict.full_test is None
    lenient = Mastery(threshold=0.01, metric="symbol_accuracy")
    found, _ = evaluator.evaluate(learner, Stage(2, 10), EvaluationCounts(), criterion=lenient)
    assert found.full_test is not None


def test_an_input_that_is_read_in_pieces_is_charged_for_all_of_its_length(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = Recipe(model=Recurrent(hidden_size=4), optimizer=Adam(), training=Training())
    stage = Stage(600)
    one = Learner.start(Shape.of("bit", stage), recipe, seed=0, device=torch.device("cpu"))
    whole = Evaluator(Sampled(), Mastery(), 0).test_sample(one, stage, 0, 100)
    monkeypatch.setattr("curriculum.learn.evaluator.MOST_NUMBERS", 1)
    streamed = Evaluator(Sampled(), Mastery(), 0).test_sample(one, stage, 0, 100)
    assert streamed[2] == charged(one, 600, 64, 36)
    assert whole[2] == charged(one, 600, 100)


@pytest.mark.parametrize(("threshold", "tested"), [(0.1, False), (5.0, True)])
def test_held_out_documents_are_tested_where_a_screen_on_others_passes(
    threshold: float, tested: bool
) -> None:
    task, shape = Documents(documents=150), Documents().shape(Stage(9, 4))
    recipe = Recipe(model=Recurrent(), optimizer=Adam(), training=Training())
    one = Learner.start(shape, recipe, seed=0, device=torch.device("cpu"))
    criterion = LossBelow(threshold=threshold)
    evaluator = Evaluator(task, criterion, 0, apart=task.for_stream("tuning"))
    found, _ = evaluator.evaluate(one, Stage(9, 4), EvaluationCounts())
    assert found.screen is not None
    assert found.screen.source == "held_out"
    assert (found.full_test is not None) is tested
    assert evaluator.evaluate(one, Stage(9, 4), EvaluationCounts(), full_test=False)[0] == replace(
        found, full_test=None
    )
    # Where no others are held out, there is no screen.
    alone, _ = replace(evaluator, apart=task).evaluate(one, Stage(9, 4), EvaluationCounts())
    assert alone.screen is None
    assert alone.full_test is not None
    assert alone.full_test.spread is not None
    assert alone.full_test.spread.units == 150
