"""The networks that `LanguageModel` settings build.

Legend: B batch, L length, V vocabulary, H hidden, N layers.
"""

from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from curriculum.errors import UsageError
from curriculum.learn import Shape, State, Work, lengths_of, linear_work, recurrent_work, widening
from curriculum.models.recurrent_state import CELLS, initial_state, read_from

CALLS_A_WORD = 3
"""Of torch's library, for each word that is read one by one: the sum, ReLU and normalisation."""

SLOWDOWN = 1.9
"""How much longer reading words one by one takes than that tells; see `benchmarks/cost.py`."""


class WordNetwork(nn.Module):
    """What both networks have in common: they read an embedding of words, and have one head."""

    head: nn.Linear

    def placements_from(self, small: Self) -> widening.Placements:
        """How the network continues the function of a smaller one."""
        return widening.of_parts(small, self, head=widening.head(small.head, self.head))


class Stepwise(WordNetwork):
    """Reads words one by one: adds the word's embedding to the state, and maps it on.

    `unrolled` and `loop` normalise the state, and predict after the last word, (B, V);
    `every_word` normalises what it reads out of the state, (B, L, V).
    """

    def __init__(
        self, shape: Shape, *, net: str, hidden_size: int, layers: int, carries_state: bool
    ) -> None:
        super().__init__()
        self.net = net
        self.carries_state = carries_state
        self.embedding = nn.Embedding(shape.input_vocab_size, hidden_size)
        self.hidden = nn.Linear(hidden_size, hidden_size)
        self.head = nn.Linear(hidden_size, shape.output_vocab_size)
        self.norm = nn.BatchNorm1d(hidden_size)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits of words (B, L) int64, from an empty state."""
        return self._read(inputs, None)[0]

    def forward_with_state(self, inputs: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Logits, and the state (B, H) after them."""
        logits, last = self._read(inputs, None if state is None else state[0])
        return logits, (last.detach(),)

    def initial_state(self, batch_size: int) -> State:
        return (self.head.weight.new_zeros(batch_size, self.head.in_features),)

    def forward_work(
        self, examples: int, length: int, output_length: int, *, training: bool
    ) -> Work:
        word = linear_work(self.hidden, examples) + Work(depth=CALLS_A_WORD)
        rows = examples * (length if self.net == "every_word" else 1)
        return (word * length + linear_work(self.head, rows)) * SLOWDOWN

    def _read(self, inputs: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        words = self.embedding(inputs.clamp(min=0))  # padding is read, and nothing predicted
        if self.net in ("unrolled", "loop") and lengths_of(inputs) is not None:
            raise UsageError(
                f"the network {self.net} predicts after the last word, and reads sequences of one "
                f"length at a time"
            )
        if self.net == "unrolled":
            last = self._unrolled(words)
            return self.head(last), last
        state = self.initial_state(len(inputs))[0] if state is None else state  # (B, H)
        read_out = []
        for word in words.unbind(dim=1):  # (B, H)
            state = relu(self.hidden(state + word))
            if self.net == "loop":
                state = self.norm(state)
            else:
                read_out.append(self.norm(state))
        if self.net == "loop":
            return self.head(state), state
        return self.head(torch.stack(read_out, dim=1)), state

    def _unrolled(self, words: Tensor) -> Tensor:
        """The state after three words (B, 3, H), without a loop. The first has no layer below."""
        state = self.norm(relu(words[:, 0]))
        state = self.norm(relu(self.hidden(state + words[:, 1])))
        return self.norm(relu(self.hidden(state + words[:, 2])))  # type: ignore[no-any-return]


class Layered(WordNetwork):
    """torch's RNN, LSTM or GRU over words, with a prediction after each, (B, L, V)."""

    def __init__(
        self, shape: Shape, *, net: str, hidden_size: int, layers: int, carries_state: bool
    ) -> None:
        super().__init__()
        self.carries_state = carries_state
        self.embedding = nn.Embedding(shape.input_vocab_size, hidden_size)
        self.recurrent = CELLS[net](hidden_size, hidden_size, layers, batch_first=True)
        self.head = nn.Linear(hidden_size, shape.output_vocab_size)
        self.norm = nn.BatchNorm1d(hidden_size)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits of words (B, L) int64, from an empty state."""
        return self.forward_with_state(inputs, None)[0]

    def forward_with_state(self, inputs: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Logits, and the states (N, B, H) after them: one tensor, or an LSTM's two."""
        words = self.embedding(inputs.clamp(min=0))  # padding is read, and nothing predicted
        states, after = read_from(self.recurrent, words, state)  # (B, L, H)
        normed = self.norm(states.flatten(0, 1)).view_as(states)  # over all words alike
        return self.head(normed), tuple(part.detach() for part in after)

    def initial_state(self, batch_size: int) -> State:
        return initial_state(self.recurrent, batch_size)

    def forward_work(
        self, examples: int, length: int, output_length: int, *, training: bool
    ) -> Work:
        rows = examples * length
        return recurrent_work(self.recurrent, examples, length) + linear_work(self.head, rows)
