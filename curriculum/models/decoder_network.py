"""The network that `Decoder` settings build.

Legend: B batch, L length, P places, V output vocabulary, H hidden.
"""

from typing import Any, Self

from torch import Tensor, nn
from transformers import GPT2Config, GPT2Model, LlamaConfig, LlamaModel

from curriculum.errors import UsageError
from curriculum.learn import (
    ACTIVATION,
    Shape,
    Work,
    attention_work,
    lengths_of,
    linear_work,
    widening,
)
from curriculum.models import copied_units
from curriculum.models.attention_masks import mask_arguments, use_known_padding
from curriculum.models.key_value_cache import read_on
from curriculum.models.padding import at_end

CALLS_A_BLOCK = {"gpt2": 20, "llama": 45}
"""Of torch's library, for a block but for its attention: maps, sums, normalisations, rotations."""

MAPS = {"gpt2": 2, "llama": 3}
"""Of a block's feed-forward network, between hidden and intermediate units."""

EMBEDDINGS = ("wte.weight", "wpe.weight", "embed_tokens.weight")


class DecoderNetwork(nn.Module):
    """Reads a sequence from left to right, and gives logits at each place, or at the last."""

    def __init__(
        self,
        shape: Shape,
        *,
        style: str,
        hidden_size: int,
        layers: int,
        head_size: int,
        intermediate_size: int | None,
        dropout: float,
        initializer_range: float,
    ) -> None:
        super().__init__()
        self.output, self.style = shape.output, style
        self.layers, self.heads = layers, hidden_size // head_size
        self.inner = intermediate_size or 4 * hidden_size
        alike: dict[str, Any] = {
            "vocab_size": shape.input_vocab_size,
            "initializer_range": initializer_range,
            "bos_token_id": None,  # no symbol is special
            "eos_token_id": None,
        }
        if style == "gpt2":
            self.most_positions: int | None = shape.length
            config: Any = GPT2Config(
                n_embd=hidden_size,
                n_layer=layers,
                n_head=self.heads,
                n_inner=self.inner,
                n_positions=shape.length,
                resid_pdrop=dropout,
                embd_pdrop=dropout,
                attn_pdrop=dropout,
                activation_function="gelu_pytorch_tanh",  # the same in one call
                **alike,
            )
            self.transformer: Any = GPT2Model(config)
        else:
            self.most_positions = None
            config = LlamaConfig(
                hidden_size=hidden_size,
                num_hidden_layers=layers,
                num_attention_heads=self.heads,
                num_key_value_heads=self.heads,
                intermediate_size=self.inner,
                max_position_embeddings=shape.length,
                attention_dropout=dropout,
                pad_token_id=None,
                **alike,
            )
            self.transformer = LlamaModel(config)
        use_known_padding(self.transformer)
        self.head = nn.Linear(hidden_size, shape.logit_count)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits of symbols (B, L) int64: (B,) for a bit, (B, V), or (B, L, V) for symbols."""
        self._check_places(inputs.shape[1])
        # Padding at the end comes after all that counts, so that nothing reads from it.
        features = self._features(inputs)  # (B, L, H)
        with mask_arguments(self.transformer, features, None) as mask:
            encoded = self.transformer(inputs_embeds=features, use_cache=False, **mask)
        states = encoded.last_hidden_state
        if self.output == "symbols":
            return self.head(states)  # type: ignore[no-any-return]  # (B, L, V)
        logits: Tensor = self.head(at_end(states, lengths_of(inputs)))  # (B, V)
        return logits.squeeze(-1) if self.output == "bit" else logits

    def forward_with_cache(
        self, tokens: Tensor, real: Tensor | None, cache: Any
    ) -> tuple[Tensor, Any]:
        """Logits (B, P, V) of further tokens (B, P), and the cache after them; see `HasCache`."""
        given, after = read_on(self.transformer, real, cache)
        places = given.get("position_ids")
        read = after[0].get_seq_length() + tokens.shape[1]
        self._check_places(read if places is None else int(places.max()) + 1)
        features = self._features(tokens)
        states = self.transformer(inputs_embeds=features, **given).last_hidden_state
        return self.head(states), after

    def forward_work(
        self, examples: int, length: int, output_length: int, *, training: bool
    ) -> Work:
        rows, size = examples * length, self.head.in_features
        maps = 2.0 * rows * size * (4 * size + MAPS[self.style] * self.inner)
        activation = ACTIVATION * rows * self.inner
        block = Work(operations=maps + activation, depth=CALLS_A_BLOCK[self.style])
        block += attention_work(size, self.heads, examples, length, length)
        read = rows if self.output == "symbols" else examples
        return block * self.layers + linear_work(self.head, read)

    def placements_from(self, small: Self) -> widening.Placements:
        """How the network continues the function of a smaller one; see `models.copied_units`."""
        found = widening.prefixed("head", copied_units.head(small.head, self.head))
        before = small.transformer.state_dict()
        placed = {
            name: _placement(name, before[name], value, rows_are_inputs=self.style == "gpt2")
            for name, value in self.transformer.state_dict().items()
        }
        return {**found, **widening.prefixed("transformer", placed)}

    def _features(self, inputs: Tensor) -> Tensor:
        embedding: nn.Module = self.transformer.get_input_embeddings()
        return embedding(inputs.clamp(min=0))  # type: ignore[no-any-return]  # (B, L, H)

    def _check_places(self, count: int) -> None:
        if self.most_positions is not None and count > self.most_positions:
            raise UsageError(
                f"the model has {self.most_positions} positions, got a length of {count}; "
                f"model.style llama has no longest"
            )


def _placement(
    name: str, small: Tensor, large: Tensor, *, rows_are_inputs: bool
) -> widening.Placement:
    """Of a parameter of the transformer: by its sizes, in whole copies.

    GPT-2's linear layers are stored with a row for each input, and its queries, keys and values are
    three parts of one.
    """
    parts = 3 if ".c_attn." in name else 1
    if large.dim() == 1:
        return copied_units.vector(small, large, parts)
    columns = copied_units.copied(small.shape[1], large.shape[1], parts)
    if name in EMBEDDINGS:
        return widening.Placement(widening.kept(len(small), len(large)), columns)
    rows = copied_units.copied(len(small), len(large))
    split = "split_rows" if rows_are_inputs else "split"
    return widening.Placement(rows, columns, **{split: True})
