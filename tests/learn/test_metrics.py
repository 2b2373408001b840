import math

import numpy as np
import pytest
import torch

from curriculum import Batch, Stage
from curriculum.learn import IGNORED, PADDING
from curriculum.learn.losses import mean_loss
from curriculum.learn.metrics import own_metrics, predict, standard_metric
from curriculum.tasks import FirstBit


def test_the_loss_of_a_bit_is_binary_cross_entropy() -> None:
    loss = mean_loss("bit", torch.tensor([0.0, 2.0]), torch.tensor([1, 0]))
    assert loss.item() == pytest.approx((math.log(2) + math.log(1 + math.exp(2))) / 2)


def test_the_loss_of_symbols_skips_ignored_targets() -> None:
    logits = torch.zeros(1, 3, 4)
    logits[0, 2] = torch.tensor([9.0, -9.0, 0.0, 0.0])
    loss = mean_loss("symbols", logits, torch.tensor([[0, 3, IGNORED]]))
    assert loss.item() == pytest.approx(math.log(4))


def test_predictions_are_the_likeliest_outputs() -> None:
    assert predict("bit", torch.tensor([-0.1, 0.1])).tolist() == [0, 1]
    assert predict("symbols", torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])).tolist() == [[1, 0]]


def batch(targets: list[list[int]]) -> Batch:
    return Batch(inputs=np.zeros((len(targets), 2), np.int64), targets=np.array(targets))


def test_an_exact_match_is_the_whole_output() -> None:
    examples = batch([[1, 2], [1, 2], [1, IGNORED]])
    predictions = np.array([[1, 2], [1, 3], [1, 9]])
    assert standard_metric(FirstBit(), "exact_match", predictions, examples).tolist() == [
        1.0,
        0.0,
        1.0,
    ]


class PerToken(FirstBit):
    metrics = ("token_accuracy",)

    def metric_values(self, outputs: np.ndarray, batch: Batch) -> dict[str, np.ndarray]:
        return {"token_accuracy": (outputs.argmax(axis=-1) == batch.targets).mean(axis=1)}


def test_a_task_reports_metrics_of_its_own() -> None:
    outputs = torch.eye(4)[torch.tensor([[1, 3]])]
    found = own_metrics(PerToken(), outputs, batch([[1, 2]]))
    assert {name: values.tolist() for name, values in found.items()} == {"token_accuracy": [0.5]}
    assert own_metrics(FirstBit(), outputs, batch([[1, 2]])) == {}


def test_a_batch_counts_its_tokens() -> None:
    whole = FirstBit().sample(np.random.default_rng(0), Stage(5), 4)
    assert whole.token_count == 20
    shorter = whole.inputs.copy()
    shorter[0, 2:] = PADDING
    assert Batch(inputs=shorter, targets=whole.targets).token_count == 17
