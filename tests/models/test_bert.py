from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from widened_function import assert_function_is_kept

import curriculum
from curriculum import (
    Budget,
    Experiment,
    Explicit,
    RAdam,
    Shape,
    Stage,
    Tuning,
    UsageError,
)
from curriculum.learn import PADDING, OutputKind, weights_sha256, widening
from curriculum.models import Bert
from curriculum.tasks import Reverse


def test_it_outputs_at_each_position_or_once() -> None:
    torch.manual_seed(0)
    inputs = torch.randint(7, (3, 5))
    model = Bert(hidden_size=8, head_size=4)
    assert model.build(Shape.of("symbols", Stage(6, 7)))(inputs).shape == (3, 5, 7)
    assert model.build(Shape.of("bit", Stage(6, 7)))(inputs).shape == (3,)


def test_every_position_and_symbol_counts() -> None:
    torch.manual_seed(0)
    model = Bert(hidden_size=8, head_size=4).build(Shape.of("symbols", Stage(4, 3))).eval()
    inputs = torch.zeros(1, 4, dtype=torch.int64)
    changed = inputs.clone()
    changed[0, 3] = 2
    assert not torch.allclose(model(inputs)[0, 0], model(changed)[0, 0])


def test_bert_base_has_its_size() -> None:
    base = Bert(hidden_size=768, layers=12, dropout=0.1, initializer_range=0.02)
    with torch.device("meta"):
        network = base.build(Shape.of("symbols", Stage(512, 30522)))
    sizes = {name: p.numel() for name, p in network.named_parameters() if "encoder." in name[:8]}
    assert sum(sizes.values()) == 108_890_880  # of one kind of token, and without a pooler


@settings(max_examples=25)
@given(
    heads=st.integers(1, 3),
    head_size=st.integers(1, 4),
    layers=st.integers(1, 2),
    times=st.integers(1, 3),
    vocab=st.tuples(st.integers(2, 5), st.integers(0, 3)),
    length=st.tuples(st.integers(1, 6), st.integers(0, 3)),
    output=st.sampled_from(["bit", "symbol", "symbols"]),
    kind=st.sampled_from([torch.float64, torch.float32]),
    seed=st.integers(0, 10**6),
)
def test_a_widened_bert_keeps_its_function(
    *,
    heads: int,
    head_size: int,
    layers: int,
    times: int,
    vocab: tuple[int, int],
    length: tuple[int, int],
    output: OutputKind,
    kind: torch.dtype,
    seed: int,
) -> None:
    torch.manual_seed(seed)
    model = Bert(hidden_size=heads * head_size, head_size=head_size, layers=layers)
    wider = Bert(hidden_size=times * heads * head_size, head_size=head_size, layers=layers)
    small = model.build(Shape.of(output, Stage(length[0], vocab[0]))).to(kind).eval()
    large = wider.build(Shape.of(output, Stage(sum(length), sum(vocab)))).to(kind).eval()
    for parameter in small.parameters():
        nn.init.normal_(parameter, std=0.4)
    large.load_state_dict(
        widening.widen(small.state_dict(), large.state_dict(), wider.placements(small, large))
    )
    inputs = torch.randint(vocab[0], (3, length[0]))
    if output == "bit":
        assert_function_is_kept(small, large, inputs)
    else:
        assert (large(inputs)[..., vocab[0] :] == widening.NEW_SYMBOL_BIAS).all()
        assert_function_is_kept(small, large, inputs, outputs=vocab[0])


def test_copies_of_a_unit_do_not_stay_alike() -> None:
    torch.manual_seed(0)
    small = Bert(hidden_size=4, head_size=2).build(Shape.of("symbols", Stage(4, 5)))
    wider = Bert(hidden_size=8, head_size=2)
    large = wider.build(Shape.of("symbols", Stage(4, 5)))
    large.load_state_dict(
        widening.widen(small.state_dict(), large.state_dict(), wider.placements(small, large))
    )
    inputs = torch.randint(5, (16, 4))
    large(inputs).logsumexp(-1).sum().backward()
    for name, parameter in large.named_parameters():
        assert parameter.grad is not None
        if name.endswith(("query.weight", "intermediate.dense.weight")):
            first, second = parameter.grad.chunk(2)
            assert not torch.allclose(first, second)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hidden_size": 100}, "must be a multiple of model.head_size 64, got 100"),
        ({"layers": 0}, "model.layers must be at least 1, got 0"),
        ({"dropout": 1.0}, r"model.dropout must be in \[0, 1\), got 1.0"),
        ({"initializer_range": 0.0}, "must be above 0, got 0.0"),
        ({"positions": "random"}, "normal or sinusoidal, got 'random'"),
    ],
)
def test_bad_settings_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Bert(**values)


def test_a_length_over_its_positions_is_refused() -> None:
    with pytest.raises(UsageError, match="has 4 positions, got a length of 5"):
        Bert(hidden_size=4, head_size=2).build(Shape.of("bit", Stage(4, 2)))(
            torch.zeros(1, 5).long()
        )


def test_bert_is_widened_by_whole_copies_alone() -> None:
    Bert(hidden_size=128).check_widened(256)
    with pytest.raises(UsageError, match="to a multiple of 128, got 192"):
        Bert(hidden_size=128).check_widened(192)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "model_size"), [("off", "path"), ("off", "stage"), ("each", "path")]
)
def test_it_learns_to_reverse(mode: Any, model_size: Any, tmp_path: Path) -> None:
    experiment = Experiment(
        task=Reverse(),
        model=Bert(hidden_size=16, head_size=8, layers=1),
        growth=Explicit(lengths=(2, 3, 3), vocab_sizes=(3, 3, 5)),
        optimizer=RAdam(learning_rate=1e-2),
        budget=Budget(steps_per_stage=600),
        model_size=model_size,
        tuning=Tuning(mode=mode, trials=4, hidden_size=(16, 32), learning_rate=(3e-3, 3e-2)),
    )
    result = curriculum.run(experiment, store=tmp_path, mirror=False)
    assert result.reach == Stage(3, 5)
    assert weights_sha256(curriculum.load("last", store=tmp_path)) == result.weights_sha256


def test_sinusoidal_positions_are_alike_for_each_head_and_of_the_initial_size() -> None:
    model = Bert(hidden_size=16, head_size=8, positions="sinusoidal")
    network = model.build(Shape.of("symbols", Stage(50, 4)))
    table = network.state_dict()["encoder.embeddings.position_embeddings.weight"]
    assert torch.equal(table[:, :8], table[:, 8:])
    assert table.square().mean().sqrt() == pytest.approx(0.1)
    angles = torch.atan2(table[:, 0], table[:, 1])  # the fastest wave
    assert angles[:4].tolist() == pytest.approx([0, 1, 2, 3])
    near, far = (table[10] - table[11]).norm(), (table[10] - table[40]).norm()
    assert near < far


def test_more_sinusoidal_positions_continue_the_fewer() -> None:
    model = Bert(hidden_size=8, head_size=4, positions="sinusoidal")
    name = "encoder.embeddings.position_embeddings.weight"
    few, many = (
        model.build(Shape.of("symbols", Stage(length, 4))).state_dict()[name] for length in (5, 9)
    )
    assert torch.equal(few, many[:5])


def test_padding_changes_nothing() -> None:
    torch.manual_seed(0)
    for name in ("bit", "symbol", "symbols"):
        output: Any = name
        network = Bert(hidden_size=8, head_size=4).build(Shape.of(output, Stage(6, 5))).eval()
        inputs = torch.randint(5, (3, 6))
        inputs[0, 4:] = PADDING
        inputs[1, 1:] = PADDING
        found = network(inputs)
        first, alone = found[0], network(inputs[:1, :4])[0]
        assert torch.allclose(first[:4] if output == "symbols" else first, alone, atol=1e-6)
        assert torch.allclose(found[2], network(inputs[2:])[0], atol=1e-6)
