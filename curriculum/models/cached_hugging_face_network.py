"""A language model of transformers that reads on from the keys and values it has computed.

Legend: B batch, P places, V output vocabulary.
"""

from typing import Any

from torch import Tensor

from curriculum.models.hugging_face_network import HuggingFaceNetwork
from curriculum.models.key_value_cache import read_on


class CachedHuggingFaceNetwork(HuggingFaceNetwork):
    """One of a kind that `hugging_face_config.CACHED` names. It `HasCache`."""

    def forward_with_cache(
        self, tokens: Tensor, real: Tensor | None, cache: Any
    ) -> tuple[Tensor, Any]:
        """Logits (B, P, V) of further tokens (B, P), and the cache after them; see `HasCache`."""
        given, after = read_on(self.transformer, real, cache)
        logits: Tensor = self.transformer(input_ids=tokens, **given).logits
        return self.own_logits(logits), after
