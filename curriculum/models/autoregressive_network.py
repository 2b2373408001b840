"""Makes a causal network write its output after its input, symbol by symbol.

Legend: B batch, L length of the input, T length of the output, P places, V output vocabulary.
"""

from typing import Any, Self

import torch
from torch import Tensor, nn

from curriculum.errors import UsageError
from curriculum.learn import (
    IGNORED,
    PADDING,
    HasCache,
    Shape,
    Work,
    lengths_of,
    mark_unpadded,
    target_count,
    widening,
    work_of,
)

BEGIN = 0
"""The token after an input, at which the output begins. A symbol's token is its number plus 1."""

CACHE_SLOWDOWN = 1.8
"""How much longer a body with a cache takes token by token than its operations and calls tell."""


class AutoregressiveNetwork(nn.Module):
    """A network that is trained with teacher forcing, and decodes greedily, by a causal body.

    The body reads the input, a token for its end, and the output so far; its logits at each place
    are of the symbol that comes next. So it reads tokens (B, P) int64, and gives logits (B, P, V), those
    at a place from the tokens up to there alone: build it for `AutoregressiveNetwork.body_shape(shape)`.

    Input and output symbols of the same number are the same token. Where inputs of a batch have several
    lengths, each output follows its own input at once: the body meets no padding but at the end,
    which nothing that counts comes after. Where nothing is predicted, an arbitrary symbol is shown: it
    is what the network will write there.

    In evaluations the body is called on all that was written, for each symbol; one that has a method
    `forward_with_cache` (see `HasCache`) is called on the new token alone.

    >>> from curriculum import Shape, Stage
    >>> from curriculum.models import AutoregressiveNetwork, MinGRU
    >>> shape = Shape.of("symbols", Stage(4, 10), output_length=6)
    >>> network = AutoregressiveNetwork(MinGRU().build(AutoregressiveNetwork.body_shape(shape)))
    >>> inputs, targets = torch.randint(10, (3, 4)), torch.randint(10, (3, 6))
    >>> network(inputs, targets).shape, network.greedy_decode(inputs, 6).shape
    (torch.Size([3, 6, 10]), torch.Size([3, 6, 10]))

    Raises:
        UsageError: for a body whose output at a place depends on a later one.
    """

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        _check_causal(body)
        self.body = body

    @staticmethod
    def body_shape(shape: Shape) -> Shape:
        """What the body is to be built for: places of input and output, and their tokens."""
        places = shape.length + shape.output_length
        return Shape(
            output="symbols",
            length=places,
            input_vocab_size=1 + max(shape.input_vocab_size, shape.output_vocab_size),
            output_vocab_size=shape.output_vocab_size,
            output_length=places,
            causal=True,
        )

    def forward(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Logits (B, T, V) with teacher forcing.

        Args:
            inputs: (B, L) int64.
            targets: (B, T) int64.
        """
        tokens, places = _laid_out(inputs, targets.shape[1])
        tokens.scatter_(1, places[:, 1:], _shown(targets)[:, :-1] + 1)
        return _at(self._logits_of(tokens), places)

    def greedy_decode(self, inputs: Tensor, length: int) -> Tensor:
        """Logits (B, T, V) of an output of that length; each symbol follows its own likeliest."""
        if isinstance(self.body, HasCache):
            return self._decode_with_cache(self.body, inputs, length)
        tokens, places = _laid_out(inputs, length)
        found = []
        for t in range(length):
            place = places[:, t : t + 1]
            logits = _at(self._logits_of(tokens[:, : inputs.shape[1] + t + 1]), place)  # (B, 1, V)
            found.append(logits)
            if t + 1 < length:
                tokens.scatter_(1, place + 1, logits.argmax(dim=-1) + 1)
        return torch.cat(found, dim=1)

    def forward_work(
        self, examples: int, length: int, output_length: int, *, training: bool
    ) -> Work:
        places = length + output_length
        if training:
            return work_of(self.body, examples, places, places, training=True)
        if not isinstance(self.body, HasCache):
            mean = length + (output_length + 1) // 2
            return work_of(self.body, examples, mean, mean, training=False) * output_length
        whole = work_of(self.body, examples, places, places, training=False)
        one_by_one = Work(operations=whole.operations, depth=whole.depth * output_length)
        return one_by_one * CACHE_SLOWDOWN

    def placements_from(self, small: Self) -> widening.Placements:
        """How the network continues the function of a smaller one: as its body does."""
        body: Any = self.body
        return widening.prefixed("body", body.placements_from(small.body))

    def _logits_of(self, tokens: Tensor) -> Tensor:
        logits: Tensor = self.body(mark_unpadded(tokens))
        return logits  # (B, P, V)

    def _decode_with_cache(self, body: HasCache, inputs: Tensor, length: int) -> Tensor:
        end = inputs.new_full((len(inputs), 1), BEGIN)
        tokens = torch.cat([inputs + 1, end], dim=1)  # (B, L + 1)
        real = None if lengths_of(inputs) is None else torch.cat([inputs, end], dim=1) != PADDING
        cache, found = None, []
        for _ in range(length):
            logits, cache = body.forward_with_cache(tokens, real, cache)
            found.append(logits[:, -1:])  # (B, 1, V)
            tokens = found[-1].argmax(dim=-1) + 1  # (B, 1)
            real = None if real is None else torch.ones_like(tokens, dtype=torch.bool)
        return torch.cat(found, dim=1)


def _laid_out(inputs: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Tokens (B, L + T) of inputs and what follows them, and the places (B, T) of the output's logits.

    After its last symbol each row holds `BEGIN`, whose logits are of the first output symbol, and room
    for the symbols that are written.
    """
    tokens = torch.cat([inputs + 1, inputs.new_full((len(inputs), length), BEGIN)], dim=1)
    ends = (inputs != PADDING).sum(dim=1, keepdim=True)  # (B, 1); padding's token is BEGIN already
    return tokens, ends + torch.arange(length, device=inputs.device)


def _shown(targets: Tensor) -> Tensor:
    """Targets (B, T) with an arbitrary one of their symbols where nothing is predicted."""
    ignored, known = targets == IGNORED, target_count(targets)
    if known in (0, targets.numel()):
        return targets.clamp(min=0)
    # The places of those that are predicted come first, in their order.
    places = ignored.flatten().argsort(stable=True)
    drawn = torch.randint(known, targets.shape, device=targets.device)
    return torch.where(ignored, targets.flatten()[places[drawn]], targets)


def _at(logits: Tensor, places: Tensor) -> Tensor:
    """Of logits (B, P, V) those at places (B, T): (B, T, V)."""
    rows = torch.arange(len(logits), device=logits.device).unsqueeze(1)
    return logits[rows, places]


@torch.no_grad()
def _check_causal(body: nn.Module) -> None:
    """Check that what is to be found is not shown: it would be copied, and nothing learned."""
    if any(parameter.is_meta for parameter in body.parameters()):
        return
    training = body.training
    body.eval()
    tokens = torch.tensor([[BEGIN, 1], [BEGIN, 2]], device=next(body.parameters()).device)
    first, other = body(tokens)[:, 0]  # (V,) each
    body.train(training)
    if not torch.allclose(first, other, rtol=1e-4, atol=1e-5):
        raise UsageError(
            f"AutoregressiveNetwork needs a body whose logits at a place depend on no later place, "
            f"and those of {type(body).__name__} do; mask what comes after, as in a causal decoder"
        )
