"""Settings of a model that a configuration of the library `transformers` describes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from curriculum.errors import UsageError, check_fields
from curriculum.learn import Shape
from curriculum.models import hugging_face_config as configuration
from curriculum.models.decoder import Outputs
from curriculum.models.pretrained_weights import weights_digest

if TYPE_CHECKING:
    from torch import nn

    Config = str | Mapping[str, Any]
else:
    Config = str  # what the command line reads; a mapping becomes its JSON at once

Head = Literal["causal_lm", "sequence_classification"]

SMALL = '{"model_type": "gpt2", "n_head": 4, "n_layer": 2}'
SMALL_SIZE = 128
"""What is built where nothing is said."""


class Stated(int):
    """A hidden size that a configuration states; under another configuration it is that one's."""


class Unsaid(str):
    """A configuration that was not given: another folder of weights has its own."""

    __slots__ = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class HuggingFace:
    """A network of `transformers`: from a configuration, from scratch or with pretrained weights.

    From scratch, it has as many positions as the longest stage needs, and its vocabulary is the task's;
    all else is as the configuration says. A pretrained one keeps its positions and its vocabulary, and the
    path has to fit into them. Nothing is ever fetched: files are local.

    The head `causal_lm` outputs a symbol at each place (in place, or after the input, as `Decoder` does), or
    one at the last; `sequence_classification` outputs a bit or a symbol for the whole input. Padding is
    masked out.

    Attributes:
        config: a folder with a `config.json`, such a file, its JSON, or (in Python) a mapping. It is
            read once: the run records what it says. It names a `model_type` of the library. Without
            one, a small GPT-2 is built.
        head: `causal_lm` or `sequence_classification`.
        hidden_size: units of each layer; by default what the configuration says. Another one
            changes nothing else, so that the heads have to divide it.
        pretrained: a folder with weights, such as `save_pretrained` writes; None to start from scratch.
            Without a `config`, its own is taken.
        outputs: of `causal_lm`, where several symbols are output; see `Decoder`.

    >>> from dataclasses import replace
    >>> model = HuggingFace(config={"model_type": "gpt2", "n_embd": 64, "n_layer": 2, "n_head": 2})
    >>> model.hidden_size, replace(model, hidden_size=96).hidden_size
    (64, 96)
    """

    config: Config = ""
    head: Head = "causal_lm"
    hidden_size: Annotated[int, "[1, inf)"] = 0
    pretrained: str | None = None
    outputs: Outputs = "auto"

    def __post_init__(self) -> None:
        unsaid = not self.config or isinstance(self.config, Unsaid)
        small = unsaid and not self.pretrained
        values = configuration.read((self.pretrained or SMALL) if unsaid else self.config)
        key = configuration.hidden_size_key(values)
        stated = values.get(key, 0) if key else 0
        chosen = 0 if isinstance(self.hidden_size, Stated) and stated else self.hidden_size
        size = chosen or Stated(SMALL_SIZE if small else stated)
        if not size:
            raise UsageError(
                f"model.config must say its hidden size, by {', '.join(configuration.HIDDEN_SIZES)}, or "
                f"model.hidden_size must; got {', '.join(sorted(values))}"
            )
        if stated and size != stated:
            raise UsageError(
                f"model.hidden_size must be the configuration's {stated}, got {size}; "
                + (
                    "a pretrained network keeps its size"
                    if self.pretrained
                    else f"leave it out, or {key} out of model.config"
                )
            )
        if not self.pretrained and key:
            del values[key]  # said once, by `hidden_size`, which a search may change
        object.__setattr__(self, "hidden_size", size)
        text = configuration.as_text(values)
        object.__setattr__(self, "config", Unsaid(text) if unsaid else text)
        check_fields(self, "model")
        configuration.check_heads_divide(values, size)

    @property
    def not_widened(self) -> str:
        """Why a larger one can't continue the function of a smaller one."""
        return "a configuration of transformers doesn't say how the units of its layers belong together"

    def writes_after_input(self, shape: Shape) -> bool:
        """Whether several symbols are written one by one after the input."""
        if shape.output != "symbols" or self.outputs == "in_place":
            return False
        return self.outputs == "after_input" or not shape.causal

    def check(self, shape: Shape) -> None:
        shape.check_symbols("a network of transformers")
        kinds = ("symbols", "symbol") if self.head == "causal_lm" else ("bit", "symbol")
        if shape.output not in kinds:
            other = "sequence_classification" if self.head == "causal_lm" else "causal_lm"
            way_out = (
                f"set model.head to {other}"
                if shape.output != "values"
                else "take Recurrent or Bert"
            )
            raise UsageError(
                f"the head {self.head} outputs {' or '.join(kinds)}, and the task's output is "
                f"{shape.output}; {way_out}"
            )
        after = self.writes_after_input(shape)
        if after:
            shape.check_not_causal("a network that writes after its input")
        elif shape.output == "symbols" and shape.output_length != shape.length:
            raise UsageError(
                f"a symbol at each place takes as many places as the input has, and the task has "
                f"{shape.length} input and {shape.output_length} output symbols; set "
                f"model.outputs to after_input"
            )
        if self.pretrained:
            configuration.check_fits(
                configuration.parsed(str(self.config)),
                length=shape.length + after * shape.output_length,
                symbols=max(shape.input_vocab_size, shape.output_vocab_size) + after,
            )

    def build(self, shape: Shape) -> nn.Module:
        """The network, with positions and vocabularies for all of `shape`."""
        return self._built(shape, self.pretrained)

    def build_empty(self, shape: Shape) -> nn.Module:
        """The same, without reading pretrained weights."""
        return self._built(shape, None)

    def weights_digest(self) -> str | None:
        """A digest of the weights that are read; None where none are."""
        return weights_digest(self.pretrained) if self.pretrained else None

    def _built(self, shape: Shape, weights: str | None) -> nn.Module:
        from curriculum.models.autoregressive_network import AutoregressiveNetwork
        from curriculum.models.cached_hugging_face_network import CachedHuggingFaceNetwork
        from curriculum.models.hugging_face_network import HuggingFaceNetwork

        writes, config = self.writes_after_input(shape), configuration.parsed(str(self.config))
        cached = self.head == "causal_lm" and config["model_type"] in configuration.CACHED
        network = (CachedHuggingFaceNetwork if cached else HuggingFaceNetwork)(
            AutoregressiveNetwork.body_shape(shape) if writes else shape,
            config=config,
            hidden_size=self.hidden_size,
            head=self.head,
            pretrained=weights,
            keeps_sizes=self.pretrained is not None,
            first_symbol=int(writes),
        )
        return AutoregressiveNetwork(network) if writes else network
