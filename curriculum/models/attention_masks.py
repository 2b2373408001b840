"""Attention masks of transformers, made without asking the device what is padded.

The library looks into a mask whether anything is padded, so as to leave it out where nothing is; and
where it gets none, into the positions whether several sequences are packed into one. Each time the program
waits for the device. Here the caller says what is padded: it knows, before a batch goes there. What is computed
is the same. (The library's own way for this: https://huggingface.co/docs/transformers/attention_interface.)

Legend: B batch, L length.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

SDPA, SDPA_WITH_KNOWN_PADDING = "sdpa", "curriculum_sdpa"
"""The library's name of torch's attention, and that of the same with the masks that are made here."""

_IS_FULL: ContextVar[bool] = ContextVar("is_full", default=False)


def _mask(
    *,
    attention_mask: Tensor | None = None,
    allow_is_causal_skip: bool = True,
    allow_is_bidirectional_skip: bool = False,
    **rest: Any,
) -> Tensor | None:
    """What `sdpa_mask` gives, where nothing is padded or something is known to be."""
    if attention_mask is None or _IS_FULL.get():
        padding = None
    else:
        padding = attention_mask
        allow_is_causal_skip = allow_is_bidirectional_skip = False
    found: Tensor | None = sdpa_mask(
        attention_mask=padding,
        allow_is_causal_skip=allow_is_causal_skip,
        allow_is_bidirectional_skip=allow_is_bidirectional_skip,
        **rest,
    )
    return found


AttentionInterface.register(SDPA_WITH_KNOWN_PADDING, sdpa_attention_forward)
AttentionMaskInterface.register(SDPA_WITH_KNOWN_PADDING, _mask)


def use_known_padding(model: Any) -> None:
    """Let a model of the library make its masks so, where it has torch's attention."""
    if model.config._attn_implementation == SDPA:
        model.set_attn_implementation(SDPA_WITH_KNOWN_PADDING)


@contextmanager
def mask_arguments(
    model: Any, inputs: Tensor, present: Tensor | None
) -> Iterator[dict[str, Tensor]]:
    """A context in which the model is called; gives the mask to call it with, if any.

    Args:
        model: see `use_known_padding`.
        inputs: that it is called with, (B, L, …).
        present: what of them is no padding, (B, L); None where all is.
    """
    if present is not None:
        yield {"attention_mask": present}
    elif (
        model.config._attn_implementation != SDPA_WITH_KNOWN_PADDING
        or torch.compiler.is_compiling()
    ):
        yield {}
    else:
        token = _IS_FULL.set(True)
        try:
            yield {"attention_mask": inputs.new_ones(inputs.shape[:2], dtype=torch.long)}
        finally:
            _IS_FULL.reset(token)
