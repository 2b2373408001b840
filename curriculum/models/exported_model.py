"""A network as a model of the library `transformers`, which can do without this package.

Legend: V output vocabulary.
"""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn
from transformers import AutoModelForTokenClassification

from curriculum.learn import forked
from curriculum.models.autoregressive_network import AutoregressiveNetwork
from curriculum.models.bert_network import BertNetwork
from curriculum.models.decoder_network import DecoderNetwork
from curriculum.models.hugging_face_network import HuggingFaceNetwork, quiet

AUTO_CLASSES = {
    "causal_lm": "AutoModelForCausalLM",
    "sequence_classification": "AutoModelForSequenceClassification",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportedModel:
    """A model of transformers, and how it is called.

    Attributes:
        model: the library's, in evaluation mode.
        auto_class: which of the library's classes loads it.
        first_symbol: the number of the token that symbol 0 is read as.
        first_logit: where the logit of symbol 0 is among the model's.
        place: where in an input the logits are to be found, in words.
    """

    model: Any
    auto_class: str
    first_symbol: int
    first_logit: int
    place: str

    def save(self, folder: Path) -> None:
        """Write the model as `save_pretrained` does, and print nothing."""
        with quiet():
            self.model.save_pretrained(folder)


def export_network(network: nn.Module) -> ExportedModel | None:
    """The network as a model of transformers with the same logits; None where it can't be one.

    `Decoder` and `Bert` have a linear head with a bias at each place, and become models for token
    classification; a network that `HuggingFace` built is one already.
    """
    writes = isinstance(network, AutoregressiveNetwork)
    body: Any = network.body if isinstance(network, AutoregressiveNetwork) else network
    first = int(writes)
    if isinstance(body, HuggingFaceNetwork):
        causal = body.head == "causal_lm"
        at_last = body.output == "symbol" and causal
        return ExportedModel(
            model=body.transformer.eval(),
            auto_class=AUTO_CLASSES[body.head],
            first_symbol=first,
            first_logit=first,
            place="the last place" if at_last else _place(body.output) if causal else "no place",
        )
    if isinstance(body, DecoderNetwork):
        model = _token_classifier(body.transformer, body.head)
    elif isinstance(body, BertNetwork) and body.embedding is None:
        model = _token_classifier(body.encoder, body.head)
    else:
        return None
    return ExportedModel(
        model=model,
        auto_class="AutoModelForTokenClassification",
        first_symbol=first,
        first_logit=0,
        place=_place(body.output),
    )


def _place(output: str) -> str:
    return "each place" if output == "symbols" else "the last place"


def _token_classifier(transformer: Any, head: nn.Linear) -> nn.Module:
    """A transformer and a head (V, H) as one model."""
    config = copy.deepcopy(transformer.config)
    config.num_labels = head.out_features
    with forked("shapes"):  # its weights are replaced
        model: Any = AutoModelForTokenClassification.from_config(config)  # type: ignore[no-untyped-call]
    model.base_model.load_state_dict(transformer.state_dict())
    own = model.classifier if hasattr(model, "classifier") else model.score
    own.load_state_dict(head.state_dict())
    return model.to(head.weight.device).eval()  # type: ignore[no-any-return]
