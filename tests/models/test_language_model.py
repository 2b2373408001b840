import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import relu
from widened_function import assert_function_is_kept

from curriculum import Shape, Stage, UsageError
from curriculum.learn import widening
from curriculum.models import LanguageModel
from curriculum.models.language_model import Net
from curriculum.models.language_model_networks import Stepwise

LAST: list[Net] = ["unrolled", "loop"]
EVERY: list[Net] = ["every_word", "rnn", "lstm", "gru"]


def shape(net: Net, length: int = 3, vocab_size: int = 39) -> Shape:
    return Shape.of("symbol" if net in LAST else "symbols", Stage(length, vocab_size))


@pytest.mark.parametrize("net", LAST)
def test_three_words_give_one_prediction(net: Net) -> None:
    network = LanguageModel(net=net).build(shape(net))
    assert network(torch.randint(39, (5, 3))).shape == (5, 39)


@pytest.mark.parametrize("net", EVERY)
def test_every_word_gives_a_prediction_that_sees_no_later_word(net: Net) -> None:
    network = LanguageModel(net=net).build(shape(net)).eval()
    words = torch.randint(39, (5, 8))
    whole = network(words)
    assert whole.shape == (5, 8, 39)
    assert torch.allclose(network(words[:, :3]), whole[:, :3], atol=1e-5)


@pytest.mark.parametrize(("net", "layers", "parameters"), [
    ("unrolled", 1, 39 * 64 + 64 * 65 + 39 * 65 + 128),
    ("loop", 1, 39 * 64 + 64 * 65 + 39 * 65 + 128),
    ("every_word", 1, 39 * 64 + 64 * 65 + 39 * 65 + 128),
    ("rnn", 1, 39 * 64 + 2 * 64 * 65 + 39 * 65 + 128),
    ("gru", 2, 39 * 64 + 2 * 3 * 2 * 64 * 65 + 39 * 65 + 128),
])  # fmt: skip
def test_the_nets_have_the_notebooks_sizes(net: Net, layers: int, parameters: int) -> None:
    network = LanguageModel(net=net, layers=layers).build(shape(net))
    assert sum(p.numel() for p in network.parameters()) == parameters


def test_unrolled_and_loop_differ_in_the_first_word_alone() -> None:
    torch.manual_seed(0)
    looped = LanguageModel(net="loop", hidden_size=6).build(shape("loop")).eval()
    unrolled = LanguageModel(net="unrolled", hidden_size=6).build(shape("unrolled")).eval()
    unrolled.load_state_dict(looped.state_dict())
    assert isinstance(looped, Stepwise)
    words = torch.randint(39, (4, 3))
    one, two, three = looped.embedding(words).unbind(dim=1)
    last = looped.norm(relu(looped.hidden(looped.norm(relu(looped.hidden(one))) + two)))
    assert torch.allclose(
        looped(words), looped.head(looped.norm(relu(looped.hidden(last + three))))
    )
    first = looped.norm(relu(looped.hidden(looped.norm(relu(one)) + two)))
    expected = looped.head(looped.norm(relu(looped.hidden(first + three))))
    assert torch.allclose(unrolled(words), expected)


def test_predicting_every_word_normalises_what_is_read_out_and_not_the_state() -> None:
    torch.manual_seed(0)
    network = LanguageModel(net="every_word", hidden_size=6).build(shape("every_word")).eval()
    assert isinstance(network, Stepwise)
    nn.init.constant_(network.norm.running_mean, 0.3)  # type: ignore[arg-type]
    words = torch.randint(39, (4, 2))
    one, two = network.embedding(words).unbind(dim=1)
    first = relu(network.hidden(one))
    second = relu(network.hidden(first + two))
    expected = network.head(network.norm(torch.stack([first, second], 1).flatten(0, 1)))
    assert torch.allclose(network(words), expected.view(4, 2, 39), atol=1e-6)


@settings(max_examples=60)
@given(
    net=st.sampled_from([*LAST, *EVERY]),
    size=st.integers(1, 8),
    more=st.integers(0, 8),
    layers=st.integers(1, 3),
    vocab=st.tuples(st.integers(2, 8), st.integers(0, 4)),
    kind=st.sampled_from([torch.float64, torch.float32]),
    seed=st.integers(0, 10**6),
)
def test_a_widened_language_model_keeps_its_function(
    *,
    net: Net,
    size: int,
    more: int,
    layers: int,
    vocab: tuple[int, int],
    kind: torch.dtype,
    seed: int,
) -> None:
    torch.manual_seed(seed)
    layers = layers if net in ("rnn", "lstm", "gru") else 1
    model = LanguageModel(net=net, hidden_size=size, layers=layers)
    wider = LanguageModel(net=net, hidden_size=size + more, layers=layers)
    small = model.build(shape(net, vocab_size=vocab[0])).to(kind)
    small(torch.randint(vocab[0], (9, 3)))  # moves the running statistics
    small.eval()
    large = wider.build(shape(net, vocab_size=sum(vocab))).to(kind).eval()
    large.load_state_dict(
        widening.widen(small.state_dict(), large.state_dict(), wider.placements(small, large))
    )
    words = torch.randint(vocab[0], (4, 3))
    assert (large(words)[..., vocab[0] :] == widening.NEW_SYMBOL_BIAS).all()
    assert_function_is_kept(small, large, words, outputs=vocab[0])


@pytest.mark.parametrize("net", [*LAST, *EVERY])
def test_new_units_learn(net: Net) -> None:
    torch.manual_seed(0)
    model, wider = LanguageModel(net=net, hidden_size=5), LanguageModel(net=net, hidden_size=9)
    small, large = model.build(shape(net)), wider.build(shape(net))
    large.load_state_dict(
        widening.widen(small.state_dict(), large.state_dict(), wider.placements(small, large))
    )
    optimizer = torch.optim.SGD(large.parameters(), lr=0.1)
    before = large.embedding.weight.detach().clone()  # type: ignore[operator, union-attr]
    for _ in range(3):
        optimizer.zero_grad()
        logits = large(torch.randint(39, (64, 3)))
        labels = torch.randint(39, (logits[..., 0].numel(),))
        nn.functional.cross_entropy(logits.flatten(0, -2), labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    changed = (large.embedding.weight - before).abs()  # type: ignore[operator, union-attr]
    assert (changed[:, 5:].amax(dim=0) > 0).all()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"net": "transformer"}, "must be unrolled, loop, every_word, rnn, lstm or gru, got"),
        ({"hidden_size": 0}, "model.hidden_size must be at least 1, got 0"),
        ({"net": "loop", "layers": 2}, "loop has one layer"),
        ({"net": "loop", "carries_state": True}, "loop predicts the last"),
    ],
)
def test_bad_settings_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        LanguageModel(**values)  # type: ignore[arg-type]


def test_each_net_takes_its_own_kind_of_output() -> None:
    with pytest.raises(UsageError, match=r"a length of 3, got 4; take model\.net loop"):
        LanguageModel(net="unrolled").check(shape("unrolled", length=4))
    with pytest.raises(UsageError, match="loop outputs symbol, and the task's output is symbols"):
        LanguageModel(net="loop").check(shape("gru"))
    with pytest.raises(UsageError, match="gru outputs symbols, and the task's output is symbol"):
        LanguageModel(net="gru").check(shape("loop"))
    uneven = Shape(
        output="symbols", length=8, input_vocab_size=9, output_vocab_size=6, output_length=6
    )
    with pytest.raises(
        UsageError, match="at each position, and the task has 8 input and 6 output symbols"
    ):
        LanguageModel(net="gru").check(uneven)
