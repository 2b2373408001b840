"""What networks state of their work, and what a network counts that states nothing."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from curriculum import Batch, Experiment, Shape, Stage
from curriculum.learn import Model, StatesWork, Work, estimated_work
from curriculum.learn.layer_work import ACTIVATION, SLOWDOWNS, default_work, recurrent_work, work_of
from curriculum.learn.network_protocols import forward_mode_of, forward_train, input_tensors
from curriculum.learn.work import (
    DEPTH,
    EVALUATION,
    STEP,
    TRAINING,
    UPDATE,
    evaluation_compute,
    training_compute,
)
from curriculum.models import (
    Bert,
    Convolution,
    Decoder,
    HuggingFace,
    LanguageModel,
    LinearRecurrent,
    MinGRU,
    Recurrent,
    Seq2Seq,
    StackRNN,
    language_model_networks,
    scanned_network,
    seq2seq_network,
    stack_rnn_network,
)

STAGE = Stage(6, 12)
SIZES = {
    "hidden_size": 16,
    "num_attention_heads": 2,
    "num_hidden_layers": 2,
    "intermediate_size": 20,
}
B, L = 7, 6

SHAPES = {
    "bit": Shape.of("bit", STAGE),
    "symbols": Shape.of("symbols", STAGE),
    "shorter": replace(Shape.of("symbols", STAGE), output_length=4),
}

MODELS: dict[str, tuple[Model, str]] = {
    "bert": (Bert(hidden_size=16, head_size=8, layers=3), "symbols"),
    "convolution": (Convolution(hidden_size=9, width=3), "bit"),
    "bert of a bit": (Bert(hidden_size=16, head_size=8), "bit"),
    "seq2seq": (Seq2Seq(hidden_size=10, embedding_size=5, layers=2), "shorter"),
    "attention": (Seq2Seq(hidden_size=10, embedding_size=5, attention="dot"), "shorter"),
    "every word": (LanguageModel(net="every_word", hidden_size=9), "symbols"),
    "gru of words": (LanguageModel(net="gru", hidden_size=9, layers=2), "symbols"),
    "rnn": (Recurrent(cell="rnn", hidden_size=9, layers=2, bidirectional=True), "symbols"),
    "gru": (Recurrent(cell="gru", hidden_size=9, embedding_size=4), "bit"),
    "min gru": (MinGRU(hidden_size=9, layers=3), "symbols"),
    "lru": (LinearRecurrent(hidden_size=9, state_size=5), "bit"),
    "stack rnn": (StackRNN(hidden_size=9, stacks=2, stack_width=3), "symbols"),
    "stack lstm": (StackRNN(cell="lstm", hidden_size=9, stack_depth=4), "bit"),
    "llama": (Decoder(hidden_size=16, head_size=8, outputs="in_place"), "symbols"),
    "gpt2": (Decoder(style="gpt2", hidden_size=16, head_size=8, intermediate_size=20), "shorter"),
    "selective": (LinearRecurrent(hidden_size=9, state_size=5, eigenvalues="real"), "symbols"),
    "library's llama": (
        HuggingFace(config={"model_type": "llama", **SIZES}, outputs="in_place"),
        "symbols",
    ),
    "library's gpt2": (
        HuggingFace(config={"model_type": "gpt2", "n_embd": 16, "n_head": 2, "n_layer": 2}),
        "shorter",
    ),
    "library's bert": (
        HuggingFace(config={"model_type": "bert", **SIZES}, head="sequence_classification"),
        "bit",
    ),
}

AS_STATED = ("bert", "convolution", "llama", "gpt2", "library's")
"""Networks that take as long as their operations and calls tell."""


def built(name: str) -> tuple[nn.Module, Shape]:
    torch.manual_seed(0)
    model, kind = MODELS[name]
    return model.build(SHAPES[kind]), SHAPES[kind]


def batch(shape: Shape) -> Batch:
    inputs = torch.randint(shape.input_vocab_size, (B, L))
    size = (B, shape.output_length) if shape.output == "symbols" else (B,)
    return Batch(inputs=inputs.numpy(), targets=torch.randint(2, size).numpy())


def multiplications(network: nn.Module, shape: Shape) -> int:
    """The operations of all matrix products of a forward pass, as torch counts them."""
    one = batch(shape)
    inputs, targets = input_tensors(one, torch.device("cpu")), torch.from_numpy(one.targets)
    plain = sdpa_kernel(SDPBackend.MATH)  # the counter doesn't see into fused attention
    with FlopCounterMode(display=False) as counter, torch.no_grad(), plain:
        forward_train(network, forward_mode_of(network), inputs, targets, None)
    return int(counter.get_total_flops())


def activations(name: str) -> float:
    """What is stated beyond the matrix products, by hand."""
    return {
        "bert": 3 * B * (L * 16 * 4 + L * L * 2) * ACTIVATION,
        "convolution": 0.0,
        "bert of a bit": 2 * B * (L * 16 * 4 + L * L * 2) * ACTIVATION,
        "seq2seq": 2 * 3 * 10 * B * (6 + 4) * ACTIVATION,
        "attention": B * (3 * 10 * (6 + 4) + 6 * 4) * ACTIVATION,
        "every word": 0.0,
        "gru of words": 2 * 3 * 9 * B * L * ACTIVATION,
        "rnn": 2 * 2 * 9 * B * L * ACTIVATION,
        "gru": 3 * 9 * B * L * ACTIVATION,
        # Two gates, GELU and the gate after it; and a multiplication and an addition for each unit.
        "min gru": 3 * B * L * 9 * (4 * ACTIVATION + 2),
        "lru": 2 * B * L * (9 * 2 * ACTIVATION + 5 * 8),  # complex numbers
        # Five operations for each number on the stacks, of which there are more at each symbol.
        "stack rnn": B * (L * (9 + 2 * 3) * ACTIVATION + 5 * (1 + 2 + 3 + 4 + 5 + 6) * 2 * 3),
        "stack lstm": B * (L * (5 * 9 + 3) * ACTIVATION + 5 * (1 + 2 + 3 + 4 + 4 + 4) * 8),
        "llama": 2 * B * (L * 64 + L * L * 2) * ACTIVATION,
        "gpt2": 2 * B * (10 * 20 + 10 * 10 * 2) * ACTIVATION,  # places of input and output
        "library's llama": 2 * B * (L * 20 + L * L * 2) * ACTIVATION,
        "library's gpt2": 2 * B * (10 * 64 + 10 * 10 * 2) * ACTIVATION,
        "library's bert": 2 * B * (L * 20 + L * L * 2) * ACTIVATION,
        "selective": 2 * B * L * (9 * 2 * ACTIVATION + 5 * (ACTIVATION + 2)),
    }[name]


@pytest.fixture
def alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """No kind of network takes longer than its operations tell."""
    for mode in SLOWDOWNS:
        monkeypatch.setitem(SLOWDOWNS, mode, 1.0)
    for module in (seq2seq_network, language_model_networks, scanned_network, stack_rnn_network):
        monkeypatch.setattr(module, "SLOWDOWN", 1.0)


@pytest.mark.usefixtures("alike")
@pytest.mark.parametrize("name", MODELS)
def test_what_a_network_states_is_what_torch_counts(name: str) -> None:
    network, shape = built(name)
    assert isinstance(network, StatesWork)
    stated = work_of(network, B, L, shape.output_length, training=True).operations
    assert stated == pytest.approx(multiplications(network, shape) + activations(name))


@pytest.mark.parametrize("name", MODELS)
def test_a_kind_that_takes_longer_counts_more(name: str, request: pytest.FixtureRequest) -> None:
    network, shape = built(name)
    own = work_of(network, B, L, shape.output_length, training=True)
    request.getfixturevalue("alike")
    alike = work_of(network, B, L, shape.output_length, training=True)
    assert own.operations >= alike.operations
    assert (own == alike) == name.startswith(AS_STATED)  # the unit


def test_an_lstms_gates_and_calls_are_counted() -> None:
    """Torch's counter doesn't see into the fused call."""
    lstm = nn.LSTM(3, 5, num_layers=2)
    gates = 4 * 5 * (2 * (3 + 5) + ACTIVATION) + 4 * 5 * (2 * (5 + 5) + ACTIVATION)
    found = recurrent_work(lstm, B, L)
    assert found.operations == pytest.approx(SLOWDOWNS["LSTM"] * B * L * gates)
    assert found.depth == pytest.approx(SLOWDOWNS["LSTM"] * 2 * L)


@pytest.mark.parametrize("name", MODELS)
def test_work_is_stated_per_example_and_depth_is_not(name: str) -> None:
    network, shape = built(name)
    one, many = (
        work_of(network, count, L, shape.output_length, training=True) for count in (3, 30)
    )
    assert many.operations == pytest.approx(10 * one.operations)
    assert many.depth == one.depth > 0


def test_attention_grows_with_the_square_of_the_length() -> None:
    network = Bert(hidden_size=16, head_size=8, layers=1).build(SHAPES["symbols"])
    one, two, four = (
        work_of(network, 1, length, length, training=True).operations for length in (100, 200, 400)
    )
    linear = 2 * two - four / 2  # of a x + b x^2, twice the part in x at 200
    assert four > 2 * two > 4 * one
    assert four - 2 * two == pytest.approx(4 * (two - 2 * one))
    assert linear > 0


def test_a_recurrent_network_is_as_deep_as_its_input_is_long() -> None:
    network = Recurrent(cell="gru").build(SHAPES["bit"])
    short, long = (work_of(network, 1, length, 1, training=True).depth for length in (10, 1000))
    assert long > 90 * short


def test_decoding_symbol_by_symbol_is_deeper_than_one_call() -> None:
    network = Seq2Seq(hidden_size=8).build(SHAPES["shorter"])
    taught = Seq2Seq(hidden_size=8, teacher_forcing=0.5).build(SHAPES["shorter"])
    fused = work_of(network, B, L, 4, training=True)
    decoded = work_of(network, B, L, 4, training=False)
    assert decoded.depth > fused.depth
    assert decoded.operations == fused.operations
    assert work_of(taught, B, L, 4, training=True) == decoded


def test_a_step_counts_three_passes_an_update_and_a_fixed_cost() -> None:
    work = Work(operations=1e9, depth=100)
    assert training_compute(work, 1000) == STEP + 1000 * UPDATE + TRAINING * (1e9 + 100 * DEPTH)
    assert evaluation_compute(work) == EVALUATION + 1e9 + 100 * DEPTH
    assert work + work == work * 2 == Work(operations=2e9, depth=200)


class Own(nn.Module):
    """A user's network, of which nothing is stated."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.embedding = nn.Embedding(12, 8)
        self.layers = nn.Sequential(*layers)

    def forward(self, inputs: Tensor) -> Any:
        return self.layers(self.embedding(inputs))


def test_a_network_that_states_nothing_counts_its_layers() -> None:
    network = Own(nn.Linear(8, 20), nn.ReLU(), nn.Linear(20, 12))
    found = work_of(network, B, L, L, training=True)
    biases = 2 * B * L * (20 + 12)
    assert found.operations == multiplications(network, SHAPES["symbols"]) + biases
    assert found.depth == 4


def test_the_default_sees_recurrent_and_attention_layers() -> None:
    lstm = nn.LSTM(8, 5)
    assert default_work(Own(lstm), B, L).operations == recurrent_work(lstm, B, L).operations
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True)
    short, long = (default_work(layer, 1, length).operations for length in (10, 20))
    assert long > 2 * short


@dataclass(frozen=True)
class Unstated:
    """A model whose network says nothing of its work."""

    hidden_size: int = 4

    def check(self, shape: Shape) -> None:
        pass

    def build(self, shape: Shape) -> nn.Module:
        return nn.Sequential(nn.Embedding(shape.input_vocab_size, 4), nn.Linear(4, 1))


def test_compute_that_is_estimated_is_said_to_be(tiny: Experiment) -> None:
    assert estimated_work(tiny.model, tiny.shape) is None
    found = estimated_work(Unstated(), tiny.shape)
    assert found is not None
    assert found.startswith("Sequential doesn't state its arithmetic (by a method forward_work)")
