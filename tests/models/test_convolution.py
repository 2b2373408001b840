"""Filters over an input, and the strongest match of each."""

from typing import Any

import numpy as np
import pytest
import torch

import curriculum
from curriculum import Adam, Budget, Experiment, Explicit, Mastery, Shape, Stage, Tuning, UsageError
from curriculum.learn import PADDING, OutputKind
from curriculum.models import Convolution
from curriculum.models.convolution_network import ConvolutionNetwork
from curriculum.tasks import FirstBit, Reverse

SMALL = Convolution(hidden_size=7, width=3, embedding_size=4)


def built(output: OutputKind = "symbol", model: Convolution = SMALL) -> Any:
    torch.manual_seed(0)
    return model.build(Shape.of(output, Stage(6, 5))).eval()


def test_it_gives_one_output_for_the_whole_input() -> None:
    inputs = torch.randint(5, (3, 6))
    assert built("symbol")(inputs).shape == (3, 5)
    assert built("bit")(inputs).shape == (3,)


def test_what_counts_is_the_strongest_match_of_each_filter() -> None:
    network, inputs = built(), torch.randint(5, (1, 6))
    embedded = network.embedding.weight.detach().numpy()[inputs[0].numpy()]  # (6, E)
    places = np.concatenate([np.zeros((2, 4)), embedded, np.zeros((2, 4))])  # (10, E)
    filters = network.filters.weight.detach().numpy()  # (H, E, 3)
    matches = [np.einsum("pe,hep->h", places[k : k + 3], filters) for k in range(8)]
    strongest = np.maximum(np.max(matches, axis=0), 0)
    expected = network.head.weight.detach().numpy() @ strongest + network.head.bias.detach().numpy()
    assert network(inputs)[0].detach().numpy() == pytest.approx(expected, abs=1e-5)


def test_it_finds_a_pattern_wherever_it_is_and_padding_changes_nothing() -> None:
    network, inputs = built(), torch.tensor([[1, 2, 3, PADDING, PADDING, PADDING]])
    alone = network(inputs[:, :3])
    torch.testing.assert_close(network(inputs), alone)
    ends = torch.tensor([[1, 2, 3, 0, 0, 0], [0, 0, 0, 1, 2, 3]])
    with torch.no_grad():
        network.embedding.weight[0] = 0  # so that only the pattern can match
    found = network(ends)
    torch.testing.assert_close(found[0], found[1])
    torch.testing.assert_close(found[:1], alone)


def test_patterns_are_dropped_in_training_alone() -> None:
    network = built(model=Convolution(hidden_size=7, dropout=0.5))
    inputs = torch.randint(5, (3, 6))
    assert torch.equal(network(inputs), network(inputs))
    network.train()
    assert not torch.equal(network(inputs), network(inputs))


def test_a_symbol_at_each_place_is_refused_before_anything_is_trained() -> None:
    with pytest.raises(UsageError, match="one output for the whole input, and the task's output"):
        Experiment(
            task=Reverse(),
            model=SMALL,
            growth=Explicit(lengths=(2,), vocab_sizes=(4,)),
        )


@pytest.mark.parametrize(
    "values", [{"hidden_size": 0}, {"width": 0}, {"embedding_size": 0}, {"dropout": 1.0}]
)
def test_values_out_of_range_are_errors(values: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"model.{next(iter(values))} must be "):
        Convolution(**values)


def test_it_is_trained_shown_and_searched_from_scratch(tmp_path: Any) -> None:
    made = Experiment(
        task=FirstBit(),
        model=SMALL,
        growth=Explicit(lengths=(2, 3)),
        criterion=Mastery(threshold=0.9),
        optimizer=Adam(learning_rate=3e-2),
        budget=Budget(steps_per_stage=300),
    )
    result = curriculum.run(made, store=tmp_path, mirror=False)
    assert isinstance(curriculum.load(result.run_id, store=tmp_path), ConvolutionNetwork)
    assert "prediction" in repr(curriculum.show("last", store=tmp_path))
    with pytest.raises(UsageError, match="can't be widened, as its filters have three axes"):
        made.replace(tuning=Tuning(mode="each", hidden_size=(7, 14)))
    made.replace(tuning=Tuning(mode="each", hidden_size=(7, 14), cold_start=True))
