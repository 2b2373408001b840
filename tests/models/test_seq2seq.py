import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from widened_function import assert_function_is_kept

from curriculum import Shape, Stage, UsageError
from curriculum.config import load_experiment
from curriculum.learn import IGNORED, PADDING, widening
from curriculum.models import Seq2Seq
from curriculum.models.seq2seq import Attention
from curriculum.models.seq2seq_network import Seq2SeqNetwork
from curriculum.tasks import Subsequence

SHAPE = Shape(output="symbols", length=8, input_vocab_size=9, output_vocab_size=6, output_length=6)


def built(seed: int = 0, shape: Shape = SHAPE, **values: object) -> Seq2SeqNetwork:
    torch.manual_seed(seed)
    made = Seq2Seq(**({"hidden_size": 7, "embedding_size": 5} | values)).build(shape)  # type: ignore[arg-type]
    assert isinstance(made, Seq2SeqNetwork)
    return made.eval()


def by_hand(network: Seq2SeqNetwork, inputs: Tensor, shown: Tensor | None, length: int) -> Tensor:
    """Decoding one symbol at a time, with nothing batched over time."""
    memory, state = network.encoder(network.source(inputs))
    symbol, found = torch.zeros(len(inputs)).long(), []
    for position in range(length):
        output, state = network.decoder(network.target(symbol).unsqueeze(1), state)
        top = output[:, 0]
        if network.query is not None:
            scores = torch.einsum("bh,blh->bl", network.query(top), memory)
            context = torch.einsum("bl,blh->bh", scores.softmax(-1), memory)
            top = torch.cat([top, context], dim=-1)
        found.append(network.head(top))
        symbol = found[-1].argmax(-1) if shown is None else shown[:, position]
    return torch.stack(found, dim=1)


@pytest.mark.parametrize("attention", ["none", "dot"])
@pytest.mark.parametrize("layers", [1, 3])
def test_it_decodes_as_one_would_by_hand(attention: Attention, layers: int) -> None:
    network = built(attention=attention, layers=layers, init_range=0.8)
    inputs, targets = torch.randint(9, (4, 8)), torch.randint(6, (4, 6))
    assert torch.allclose(network(inputs, targets), by_hand(network, inputs, targets, 6), atol=1e-5)
    alone = network.greedy_decode(inputs, 6)
    assert torch.allclose(alone, by_hand(network, inputs, None, 6), atol=1e-5)


def test_without_teacher_forcing_training_decodes_as_an_evaluation_does() -> None:
    network = built(teacher_forcing=0.0, init_range=0.8)
    inputs, targets = torch.randint(9, (4, 8)), torch.randint(6, (4, 6))
    assert torch.equal(network(inputs, targets), network.greedy_decode(inputs, 6))


def test_teacher_forcing_shows_the_right_symbol_about_so_often() -> None:
    network = built(teacher_forcing=0.5, init_range=0.8)
    inputs = torch.randint(9, (1, 8))
    own = network.greedy_decode(inputs, 2)[:, 0].argmax(-1)
    other = (own + 1) % 6  # shown at the first position, it changes what comes second
    targets = torch.stack([other, other], dim=1)
    free = network.greedy_decode(inputs, 2)
    differs = sum(not torch.allclose(network(inputs, targets), free) for _ in range(400))
    assert 140 <= differs <= 260


def test_the_notebooks_recipe_has_its_number_of_parameters() -> None:
    experiment, _ = load_experiment("gru_subsequence:seed")
    network = experiment.model.build(experiment.shape)
    assert sum(p.numel() for p in network.parameters()) == 2_177_034
    assert all(float(p.detach().abs().max()) <= 0.08 for p in network.parameters())


def test_padding_changes_nothing() -> None:
    for attention in ("none", "dot"):
        network = built(attention=attention)
        inputs = torch.randint(9, (2, 8))
        inputs[0, 5:] = PADDING
        alone = network.greedy_decode(inputs[:1, :5], 3)
        assert torch.allclose(network.greedy_decode(inputs, 3)[:1], alone, atol=1e-6)


def test_ignored_targets_may_be_shown() -> None:
    network = built()
    targets = torch.tensor([[1, 2, IGNORED, IGNORED]])
    assert torch.isfinite(network(torch.randint(9, (1, 8)), targets)).all()


@settings(max_examples=40)
@given(
    size=st.integers(1, 8),
    more=st.integers(0, 8),
    layers=st.integers(1, 3),
    attention=st.sampled_from(["none", "dot"]),
    input_sizes=st.tuples(st.integers(2, 8), st.integers(0, 4)),
    output_sizes=st.tuples(st.integers(2, 6), st.integers(0, 4)),
    kind=st.sampled_from([torch.float64, torch.float32]),
    seed=st.integers(0, 10**6),
)
def test_a_widened_encoder_decoder_keeps_its_function(
    *,
    size: int,
    more: int,
    layers: int,
    attention: Attention,
    input_sizes: tuple[int, int],
    output_sizes: tuple[int, int],
    kind: torch.dtype,
    seed: int,
) -> None:
    def shape(inputs: int, outputs: int) -> Shape:
        return Shape(
            output="symbols",
            length=8,
            input_vocab_size=inputs,
            output_vocab_size=outputs,
            output_length=6,
        )

    torch.manual_seed(seed)
    model = Seq2Seq(hidden_size=size, embedding_size=4, layers=layers, attention=attention)
    wider = Seq2Seq(hidden_size=size + more, embedding_size=4, layers=layers, attention=attention)
    small = model.build(shape(input_sizes[0], output_sizes[0])).to(kind).eval()
    large = wider.build(shape(sum(input_sizes), sum(output_sizes))).to(kind).eval()
    for parameter in small.parameters():
        nn.init.normal_(parameter, std=0.5)
    large.load_state_dict(
        widening.widen(small.state_dict(), large.state_dict(), wider.placements(small, large))
    )
    inputs, targets = torch.randint(input_sizes[0], (3, 8)), torch.randint(output_sizes[0], (3, 6))
    assert (large(inputs, targets)[..., output_sizes[0] :] == widening.NEW_SYMBOL_BIAS).all()
    assert_function_is_kept(small, large, inputs, targets, outputs=output_sizes[0])


@pytest.mark.parametrize("attention", ["none", "dot"])
def test_all_new_units_learn(attention: Attention) -> None:
    small = built(attention=attention)
    wider = Seq2Seq(hidden_size=12, embedding_size=5, attention=attention)
    large = wider.build(SHAPE)
    large.load_state_dict(
        widening.widen(small.state_dict(), large.state_dict(), wider.placements(small, large))
    )
    optimizer = torch.optim.SGD(large.parameters(), lr=0.1)
    before = {name: value.clone() for name, value in large.named_parameters()}
    for _ in range(3):
        optimizer.zero_grad()
        logits = large(torch.randint(9, (16, 8)), torch.randint(6, (16, 6)))
        nn.functional.cross_entropy(logits.flatten(0, 1), torch.randint(6, (96,))).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    for name, value in large.named_parameters():
        grown = value.shape != dict(small.named_parameters())[name].shape
        changed = (value - before[name]).abs()
        assert changed.max() > 0, name
        if grown:
            assert changed[-1].max() > 0, name  # the last row is a new one, or leads to one


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hidden_size": 0}, "model.hidden_size must be at least 1, got 0"),
        ({"layers": 0}, "model.layers must be at least 1, got 0"),
        ({"embedding_size": 0}, "model.embedding_size must be at least 1, got 0"),
        ({"attention": "soft"}, "none or dot, got 'soft'"),
        ({"dropout": 1.0}, r"in \[0, 1\), got 1.0"),
        ({"teacher_forcing": 1.5}, r"in \[0, 1\], got 1.5"),
        ({"init_range": 0.0}, "above 0, got 0.0"),
    ],
)
def test_bad_settings_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Seq2Seq(**values)  # type: ignore[arg-type]


def test_a_task_whose_output_is_a_bit_is_refused() -> None:
    Seq2Seq().check(Subsequence().shape(Stage(8, 10)))
    with pytest.raises(UsageError, match="the task's output is one bit; take Recurrent or Bert"):
        Seq2Seq().check(Shape.of("bit", Stage(4)))
