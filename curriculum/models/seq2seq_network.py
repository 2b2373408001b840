"""The network that `Seq2Seq` settings build.

Legend: B batch, L length of the input, T length of the answer, V its alphabet, E embedding,
H hidden, N layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from curriculum.learn import widening
from curriculum.learn.shape import Shape
from curriculum.learn.task import IGNORED, PADDING
from curriculum.models.padding import lengths_of, read

if TYPE_CHECKING:
    from curriculum.models.seq2seq import Seq2Seq

__all__ = ["Seq2SeqNetwork", "placements"]

BEGIN = 0
"""The symbol that the decoder reads before its first."""


class Seq2SeqNetwork(nn.Module):
    """Reads a sequence from left to right, and writes its answer symbol by symbol."""

    def __init__(self, settings: Seq2Seq, shape: Shape) -> None:
        super().__init__()
        size, width, layers = settings.hidden_size, settings.embedding_size, settings.layers
        between = settings.dropout if layers > 1 else 0.0
        self.teacher_forcing = settings.teacher_forcing
        self.source = nn.Embedding(shape.symbols, width)
        self.encoder = nn.GRU(width, size, layers, batch_first=True, dropout=between)
        self.target = nn.Embedding(shape.answers, width)
        self.decoder = nn.GRU(width, size, layers, batch_first=True, dropout=between)
        attends = settings.attention == "dot"
        self.query = nn.Linear(size, size, bias=False) if attends else None
        self.head = nn.Linear((2 if attends else 1) * size, shape.answers)
        self.dropout = nn.Dropout(settings.dropout)
        if settings.init_range is not None:
            for parameter in self.parameters():
                nn.init.uniform_(parameter, -settings.init_range, settings.init_range)

    def forward(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Logits (B, T, V) with teacher forcing.

        Args:
            inputs: (B, L) int64.
            targets: (B, T) int64.
        """
        memory, state = self._encode(inputs)
        shown = targets.masked_fill(targets == IGNORED, BEGIN)
        if self.teacher_forcing == 1:
            begin = torch.full_like(shown[:, :1], BEGIN)
            before = torch.cat([begin, shown[:, :-1]], dim=1)  # (B, T)
            return self._decode(before, state, memory, inputs)[0]
        forced = torch.rand(targets.shape[1]) < self.teacher_forcing  # (T,), for all of a batch
        right = [shown[:, t : t + 1] if yes else None for t, yes in enumerate(forced.tolist())]
        return self._write(right, state, memory, inputs)

    def generate(self, inputs: Tensor, length: int) -> Tensor:
        """Logits (B, T, V) of an answer of that length; each symbol follows its own likeliest."""
        memory, state = self._encode(inputs)
        return self._write([None] * length, state, memory, inputs)

    def _encode(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """All states of the top layer, (B, L, H), and the last ones of all layers, (N, B, H)."""
        features = self.dropout(self.source(inputs.clamp(min=0)))  # (B, L, E)
        return read(self.encoder, features, lengths_of(inputs))

    def _decode(
        self, symbols: Tensor, state: Tensor, memory: Tensor, inputs: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Logits (B, T, V) after each of the symbols (B, T), and the state after the last."""
        features = self.dropout(self.target(symbols))  # (B, T, E)
        states, state = self.decoder(features, state)  # (B, T, H)
        if self.query is not None:
            scores = self.query(states) @ memory.transpose(1, 2)  # (B, T, L)
            scores = scores.masked_fill((inputs == PADDING).unsqueeze(1), float("-inf"))
            context = torch.softmax(scores, dim=-1) @ memory  # (B, T, H)
            states = torch.cat([states, context], dim=-1)  # (B, T, 2 H)
        return self.head(states), state

    def _write(
        self, right: list[Tensor | None], state: Tensor, memory: Tensor, inputs: Tensor
    ) -> Tensor:
        """Logits (B, T, V), symbol by symbol; the next reads the `right` one where it is given."""
        symbol = torch.full((len(inputs), 1), BEGIN, device=inputs.device)  # (B, 1)
        written = []
        for shown in right:
            logits, state = self._decode(symbol, state, memory, inputs)  # (B, 1, V)
            written.append(logits)
            symbol = logits.argmax(dim=-1) if shown is None else shown
        return torch.cat(written, dim=1)


def placements(small: nn.Module, large: nn.Module) -> Mapping[str, widening.Placement]:
    """How a larger network continues the function of a smaller one."""
    assert isinstance(small, Seq2SeqNetwork)
    assert isinstance(large, Seq2SeqNetwork)
    parts: dict[str, Mapping[str, widening.Placement]] = {
        "source": widening.embedding(small.source, large.source),
        "encoder": widening.recurrent(small.encoder, large.encoder),
        "target": widening.embedding(small.target, large.target),
        "decoder": widening.recurrent(small.decoder, large.decoder),
        "head": widening.linear(
            small.head,
            large.head,
            new_outputs=widening.NEW_SYMBOL_BIAS,
            parts=1 if small.query is None else 2,
        ),
    }
    if small.query is not None and large.query is not None:
        units = widening.kept(small.query.in_features, large.query.in_features)
        # New units on either side would change the dot products, so neither is compared at first.
        parts["query"] = {"weight": widening.Placement(units, units, new_rows=0.0)}
    return {
        name: placement
        for part, found in parts.items()
        for name, placement in widening.prefixed(part, found).items()
    }
