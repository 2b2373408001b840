"""A widened model computes what the smaller one did, and its new units learn."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from widened_function import assert_function_is_kept

from curriculum import SGD, Adam, RAdam, Shape, Stage, Training, UsageError
from curriculum.learn import Learner, Recipe, widening
from curriculum.models import Recurrent
from curriculum.models.recurrent import Cell
from curriculum.models.recurrent_network import RecurrentNetwork

CPU = torch.device("cpu")
CELLS: list[Cell] = ["rnn", "lstm", "gru"]


class Stack(nn.Module):
    """Embedding, GRU, batch normalisation over features, head: all widths grow together."""

    def __init__(self, vocab_size: int, size: int, *, bias: bool = True) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, size)
        self.recurrent = nn.GRU(size, size, 1, bias, batch_first=True)
        self.norm = nn.BatchNorm1d(size)
        self.head = nn.Linear(size, vocab_size, bias=bias)

    def forward(self, inputs: Tensor) -> Tensor:
        states, _ = self.recurrent(self.embedding(inputs))
        normal = self.norm(states.transpose(1, 2)).transpose(1, 2)
        return self.head(torch.relu(normal))  # type: ignore[no-any-return]

    def placements(self, large: "Stack") -> Mapping[str, widening.Placement]:
        head = widening.linear(self.head, large.head, new_outputs=widening.NEW_SYMBOL_BIAS)
        return {
            **widening.prefixed("embedding", widening.embedding(self.embedding, large.embedding)),
            **widening.prefixed("recurrent", widening.recurrent(self.recurrent, large.recurrent)),
            **widening.prefixed("norm", widening.batch_norm(self.norm, large.norm)),
            **widening.prefixed("head", head),
        }


@settings(max_examples=60)
@given(
    cell=st.sampled_from(CELLS),
    layers=st.integers(1, 3),
    bidirectional=st.booleans(),
    size=st.integers(1, 9),
    more=st.integers(0, 9),
    embedding_size=st.none() | st.integers(1, 5),
    output=st.sampled_from(["bit", "symbol", "symbols"]),
    vocab=st.tuples(st.integers(2, 6), st.integers(0, 4)),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 30)),
    kind=st.sampled_from([torch.float64, torch.float32]),
    seed=st.integers(0, 10**6),
)
@example(  # chaotic: it magnifies rounding beyond the tolerance
    cell="rnn",
    layers=2,
    bidirectional=False,
    size=8,
    more=6,
    embedding_size=None,
    output="symbol",
    vocab=(4, 0),
    shape=(4, 27),
    kind=torch.float32,
    seed=171,
)
def test_a_widened_recurrent_model_keeps_its_function(
    *,
    cell: Cell,
    layers: int,
    bidirectional: bool,
    size: int,
    more: int,
    embedding_size: int | None,
    output: Any,
    vocab: tuple[int, int],
    shape: tuple[int, int],
    kind: torch.dtype,
    seed: int,
) -> None:
    torch.manual_seed(seed)
    settings = Recurrent(
        cell=cell,
        hidden_size=size,
        layers=layers,
        bidirectional=bidirectional,
        embedding_size=embedding_size,
    )
    wider = replace(settings, hidden_size=size + more)
    small = settings.build(Shape.of(output, Stage(9, vocab[0]))).to(kind).eval()
    large = wider.build(Shape.of(output, Stage(9, sum(vocab)))).to(kind).eval()
    for parameter in small.parameters():
        nn.init.normal_(parameter, std=0.7)
    placements = wider.placements(small, large)
    large.load_state_dict(widening.widen(small.state_dict(), large.state_dict(), placements))
    inputs = torch.randint(vocab[0], shape)
    if output == "bit":
        assert_function_is_kept(small, large, inputs)
    else:
        assert (large(inputs)[..., vocab[0] :] == widening.NEW_SYMBOL_BIAS).all()
        assert_function_is_kept(small, large, inputs, outputs=vocab[0])


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("kind", [torch.float64, torch.float32])
def test_a_changed_function_is_detected_in_a_chaotic_network(cell: Cell, kind: torch.dtype) -> None:
    torch.manual_seed(171)
    model = Recurrent(cell=cell, hidden_size=8, layers=2)
    wider = replace(model, hidden_size=14)
    shape = Shape.of("symbol", Stage(9, 4))
    small, large = model.build(shape).to(kind).eval(), wider.build(shape).to(kind).eval()
    for parameter in small.parameters():
        nn.init.normal_(parameter, std=0.7)
    placements = dict(wider.placements(small, large))
    inputs = torch.randint(4, (4, 27))

    def widened() -> nn.Module:
        weights = widening.widen(small.state_dict(), large.state_dict(), placements)
        large.load_state_dict(weights)
        return large

    assert_function_is_kept(small, widened(), inputs)
    name = "recurrent.weight_hh_l1"
    placements[name] = replace(placements[name], new_columns=1e-2)
    with pytest.raises(AssertionError):
        assert_function_is_kept(small, widened(), inputs)


@settings(max_examples=30)
@given(
    size=st.integers(1, 8),
    more=st.integers(0, 8),
    vocab=st.tuples(st.integers(2, 6), st.integers(0, 4)),
    bias=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_widened_embeddings_and_batch_normalisation_keep_their_function(
    size: int, more: int, vocab: tuple[int, int], bias: bool, seed: int
) -> None:
    torch.manual_seed(seed)
    small = Stack(vocab[0], size, bias=bias).double()
    large = Stack(sum(vocab), size + more, bias=bias).double()
    inputs = torch.randint(vocab[0], (8, 6))
    for _ in range(3):
        small(inputs)  # changes the running statistics
    placements = small.placements(large)
    large.load_state_dict(widening.widen(small.state_dict(), large.state_dict(), placements))
    known = large.eval()(inputs)[..., : vocab[0]]
    assert torch.allclose(small.eval()(inputs), known, rtol=0, atol=1e-10)
    assert torch.allclose(
        small.train()(inputs), large.train()(inputs)[..., : vocab[0]], rtol=0, atol=1e-10
    )


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 2])
def test_new_units_learn(cell: Cell, layers: int) -> None:
    size, wide = 5, 8
    recipe = Recipe(
        model=Recurrent(cell=cell, hidden_size=size, layers=layers),
        optimizer=SGD(learning_rate=0.1),
        training=Training(),
    )
    parent = Learner.start(Shape.of("bit", Stage(9)), recipe, seed=0, device=CPU).snapshot()
    wider = recipe.replace({"model.hidden_size": wide})
    one = Learner.continuing(parent, wider, CPU, seed=0, visit=1)
    network = one.model
    assert isinstance(network, RecurrentNetwork)
    inputs = torch.randint(2, (64, 6))

    def gradients() -> tuple[Tensor, Tensor]:
        """For each new unit of each layer: of its outgoing weights to old ones; incoming."""
        one.optimizer.zero_grad()
        nn.functional.softplus(network(inputs)).sum().backward()  # type: ignore[no-untyped-call]
        going, coming = [], []
        for layer in range(layers):
            named = dict(network.recurrent.named_parameters())
            out = named[f"weight_hh_l{layer}"].grad
            into = named[f"weight_ih_l{layer}"].grad
            assert out is not None
            assert into is not None
            gates = len(out) // wide
            old = out.view(gates, wide, wide)[:, :size, size:]
            new = into.view(gates, wide, -1)[:, size:]
            going.append(old.abs().amax(dim=(0, 1)))
            coming.append(new.abs().amax(dim=(0, 2)))
        return torch.cat(going), torch.cat(coming)

    going, coming = gradients()
    assert (going > 0).all()
    assert (coming == 0).all()
    one.optimizer.step()
    assert (gradients()[1] > 0).all()


def test_moments_are_carried_over_and_new_entries_start_at_the_mean() -> None:
    recipe = Recipe(
        model=Recurrent(cell="gru", hidden_size=3), optimizer=Adam(), training=Training()
    )
    parent = Learner.start(Shape.of("bit", Stage(9)), recipe, seed=0, device=CPU)
    for _ in range(3):
        parent.model(torch.randint(2, (8, 5))).sum().backward()
        parent.optimizer.step()
    changes = {"model.hidden_size": 5, "optimizer.learning_rate": 0.5}
    wider = Learner.continuing(parent.snapshot(), recipe.replace(changes), CPU, seed=0, visit=1)
    assert wider.optimizer.param_groups[0]["lr"] == 0.5
    small = parent.optimizer.state[parent.model.head.weight]  # type: ignore[union-attr,index]
    large = wider.optimizer.state[wider.model.head.weight]  # type: ignore[union-attr,index]
    assert float(large["step"]) == 3
    assert torch.equal(large["exp_avg"][:, :3], small["exp_avg"])
    assert torch.equal(large["exp_avg_sq"][:, :3], small["exp_avg_sq"])
    assert (large["exp_avg"][:, 3:] == 0).all()
    assert torch.allclose(large["exp_avg_sq"][:, 3:], small["exp_avg_sq"].mean())


@pytest.mark.parametrize("optimizer", [Adam(), SGD(momentum=0.9), RAdam()])
def test_a_widened_learner_can_be_trained_with_any_optimizer(optimizer: Any) -> None:
    model = Recurrent(cell="lstm", hidden_size=3)
    recipe = Recipe(model=model, optimizer=optimizer, training=Training())
    parent = Learner.start(Shape.of("bit", Stage(9)), recipe, seed=0, device=CPU)
    for learner in (
        parent,
        Learner.continuing(
            parent.snapshot(), recipe.replace({"model.hidden_size": 6}), CPU, seed=0, visit=1
        ),
    ):
        before = {name: value.clone() for name, value in learner.model.state_dict().items()}
        learner.model(torch.ones(2, 5, dtype=torch.int64)).sum().backward()
        learner.optimizer.step()
        assert any(
            not torch.equal(value, before[name])
            for name, value in learner.model.state_dict().items()
        )


def test_a_learner_grows_with_its_stages() -> None:
    model = Recurrent(cell="gru", hidden_size=4, embedding_size=3)
    recipe = Recipe(model=model, optimizer=Adam(), training=Training())
    one = Learner.start(Shape.of("symbols", Stage(5, 4)), recipe, seed=0, device=CPU)
    assert one.grown(Shape.of("symbols", Stage(5, 4)), seed=0, visit=1) is one
    assert one.grown(Shape.of("symbols", Stage(3, 2)), seed=0, visit=1) is one
    grown = one.grown(Shape.of("symbols", Stage(4, 9)), seed=0, visit=1)
    assert grown.shape == Shape.of("symbols", Stage(5, 9))
    inputs = torch.randint(4, (6, 5))
    assert torch.allclose(grown.model(inputs)[..., :4], one.model(inputs), atol=1e-6)
    assert (grown.model(inputs).argmax(-1) < 4).all()


def test_a_model_that_cannot_be_widened_is_refused() -> None:
    class Rigid:
        hidden_size = 3

        def build(self, *_: object) -> nn.Module:
            return nn.Linear(1, 1)

    recipe = Recipe(model=Rigid(), optimizer=Adam(), training=Training())  # type: ignore[arg-type]
    one = Learner.start(Shape.of("bit", Stage(5)), recipe, seed=0, device=CPU)
    with pytest.raises(UsageError, match=r"Rigid can't be widened, as it has no `placements`"):
        one.grown(Shape.of("bit", Stage(9)), seed=0, visit=1)


def test_a_tensor_without_a_placement_is_named() -> None:
    with pytest.raises(ValueError, match=r"weight grows from \(1, 2\) to \(1, 3\)"):
        widening.widen(nn.Linear(2, 1).state_dict(), nn.Linear(3, 1).state_dict(), {})
