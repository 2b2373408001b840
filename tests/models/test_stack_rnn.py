from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from widened_function import assert_function_is_kept

import curriculum
from curriculum import Adam, Budget, Experiment, Explicit, Shape, Stage, UsageError
from curriculum.learn import PADDING, OutputKind, Stateful, widening
from curriculum.learn.network_protocols import Streaming
from curriculum.models import StackRNN
from curriculum.models.stack_rnn_network import StackRNNNetwork
from curriculum.tasks import FirstBit

CELLS = ["rnn", "lstm"]
OUTPUTS: list[OutputKind] = ["bit", "symbol", "symbols"]


def built(
    output: OutputKind = "symbols", last: Stage | None = None, **values: Any
) -> StackRNNNetwork:
    torch.manual_seed(0)
    made = StackRNN(**({"hidden_size": 6, "stack_width": 3} | values))
    network = made.build(Shape.of(output, last or Stage(9, 5)))
    assert isinstance(network, StackRNNNetwork)
    return network.eval()


def by_hand(network: StackRNNNetwork, inputs: Tensor, depth: int) -> Tensor:
    """Joulin & Mikolov 2015, equations 3 to 5, number by number on stacks that are full from the start."""
    stacks, width = network.stacks, network.width
    stack = torch.zeros(len(inputs), stacks, depth + 1, width)  # the last stays empty
    hidden = cell = torch.zeros(len(inputs), network.head.in_features)
    found = []
    for symbol in inputs.unbind(1):
        top = stack[:, :, 0].flatten(1)
        gates = network.embedding(symbol) + network.recurrent(hidden) + network.read(top)
        if network.cell == "rnn":
            hidden = torch.tanh(gates)
        else:
            forget, take, give, value = gates.chunk(4, dim=1)
            cell = torch.sigmoid(forget) * cell + torch.sigmoid(take) * torch.tanh(value)
            hidden = torch.sigmoid(give) * torch.tanh(cell)
        control = network.control(hidden)
        vectors = control[:, : stacks * width].view(-1, stacks, width)
        actions = control[:, stacks * width :].view(-1, stacks, 3).softmax(-1)
        new = torch.zeros_like(stack)
        for place in range(depth):
            above = vectors if place == 0 else stack[:, :, place - 1]
            for action, source in enumerate((above, stack[:, :, place], stack[:, :, place + 1])):
                new[:, :, place] += actions[:, :, action, None] * source
        stack = new
        found.append(network.head(torch.relu(hidden)))
    return torch.stack(found, dim=1)


@pytest.mark.parametrize("depth", [None, 1, 2, 4, 20])
@pytest.mark.parametrize("stacks", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_a_network_is_its_equations_step_by_step(cell: str, stacks: int, depth: int | None) -> None:
    network = built(cell=cell, stacks=stacks, stack_depth=depth)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.7)
    inputs = torch.randint(5, (4, 9))
    expected = by_hand(network, inputs, depth or 9)
    torch.testing.assert_close(network(inputs), expected, atol=1e-5, rtol=1e-5)


def test_a_stack_that_is_told_to_gives_back_what_was_pushed_last_first() -> None:
    """Symbols 1 to 3 are pushed; at each 0 one is popped, and the output is the top before it."""
    network = built(hidden_size=4, stack_width=4, last=Stage(9, 4))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.embedding.weight.copy_(80 * torch.eye(4) - 40)  # 1 for the symbol's unit, else -1
        network.embedding.weight[0, 1:] = (
            0  # at a 0, which is to pop, the units are those of the top
        )
        network.read.weight.copy_(20 * torch.eye(4))
        network.control.weight[:4].copy_(torch.eye(4))  # what is pushed is the symbol's unit
        network.control.weight[4, 0], network.control.bias[4] = -40, 20  # push unless told
        network.control.weight[6, 0], network.control.bias[6] = 40, -20
        network.head.weight[1:, 1:].copy_(torch.eye(3))
    outputs = network(torch.tensor([[1, 3, 2, 0, 0, 0]])).argmax(-1)
    assert outputs[0, 3:].tolist() == [2, 3, 1]


@pytest.mark.parametrize("cell", CELLS)
def test_it_outputs_at_each_position_or_once(cell: str) -> None:
    inputs = torch.randint(5, (3, 9))
    assert built("symbols", cell=cell)(inputs).shape == (3, 9, 5)
    assert built("symbol", cell=cell)(inputs).shape == (3, 5)
    assert built("bit", cell=cell)(inputs).shape == (3,)


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("cell", CELLS)
def test_padding_changes_nothing(cell: str, output: OutputKind) -> None:
    network, inputs = built(output, cell=cell), torch.randint(5, (3, 6))
    inputs[0, 4:] = PADDING
    found, alone = network(inputs)[0], network(inputs[:1, :4])[0]
    torch.testing.assert_close(found[:4] if output == "symbols" else found, alone)
    torch.testing.assert_close(network(inputs)[2], network(inputs[2:])[0])


@pytest.mark.parametrize("size", [1, 3, 20])
@pytest.mark.parametrize("cell", CELLS)
def test_an_input_read_in_pieces_gives_the_output_of_the_whole(cell: str, size: int) -> None:
    network = built("symbol", cell=cell, stacks=2, stack_depth=5)
    inputs = torch.randint(5, (4, 20))
    assert isinstance(network, Streaming)
    assert network.can_stream
    with torch.inference_mode():
        state = network.initial_state(4)
        for piece in torch.split(inputs, size, dim=1):
            before, state = state, network.update_state(piece, state)
            assert [part.shape for part in state] == [part.shape for part in before]
        whole = network(inputs)
        torch.testing.assert_close(network.readout(state), whole, atol=1e-6, rtol=0)
        forgetful = network.readout(network.update_state(inputs[:, -1:], network.initial_state(4)))
    assert (forgetful - whole).abs().max() > 1e-3


def test_only_a_stack_of_fixed_depth_and_one_output_is_streamed() -> None:
    assert not built("bit").can_stream
    assert not built("symbols", stack_depth=5).can_stream
    assert not isinstance(built("bit", stack_depth=5), Stateful)


@settings(max_examples=40)
@given(
    cell=st.sampled_from(CELLS),
    size=st.integers(1, 6),
    more=st.integers(0, 6),
    stacks=st.integers(1, 2),
    depth=st.sampled_from([None, 2]),
    vocab=st.tuples(st.integers(2, 5), st.integers(0, 3)),
    output=st.sampled_from(OUTPUTS),
    seed=st.integers(0, 10**6),
)
def test_a_widened_network_keeps_its_function(
    *,
    cell: Any,
    size: int,
    more: int,
    stacks: int,
    depth: int | None,
    vocab: tuple[int, int],
    output: OutputKind,
    seed: int,
) -> None:
    torch.manual_seed(seed)
    model = StackRNN(cell=cell, hidden_size=size, stacks=stacks, stack_width=3, stack_depth=depth)
    wider = StackRNN(
        cell=cell, hidden_size=size + more, stacks=stacks, stack_width=3, stack_depth=depth
    )
    small = model.build(Shape.of(output, Stage(4, vocab[0]))).double()
    large = wider.build(Shape.of(output, Stage(7, sum(vocab)))).double()
    for parameter in small.parameters():
        nn.init.normal_(parameter, std=0.5)
    wider.check_widened(size + more)
    large.load_state_dict(
        widening.widen(small.state_dict(), large.state_dict(), wider.placements(small, large))
    )
    inputs = torch.randint(vocab[0], (3, 4))
    if output == "bit":
        assert_function_is_kept(small, large, inputs)
    else:
        assert (large(inputs)[..., vocab[0] :] == widening.NEW_SYMBOL_BIAS).all()
        assert_function_is_kept(small, large, inputs, outputs=vocab[0])


@pytest.mark.parametrize("cell", CELLS)
def test_all_parameters_learn_new_units_too(cell: Any) -> None:
    small, wider = built(cell=cell), StackRNN(cell=cell, hidden_size=10, stack_width=3)
    large = wider.build(Shape.of("symbols", Stage(9, 5)))
    large.load_state_dict(
        widening.widen(small.state_dict(), large.state_dict(), wider.placements(small, large))
    )
    optimizer = torch.optim.SGD(large.parameters(), lr=0.1)
    before = {name: value.clone() for name, value in large.named_parameters()}
    for _ in range(3):
        optimizer.zero_grad()
        logits = large(torch.randint(5, (32, 9)))
        nn.functional.cross_entropy(logits.flatten(0, 1), torch.randint(5, (288,))).backward()  # type: ignore[no-untyped-call]
        assert all(torch.isfinite(p.grad).all() for p in large.parameters() if p.grad is not None)
        optimizer.step()
    changed = {name: (value - before[name]).abs() for name, value in large.named_parameters()}
    assert all(each.max() > 0 for each in changed.values())
    assert (changed["embedding.weight"].view(5, -1, 10)[:, :, 6:].amax(dim=(0, 1)) > 0).all()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"cell": "gru"}, "model.cell must be rnn or lstm, got 'gru'"),
        ({"hidden_size": 0}, "model.hidden_size must be at least 1, got 0"),
        ({"stacks": 0}, "model.stacks must be at least 1, got 0"),
        ({"stack_width": 0}, "model.stack_width must be at least 1, got 0"),
        ({"stack_depth": 0}, "model.stack_depth must be at least 1, got 0"),
    ],
)
def test_bad_settings_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        StackRNN(**values)


def test_an_output_of_another_length_is_refused() -> None:
    with pytest.raises(UsageError, match="StackRNN outputs a symbol at each position"):
        StackRNN().check(Shape.of("symbols", Stage(4, 5), output_length=3))


def test_it_learns_the_first_bit_stage_by_stage(tmp_path: Path) -> None:
    experiment = Experiment(
        task=FirstBit(),
        model=StackRNN(hidden_size=16),
        growth=Explicit(lengths=(2, 4)),
        optimizer=Adam(learning_rate=1e-2),
        budget=Budget(steps_per_stage=200),
    )
    result = curriculum.run(experiment, store=tmp_path, mirror=False)
    assert result.reach == Stage(4)
