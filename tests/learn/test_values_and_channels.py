"""Tasks of real values and channels, and tasks with a loss and metrics of their own."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from curriculum import Adam, Batch, Budget, Experiment, Explicit, Mastery, Shape, Stage, Task
from curriculum.errors import UsageError
from curriculum.learn import IGNORED, Learner, Model, concatenate
from curriculum.learn.evaluator import Evaluator
from curriculum.learn.losses import mean_loss
from curriculum.learn.metrics import own_metrics, predict, standard_metric
from curriculum.learn.predictions import predict_batch
from curriculum.models import (
    Bert,
    Convolution,
    Decoder,
    LanguageModel,
    LinearRecurrent,
    MinGRU,
    Recurrent,
    Seq2Seq,
    StackRNN,
)


@dataclass(frozen=True)
class Means(Task):
    """The mean of each of two channels, with one thing wrong."""

    output = "values"
    tolerance = 0.1

    wrong: str = ""

    def shape(self, last: Stage) -> Shape:
        return Shape.of(self.output, last, channels=2, value_count=2)

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Any:
        inputs: Any = rng.random((batch_size, stage.length, 2), dtype=np.float32) - 0.5
        lengths = rng.integers(1, stage.length + 1, size=batch_size)
        lengths[0] = stage.length
        mask: Any = np.arange(stage.length) < lengths[:, None]
        targets: Any = (inputs * mask[..., None]).sum(axis=1) / lengths[:, None].astype(np.float32)
        match self.wrong:
            case "symbols":
                inputs = np.zeros((batch_size, stage.length), dtype=np.int64)
            case "double":
                inputs = inputs.astype(np.float64)
            case "one channel":
                inputs = inputs[..., :1]
            case "not finite":
                inputs[0, 0] = np.inf
            case "mask of numbers":
                mask = mask.astype(np.int64)
            case "mask with a hole":
                mask[0, 0] = False
            case "whole targets":
                targets = targets.astype(np.int64)
            case "one value":
                targets = targets[:, 0]
            case "three values":
                targets = np.zeros((batch_size, 3), dtype=np.float32)
            case "no number":
                targets[1, 1] = np.nan
        return Batch(inputs=inputs, targets=targets, mask=mask)


def experiment(task: Task, model: Model | None = None, **changes: Any) -> Experiment:
    return Experiment(
        task=task,
        model=model or Recurrent(cell="gru", hidden_size=8),
        growth=Explicit(lengths=(2, 4)),
        optimizer=Adam(learning_rate=1e-2),
        **changes,
    )


SAMPLE = r"^Means\.sample \(test_values_and_channels\.py, line \d+\) "


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ("symbols", SAMPLE + "must give inputs as float32, got int64; use .astype"),
        (
            "double",
            SAMPLE + r"must give inputs as float32, got float64; use \.astype\(np\.float32\)",
        ),
        ("one channel", SAMPLE + "gave 1 channels, and the task's shape has 2; say otherwise in"),
        ("not finite", SAMPLE + "must give inputs that are finite numbers"),
        ("mask of numbers", SAMPLE + r"must give the mask as bool of shape \(3, 2\), got int64"),
        ("mask with a hole", SAMPLE + "must give a mask that is True from the first position"),
        ("whole targets", SAMPLE + "must give targets as float32, got int64; use .astype"),
        ("one value", SAMPLE + r"must give targets of shape \(B, 2\), got \(3,\)"),
        (
            "three values",
            SAMPLE + r"must give targets of shape \(B, 2\), got \(3, 3\); say otherwise",
        ),
        ("no number", SAMPLE + "must give targets that are finite numbers"),
    ],
)
def test_what_a_task_of_numbers_gets_wrong_is_a_sentence(wrong: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        experiment(Means(wrong)).check_first_batch()


@pytest.mark.parametrize(
    "model",
    [
        Recurrent(hidden_size=4),
        Recurrent(cell="gru", hidden_size=4, embedding_size=3, bidirectional=True),
        Bert(hidden_size=64, layers=1),
        StackRNN(hidden_size=4),
        LinearRecurrent(hidden_size=8, layers=1),
        MinGRU(hidden_size=8, layers=1),
        Convolution(hidden_size=8, width=3),
    ],
)
def test_models_that_take_channels_leave_what_is_masked_out(model: Model) -> None:
    mixed = experiment(Means(), model, budget=Budget(steps=10)).with_strategy("mixed")
    mixed.check_first_batch()


@pytest.mark.parametrize(
    ("small", "large"),
    [
        (Recurrent(hidden_size=4), Recurrent(hidden_size=6)),
        (
            Recurrent(hidden_size=4, embedding_size=3),
            Recurrent(hidden_size=6, embedding_size=3),
        ),
        (Bert(hidden_size=64, layers=1), Bert(hidden_size=128, layers=1)),
        (StackRNN(hidden_size=4), StackRNN(hidden_size=6)),
        (LinearRecurrent(hidden_size=8, layers=1), LinearRecurrent(hidden_size=16, layers=1)),
        (MinGRU(hidden_size=8, layers=1), MinGRU(hidden_size=16, layers=1)),
    ],
)
def test_what_reads_channels_is_widened_with_its_function(small: Any, large: Any) -> None:
    made = experiment(Means(), small)
    device = torch.device("cpu")
    one = Learner.start(made.shape, made.recipe, seed=0, device=device)
    settings = {"model.hidden_size": large.hidden_size}
    wider = Learner.continuing(
        one.snapshot(), made.recipe.replace(settings), device, seed=0, visit=0
    )
    batch = Means().sample(np.random.default_rng(0), Stage(4), 6)
    before, after = (predict_batch(each, Means(), batch) for each in (one, wider))
    assert np.allclose(before, after, atol=1e-5)


@pytest.mark.parametrize(
    "model",
    [
        Seq2Seq(hidden_size=4, embedding_size=3),
        LanguageModel(net="gru", hidden_size=4),
        Decoder(hidden_size=32, layers=1),
    ],
)
def test_a_model_that_cannot_take_channels_says_so(model: Model) -> None:
    with pytest.raises(UsageError, match="reads symbols, and the task gives 2 real channels"):
        experiment(Means(), model)


@dataclass(frozen=True)
class NoTolerance(Means):
    @property
    def tolerance(self) -> float:  # type: ignore[override]
        return Task.tolerance.fget(self)  # type: ignore[attr-defined,no-any-return]


def test_values_need_a_tolerance() -> None:
    with pytest.raises(UsageError, match="NoTolerance outputs values, so it has to say how far"):
        experiment(NoTolerance())


@pytest.mark.parametrize("tolerance", [0, -1.0, float("nan"), "much"])
def test_a_tolerance_is_a_positive_number(tolerance: Any) -> None:
    @dataclass(frozen=True)
    class Other(Means):
        pass

    Other.tolerance = tolerance
    with pytest.raises(UsageError, match="tolerance must be a positive number, got"):
        experiment(Other())


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"output": "values", "output_vocab_size": 5}, "the output 'values' has no alphabet, got"),
        (
            {"output": "values", "value_count": 0},
            "'values' has at least 1 value, got value_count 0",
        ),
        ({"output": "bit", "value_count": 2}, "the output 'bit' has no values, got value_count 2"),
        (
            {"output": "bit", "channels": 2, "input_vocab_size": 2},
            "either symbols or real channels",
        ),
    ],
)
def test_numbers_and_an_alphabet_exclude_each_other(arguments: Any, problem: str) -> None:
    output = arguments.pop("output")
    with pytest.raises(UsageError, match=problem):
        Shape.of(output, Stage(4), **arguments)


def test_values_are_correct_within_the_tolerance() -> None:
    outputs = torch.tensor([[0.5, -1.0], [0.65, -1.0]])
    targets = np.array([[0.55, -1.05], [0.5, -1.0]], dtype=np.float32)
    batch = Batch(inputs=np.zeros((2, 1, 2), np.float32), targets=targets)
    predicted = predict("values", outputs).numpy()
    assert standard_metric(Means(), "exact_match", predicted, batch).tolist() == [1.0, 0.0]
    assert standard_metric(Means(), "symbol_accuracy", predicted, batch).tolist() == [1.0, 0.5]
    loss = mean_loss("values", outputs, torch.from_numpy(targets))
    assert float(loss) == pytest.approx((0.05**2 + 0.05**2 + 0.15**2) / 4, rel=1e-4)


def test_one_value_may_be_flat() -> None:
    outputs = torch.tensor([[1.0], [2.0]])
    assert float(mean_loss("values", outputs, torch.tensor([1.0, 2.0]))) == 0.0


def test_batches_of_channels_are_padded_by_their_mask() -> None:
    short = Batch(inputs=np.full((1, 2, 1), -1, np.float32), targets=np.zeros(1, np.float32))
    long = Batch(inputs=np.full((1, 3, 1), -1, np.float32), targets=np.zeros(1, np.float32))
    both = concatenate([short, long])
    assert both.mask is not None
    assert both.mask.tolist() == [[True, True, False], [True, True, True]]
    assert both.token_count == 5  # -1 is a number here, and no padding
    assert both.rows(1, 2).token_count == 3
    assert concatenate([short, short]).mask is None


@dataclass(frozen=True)
class Allowed(Task):
    """Which symbols may come next: any but the last one. The targets are sets."""

    output = "symbols"
    metrics = ("sets_right",)

    wrong: str = ""

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        inputs = rng.integers(stage.vocab_size, size=(batch_size, stage.length))
        allowed = 1 - np.eye(stage.vocab_size, dtype=np.float32)[inputs]  # (B, L, V)
        return Batch(inputs=inputs, targets=allowed.astype(self.wrong or np.float32))

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        wanted = (targets != IGNORED).to(outputs.dtype)
        found = torch.nn.functional.binary_cross_entropy_with_logits(
            outputs, targets.clamp(min=0), weight=wanted, reduction="sum"
        )
        return found / wanted.sum()

    def metric_values(self, outputs: Any, batch: Batch) -> dict[str, Any]:
        wanted = (batch.targets != IGNORED).any(axis=2)
        right = ((outputs > 0) == (batch.targets > 0)).all(axis=2) | ~wanted
        return {"sets_right": right.all(axis=1)}


def sets(**changes: Any) -> Experiment:
    model = Recurrent(cell="gru", hidden_size=8, embedding_size=4)
    criterion = Mastery(threshold=0.9, metric="sets_right")
    return experiment(Allowed(**changes), model, criterion=criterion)


def test_a_task_may_have_a_loss_and_metrics_of_raw_outputs() -> None:
    made = sets()
    made.check_first_batch()
    made.replace(budget=Budget(steps=10)).with_strategy("mixed").check_first_batch()
    task, one = (
        made.task,
        Learner.start(made.shape, made.recipe, seed=0, device=torch.device("cpu")),
    )
    evaluator = Evaluator(task, made.criterion, seed=0)
    batch = task.sample(np.random.default_rng(0), Stage(4, 2), 8)
    measured, _ = evaluator.measure(one, [batch])
    assert measured.keys() == {"sets_right", "loss"}
    perfect = torch.from_numpy(batch.targets) * 2 - 1
    assert own_metrics(task, perfect, batch)["sets_right"].tolist() == [1.0] * 8
    assert evaluator.share_correct(perfect, perfect, batch) == 1.0


def test_what_no_output_can_equal_needs_a_metric_of_its_own() -> None:
    made = sets().replace(criterion=Mastery(threshold=0.9))
    with pytest.raises(
        UsageError, match="no output can equal, and the criterion's metric is exact"
    ):
        made.check_first_batch()
    with pytest.raises(UsageError, match="must give targets as int64 or float32, got float64"):
        sets(wrong="float64").check_first_batch()


@dataclass(frozen=True)
class WrongLoss(Means):
    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs - targets) ** 2


def test_a_loss_is_one_number() -> None:
    with pytest.raises(UsageError, match=r"WrongLoss\.loss .* must give the mean loss as a tensor"):
        experiment(WrongLoss()).check_first_batch()


@dataclass(frozen=True)
class Next(Task):
    """The next symbol of a walk."""

    output = "symbols"

    def shape(self, last: Stage) -> Shape:
        return Shape.of(self.output, last, causal=True)

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        steps = rng.integers(stage.vocab_size, size=(batch_size, stage.length + 1))
        walk = steps.cumsum(axis=1) % stage.vocab_size
        return Batch(inputs=walk[:, :-1], targets=walk[:, 1:])


@dataclass(frozen=True)
class SeesAll:
    """A user's model that doesn't say that it sees the whole input."""

    hidden_size: int = 4

    def check(self, shape: Shape) -> None: ...

    def build(self, shape: Shape) -> torch.nn.Module:
        both = Recurrent(hidden_size=self.hidden_size, embedding_size=3, bidirectional=True)
        return both.build(shape)


def test_a_model_that_sees_what_it_predicts_is_told() -> None:
    experiment(Next(), Recurrent(hidden_size=4, embedding_size=3)).check_first_batch()
    with pytest.raises(UsageError, match="sees inputs after the one that it outputs at"):
        experiment(Next(), SeesAll()).check_first_batch()
