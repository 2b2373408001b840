"""The network that `Seq2Seq` settings build.

Legend: B batch, L length of the input, T length of the output, V its vocabulary, E embedding,
H hidden, N layers.
"""

from typing import Self

import torch
from torch import Tensor, nn

from curriculum.learn import (
    IGNORED,
    PADDING,
    Shape,
    Work,
    attention_work,
    lengths_of,
    linear_work,
    recurrent_work,
    widening,
)
from curriculum.models.padding import read

BEGIN = 0
"""The symbol that the decoder reads before its first."""

CALLS_A_SYMBOL = 5
"""Of torch's library, beside the decoder's, for each symbol that is written by itself."""

SLOWDOWN = 1.1
"""How much longer encoder and decoder take together than each tells; see `benchmarks/cost.py`."""


class Seq2SeqNetwork(nn.Module):
    """Reads a sequence from left to right, and writes its output symbol by symbol."""

    def __init__(
        self,
        shape: Shape,
        *,
        hidden_size: int,
        embedding_size: int,
        layers: int,
        attention: str,
        dropout: float,
        teacher_forcing: float,
        init_range: float | None,
    ) -> None:
        super().__init__()
        size, width = hidden_size, embedding_size
        between = dropout if layers > 1 else 0.0
        self.teacher_forcing = teacher_forcing
        self.source = nn.Embedding(shape.input_vocab_size, width)
        self.encoder = nn.GRU(width, size, layers, batch_first=True, dropout=between)
        self.target = nn.Embedding(shape.output_vocab_size, width)
        self.decoder = nn.GRU(width, size, layers, batch_first=True, dropout=between)
        self.query = nn.Linear(size, size, bias=False) if attention == "dot" else None
        self.read_parts = 1 if self.query is None else 2  # the state, and what it attends to
        self.head = nn.Linear(self.read_parts * size, shape.output_vocab_size)
        self.dropout = nn.Dropout(dropout)
        if init_range is not None:
            for parameter in self.parameters():
                nn.init.uniform_(parameter, -init_range, init_range)

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
        given = [shown[:, t : t + 1] if yes else None for t, yes in enumerate(forced.tolist())]
        return self._write(given, state, memory, inputs)

    def greedy_decode(self, inputs: Tensor, length: int) -> Tensor:
        """Logits (B, T, V) of an output of that length; each symbol follows its own likeliest."""
        memory, state = self._encode(inputs)
        return self._write([None] * length, state, memory, inputs)

    def forward_work(
        self, examples: int, length: int, output_length: int, *, training: bool
    ) -> Work:
        rows, size = examples * output_length, self.encoder.hidden_size
        found = recurrent_work(self.encoder, examples, length)
        found += recurrent_work(self.decoder, examples, output_length)
        found += linear_work(self.head, rows)
        if self.query is not None:
            found += linear_work(self.query, rows)
            found += attention_work(size, 1, examples, output_length, length)
        if not training or self.teacher_forcing < 1:  # the calls of one symbol are not those of all
            found += Work(depth=CALLS_A_SYMBOL * output_length)
        return found * SLOWDOWN

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
        self, given: list[Tensor | None], state: Tensor, memory: Tensor, inputs: Tensor
    ) -> Tensor:
        """Logits (B, T, V), symbol by symbol; the next reads the one `given`, or else its own."""
        symbol = torch.full((len(inputs), 1), BEGIN, device=inputs.device)  # (B, 1)
        written = []
        for shown in given:
            logits, state = self._decode(symbol, state, memory, inputs)  # (B, 1, V)
            written.append(logits)
            symbol = logits.argmax(dim=-1) if shown is None else shown
        return torch.cat(written, dim=1)

    def placements_from(self, small: Self) -> widening.Placements:
        """How the network continues the function of a smaller one."""
        special = {"head": widening.head(small.head, self.head, parts=self.read_parts)}
        if small.query is not None and self.query is not None:
            units = widening.kept(small.query.in_features, self.query.in_features)
            # New units on either side would change the dot products, so neither is compared at first.
            special["query"] = {"weight": widening.Placement(units, units, new_rows=0.0)}
        return widening.of_parts(small, self, **special)
