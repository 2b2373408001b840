from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from curriculum import (
    SGD,
    Adam,
    Answer,
    Batch,
    Exam,
    Mastery,
    Shape,
    Stage,
    Task,
    Training,
)
from curriculum.learn.examiner import Examiner
from curriculum.learn.learner import Learner
from curriculum.learn.randomness import batch_of
from curriculum.learn.recipe import Recipe
from curriculum.learn.task import IGNORED
from curriculum.models import Recurrent
from tasks import FirstBit, HumanNumbers, Reverse


class Oracle(nn.Module):
    """Answers by a rule; counts how it was used."""

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
class Sampled:
    """First bit without its exam."""

    hard: bool = False

    @property
    def answer(self) -> Answer:
        return "bit"

    def check(self, stage: Stage) -> None:
        pass

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


def test_every_input_is_examined_and_weighted() -> None:
    one, oracle = learner("right")
    found = Examiner(FirstBit(), Mastery(threshold=1), 0).look(one, Stage(300), looks=0, tests=0)
    assert found.test is not None
    assert (found.test.score, found.test.examples, found.test.source) == (1.0, 301, "every input")
    assert found.slices["hard pair"].score == 1.0
    assert found.slices["hard pair"].examples == 2
    assert found.tokens == (64 + 301) * 300
    assert sum(map(len, oracle.seen)) == 64 + 301


def test_a_constant_answer_scores_a_half() -> None:
    one, _ = learner("constant")
    found = Examiner(FirstBit(), Mastery(threshold=0.4), 0).look(one, Stage(20), looks=0, tests=0)
    assert found.test is not None
    assert found.test.score == pytest.approx(0.5)


def test_who_reads_the_first_bit_alone_has_the_hard_pair_right_and_the_rest_wrong() -> None:
    one, _ = learner("first")
    found = Examiner(FirstBit(), Mastery(threshold=0.4), 0).look(one, Stage(20), looks=0, tests=0)
    assert found.test is not None
    assert found.test.score == pytest.approx(0.5 + 0.5 / 20)
    assert found.slices["hard pair"].score == 1.0


def test_a_stage_with_few_inputs_needs_no_screen() -> None:
    one, _ = learner("right")
    examiner = Examiner(FirstBit(), Mastery(threshold=1), 0)
    assert examiner.look(one, Stage(63), looks=0, tests=0).screen is None
    assert examiner.look(one, Stage(64), looks=0, tests=0).screen is not None


def test_a_failed_screen_spares_the_full_test() -> None:
    one, oracle = learner("constant")
    found = Examiner(Sampled(), Mastery(), 0).look(one, Stage(20), looks=0, tests=0)
    assert found.screen is not None
    assert found.screen.score == 0.5
    assert found.test is None
    assert sum(map(len, oracle.seen)) == 64


def test_a_passed_screen_is_followed_by_fresh_examples() -> None:
    one, oracle = learner("right")
    found = Examiner(WithSlice(), Mastery(), 0).look(one, Stage(2000), looks=0, tests=0)
    assert found.test is not None
    assert (found.test.score, found.test.examples, found.test.source) == (1.0, 1024, "sample")
    assert found.slices["anywhere"].examples == 1024
    assert found.tokens == (64 + 2 * 1024) * 2000
    screen, rest = oracle.seen[0], torch.cat(oracle.seen[1:])
    zeros = {int(row.argmin()) for row in screen if row.min() == 0} - {0}
    later = {int(row.argmin()) for row in rest[:1024] if row.min() == 0} - {0}
    assert len(zeros & later) < len(zeros)


def test_examples_change_with_the_number_of_the_look_and_of_the_test() -> None:
    def seen(looks: int, tests: int) -> list[Tensor]:
        one, oracle = learner("right")
        Examiner(Sampled(), Mastery(), 0).look(one, Stage(50), looks=looks, tests=tests)
        return oracle.seen

    first, again = seen(0, 0), seen(0, 0)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], seen(1, 0)[0])
    assert not torch.equal(first[1], seen(0, 1)[1])


def test_streams_share_no_examples() -> None:
    one, oracle = learner("right")
    for stream in ("gate", "tuning"):
        Examiner(Sampled(), Mastery(), 0, stream).look(one, Stage(50), looks=0, tests=0)
    half = len(oracle.seen) // 2
    for gate, tuning in zip(oracle.seen[:half], oracle.seen[half:], strict=True):
        assert gate.shape == tuning.shape
        assert not torch.equal(gate, tuning)


def test_a_full_test_is_left_out_where_it_is_not_wanted() -> None:
    one, _ = learner("right")
    examiner = Examiner(Sampled(), Mastery(), 0)
    found = examiner.look(one, Stage(50), looks=0, tests=0, full=False)
    assert found.screen is not None
    assert found.test is None
    whole = Examiner(FirstBit(), Mastery(threshold=1), 0)
    assert whole.look(one, Stage(50), looks=0, tests=0, full=False).test is not None


def test_the_model_goes_back_to_training() -> None:
    one, oracle = learner("right")
    Examiner(FirstBit(), Mastery(threshold=1), 0).look(one, Stage(5), looks=0, tests=0)
    assert oracle.training


class Parrot(nn.Module):
    """Says the symbol that it reads, likelier than each of the nine others by three nats."""

    def forward(self, inputs: Tensor) -> Tensor:
        return 3.0 * nn.functional.one_hot(inputs, 10).double()


def parrot(task: Task, metric: str = "exact_match") -> tuple[Examiner, Learner]:
    recipe = Recipe(model=Recurrent(), optimizer=SGD(), training=Training())
    network = Parrot()
    network.register_parameter("unused", nn.Parameter(torch.zeros(1)))
    learner = Learner(network, recipe, torch.device("cpu"), shape=Shape.of("symbols", Stage(4, 10)))
    return Examiner(task, Mastery(threshold=0.5, metric=metric), 0), learner


def test_a_look_measures_loss_and_symbols_beside_the_whole_answer() -> None:
    task, stage = Reverse(), Stage(4, 10)
    examiner, learner = parrot(task)
    found = examiner.look(learner, stage, looks=0, tests=0)
    batch = batch_of(task, stage, 64, seed=0, stream="gate/screen", index=0)
    right = batch.inputs == batch.targets
    each = np.where(right, 3.0, 0.0) - np.log(9 + np.exp(3.0))
    assert found.measures == {
        "loss": pytest.approx(-each.mean()),
        "symbol_accuracy": pytest.approx(right.mean()),
    }
    assert found.screen is not None
    assert found.screen.score == right.all(axis=1).mean()


def test_a_metric_other_than_the_whole_answer_leaves_that_to_the_measures() -> None:
    examiner, learner = parrot(Reverse(), "symbol_accuracy")
    found = examiner.look(learner, Stage(4, 10), looks=0, tests=0)
    assert set(found.measures) == {"loss", "exact_match"}


def test_given_examples_are_measured_by_all_metrics() -> None:
    task, stage = Reverse(), Stage(2, 10)
    examiner, learner = parrot(task)
    batches = [
        batch_of(task, stage, 8, seed=0, stream="train", index=number) for number in range(2)
    ]
    found, tokens = examiner.measure(learner, batches)
    assert set(found) == {"loss", "symbol_accuracy", "exact_match"}
    assert tokens == 32


def test_a_document_is_marked_by_its_words_and_not_by_its_windows() -> None:
    class Ends(HumanNumbers):
        """An exam of two windows, of which the second asks for one word alone."""

        def exam(self, stage: Stage) -> Exam:
            return Exam(examples=2, source="document", rows=1)

        def exam_batch(self, stage: Stage, start: int, stop: int) -> Batch:
            inputs = np.array([[1, 2, 3, 4], [5, 6, 7, 8]])
            targets = np.array([[1, 2, 3, 4], [9, IGNORED, IGNORED, IGNORED]])
            weights = np.array([4.0, 1.0])
            return Batch(
                inputs=inputs[start:stop], targets=targets[start:stop], weights=weights[start:stop]
            )

    examiner, learner = parrot(Ends(), "symbol_accuracy")
    found = examiner.look(learner, Stage(4, 39), looks=0, tests=0)
    assert found.screen is None
    assert found.test is not None
    assert found.test.score == pytest.approx(4 / 5)
    assert found.test.source == "document"
    losses = [np.log(9 + np.exp(3.0)) - 3] * 4 + [np.log(9 + np.exp(3.0))]
    assert found.measures["loss"] == pytest.approx(np.mean(losses))


def test_a_stage_may_have_a_criterion_of_its_own() -> None:
    examiner, learner = parrot(Reverse(), "symbol_accuracy")
    strict = examiner.look(learner, Stage(2, 10), looks=0, tests=0)
    assert strict.test is None
    lenient = Mastery(threshold=0.01, metric="symbol_accuracy")
    found = examiner.look(learner, Stage(2, 10), looks=0, tests=0, criterion=lenient)
    assert found.test is not None
