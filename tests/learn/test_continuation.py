"""What a language model writes after a prompt."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from curriculum import Adam, Shape, Stage, Training, UsageError
from curriculum.learn import Learner, Recipe, write_on
from curriculum.models import Decoder, HuggingFace, LanguageModel

SHAPE = Shape.of("symbols", Stage(12, 5), causal=True)
PROMPT = np.array([3, 1, 4])


def learner_of(module: nn.Module, model: Any = LanguageModel()) -> Learner:  # noqa: B008 - frozen
    recipe = Recipe(model=model, optimizer=Adam(), training=Training())
    return Learner(module, recipe, torch.device("cpu"), shape=SHAPE)


def built(model: Any) -> nn.Module:
    torch.manual_seed(1)
    module: nn.Module = model.build(SHAPE)
    with torch.no_grad():
        for weights in module.parameters():
            weights.mul_(4)  # so that what comes next depends on what was read
    return module


def written(one: Learner, count: int = 8, seed: int = 0) -> list[int]:
    found: list[int] = write_on(one, PROMPT, count, np.random.default_rng(seed)).tolist()
    return found


class Sum(nn.Module):
    """After each symbol comes the sum of all so far, modulo 5, for certain."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, inputs: Tensor) -> Tensor:
        wanted = inputs.cumsum(dim=1) % 5  # (B, L)
        return 1e4 * self.weight * nn.functional.one_hot(wanted, 5)


class Always(Sum):
    """The same chances whatever came before."""

    def forward(self, inputs: Tensor) -> Tensor:
        chances = torch.tensor([0.0, 0.1, 0.2, 0.0, 0.7])
        return self.weight * chances.log().expand(*inputs.shape, 5)


class Alone(nn.Module):
    """A network without what it may keep of what it has read."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Any:
        return self.network(inputs)


def test_each_symbol_is_written_after_all_those_before() -> None:
    assert written(learner_of(Sum()), 5) == [3, 1, 2, 4, 3]  # 3+1+4, +3, +1, +2, +4


def test_symbols_are_drawn_as_likely_as_the_model_says() -> None:
    counts = np.bincount(written(learner_of(Always()), 2000), minlength=5) / 2000
    assert counts[[0, 3]].tolist() == [0, 0]
    assert counts == pytest.approx([0, 0.1, 0.2, 0, 0.7], abs=0.03)


def test_the_same_key_writes_the_same_and_leaves_other_randomness_alone() -> None:
    one = learner_of(Always())
    torch.manual_seed(3)
    before = torch.get_rng_state()
    assert written(one, 40) == written(one, 40) != written(one, 40, seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    assert one.model.training


@pytest.mark.parametrize(
    "model",
    [
        Decoder(hidden_size=8, head_size=4, layers=2),
        HuggingFace(config={"model_type": "gpt2", "n_embd": 8, "n_head": 2, "n_layer": 2}),
    ],
    ids=["decoder", "transformers"],
)
def test_what_is_kept_of_what_was_read_changes_nothing(model: Any) -> None:
    network = built(model)
    assert hasattr(network, "forward_with_cache")
    found = written(learner_of(network, model))
    assert found == written(learner_of(Alone(network), model))
    assert len(set(found)) > 2


def test_a_carried_state_changes_nothing() -> None:
    one, other = (
        built(LanguageModel(net="gru", hidden_size=8, carries_state=carries))
        for carries in (True, False)
    )
    carried, plain = learner_of(one), learner_of(other)
    assert (carried.forward_mode, plain.forward_mode) == ("stateful", "plain")
    assert written(carried) == written(plain)


def test_a_model_that_has_diverged_still_writes_something() -> None:
    diverged = Sum()
    torch.nn.init.constant_(diverged.weight, float("nan"))
    assert set(written(learner_of(diverged), 100)) == set(range(5))


def test_a_prompt_with_a_symbol_that_the_model_does_not_know_is_refused() -> None:
    with pytest.raises(UsageError, match="knows the symbols 0 to 4, got 5"):
        write_on(learner_of(Sum()), np.array([5]), 1, np.random.default_rng(0))
