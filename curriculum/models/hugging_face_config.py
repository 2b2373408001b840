"""Reads configurations as the library `transformers` writes them, without loading it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from curriculum.errors import UsageError, did_you_mean

FILE = "config.json"

HIDDEN_SIZES = ("hidden_size", "n_embd", "d_model", "dim")
HEADS = ("num_attention_heads", "n_head", "n_heads")
POSITIONS = ("max_position_embeddings", "n_positions")
"""What kinds of models call the same setting."""

AFTER_PADDING = ("roberta", "xlm-roberta", "camembert", "roberta-prelayernorm", "mpnet")
"""Kinds of models whose positions are counted from the number of their padding symbol on."""

CACHED = ("gpt2", "gpt_neox", "llama", "mistral", "qwen2", "qwen3")
"""Kinds of models that read on from the keys and values of what they have read; tests compare these."""

LEFT_OUT = (
    "_name_or_path",
    "architectures",
    "auto_map",
    "dtype",
    "id2label",
    "label2id",
    "num_labels",
    "problem_type",
    "torch_dtype",
    "transformers_version",
)
"""Of a file: what doesn't describe the network, or follows from the task."""


def read(config: str | Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a folder, a file, JSON or a mapping, but for those that are left out.

    Raises:
        UsageError: where it is none of these, or names no `model_type`.
    """
    if isinstance(config, Mapping):
        values, where = dict(config), "model.config"
    elif config.lstrip().startswith("{"):
        values, where = parsed(config), "model.config"
    else:
        path = Path(config)
        path = path / FILE if path.is_dir() else path
        values, where = parsed(_text_of(path), f"{path}"), str(path)
    if not isinstance(values.get("model_type"), str):
        raise UsageError(
            f"{where} must name a model_type of transformers, such as gpt2, llama or bert; got "
            f"{', '.join(sorted(values)) or 'nothing'}"
        )
    if values.get("is_encoder_decoder"):
        raise UsageError(
            f"{where} is of {values['model_type']}, an encoder-decoder, and the heads are for networks "
            f"of one part; take gpt2, llama, bert or the like, or Seq2Seq"
        )
    return {name: value for name, value in values.items() if name not in LEFT_OUT}


def parsed(text: str, where: str = "model.config") -> dict[str, Any]:
    """The mapping that JSON holds.

    Raises:
        UsageError: where it holds none.
    """
    try:
        values = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{where} is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise UsageError(f"{where} must be a JSON object, got {type(values).__name__}")
    return values


def as_text(values: Mapping[str, Any]) -> str:
    """The settings as JSON, the same for the same settings.

    Raises:
        UsageError: for a value that JSON doesn't have.
    """
    try:
        return json.dumps(values, sort_keys=True)
    except TypeError as error:
        raise UsageError(f"model.config must hold what JSON can: {error}") from error


def hidden_size_key(values: Mapping[str, Any]) -> str | None:
    """What the configuration calls its hidden size; None where it says none."""
    return next((name for name in HIDDEN_SIZES if name in values), None)


def check_heads_divide(values: Mapping[str, Any], hidden_size: int) -> None:
    """Check that attention heads divide the hidden size, where each has its share of it.

    Raises:
        UsageError: where they don't.
    """
    heads = next((values[name] for name in HEADS if values.get(name)), None)
    if heads and not values.get("head_dim") and hidden_size % heads:
        raise UsageError(
            f"model.hidden_size must be a multiple of the configuration's {heads} attention heads, got "
            f"{hidden_size}"
        )


def check_fits(values: Mapping[str, Any], *, length: int, symbols: int) -> None:
    """Check that a pretrained network has so many positions, and knows so many symbols.

    Raises:
        UsageError: where it has too few.
    """
    positions = next((values[name] for name in POSITIONS if values.get(name)), None)
    if positions and values["model_type"] in AFTER_PADDING:
        positions -= 1 + (values.get("pad_token_id") or 0)
    if positions and length > positions:
        raise UsageError(
            f"the pretrained network has {positions} positions, and the path needs {length}: "
            f"lengths beyond the positions; end the path sooner, or take one with more"
        )
    known = values.get("vocab_size")
    if known and symbols > known:
        raise UsageError(
            f"the pretrained network has a vocabulary of {known}, and the task one of {symbols}; take "
            f"the tokenizer that it was trained with, or start from scratch with model.pretrained None"
        )


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageError(
            f"model.config {path} can't be read ({reason}); give a local folder or file that "
            f"`save_pretrained` wrote, or JSON: nothing is fetched from a hub"
        ) from error


def check_names(values: Mapping[str, Any], known: set[str]) -> None:
    """Check that no setting is a misspelled one; others that the library doesn't know are harmless.

    Raises:
        UsageError: for the first that is.
    """
    import difflib

    for name in values:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
        if name not in known and near and near[0] not in values:
            raise UsageError(
                f"model.config has {name!r}, which {values['model_type']} has not; "
                f"{did_you_mean(name, near)}"
            )
