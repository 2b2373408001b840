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
from curriculum.learn import PADDING, OutputKind, widening
from curriculum.models import AutoregressiveNetwork, Decoder
from curriculum.models.decoder_network import DecoderNetwork
from curriculum.tasks import FirstBit, Reverse

STYLES = ["llama", "gpt2"]
AFTER = Shape(output="symbols", length=5, input_vocab_size=4, output_vocab_size=6, output_length=4)
CAUSAL = Shape.of("symbols", Stage(6, 5), causal=True)


def model(style: str, hidden_size: int = 8, **values: Any) -> Decoder:
    given: dict[str, Any] = {"style": style, "hidden_size": hidden_size, "head_size": 4}
    return Decoder(**(given | values))


def built(style: str, shape: Shape, **values: Any) -> nn.Module:
    torch.manual_seed(0)
    return model(style, **({"initializer_range": 0.5} | values)).build(shape).eval()


def writing(style: str) -> tuple[AutoregressiveNetwork, Tensor]:
    network, inputs = built(style, AFTER), torch.randint(4, (4, 5))
    assert isinstance(network, AutoregressiveNetwork)
    inputs[1, 3:] = PADDING
    inputs[2, 1:] = PADDING
    return network, inputs


class WithoutCache(nn.Module):
    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, tokens: Tensor) -> Any:
        return self.body(tokens)


@pytest.mark.parametrize(
    ("outputs", "shape", "after"),
    [
        ("auto", AFTER, True),
        ("auto", Shape.of("symbols", Stage(6, 5)), True),  # Reverse needs the last symbol first
        ("auto", CAUSAL, False),
        ("auto", Shape.of("bit", Stage(6)), False),
        ("auto", Shape.of("symbol", Stage(6)), False),
        ("in_place", Shape.of("symbols", Stage(6, 5)), False),
        ("after_input", Shape.of("symbols", Stage(6, 5)), True),
        ("after_input", Shape.of("bit", Stage(6)), False),
    ],
)
def test_symbols_are_written_after_the_input_but_for_language_models(
    outputs: Any, shape: Shape, *, after: bool
) -> None:
    settings = model("llama", outputs=outputs)
    settings.check(shape)
    kind = AutoregressiveNetwork if after else DecoderNetwork
    assert type(settings.build(shape)) is kind


@pytest.mark.parametrize("style", STYLES)
def test_it_outputs_in_place_or_once(style: str) -> None:
    inputs = torch.randint(5, (3, 6))
    assert built(style, CAUSAL)(inputs).shape == (3, 6, 5)
    assert built(style, Shape.of("symbol", Stage(6, 5)))(inputs).shape == (3, 5)
    assert built(style, Shape.of("bit", Stage(6, 5)))(inputs).shape == (3,)


@pytest.mark.parametrize("style", STYLES)
def test_no_output_in_place_sees_what_comes_after_it(style: str) -> None:
    network, inputs = built(style, CAUSAL), torch.randint(5, (3, 6))
    whole = network(inputs)
    torch.testing.assert_close(network(inputs[:, :4]), whole[:, :4])
    changed = inputs.clone()
    changed[:, 0] = (changed[:, 0] + 1) % 5
    assert ((network(changed) - whole).abs().amax(dim=(0, 2)) > 1e-4).all()
    swapped = inputs.clone()
    swapped[:, 0], swapped[:, 1] = 1, 2
    other = swapped.clone()
    other[:, 0], other[:, 1] = 2, 1
    assert not torch.allclose(network(swapped)[:, 5], network(other)[:, 5], atol=1e-3)  # positions


@pytest.mark.parametrize("output", ["bit", "symbol", "symbols"])
@pytest.mark.parametrize("style", STYLES)
def test_padding_changes_nothing_in_place(style: str, output: OutputKind) -> None:
    network = built(style, Shape.of(output, Stage(6, 5), causal=True))
    inputs = torch.randint(5, (3, 6))
    inputs[0, 4:] = PADDING
    found, alone = network(inputs)[0], network(inputs[:1, :4])[0]
    torch.testing.assert_close(found[:4] if output == "symbols" else found, alone)
    torch.testing.assert_close(network(inputs)[2], network(inputs[2:])[0])


@pytest.mark.parametrize("style", STYLES)
def test_padding_changes_nothing_that_is_written(style: str) -> None:
    network, inputs = writing(style)
    targets = torch.randint(6, (4, 4))
    for row, length in enumerate((5, 3, 1, 5)):
        alone, target = inputs[row : row + 1, :length], targets[row : row + 1]
        torch.testing.assert_close(network(inputs, targets)[row], network(alone, target)[0])
        torch.testing.assert_close(
            network.greedy_decode(inputs, 4)[row], network.greedy_decode(alone, 4)[0]
        )


@pytest.mark.parametrize("style", STYLES)
def test_the_cache_changes_nothing(style: str) -> None:
    network, inputs = writing(style)
    plain = AutoregressiveNetwork(WithoutCache(network.body)).eval()
    written = plain.greedy_decode(inputs, 4)
    assert len(set(written.argmax(-1).flatten().tolist())) > 1
    torch.testing.assert_close(network.greedy_decode(inputs, 4), written, atol=1e-4, rtol=1e-4)
    full = inputs[:1]  # without padding, and so without a mask
    torch.testing.assert_close(network.greedy_decode(full, 4), plain.greedy_decode(full, 4))


@pytest.mark.parametrize("style", STYLES)
def test_what_it_writes_is_what_it_predicts_when_shown_that(style: str) -> None:
    network, inputs = writing(style)
    written = network.greedy_decode(inputs, 4)
    torch.testing.assert_close(network(inputs, written.argmax(-1)), written, atol=1e-4, rtol=1e-4)


@settings(max_examples=30)
@given(
    style=st.sampled_from(STYLES),
    heads=st.integers(1, 3),
    times=st.integers(1, 3),
    layers=st.integers(1, 2),
    inner=st.sampled_from([None, 5]),
    vocab=st.tuples(st.integers(2, 5), st.integers(0, 3)),
    length=st.tuples(st.integers(1, 5), st.integers(0, 3)),
    output=st.sampled_from(["bit", "symbol", "symbols"]),
    after=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_a_widened_decoder_keeps_its_function(
    *,
    style: Any,
    heads: int,
    times: int,
    layers: int,
    inner: int | None,
    vocab: tuple[int, int],
    length: tuple[int, int],
    output: OutputKind,
    after: bool,
    seed: int,
) -> None:
    torch.manual_seed(seed)
    # Llama's normalisation computes in float32 whatever it is given.
    kind = torch.float64 if style == "gpt2" else torch.float32
    values = {"layers": layers, "intermediate_size": inner}
    wider = model(style, 4 * heads * times, **values)
    before = Shape.of(output, Stage(length[0], vocab[0]), causal=not after)
    later = Shape.of(output, Stage(sum(length), sum(vocab)), causal=not after)
    small = model(style, 4 * heads, **values).build(before).to(kind).eval()
    large = wider.build(later).to(kind).eval()
    for parameter in small.parameters():
        nn.init.normal_(parameter, std=0.4)
    large.load_state_dict(
        widening.widen(small.state_dict(), large.state_dict(), wider.placements(small, large))
    )
    given = [torch.randint(vocab[0], (3, length[0]))]
    if output == "symbols" and after:
        given.append(torch.randint(vocab[0], (3, length[0])))
    if output == "bit":
        assert_function_is_kept(small, large, *given)
    else:
        assert (large(*given)[..., vocab[0] :] == widening.NEW_SYMBOL_BIAS).all()
        assert_function_is_kept(small, large, *given, outputs=vocab[0])


@pytest.mark.parametrize("style", STYLES)
def test_copies_of_a_unit_do_not_stay_alike(style: str) -> None:
    small, wider = built(style, CAUSAL), model(style, 16)
    large = wider.build(CAUSAL)
    large.load_state_dict(
        widening.widen(small.state_dict(), large.state_dict(), wider.placements(small, large))
    )
    large(torch.randint(5, (16, 6))).logsumexp(-1).sum().backward()
    compared = 0
    for name, parameter in large.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all()
        if name.endswith(("gate_proj.weight", "v_proj.weight", "c_fc.weight")):
            first, second = parameter.grad.chunk(2, dim=1 if style == "gpt2" else 0)
            assert not torch.allclose(first, second), name
            compared += 1
    assert compared


def test_only_trained_positions_have_a_longest() -> None:
    inputs = torch.zeros(1, 7).long()
    with pytest.raises(UsageError, match=r"has 6 positions, got a length of 7; model\.style llama"):
        built("gpt2", CAUSAL)(inputs)
    assert built("llama", CAUSAL)(inputs).shape == (1, 7, 5)
    with pytest.raises(UsageError, match="has 9 positions, got a length of 10"):
        writing("gpt2")[0].greedy_decode(torch.zeros(1, 5).long(), 5)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"style": "gpt3"}, "must be llama or gpt2, got 'gpt3'"),
        ({"hidden_size": 100}, "must be a multiple of model.head_size 32, got 100"),
        ({"hidden_size": 9, "head_size": 3}, "must be even for rotary positions, got 3"),
        ({"layers": 0}, "model.layers must be at least 1, got 0"),
        ({"intermediate_size": 0}, "model.intermediate_size must be at least 1, got 0"),
        ({"outputs": "before"}, "auto, in_place or after_input, got 'before'"),
        ({"dropout": 1.0}, r"model.dropout must be in \[0, 1\), got 1.0"),
        ({"initializer_range": 0.0}, "must be above 0, got 0.0"),
    ],
)
def test_bad_settings_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Decoder(**values)


def test_outputs_that_the_task_does_not_have_are_refused() -> None:
    with pytest.raises(
        UsageError, match=r"the task has 5 input and 4 output symbols; set model\.outp"
    ):
        Decoder(outputs="in_place").check(AFTER)
    with pytest.raises(UsageError, match="a decoder that writes after its input sees the whole"):
        Decoder(outputs="after_input").check(CAUSAL)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("task", [FirstBit(), Reverse()], ids=["first_bit", "reverse"])
def test_it_learns_stage_by_stage(style: str, task: Any, tmp_path: Path) -> None:
    vocab = 2 if isinstance(task, FirstBit) else 3
    experiment = Experiment(
        task=task,
        model=model(style, 16, layers=1, initializer_range=0.1),
        growth=Explicit(lengths=(2, 3), vocab_sizes=(vocab, vocab)),
        optimizer=Adam(learning_rate=1e-2),
        budget=Budget(steps_per_stage=600),
    )
    result = curriculum.run(experiment, store=tmp_path, mirror=False)
    assert result.reach == Stage(3, vocab)
