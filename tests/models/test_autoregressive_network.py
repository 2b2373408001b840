from typing import Any

import pytest
import torch
from torch import Tensor, nn

from curriculum import Shape, UsageError
from curriculum.learn import IGNORED, PADDING, StatesWork, widening
from curriculum.models import AutoregressiveNetwork, Bert, MinGRU, Recurrent, StackRNN
from curriculum.models.autoregressive_network import _shown

SHAPE = Shape(output="symbols", length=5, input_vocab_size=4, output_vocab_size=6, output_length=4)
BODY = AutoregressiveNetwork.body_shape(SHAPE)

BODIES: dict[str, Any] = {
    "gru": Recurrent(cell="gru", hidden_size=8, embedding_size=5, layers=2),
    "min_gru": MinGRU(hidden_size=8),
    "stack_rnn": StackRNN(hidden_size=8),
}


def built(name: str = "gru") -> AutoregressiveNetwork:
    torch.manual_seed(0)
    body = BODIES[name].build(BODY)
    for parameter in body.parameters():
        nn.init.normal_(parameter, std=0.5)
    return AutoregressiveNetwork(body).eval()


class Spelled(nn.Module):
    """A body without weights to learn: its logits name the sum of all tokens so far, modulo 6."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.read: list[Tensor] = []

    def forward(self, tokens: Tensor) -> Tensor:
        self.read.append(tokens)
        return self.scale * nn.functional.one_hot(tokens.cumsum(1) % 6, 6)


def test_a_body_is_built_for_the_places_and_tokens_of_input_and_output() -> None:
    assert (BODY.length, BODY.output_length) == (9, 9)
    assert (BODY.input_vocab_size, BODY.output_vocab_size) == (7, 6)
    assert BODY.causal


def test_the_body_reads_input_end_and_output_without_a_gap() -> None:
    body = Spelled()
    network = AutoregressiveNetwork(body)
    inputs = torch.tensor([[3, 1, 2], [2, PADDING, PADDING]])
    targets = torch.tensor([[5, 0, 4], [1, 2, 3]])
    logits = network(inputs, targets)
    tokens = body.read[-1].tolist()
    assert tokens[0] == [4, 2, 3, 0, 6, 1]
    assert tokens[1][:4] == [3, 0, 2, 3]
    assert logits.argmax(-1).tolist() == [[9 % 6, 15 % 6, 16 % 6], [3, 5, 8 % 6]]


def test_each_symbol_that_is_written_is_read_before_the_next() -> None:
    body = Spelled()
    network = AutoregressiveNetwork(body)
    inputs = torch.tensor([[3, 1, 2], [2, PADDING, PADDING]])
    # Sums, modulo 6: 9 gives 3, whose token is 4; 13 gives 1, whose token is 2; 15 gives 3.
    assert network.greedy_decode(inputs, 3).argmax(-1).tolist() == [[3, 1, 3], [3, 1, 3]]


@pytest.mark.parametrize("name", BODIES)
def test_what_it_writes_is_what_it_predicts_when_shown_that(name: str) -> None:
    network, inputs = built(name), torch.randint(4, (8, 5))
    inputs[0, 2:] = PADDING
    written = network.greedy_decode(inputs, 4)
    assert written.shape == (8, 4, 6)
    torch.testing.assert_close(network(inputs, written.argmax(-1)), written)


@pytest.mark.parametrize("name", BODIES)
def test_padding_changes_nothing(name: str) -> None:
    network, inputs = built(name), torch.randint(4, (3, 5))
    inputs[0, 2:] = PADDING
    targets = torch.randint(6, (3, 4))
    alone = network(inputs[:1, :2], targets[:1])
    torch.testing.assert_close(network(inputs, targets)[:1], alone)
    torch.testing.assert_close(
        network.greedy_decode(inputs, 4)[:1], network.greedy_decode(inputs[:1, :2], 4)
    )


def test_where_nothing_is_predicted_an_arbitrary_symbol_is_shown() -> None:
    body = Spelled()
    network = AutoregressiveNetwork(body)
    targets = torch.full((200, 3), IGNORED)
    targets[:, 2] = torch.arange(200) % 2 * 5
    network(torch.zeros(200, 2).long(), targets)
    shown = body.read[-1][:, 3:]
    assert set(shown.flatten().tolist()) == {1, 6}
    assert (shown[:, 0] != shown[:, 1]).any()
    network(torch.zeros(1, 2).long(), torch.full((1, 3), IGNORED))


def test_the_output_may_be_of_any_length_within_the_shape() -> None:
    network = built()
    assert network.greedy_decode(torch.randint(4, (2, 3)), 1).shape == (2, 1, 6)
    assert network(torch.randint(4, (2, 3)), torch.randint(6, (2, 1))).shape == (2, 1, 6)


def test_a_body_that_sees_what_comes_after_is_refused() -> None:
    body = Bert(hidden_size=8, head_size=4).build(BODY)
    with pytest.raises(
        UsageError, match=r"needs a body whose logits .* and those of BertNetwork do"
    ):
        AutoregressiveNetwork(body)
    assert body.training


def test_it_is_widened_as_its_body_is() -> None:
    network = built()
    wider = Recurrent(cell="gru", hidden_size=11, embedding_size=5, layers=2)
    large = AutoregressiveNetwork(wider.build(BODY)).eval()
    placements = large.placements_from(network)
    large.load_state_dict(widening.widen(network.state_dict(), large.state_dict(), placements))
    inputs, targets = torch.randint(4, (3, 5)), torch.randint(6, (3, 4))
    torch.testing.assert_close(large(inputs, targets), network(inputs, targets))


def test_decoding_from_the_beginning_at_each_symbol_is_counted() -> None:
    network = built()
    assert isinstance(network, StatesWork)
    taught, written = (
        network.forward_work(3, 5, 4, training=training) for training in (True, False)
    )
    assert written.operations > 2.5 * taught.operations
    assert written.depth > 2.5 * taught.depth


def test_the_symbols_shown_are_drawn_of_those_predicted() -> None:
    targets = torch.randint(9, (6, 7))
    targets[torch.rand(6, 7) < 0.4] = IGNORED
    torch.manual_seed(3)
    shown = _shown(targets)
    torch.manual_seed(3)
    ignored = targets == IGNORED
    known = targets[~ignored]
    drawn = torch.randint(len(known), targets.shape)
    assert torch.equal(shown, torch.where(ignored, known[drawn], targets))
    assert torch.equal(_shown(targets[:0]), targets[:0])
    assert _shown(torch.full((1, 2), IGNORED)).tolist() == [[0, 0]]
