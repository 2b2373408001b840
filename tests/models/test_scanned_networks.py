"""MinGRU, and LinearRecurrent with each kind of eigenvalues."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import gelu
from widened_function import assert_function_is_kept

import curriculum
from curriculum import Adam, Budget, Experiment, Explicit, Shape, Stage, UsageError
from curriculum.learn import PADDING, OutputKind, Stateful, widening
from curriculum.learn.network_protocols import Streaming
from curriculum.models import LinearRecurrent, MinGRU
from curriculum.models.linear_recurrent_network import LRULayer, SelectiveLayer
from curriculum.models.min_gru_network import MinGRULayer
from curriculum.models.scanned_network import Block, ScannedNetwork
from curriculum.tasks import FirstBit

KINDS = ["min_gru", "complex", "real", "positive"]
OUTPUTS: list[OutputKind] = ["bit", "symbol", "symbols"]


def model(kind: str, hidden_size: int = 6, **values: Any) -> MinGRU | LinearRecurrent:
    if kind == "min_gru":
        return MinGRU(hidden_size=hidden_size, **values)
    return LinearRecurrent(hidden_size=hidden_size, eigenvalues=kind, **values)  # type: ignore[arg-type]


def built(
    kind: str, output: OutputKind = "bit", last: Stage | None = None, **values: Any
) -> ScannedNetwork:
    torch.manual_seed(0)
    network = model(kind, **values).build(Shape.of(output, last or Stage(9, 5)))
    assert isinstance(network, ScannedNetwork)
    return network.eval()


def recurrence(network: ScannedNetwork) -> Any:
    (block,) = network.blocks
    assert isinstance(block, Block)
    return block.recurrence


def step(layer: Any, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """One step of the recurrence as its paper has it, x (B, H): the output, and the state after."""
    if isinstance(layer, MinGRULayer):
        gates, candidates = layer.map(x).chunk(2, dim=-1)
        z = torch.sigmoid(gates)
        state = (1 - z) * state + z * candidates
        return state, state
    scale = torch.exp(layer.log_scale)
    if isinstance(layer, SelectiveLayer):
        share = torch.sigmoid(layer.decay(x))
        a = 2 * share - 1 if layer.signed else share
        state = a * state + scale * layer.read(x)
        return layer.write(state) + layer.skip * x, state
    assert isinstance(layer, LRULayer)
    read, write = layer.read.weight, layer.write.weight
    into = torch.complex(read[0::2], read[1::2])  # B
    out = torch.complex(write[:, 0::2], -write[:, 1::2])  # C
    a = torch.exp(torch.complex(-torch.exp(layer.log_rate), torch.exp(layer.log_phase)))
    state = a * state + scale * (x.to(into.dtype) @ into.T)
    return (state @ out.T).real + layer.skip * x, state


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_is_its_recurrence_step_by_step(kind: str) -> None:
    network = built(kind, "symbols", layers=1).double()
    block, inputs = network.blocks[0], torch.randint(5, (3, 9))
    state, found = torch.zeros(3, 6, dtype=torch.complex128 if kind == "complex" else None), []
    for symbol in inputs.unbind(1):
        x = network.embedding(symbol)
        output, state = step(recurrence(network), block.norm(x), state)  # type: ignore[operator]
        value, gate = block.gate(gelu(output)).chunk(2, dim=-1)  # type: ignore[operator]
        found.append(network.head(network.norm(x + value * torch.sigmoid(gate))))
    torch.testing.assert_close(network(inputs), torch.stack(found, dim=1))


@pytest.mark.parametrize("kind", KINDS)
def test_it_outputs_at_each_position_or_once(kind: str) -> None:
    inputs = torch.randint(5, (3, 9))
    assert built(kind, "symbols")(inputs).shape == (3, 9, 5)
    assert built(kind, "symbol")(inputs).shape == (3, 5)
    assert built(kind, "bit")(inputs).shape == (3,)


@pytest.mark.parametrize("kind", KINDS)
def test_no_output_sees_what_comes_after_it(kind: str) -> None:
    network, inputs = built(kind, "symbols"), torch.randint(5, (3, 9))
    whole = network(inputs)
    torch.testing.assert_close(network(inputs[:, :4]), whole[:, :4])
    changed = inputs.clone()
    changed[:, 0] = (changed[:, 0] + 1) % 5
    assert ((network(changed) - whole).abs().amax(dim=(0, 2)) > 1e-4).all()


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_nothing(kind: str, output: OutputKind) -> None:
    network, inputs = built(kind, output), torch.randint(5, (3, 6))
    inputs[0, 4:] = PADDING
    found, alone = network(inputs)[0], network(inputs[:1, :4])[0]
    torch.testing.assert_close(found[:4] if output == "symbols" else found, alone)
    torch.testing.assert_close(network(inputs)[2], network(inputs[2:])[0])


@pytest.mark.parametrize("size", [1, 3, 20])
@pytest.mark.parametrize("output", ["bit", "symbol"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_input_read_in_pieces_gives_the_output_of_the_whole(
    kind: str, output: OutputKind, size: int
) -> None:
    network, inputs = built(kind, output), torch.randint(5, (4, 20))
    assert isinstance(network, Streaming)
    assert network.can_stream
    with torch.inference_mode():
        state = network.initial_state(4)
        for piece in torch.split(inputs, size, dim=1):
            before, state = state, network.update_state(piece, state)
            assert [part.shape for part in state] == [part.shape for part in before]
        whole = network(inputs)
        torch.testing.assert_close(network.readout(state), whole, atol=1e-5, rtol=0)
        forgetful = network.readout(network.update_state(inputs[:, -1:], network.initial_state(4)))
    assert (forgetful - whole).abs().max() > 1e-3


def test_what_has_an_output_at_each_position_is_not_streamed() -> None:
    network = built("complex", "symbols")
    assert not network.can_stream
    assert not isinstance(network, Stateful)


@settings(max_examples=60)
@given(
    kind=st.sampled_from(KINDS),
    size=st.integers(1, 5),
    times=st.integers(1, 3),
    layers=st.integers(1, 2),
    vocab=st.tuples(st.integers(2, 5), st.integers(0, 3)),
    own_state=st.booleans(),
    output=st.sampled_from(OUTPUTS),
    seed=st.integers(0, 10**6),
)
def test_a_widened_network_keeps_its_function(
    *,
    kind: str,
    size: int,
    times: int,
    layers: int,
    vocab: tuple[int, int],
    own_state: bool,
    output: OutputKind,
    seed: int,
) -> None:
    torch.manual_seed(seed)
    values = {"layers": layers}
    if own_state and kind != "min_gru":
        values["state_size"] = 3  # as it is, while the blocks grow
    wider = model(kind, size * times, **values)
    small = model(kind, size, **values).build(Shape.of(output, Stage(4, vocab[0]))).double()
    large = wider.build(Shape.of(output, Stage(7, sum(vocab)))).double()
    for parameter in small.parameters():
        nn.init.normal_(parameter, std=0.5)
    large.load_state_dict(
        widening.widen(small.state_dict(), large.state_dict(), wider.placements(small, large))
    )
    inputs = torch.randint(vocab[0], (3, 4))
    if output == "bit":
        assert_function_is_kept(small, large, inputs)
    else:
        assert (large(inputs)[..., vocab[0] :] == widening.NEW_SYMBOL_BIAS).all()
        assert_function_is_kept(small, large, inputs, outputs=vocab[0])


@pytest.mark.parametrize("kind", KINDS)
def test_copies_of_a_unit_do_not_stay_alike(kind: str) -> None:
    small, wider = built(kind, "symbols"), model(kind, 12)
    large = wider.build(Shape.of("symbols", Stage(9, 5)))
    large.load_state_dict(
        widening.widen(small.state_dict(), large.state_dict(), wider.placements(small, large))
    )
    large(torch.randint(5, (16, 9))).logsumexp(-1).sum().backward()
    for name, parameter in large.named_parameters():
        assert parameter.grad is not None
        assert torch.isfinite(parameter.grad).all()
        if name.endswith(("gate.weight", "recurrence.skip", "recurrence.read.weight")):
            first, second = parameter.grad.chunk(2)
            assert not torch.allclose(first, second), name


def test_widening_is_by_whole_copies_alone() -> None:
    MinGRU(hidden_size=64).check_widened(192)
    with pytest.raises(UsageError, match=r"MinGRU is widened by whole copies .* of 64, got 100"):
        MinGRU(hidden_size=64).check_widened(100)
    with pytest.raises(UsageError, match=r"LinearRecurrent is widened .* of 64, got 65"):
        LinearRecurrent(hidden_size=64).check_widened(65)


def test_eigenvalues_begin_on_their_ring_and_normalise_the_input() -> None:
    ring: dict[str, Any] = {"r_min": 0.5, "r_max": 0.6, "state_size": 500}
    layer = recurrence(built("complex", layers=1, max_phase=1.0, **ring))
    eigenvalues = layer.eigenvalues().detach()
    radius, phase = eigenvalues.abs(), eigenvalues.angle()
    assert ((radius >= 0.4999) & (radius <= 0.6001)).all()
    assert radius.square().mean() == pytest.approx((0.25 + 0.36) / 2, abs=0.01)  # alike by area
    assert ((phase > 0) & (phase < 1.0001)).all()
    assert phase.mean() == pytest.approx(0.5, abs=0.05)
    torch.testing.assert_close(layer.log_scale.exp(), torch.sqrt(1 - radius**2))


@pytest.mark.parametrize(("kind", "low"), [("positive", 0.0), ("real", -1.0)])
def test_a_selective_layers_decay_is_in_its_range_and_begins_on_the_ring(
    kind: str, low: float
) -> None:
    layer = recurrence(built(kind, layers=1, r_min=0.5, r_max=0.6, state_size=500))
    share = torch.sigmoid(layer.decay.bias)
    start = 2 * share - 1 if layer.signed else share
    assert ((start.abs() > 0.499) & (start.abs() < 0.601)).all()
    assert 0.4 < (start < 0).float().mean() < 0.6 if low else (start > 0).all()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hidden_size": 0}, "model.hidden_size must be at least 1, got 0"),
        ({"layers": 0}, "model.layers must be at least 1, got 0"),
        ({"state_size": 0}, "model.state_size must be at least 1, got 0"),
        ({"eigenvalues": "negative"}, "complex, real or positive, got 'negative'"),
        ({"r_max": 1.0}, r"model.r_max must be in \(0, 1\), got 1.0"),
        ({"r_min": 0.9, "r_max": 0.9}, "model.r_min must be below model.r_max 0.9, got 0.9"),
        ({"max_phase": 7.0}, "model.max_phase must be in"),
    ],
)
def test_bad_settings_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        LinearRecurrent(**values)
    if not {"hidden_size", "layers"}.isdisjoint(values):
        with pytest.raises(UsageError, match=message):
            MinGRU(**values)


@pytest.mark.parametrize("kind", KINDS)
def test_an_output_of_another_length_is_refused(kind: str) -> None:
    with pytest.raises(UsageError, match="outputs a symbol at each position"):
        model(kind).check(Shape.of("symbols", Stage(4, 5), output_length=3))


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_the_first_bit_stage_by_stage(kind: str, tmp_path: Path) -> None:
    experiment = Experiment(
        task=FirstBit(),
        model=model(kind, 16),
        growth=Explicit(lengths=(2, 4)),
        optimizer=Adam(learning_rate=1e-2),
        budget=Budget(steps_per_stage=200),
    )
    result = curriculum.run(experiment, store=tmp_path, mirror=False)
    assert result.reach == Stage(4)
