"""The network that `Recurrent` settings build.

Legend: B batch, L length, V vocabulary, E embedding, H hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from curriculum.learn import widening
from curriculum.learn.task import Answer

if TYPE_CHECKING:
    from curriculum.models.recurrent import Recurrent

__all__ = ["RecurrentNetwork", "placements"]

CELLS: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class RecurrentNetwork(nn.Module):
    """Reads symbols from left to right and answers at the end, or at each place."""

    def __init__(self, settings: Recurrent, answer: Answer, vocab_size: int) -> None:
        super().__init__()
        self.answer = answer
        width = settings.embedding_size
        self.embedding = None if width is None else nn.Embedding(vocab_size, width)
        self.recurrent = CELLS[settings.cell](
            width or 1, settings.hidden_size, settings.layers, batch_first=True
        )
        self.head = nn.Linear(settings.hidden_size, 1 if answer == "bit" else vocab_size)
        _initialise(self.recurrent, settings)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits of symbols (B, L) int64: (B,) for a bit, (B, L, V) for symbols."""
        if self.embedding is None:
            features = inputs.to(self.head.weight.dtype).unsqueeze(-1)  # (B, L, 1)
        else:
            features = self.embedding(inputs)  # (B, L, E)
        states, _ = self.recurrent(features)  # (B, L, H)
        if self.answer == "bit":
            logits: Tensor = self.head(torch.relu(states[:, -1]))  # (B, 1)
            return logits.squeeze(-1)  # (B,)
        return self.head(torch.relu(states))  # type: ignore[no-any-return]  # (B, L, V)


def placements(small: nn.Module, large: nn.Module) -> Mapping[str, widening.Placement]:
    """How a larger network continues the function of a smaller one."""
    assert isinstance(small, RecurrentNetwork)
    assert isinstance(large, RecurrentNetwork)
    found = {
        **widening.prefixed("recurrent", widening.recurrent(small.recurrent, large.recurrent)),
        **widening.prefixed(
            "head",
            widening.linear(small.head, large.head, new_outputs=widening.NEW_SYMBOL_BIAS),
        ),
    }
    if small.embedding is not None and large.embedding is not None:
        grown = widening.embedding(small.embedding, large.embedding)
        found |= widening.prefixed("embedding", grown)
    return found


@torch.no_grad()
def _initialise(recurrent: nn.RNNBase, settings: Recurrent) -> None:
    size = settings.hidden_size
    for name, parameter in recurrent.named_parameters():
        if name.startswith("weight_hh") and settings.recurrent_init != "uniform":
            for gate in torch.split(parameter, size):  # (H, H) for each gate
                if settings.recurrent_init == "identity":
                    nn.init.eye_(gate)
                else:
                    nn.init.orthogonal_(gate)
        if settings.forget_bias is not None and name.startswith("bias"):
            # An LSTM's gates are laid input, forget, cell, output, and its two biases add up.
            share = settings.forget_bias if name.startswith("bias_ih") else 0.0
            parameter[size : 2 * size].fill_(share)
