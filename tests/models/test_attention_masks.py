"""Masks that are made without asking the device are the library's own."""

from typing import Any

import pytest
import torch
from hugging_face_configs import CONFIGS
from waiting import counting_waits

from curriculum import Batch, Shape, Stage
from curriculum.learn import PADDING
from curriculum.learn.network_protocols import input_tensors
from curriculum.models import Bert, Decoder, HuggingFace
from curriculum.models.attention_masks import SDPA_WITH_KNOWN_PADDING

SLIDING = CONFIGS["llama"] | {
    "model_type": "mistral",
    "num_key_value_heads": 1,
    "sliding_window": 3,
}
TWO_KINDS = SLIDING | {
    "model_type": "gemma3_text",
    "num_key_value_heads": 1,
    "head_dim": 4,
    "layer_types": ["sliding_attention", "full_attention"],
}
SYMBOLS = Shape.of("symbols", Stage(8, 7), causal=True)
BIT = Shape.of("bit", Stage(8, 7))

CASES: list[tuple[Any, Shape]] = [
    *((HuggingFace(config=CONFIGS[kind]), SYMBOLS) for kind in ("gpt2", "llama", "bert")),
    *((HuggingFace(config=config), SYMBOLS) for config in (SLIDING, TWO_KINDS)),
    *(
        (HuggingFace(config=CONFIGS[kind], head="sequence_classification"), BIT)
        for kind in ("gpt2", "llama", "bert", "roberta", "distilbert")
    ),
    (Bert(hidden_size=8, head_size=4), BIT),
    *((Decoder(style=style, hidden_size=8, head_size=4), SYMBOLS) for style in ("gpt2", "llama")),
]


def inputs(*, padded: bool) -> tuple[torch.Tensor, ...]:
    symbols = torch.randint(7, (4, 8), generator=torch.Generator().manual_seed(0)).numpy()
    if padded:
        symbols[0, 5:] = symbols[2, 3:] = PADDING
    return input_tensors(Batch(inputs=symbols, targets=symbols), torch.device("cpu"))


def library_model(network: Any) -> Any:
    """The model of transformers within a network."""
    return getattr(network, "encoder", None) or network.transformer


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize(("model", "shape"), CASES)
def test_outputs_and_gradients_are_those_of_the_librarys_masks(
    model: Any, shape: Shape, padded: bool
) -> None:
    torch.manual_seed(0)
    network, given = model.build(shape).eval(), inputs(padded=padded)
    assert library_model(network).config._attn_implementation == SDPA_WITH_KNOWN_PADDING
    found = []
    for implementation in (SDPA_WITH_KNOWN_PADDING, "sdpa"):
        library_model(network).set_attn_implementation(implementation)
        network.zero_grad()
        with counting_waits() as waits:
            outputs = network(*given)
        outputs.square().sum().backward()
        gradients = [p.grad.clone() for p in network.parameters() if p.grad is not None]
        found.append((outputs.detach(), *gradients))
        if implementation == SDPA_WITH_KNOWN_PADDING:
            assert waits.count == 0
    assert len(found[0]) == len(found[1]) > 5
    assert all(torch.equal(*pair) for pair in zip(*found, strict=True))


def test_a_model_with_another_attention_keeps_it() -> None:
    network: Any = HuggingFace(config=CONFIGS["mamba"]).build(SYMBOLS)
    assert network.transformer.config._attn_implementation == "eager"
    for padded in (False, True):
        assert network(*inputs(padded=padded)).shape == (4, 8, 7)


def test_what_is_not_padded_is_forgotten_after_the_call() -> None:
    """Else a later mask would be left out."""
    network: Any = HuggingFace(config=CONFIGS["bert"], head="sequence_classification").build(BIT)
    network.eval()
    alone = network(*inputs(padded=True))
    with pytest.raises(IndexError):
        network(torch.full((2, 8), 99))
    assert torch.equal(network(*inputs(padded=True)), alone)


def test_a_configuration_that_is_saved_knows_nothing_of_it(tmp_path: Any) -> None:
    network: Any = HuggingFace(config=CONFIGS["llama"]).build(SYMBOLS)
    network.transformer.save_pretrained(tmp_path)
    assert "curriculum" not in (tmp_path / "config.json").read_text()
