"""The networks that `LanguageModel` settings build.

Legend: B batch, L length, V vocabulary, H hidden, N layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from curriculum.errors import UsageError
from curriculum.learn import widening
from curriculum.learn.network import State
from curriculum.learn.shape import Shape
from curriculum.models.padding import lengths_of
from curriculum.models.recurrent_state import blank_state, read_on

if TYPE_CHECKING:
    from curriculum.models.language_model import LanguageModel

__all__ = ["Layered", "Stepwise", "placements"]

LAYERS: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class Stepwise(nn.Module):
    """Reads words one by one: adds the word's embedding to the state, and maps it on.

    `unrolled` and `loop` normalise the state, and answer after the last word, (B, V);
    `every_word` normalises what it reads out of the state, (B, L, V).
    """

    def __init__(self, settings: LanguageModel, shape: Shape) -> None:
        super().__init__()
        self.net = settings.net
        self.carries = settings.carries_state
        size = settings.hidden_size
        self.embedding = nn.Embedding(shape.symbols, size)
        self.hidden = nn.Linear(size, size)
        self.head = nn.Linear(size, shape.answers)
        self.norm = nn.BatchNorm1d(size)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits of words (B, L) int64, from an empty state."""
        return self._read(inputs, None)[0]

    def advance(self, inputs: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Logits, and the state (B, H) after them."""
        logits, last = self._read(inputs, None if state is None else state[0])
        return logits, (last.detach(),)

    def blank(self, rows: int) -> State:
        """An empty state of so many rows."""
        return (self.head.weight.new_zeros(rows, self.head.in_features),)

    def _read(self, inputs: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        words = self.embedding(inputs.clamp(min=0))  # padding is read, and not answered
        if self.net in ("unrolled", "loop") and lengths_of(inputs) is not None:
            raise UsageError(
                f"the net {self.net} predicts after the last word, and reads sequences of one "
                f"length at a time"
            )
        if self.net == "unrolled":
            last = self._unrolled(words)
            return self.head(last), last
        state = self.blank(len(inputs))[0] if state is None else state  # (B, H)
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


class Layered(nn.Module):
    """torch's RNN, LSTM or GRU over words, with a prediction after each, (B, L, V)."""

    def __init__(self, settings: LanguageModel, shape: Shape) -> None:
        super().__init__()
        self.carries = settings.carries_state
        size = settings.hidden_size
        self.embedding = nn.Embedding(shape.symbols, size)
        self.recurrent = LAYERS[settings.net](size, size, settings.layers, batch_first=True)
        self.head = nn.Linear(size, shape.answers)
        self.norm = nn.BatchNorm1d(size)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits of words (B, L) int64, from an empty state."""
        return self.advance(inputs, None)[0]

    def advance(self, inputs: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Logits, and the states (N, B, H) after them: one tensor, or an LSTM's two."""
        words = self.embedding(inputs.clamp(min=0))  # padding is read, and not answered
        states, after = read_on(self.recurrent, words, state)  # (B, L, H)
        normed = self.norm(states.flatten(0, 1)).view_as(states)  # over all words alike
        return self.head(normed), tuple(part.detach() for part in after)

    def blank(self, rows: int) -> State:
        """An empty state of so many rows."""
        return blank_state(self.recurrent, rows)


def placements(small: nn.Module, large: nn.Module) -> Mapping[str, widening.Placement]:
    """How a larger network continues the function of a smaller one."""
    assert isinstance(small, Stepwise | Layered)
    assert isinstance(large, Stepwise | Layered)
    parts = {
        "embedding": widening.embedding(small.embedding, large.embedding),
        "norm": widening.batch_norm(small.norm, large.norm),
        "head": widening.linear(small.head, large.head, new_outputs=widening.NEW_SYMBOL_BIAS),
    }
    if isinstance(small, Stepwise) and isinstance(large, Stepwise):
        parts["hidden"] = widening.linear(small.hidden, large.hidden)
    if isinstance(small, Layered) and isinstance(large, Layered):
        parts["recurrent"] = widening.recurrent(small.recurrent, large.recurrent)
    return {
        name: placement
        for part, found in parts.items()
        for name, placement in widening.prefixed(part, found).items()
    }
