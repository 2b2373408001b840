"""How networks are called, and what they carry from batch to batch."""

import pytest
import torch

from curriculum import Shape, Stage
from curriculum.learn import Adam, Learner, Recipe, Stateful, Training
from curriculum.learn.network_protocols import (
    forward_eval,
    forward_mode_of,
    forward_train,
    widened_state,
)
from curriculum.models import LanguageModel, Recurrent, Seq2Seq
from curriculum.models.language_model import Net

NETS: list[Net] = ["every_word", "rnn", "lstm", "gru"]
SHAPE = Shape.of("symbols", Stage(6, 7))


def carrying(net: Net, size: int = 5) -> torch.nn.Module:
    torch.manual_seed(0)
    return LanguageModel(net=net, hidden_size=size, carries_state=True).build(SHAPE).eval()


@pytest.mark.parametrize("net", NETS)
def test_a_carried_state_continues_the_last_batch(net: Net) -> None:
    network = carrying(net)
    inputs = torch.randint(7, (3, 12))
    whole = network(inputs)
    first, state = forward_eval(network, forward_mode_of(network), (inputs[:, :5],), 5, None)
    second, state = forward_eval(network, forward_mode_of(network), (inputs[:, 5:],), 7, state)
    assert torch.allclose(torch.cat([first, second], dim=1), whole, atol=1e-6)
    assert state is not None
    assert all(not part.requires_grad for part in state)
    fresh, _ = forward_eval(network, forward_mode_of(network), (inputs[:, 5:],), 7, None)
    assert not torch.allclose(fresh, second)


@pytest.mark.parametrize("net", NETS)
def test_gradients_stop_at_the_start_of_a_batch(net: Net) -> None:
    network = carrying(net)
    words, targets = torch.randint(7, (2, 4)), torch.zeros(2, 4).long()
    _, state = forward_train(network, forward_mode_of(network), (words,), targets, None)
    assert state is not None
    assert all(part.grad_fn is None and not part.requires_grad for part in state)
    logits, _ = forward_train(network, forward_mode_of(network), (words,), targets, state)
    logits.sum().backward()  # type: ignore[no-untyped-call]
    assert any(p.grad is not None and p.grad.abs().max() > 0 for p in network.parameters())


def test_a_network_that_carries_no_state_gives_none() -> None:
    network = LanguageModel(net="gru", hidden_size=5).build(SHAPE).eval()
    assert (
        forward_eval(network, forward_mode_of(network), (torch.zeros(2, 3).long(),), 3, None)[1]
        is None
    )
    plain = Recurrent(hidden_size=4).build(Shape.of("bit", Stage(4))).eval()
    assert (
        forward_train(
            plain, forward_mode_of(plain), (torch.zeros(2, 3).long(),), torch.zeros(2).long(), None
        )[1]
        is None
    )


def test_an_autoregressive_network_gets_targets_in_training_alone() -> None:
    torch.manual_seed(0)
    network = Seq2Seq(hidden_size=4, embedding_size=3).build(SHAPE).eval()
    inputs, targets = torch.randint(7, (2, 6)), torch.randint(1, 7, (2, 4))
    assert torch.equal(
        forward_train(network, forward_mode_of(network), (inputs,), targets, None)[0],
        network(inputs, targets),
    )
    alone, _ = forward_eval(network, forward_mode_of(network), (inputs,), 4, None)
    assert torch.equal(alone, network.greedy_decode(inputs, 4))  # type: ignore[operator]
    assert alone.shape == (2, 4, 7)


@pytest.mark.parametrize("net", NETS)
def test_a_widened_state_is_the_old_one_and_zeros(net: Net) -> None:
    small, large = carrying(net), carrying(net, 8)
    _, state = forward_eval(small, forward_mode_of(small), (torch.randint(7, (3, 4)),), 4, None)
    grown = widened_state(large, state)
    assert grown is not None
    assert state is not None
    for old, new in zip(state, grown, strict=True):
        assert torch.equal(new[..., :5], old)
        assert not new[..., 5:].any()
    assert widened_state(large, None) is None


@pytest.mark.parametrize("net", NETS)
def test_a_widened_learner_continues_from_the_same_state(net: Net) -> None:
    model = LanguageModel(net=net, hidden_size=5, carries_state=True)
    recipe = Recipe(model=model, optimizer=Adam(), training=Training())
    one = Learner.start(SHAPE, recipe, seed=0, device=torch.device("cpu"))
    one.model.eval()
    _, one.state = forward_eval(
        one.model, forward_mode_of(one.model), (torch.randint(7, (3, 4)),), 4, None
    )
    wider = Learner.continuing(
        one.snapshot(), recipe.replace({"model.hidden_size": 9}), one.device, seed=0, visit=0
    )
    wider.model.eval()
    assert isinstance(wider.model, Stateful)
    inputs = torch.randint(7, (3, 4))
    before, after = (
        forward_eval(one.model, forward_mode_of(one.model), (inputs,), 4, one.state),
        forward_eval(wider.model, forward_mode_of(wider.model), (inputs,), 4, wider.state),
    )
    assert torch.allclose(before[0], after[0], atol=1e-5)
