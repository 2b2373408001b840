"""A model's size before it is made."""

import pytest
import torch

from curriculum.config import load_experiment
from curriculum.learn import Shape, parameter_count
from curriculum.models import Recurrent


@pytest.mark.parametrize(
    "name", ["lstm_firstbit", "bert_reverse", "gru_subsequence", "stdlib_lm", "stack_rnn_reverse"]
)
def test_it_is_that_of_the_model_that_is_made(name: str) -> None:
    experiment, _ = load_experiment(name)
    made = experiment.model.build(experiment.shape)
    count = sum(parameter.numel() for parameter in made.parameters())
    assert parameter_count(experiment.model, experiment.shape) == count


def test_it_takes_no_memory_and_draws_nothing() -> None:
    experiment, _ = load_experiment("lstm_firstbit")
    before = torch.random.get_rng_state()
    huge = Recurrent(cell="lstm", hidden_size=1_000_000)
    count = parameter_count(huge, experiment.shape)
    assert count is not None
    assert count > 4e12
    assert torch.equal(torch.random.get_rng_state(), before)


class Computing(Recurrent):
    """A model that reads a number as it is built."""

    def build(self, shape: Shape) -> torch.nn.Module:
        float(torch.ones(1))
        return super().build(shape)


def test_it_is_unknown_of_a_model_that_computes_as_it_is_built() -> None:
    experiment, _ = load_experiment("lstm_firstbit")
    assert parameter_count(Computing(), experiment.shape) is None
