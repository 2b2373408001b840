from typing import Any

import pytest
import torch
import transformers
from hugging_face_configs import CONFIGS
from torch import Tensor, nn

from curriculum import Shape, Stage
from curriculum.learn import PADDING, HasCache, OutputKind
from curriculum.models import AutoregressiveNetwork, HuggingFace
from curriculum.models import hugging_face_config as configuration
from curriculum.models.hugging_face_network import HuggingFaceNetwork

LANGUAGE_MODEL: Any = transformers.AutoModelForCausalLM
CAUSAL = Shape.of("symbols", Stage(6, 5), causal=True)
AFTER = Shape(output="symbols", length=5, input_vocab_size=4, output_vocab_size=6, output_length=4)
DECODERS = ["gpt2", "llama", "bert"]


class WithoutCache(nn.Module):
    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, tokens: Tensor) -> Any:
        return self.body(tokens)


def built(kind: str, shape: Shape, **values: Any) -> Any:
    torch.manual_seed(0)
    model = HuggingFace(config=CONFIGS[kind] | {"initializer_range": 0.5}, **values)
    model.check(shape)
    return model.build(shape).eval()


def classifier(kind: str, output: OutputKind = "symbol") -> HuggingFaceNetwork:
    found = built(kind, Shape.of(output, Stage(6, 5)), head="sequence_classification")
    assert isinstance(found, HuggingFaceNetwork)
    return found


@pytest.mark.parametrize("kind", DECODERS)
def test_a_language_model_gives_the_librarys_own_logits(kind: str) -> None:
    network, inputs = built(kind, CAUSAL), torch.randint(5, (3, 6))
    torch.manual_seed(0)
    names = {"gpt2": {"n_positions": 6}}.get(kind, {"max_position_embeddings": 6})
    own: Any = {"vocab_size": 5, "initializer_range": 0.5, "pad_token_id": None, **names}
    own |= {"is_decoder": True} if kind == "bert" else {}
    own |= {"bos_token_id": None, "eos_token_id": None}
    config = transformers.AutoConfig.for_model(**CONFIGS[kind], **own)
    theirs = LANGUAGE_MODEL.from_config(config).eval()
    torch.testing.assert_close(network(inputs), theirs(inputs).logits, rtol=0, atol=0)
    assert network(inputs).shape == (3, 6, 5)


@pytest.mark.parametrize("kind", ["gpt2", "llama", "bert", "roberta", "distilbert"])
def test_a_classifier_gives_the_librarys_own_logits(kind: str) -> None:
    network, inputs = classifier(kind), torch.randint(5, (3, 6))
    padded = inputs.clone()
    padded[0, 4:] = PADDING
    mask = padded != PADDING
    padding = network.transformer.config.pad_token_id
    theirs = network.transformer(
        input_ids=padded.masked_fill(~mask, padding), attention_mask=mask.long()
    ).logits
    torch.testing.assert_close(network(padded), theirs)
    assert network(inputs).shape == (3, 5)
    assert classifier(kind, "bit")(inputs).shape == (3,)
    assert network.transformer.config.problem_type == "single_label_classification"


@pytest.mark.parametrize("kind", ["gpt2", "llama", "bert", "roberta", "distilbert"])
def test_padding_changes_nothing_for_a_classifier(kind: str) -> None:
    network, inputs = classifier(kind), torch.randint(5, (3, 6))
    inputs[0, 4:] = PADDING
    inputs[1, 1:] = PADDING
    found = network(inputs)
    for row, length in enumerate((4, 1, 6)):
        alone = network(inputs[row : row + 1, :length])[0]
        torch.testing.assert_close(found[row], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("output", ["symbol", "symbols"])
@pytest.mark.parametrize("kind", [*DECODERS, "mamba"])
def test_padding_changes_nothing_for_a_language_model(kind: str, output: OutputKind) -> None:
    network = built(kind, Shape.of(output, Stage(6, 5), causal=True))
    inputs = torch.randint(5, (3, 6))
    inputs[0, 4:] = PADDING
    found, alone = network(inputs)[0], network(inputs[:1, :4])[0]
    torch.testing.assert_close(
        found[:4] if output == "symbols" else found, alone, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("kind", [*DECODERS, "mamba"])
def test_no_output_in_place_sees_what_comes_after_it(kind: str) -> None:
    network, inputs = built(kind, CAUSAL), torch.randint(5, (3, 6))
    whole = network(inputs)
    torch.testing.assert_close(network(inputs[:, :4]), whole[:, :4], rtol=1e-4, atol=1e-5)
    changed = inputs.clone()
    changed[:, 0] = (changed[:, 0] + 1) % 5
    assert ((network(changed) - whole).abs().amax(dim=(0, 2)) > 1e-5).all()


@pytest.mark.parametrize("kind", DECODERS)
def test_it_writes_symbol_by_symbol_what_it_predicts_when_shown_that(kind: str) -> None:
    network, inputs = built(kind, AFTER), torch.randint(4, (4, 5))
    assert isinstance(network, AutoregressiveNetwork)
    inputs[1, 3:] = PADDING
    written = network.greedy_decode(inputs, 4)
    assert written.shape == (4, 4, 6)
    torch.testing.assert_close(network(inputs, written.argmax(-1)), written, atol=1e-4, rtol=1e-4)
    body: Any = network.body
    assert body.transformer.config.vocab_size == 7  # a token for the end of the input


@pytest.mark.parametrize("kind", configuration.CACHED)
def test_the_cache_changes_nothing(kind: str) -> None:
    values = CONFIGS["llama"] | {"model_type": kind, "num_key_value_heads": 2}
    values |= {"initializer_range": 0.5}
    torch.manual_seed(0)
    network: Any = HuggingFace(config=values).build(AFTER).eval()
    assert isinstance(network.body, HasCache)
    inputs = torch.randint(4, (4, 5))
    inputs[1, 3:] = PADDING
    inputs[2, 1:] = PADDING
    body: Any = network.body
    plain = AutoregressiveNetwork(WithoutCache(body)).eval()
    for rows in (inputs, inputs[:1]):  # with padding, and without a mask
        written = plain.greedy_decode(rows, 4)
        torch.testing.assert_close(network.greedy_decode(rows, 4), written, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", ["bert", "mamba"])
def test_kinds_whose_cache_is_not_known_to_agree_read_all_again(kind: str) -> None:
    assert not isinstance(built(kind, CAUSAL), HasCache)


def test_positions_and_vocabulary_are_sized_for_the_path() -> None:
    config = CONFIGS["gpt2"] | {"vocab_size": 50257, "n_positions": 1024}
    network: Any = HuggingFace(config=config).build(Shape.of("symbols", Stage(40, 9), causal=True))
    found = network.transformer.config
    assert (found.vocab_size, found.n_positions, found.n_embd) == (9, 40, 8)
    assert network.transformer.transformer.wpe.weight.shape == (40, 8)


def test_every_symbol_of_a_classifier_is_trained() -> None:
    network = classifier("bert")  # whose padding symbol is number 0, unless it gets one of its own
    network(torch.zeros(1, 6).long()).square().sum().backward()
    gradient = network.transformer.bert.embeddings.word_embeddings.weight.grad
    assert gradient[0].abs().max() > 0
    assert len(gradient) == 6
