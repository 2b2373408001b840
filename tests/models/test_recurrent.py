from typing import Any

import pytest
import torch
from torch import nn

from curriculum import Shape, Stage, UsageError
from curriculum.learn import PADDING, OutputKind, Stateful
from curriculum.learn.network_protocols import Streaming
from curriculum.models import Recurrent
from curriculum.models.recurrent_network import RecurrentNetwork


def built(
    settings: Recurrent, output: OutputKind = "bit", last: Stage | None = None
) -> RecurrentNetwork:
    model = settings.build(Shape.of(output, last or Stage(9)))
    assert isinstance(model, RecurrentNetwork)
    return model


@pytest.mark.parametrize(("cell", "gates"), [("rnn", 1), ("gru", 3), ("lstm", 4)])
def test_the_classifier_has_one_input_unit_and_one_logit(cell: Any, gates: int) -> None:
    model = built(Recurrent(cell=cell, hidden_size=20))
    assert model(torch.ones(3, 9, dtype=torch.int64)).shape == (3,)
    recurrent = gates * (20 * 1 + 20 * 20 + 20 + 20)
    assert sum(p.numel() for p in model.parameters()) == recurrent + 21


def test_a_logit_is_the_head_on_the_rectified_last_output() -> None:
    model = built(Recurrent(cell="gru", hidden_size=5))
    inputs = torch.tensor([[1, 0, 1, 1]])
    cell = nn.GRUCell(1, 5)
    trained = dict(model.recurrent.named_parameters())
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in trained.items()})
    state = torch.zeros(1, 5)
    for symbol in (1.0, 0.0, 1.0, 1.0):
        state = cell(torch.tensor([[symbol]]), state)
    by_hand = model.head(torch.relu(state)).squeeze(-1)
    torch.testing.assert_close(model(inputs), by_hand)


def test_symbols_are_predicted_at_each_position() -> None:
    model = built(Recurrent(layers=2, embedding_size=7), "symbols", Stage(9, 30))
    assert model(torch.zeros(3, 9, dtype=torch.int64)).shape == (3, 9, 30)


def test_the_forget_bias_is_that_of_the_forget_gates_of_every_layer() -> None:
    model = built(Recurrent(hidden_size=4, layers=2, forget_bias=3.0))
    parameters = dict(model.recurrent.named_parameters())
    for layer in (0, 1):
        both = parameters[f"bias_ih_l{layer}"] + parameters[f"bias_hh_l{layer}"]
        assert both[4:8].tolist() == [3.0] * 4
        assert (both[:4] != 3).all()


@pytest.mark.parametrize("how", ["orthogonal", "identity"])
def test_recurrent_weights_start_orthogonal_gate_by_gate(how: Any) -> None:
    model = built(Recurrent(cell="lstm", hidden_size=6, recurrent_init=how))
    weights = model.recurrent.state_dict()["weight_hh_l0"]
    for gate in torch.split(weights, 6):
        torch.testing.assert_close(gate @ gate.T, torch.eye(6), atol=1e-5, rtol=0)
        assert torch.equal(gate, torch.eye(6)) is (how == "identity")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cell": "elman"}, "rnn, lstm or gru"),
        ({"hidden_size": 0}, "hidden_size must be at least 1"),
        ({"layers": 0}, "layers must be at least 1"),
        ({"embedding_size": 0}, "embedding_size"),
        ({"cell": "gru", "forget_bias": 1.0}, "an LSTM's"),
        ({"recurrent_init": "zeros"}, "uniform, orthogonal or identity"),
    ],
)
def test_bad_settings_are_errors(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Recurrent(**settings)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("output", ["bit", "symbol", "symbols"])
def test_padding_changes_nothing(output: OutputKind, *, bidirectional: bool) -> None:
    model = built(
        Recurrent(hidden_size=4, embedding_size=3, bidirectional=bidirectional), output, Stage(6, 5)
    ).eval()
    inputs = torch.randint(5, (3, 6))
    inputs[0, 4:] = PADDING
    found, alone = model(inputs)[0], model(inputs[:1, :4])[0]
    assert torch.allclose(found[:4] if output == "symbols" else found, alone, atol=1e-6)
    assert torch.allclose(model(inputs)[2], model(inputs[2:])[0], atol=1e-6)


@pytest.mark.parametrize("size", [1, 3, 20])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize(("output", "width"), [("bit", None), ("symbol", 3)])
def test_an_input_read_in_pieces_gives_the_output_of_the_whole(
    output: OutputKind, width: int | None, cell: Any, layers: int, size: int
) -> None:
    torch.manual_seed(0)
    settings = Recurrent(cell=cell, hidden_size=16, layers=layers, embedding_size=width)
    model = built(settings, output, Stage(20, 7)).eval()
    assert isinstance(model, Streaming)
    assert model.can_stream
    inputs = torch.randint(7, (4, 20))
    with torch.inference_mode():
        state = model.initial_state(4)
        for piece in torch.split(inputs, size, dim=1):
            before, state = state, model.update_state(piece, state)
            assert [part.shape for part in state] == [part.shape for part in before]
        whole = model(inputs)
        torch.testing.assert_close(model.readout(state), whole, atol=1e-5, rtol=0)
        forgetful = model.readout(model.update_state(inputs[:, -1:], model.initial_state(4)))
    assert (forgetful - whole).abs().max() > 1e-3
    assert (whole - whole[0]).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("output", "bidirectional", "can_stream"),
    [
        ("bit", False, True),
        ("symbol", False, True),
        ("symbols", False, False),
        ("bit", True, False),
        ("symbol", True, False),
    ],
)
def test_a_forward_model_with_one_output_at_the_end_can_stream(
    output: OutputKind, *, bidirectional: bool, can_stream: bool
) -> None:
    model = built(Recurrent(hidden_size=4, bidirectional=bidirectional), output)
    assert model.can_stream is can_stream
    assert not isinstance(model, Stateful)


def test_a_bidirectional_model_reads_later_symbols() -> None:
    inputs = torch.randint(5, (1, 6))
    changed = inputs.clone()
    changed[0, -1] = (changed[0, -1] + 1) % 5
    for bidirectional in (False, True):
        settings = Recurrent(hidden_size=4, embedding_size=3, bidirectional=bidirectional)
        model = built(settings, "symbols", Stage(6, 5))
        differs = not torch.equal(model(inputs)[:, 0], model(changed)[:, 0])
        assert differs == bidirectional


def test_one_symbol_is_predicted_at_the_last_position() -> None:
    model = built(Recurrent(cell="gru", hidden_size=5, embedding_size=3), "symbol", Stage(6, 7))
    assert model(torch.randint(7, (3, 6))).shape == (3, 7)
