"""A task's symbols as a tokenizer of the library `transformers`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from curriculum.learn import PADDING, Task, generator
from curriculum.plan import Stage

Loaded: Any = PreTrainedTokenizerFast

BYTES = 256
SEPARATOR = "<|endoftext|>"
"""How the symbol after the bytes, if there is one, is written."""

PAD = "<|pad|>"

EXAMPLES = 32
"""Inputs that are written as text and read again, before a tokenizer is believed."""


def export_tokenizer(
    task: Task, stage: Stage, first_symbol: int, padding: int | None = None
) -> PreTrainedTokenizerBase | None:
    """The tokenizer of what a task's inputs are at a stage; None where there is none.

    It is the user's own where the symbols are of one (`Task.text_tokenizer`), bytes, or else has a token for
    each symbol's word, between which there are spaces: where the words tell symbols apart, which is
    tried on examples.

    Args:
        task: whose symbols they are.
        stage: with all of them.
        first_symbol: the number of the token that stands for symbol 0.
        padding: the model's padding token, if it has one.
    """
    size = task.shape(stage).input_vocab_size
    if task.text_tokenizer is None:
        return _of_words(task, stage, first_symbol, padding)
    if first_symbol:  # its numbers are not the model's
        return None
    if task.text_tokenizer == "bytes":
        return _of_bytes(size, padding)
    path = Path(task.text_tokenizer)
    if path.suffix == ".json":
        return Loaded(tokenizer_file=str(path))  # type: ignore[no-any-return]
    found: Any = AutoTokenizer.from_pretrained(task.text_tokenizer, local_files_only=True)
    return found  # type: ignore[no-any-return]


def _of_bytes(size: int, padding: int | None) -> PreTrainedTokenizerBase:
    """Each byte of UTF-8 is the token of its number."""
    alphabet = _byte_characters()
    tokens = {character: number for number, character in enumerate(alphabet)}
    special = {"eos_token": SEPARATOR} if size > BYTES else {}
    tokens |= {SEPARATOR: BYTES} if size > BYTES else {}
    special |= _padding(tokens, padding)
    made = Tokenizer(models.BPE(vocab=tokens, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.decoder = decoders.ByteLevel()
    return Loaded(  # type: ignore[no-any-return]
        tokenizer_object=made, clean_up_tokenization_spaces=False, **special
    )


def _byte_characters() -> list[str]:
    """By byte, the character that the library writes it as: its own, or one after the 255th for control."""
    own = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), BYTES)]
    others = iter(range(BYTES, 2 * BYTES))
    return [chr(byte if byte in own else next(others)) for byte in range(BYTES)]


def _of_words(
    task: Task, stage: Stage, first_symbol: int, padding: int | None
) -> PreTrainedTokenizerBase | None:
    """A token for each symbol's word, where they are as many, and each is one."""
    size = task.shape(stage).input_vocab_size
    if not size:
        return None
    try:
        words = task.decode(np.arange(size))
    except Exception:
        return None
    if len(set(words)) != size or any(not word or word != "".join(word.split()) for word in words):
        return None
    own = [f"<|{number}|>" for number in range(first_symbol)]
    tokens = {word: number for number, word in enumerate([*own, *words])}
    special = _padding(tokens, padding)
    made = Tokenizer(models.WordLevel(vocab=tokens))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    found: PreTrainedTokenizerBase = Loaded(tokenizer_object=made, **special)
    return found if _reads(found, task, _inputs(task, stage), first_symbol) else None


def _padding(tokens: dict[str, int], number: int | None) -> dict[str, str]:
    """Add the model's own padding symbol, the one after all others, where it has one."""
    if number != len(tokens):
        return {}
    tokens[PAD] = number
    return {"pad_token": PAD}


def _inputs(task: Task, stage: Stage) -> NDArray[Any]:
    """Examples of inputs, from anywhere."""
    whole = task.evaluation_set(stage)
    if whole is not None:
        return task.evaluation_batch(stage, 0, min(EXAMPLES, whole.examples)).inputs
    return task.sample(generator("export", stage.key), stage, EXAMPLES).inputs


def _reads(
    tokenizer: PreTrainedTokenizerBase, task: Task, inputs: NDArray[Any], first_symbol: int
) -> bool:
    """Whether it reads what the task writes as the symbols that were written."""
    for row in inputs:
        symbols = row[row != PADDING]
        words: Sequence[str] = task.decode(symbols)
        read = tokenizer(" ".join(words), add_special_tokens=False)["input_ids"]
        if read != (symbols + first_symbol).tolist():
            return False
    return True
