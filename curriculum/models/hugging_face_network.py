"""The network that `HuggingFace` settings build.

Legend: B batch, L length, V output vocabulary.
"""

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor, nn
from transformers import (
    CONFIG_MAPPING,
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
)
from transformers.pytorch_utils import Conv1D

from curriculum.errors import UsageError, did_you_mean
from curriculum.learn import ACTIVATION, PADDING, Shape, Work, attention_work, lengths_of
from curriculum.models import hugging_face_config as configuration
from curriculum.models.attention_masks import mask_arguments, use_known_padding
from curriculum.models.padding import at_end

CALLS_A_LAYER = 3
"""Of torch's library, for each layer with weights: itself, and the sums and rotations around it."""

FEED_FORWARD = 4
"""How many times as wide as a block its feed-forward network is, where a configuration says nothing."""

READ_ONCE = ("pooler", "classifier", "pre_classifier")
"""Parts of a model that read one place of each example."""

UNFIT = (ArithmeticError, AttributeError, ImportError, LookupError, OSError, TypeError, ValueError)
"""What the library raises for a configuration, or for files that it can't take."""

CLASSES: dict[str, Any] = {
    "causal_lm": AutoModelForCausalLM,
    "sequence_classification": AutoModelForSequenceClassification,
}


class HuggingFaceNetwork(nn.Module):
    """A model of transformers, called with symbols and giving logits alone.

    Attributes:
        transformer: the library's model; what is exported.
        first_symbol: the number of the token that stands for symbol 0.
    """

    def __init__(
        self,
        shape: Shape,
        *,
        config: Mapping[str, Any],
        hidden_size: int,
        head: str,
        pretrained: str | None,
        keeps_sizes: bool,
        first_symbol: int,
    ) -> None:
        """Build a network, or read it.

        Args:
            shape: that it is built for.
            config: see `hugging_face_config`.
            hidden_size: in place of the configuration's.
            head: the kind of model.
            pretrained: the folder that its weights are read from.
            keeps_sizes: whether vocabulary and positions are the configuration's.
            first_symbol: see the class.
        """
        super().__init__()
        self.output, self.head, self.first_symbol = shape.output, head, first_symbol
        self.logit_count = shape.logit_count
        values = dict(config) if keeps_sizes else _sized(config, shape, head)
        found = _config(values, hidden_size)
        if head == "sequence_classification":
            found.num_labels = shape.logit_count
            kind = "multi" if shape.output == "bit" else "single"
            found.problem_type = f"{kind}_label_classification"
        elif hasattr(found, "is_decoder"):
            found.is_decoder = True  # an encoder's layers, each place of which sees those before
        needs_padding = head == "sequence_classification" and found.pad_token_id is None
        with _library_errors(found):
            if pretrained is None:
                model: Any = CLASSES[head].from_config(found)
            else:
                model = _read(CLASSES[head], pretrained, found)
        if needs_padding:
            symbols = found.vocab_size
            model.resize_token_embeddings(symbols + 1, mean_resizing=False)
            model.config.pad_token_id = symbols
        use_known_padding(model)
        self.transformer: Any = model
        parameters = inspect.signature(model.forward).parameters
        self._given = {"use_cache": False} if "use_cache" in parameters else {}

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits of symbols (B, L) int64: (B,) for a bit, (B, V), or (B, L, V) for symbols."""
        lengths = lengths_of(inputs)
        present = None
        if lengths is not None:
            real = inputs != PADDING  # (B, L)
            padding = self.transformer.config.pad_token_id or 0
            inputs, present = inputs.masked_fill(~real, padding), real.long()
        with mask_arguments(self.transformer, inputs, present) as mask:
            logits: Tensor = self.transformer(input_ids=inputs, **mask, **self._given).logits
        if self.head == "sequence_classification":
            return logits.squeeze(-1) if self.output == "bit" else logits  # (B,) or (B, V)
        own = self.own_logits(logits)  # (B, L, V)
        return own if self.output == "symbols" else at_end(own, lengths)

    def own_logits(self, logits: Tensor) -> Tensor:
        """Of the library's logits (B, P, …) those of the task's symbols, (B, P, V)."""
        return logits[..., self.first_symbol : self.first_symbol + self.logit_count]

    def forward_work(
        self, examples: int, length: int, output_length: int, *, training: bool
    ) -> Work:
        """Of its linear layers, its activations and its attention; experts all count."""
        config, rows = self.transformer.config, examples * length
        operations = depth = 0.0
        for name, layer in self.transformer.named_modules():
            if isinstance(layer, nn.Linear | Conv1D):
                once = any(part in READ_ONCE for part in name.split("."))
                operations += 2.0 * (examples if once else rows) * layer.weight.numel()
            own = next(layer.parameters(recurse=False), None)
            depth += 0 if own is None else CALLS_A_LAYER
        layers = getattr(config, "num_hidden_layers", 0)
        operations += layers * ACTIVATION * rows * _inner_size(config)
        found = Work(operations=operations, depth=depth)
        heads = getattr(config, "num_attention_heads", None)
        if not heads:  # a recurrence
            return found
        size = heads * (getattr(config, "head_dim", None) or config.hidden_size // heads)
        return found + attention_work(size, heads, examples, length, length) * layers


def _sized(config: Mapping[str, Any], shape: Shape, head: str) -> dict[str, Any]:
    """The configuration of a network from scratch: sized for the task, no symbol of which is special."""
    kind = str(config["model_type"])
    symbols = max(shape.input_vocab_size, shape.output_vocab_size * (head == "causal_lm"))
    after_padding = kind in configuration.AFTER_PADDING
    pads = after_padding or head == "sequence_classification"
    positions = shape.length + (symbols + 1 if after_padding else 0)
    names = {name for name in _known(kind) if name in configuration.POSITIONS}
    return {
        **config,
        **dict.fromkeys(names, positions),
        "vocab_size": symbols + pads,  # padding is one of its own
        "pad_token_id": symbols if pads else None,
        "bos_token_id": None,
        "eos_token_id": None,
    }


def _known(kind: str) -> set[str]:
    """The settings of a kind of model, by all of their names.

    Raises:
        UsageError: where the library doesn't know the kind.
    """
    if kind not in CONFIG_MAPPING:
        raise UsageError(
            f"model.config names a model_type {kind!r}, which transformers "
            f"{transformers.__version__} doesn't know; {did_you_mean(kind, CONFIG_MAPPING)}"
        )
    default = AutoConfig.for_model(kind)
    return {*vars(default), *default.attribute_map, *inspect.signature(type(default)).parameters}


def _config(values: Mapping[str, Any], hidden_size: int) -> Any:
    """The library's configuration of a network of that size."""
    settings, kind = dict(values), str(values["model_type"])
    configuration.check_names(values, _known(kind))
    for name in ("model_type", configuration.hidden_size_key(values)):
        settings.pop(name or "", None)
    attributes: Mapping[str, str] = CONFIG_MAPPING[kind].attribute_map
    settings[attributes.get("hidden_size", "hidden_size")] = hidden_size
    with _library_errors(kind):
        return AutoConfig.for_model(kind, **settings)


def _inner_size(config: Any) -> int:
    """Units of a block's feed-forward network."""
    names = ("intermediate_size", "n_inner", "hidden_dim", "ffn_dim")
    found = next((size for name in names if (size := getattr(config, name, None))), None)
    return int(found or FEED_FORWARD * config.hidden_size)


def _read(kind: Any, folder: str, config: Any) -> nn.Module:
    """The model with a folder's weights; a head that it lacks is new.

    Raises:
        UsageError: where there is no such folder, or its weights are of another network.
    """
    if not Path(folder).is_dir():
        raise UsageError(
            f"model.pretrained must be a local folder with weights, as `save_pretrained` writes it, got "
            f"{folder}: nothing is fetched from a hub"
        )
    with quiet():
        model, report = kind.from_pretrained(
            folder,
            config=config,
            local_files_only=True,
            use_safetensors=True,  # never pickle
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    body = {f"{model.base_model_prefix}.{name}" for name, _ in model.base_model.named_parameters()}
    lost = [*report["missing_keys"], *(name for name, *_ in report["mismatched_keys"])]
    wrong = sorted(body.intersection(lost))
    if wrong:
        raise UsageError(
            f"the weights in {folder} are not of the network that model.config describes: {wrong[0]} "
            f"is missing, or of another size; leave model.config out to take the folder's own"
        )
    return model.to(torch.get_default_dtype()).train()  # type: ignore[no-any-return]


@contextmanager
def _library_errors(config: Any) -> Iterator[None]:
    """A context in which what the library says of a configuration becomes a usage error."""
    kind = config if isinstance(config, str) else config.model_type
    try:
        yield
    except UsageError:
        raise
    except UNFIT as error:
        said = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        raise UsageError(f"transformers can't build {kind} from model.config: {said}") from error


@contextmanager
def quiet() -> Iterator[None]:
    """A context in which the library prints nothing: neither progress nor a report."""
    logging: Any = transformers.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
