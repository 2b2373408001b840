"""The network that `Bert` settings build.

Legend: B batch, L length, C channels, V output vocabulary, H hidden.
"""

import math
from typing import Self

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from curriculum.errors import UsageError
from curriculum.learn import (
    ACTIVATION,
    PADDING,
    Shape,
    Work,
    attention_work,
    lengths_of,
    linear_work,
    widening,
)
from curriculum.models.attention_masks import use_known_padding
from curriculum.models.copied_units import copied
from curriculum.models.padding import at_end

FEED_FORWARD = 4
"""The hidden layer of a block's feed-forward network is so many times as wide as the block."""

CALLS_A_BLOCK = 15
"""Of torch's library, for a block but for its attention: maps, sums, normalisations."""

SLOWEST = 1000.0
"""The longest wave of sinusoidal positions, in positions over 2 pi."""


class BertNetwork(nn.Module):
    """Reads a sequence as a whole, and gives logits at each position, or at the last."""

    def __init__(
        self,
        shape: Shape,
        *,
        hidden_size: int,
        layers: int,
        head_size: int,
        dropout: float,
        initializer_range: float,
        positions: str,
    ) -> None:
        super().__init__()
        self.output = shape.output
        self.most_positions = shape.length
        config = BertConfig(
            vocab_size=max(1, shape.input_vocab_size),  # not read where the inputs are channels
            hidden_size=hidden_size,
            num_hidden_layers=layers,
            num_attention_heads=hidden_size // head_size,
            intermediate_size=FEED_FORWARD * hidden_size,
            max_position_embeddings=shape.length,
            type_vocab_size=1,
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
            initializer_range=initializer_range,
            pad_token_id=None,  # no symbol is special
        )
        self.encoder = BertModel(config, add_pooling_layer=False)
        use_known_padding(self.encoder)
        self.embedding = nn.Linear(shape.channels, hidden_size) if shape.channels else None
        self.head = nn.Linear(hidden_size, shape.logit_count)
        if positions == "sinusoidal":
            waves = _waves(shape.length, head_size)  # (L, H of a head)
            waves = waves.repeat(1, hidden_size // head_size)
            size = initializer_range * math.sqrt(2)  # a wave's mean square is a half
            with torch.no_grad():
                self.encoder.embeddings.position_embeddings.weight.copy_(size * waves)

    def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits of symbols (B, L) int64: (B,) for a bit, (B, V), or (B, L, V) for symbols; or values.

        Channels (B, L, C) come with the mask (B, L) of what is no padding.
        """
        if inputs.shape[1] > self.most_positions:
            raise UsageError(
                f"the model has {self.most_positions} positions, got a length of {inputs.shape[1]}"
            )
        lengths = lengths_of(inputs, mask)
        if lengths is None:
            mask = None
        elif mask is None:
            mask = inputs != PADDING  # (B, L)
        if self.embedding is None:
            encoded = self.encoder(input_ids=inputs.clamp(min=0), attention_mask=mask)
        else:
            encoded = self.encoder(inputs_embeds=self.embedding(inputs), attention_mask=mask)
        states = encoded.last_hidden_state  # (B, L, H)
        if self.output == "symbols":
            return self.head(states)  # type: ignore[no-any-return]  # (B, L, V)
        logits: Tensor = self.head(at_end(states, lengths))  # (B, V)
        return logits.squeeze(-1) if self.output == "bit" else logits

    def forward_work(
        self, examples: int, length: int, output_length: int, *, training: bool
    ) -> Work:
        config, rows = self.encoder.config, examples * length
        size, heads = config.hidden_size, config.num_attention_heads
        # Four maps around the attention, two of the feed-forward network, and its activation.
        maps = rows * size * (2.0 * size * (4 + 2 * FEED_FORWARD) + ACTIVATION * FEED_FORWARD)
        attention = attention_work(size, heads, examples, length, length)
        block = Work(operations=maps, depth=CALLS_A_BLOCK) + attention
        read = rows if self.output == "symbols" else examples
        return block * config.num_hidden_layers + linear_work(self.head, read)

    def placements_from(self, small: Self) -> widening.Placements:
        """How the network continues the function of a smaller one.

        Every unit is copied the same whole number of times, which leaves the statistics of layer
        normalisation as they are; what reads the copies splits its weights among them, unequally,
        so that they don't stay alike (bert2BERT: Chen et al. 2022, arXiv 2110.07143). New symbols
        get no weights in the head, new positions and symbols their embedding as initialised.
        """
        sizes = small.head.in_features, self.head.in_features
        units = copied(*sizes)
        inner = copied(*(FEED_FORWARD * size for size in sizes))
        found: dict[str, widening.Placement] = {}
        for name, value in self.state_dict().items():
            matrix = value.dim() > 1
            if name.startswith("head."):
                rows = widening.kept(small.head.out_features, self.head.out_features)
                new = 0.0 if matrix else widening.NEW_SYMBOL_BIAS
                columns = units if matrix else None
                found[name] = widening.Placement(rows, columns, new_rows=new, split=True)
            elif name.startswith("embedding."):
                found[name] = widening.Placement(units, None)
            elif "_embeddings." in name:
                rows = widening.kept(len(small.state_dict()[name]), len(value))
                found[name] = widening.Placement(rows, units)
            elif value.is_floating_point():
                rows = inner if ".intermediate." in name else units
                reads_inner = ".output.dense." in name and ".attention." not in name
                columns = (inner if reads_inner else units) if matrix else None
                found[name] = widening.Placement(rows, columns, split=True)
        return found


def _waves(length: int, size: int) -> Tensor:
    """Sines and cosines of each position, (L, size), from fast to slow."""
    rates = SLOWEST ** -(torch.arange(0, size, 2) / size)  # (size / 2,)
    angles = torch.arange(length).unsqueeze(1) * rates
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, :size]
