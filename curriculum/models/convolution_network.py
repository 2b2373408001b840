"""The network that `Convolution` settings build.

Legend: B batch, L length, C channels, E embedding, P places of a filter, V output vocabulary, K values,
H filters.
"""

import torch
from torch import Tensor, nn

from curriculum.learn import PADDING, Shape, Work, linear_work
from curriculum.models.input_layer import input_features, input_layer

CALLS = 4
"""Of torch's library, beside the linear layers: embedding, filters, ReLU and maximum."""


class ConvolutionNetwork(nn.Module):
    """Filters over all places of an input, the strongest match of each, and a linear layer."""

    def __init__(
        self,
        shape: Shape,
        *,
        hidden_size: int,
        width: int,
        embedding_size: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.output = shape.output
        self.embedding = input_layer(shape, embedding_size)
        # Without a bias what lies in padding alone matches no filter: it gives 0, as ReLU at least does.
        self.filters = nn.Conv1d(embedding_size, hidden_size, width, padding=width - 1, bias=False)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden_size, shape.logit_count)

    def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits of symbols (B, L) int64: (B,) for a bit, or (B, V); or values.

        Channels (B, L, C) come with the mask (B, L) of what is no padding.
        """
        present = inputs != PADDING if mask is None else mask
        features = input_features(self.embedding, inputs) * present.unsqueeze(-1)  # (B, L, E)
        matches = torch.relu(self.filters(features.transpose(1, 2)))  # (B, H, P)
        logits: Tensor = self.head(self.dropout(matches.amax(dim=2)))  # (B, V) or (B, K)
        return logits.squeeze(-1) if self.output == "bit" else logits

    def forward_work(
        self, examples: int, length: int, output_length: int, *, training: bool
    ) -> Work:
        places = examples * (length + self.filters.kernel_size[0] - 1)
        filters = Work(operations=2.0 * places * self.filters.weight.numel(), depth=CALLS)
        return filters + linear_work(self.head, examples)
