"""From text to symbols: bytes, or a tokenizer that is on this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError

BYTES = 257
"""The vocabulary of bytes: themselves, and one more symbol between documents."""

SEPARATOR = "␞"
"""How the symbol between documents is shown."""

SHOWN = {"\n": "⏎", "\t": "⇥"}

Symbols = NDArray[np.uint32]


class Tokenizer(Protocol):
    """Turns texts into symbols.

    Attributes:
        digest: of all that its symbols depend on.
        vocab_size: how many symbols there are, with the separator.
        separator: the symbol between documents.
    """

    digest: str
    vocab_size: int
    separator: int

    def encode(self, texts: Sequence[bytes]) -> list[Symbols]:
        """The symbols of each text, without separators.

        Raises:
            NoText: for the first that is no text.
        """

    def words(self, symbols: NDArray[np.int64]) -> list[str]:
        """Each symbol as a word."""

    def text(self, symbols: NDArray[np.int64]) -> str:
        """Symbols as running text in one paragraph, what can't be printed escaped."""


class NoText(ValueError):
    """Bytes that are no text, for a tokenizer which reads text.

    Attributes:
        number: which of the texts.
        place: of the first byte that is none.
        byte: that one.
    """

    def __init__(self, number: int, place: int, byte: int) -> None:
        super().__init__(f"byte {byte:#04x} at {place}")
        self.number, self.place, self.byte = number, place, byte


class ByteTokenizer:
    r"""Each byte is a symbol.

    >>> ByteTokenizer().encode([b"ab"])[0].tolist(), ByteTokenizer().words(np.array([97, 10, 200]))
    ([97, 98], ['a', '⏎', '\\xc8'])
    >>> ByteTokenizer().text(np.array([0xC3, 0xA9, 10, 27, 200, 256, 97]))
    'é⏎\\x1b\\xc8␞a'
    """

    digest = "bytes"
    vocab_size = BYTES
    separator = BYTES - 1

    def encode(self, texts: Sequence[bytes]) -> list[Symbols]:
        return [np.frombuffer(text, dtype=np.uint8).astype(np.uint32) for text in texts]

    def words(self, symbols: NDArray[np.int64]) -> list[str]:
        return [self._word(int(symbol)) for symbol in symbols]

    def text(self, symbols: NDArray[np.int64]) -> str:
        return _running_text(symbols, self.separator, _decoded_bytes)

    def _word(self, symbol: int) -> str:
        if symbol == self.separator:
            return SEPARATOR
        character = chr(symbol)
        if character in SHOWN:
            return SHOWN[character]
        return character if character.isascii() and character.isprintable() else f"\\x{symbol:02x}"


@dataclass(kw_only=True)
class SubwordTokenizer:
    """A tokenizer of the `tokenizers` or `transformers` libraries. It reads UTF-8."""

    digest: str
    vocab_size: int
    separator: int
    numbers: Callable[[list[str]], Sequence[Sequence[int]]]
    names: Callable[[list[int]], Sequence[str | None]]
    decode: Callable[[list[int]], str]

    def encode(self, texts: Sequence[bytes]) -> list[Symbols]:
        decoded = [_decoded(number, text) for number, text in enumerate(texts)]
        return [np.array(each, dtype=np.uint32) for each in self.numbers(decoded)]

    def words(self, symbols: NDArray[np.int64]) -> list[str]:
        known = [int(symbol) for symbol in symbols]
        named = self.names(known)
        return [SEPARATOR if name is None else name for name in named]

    def text(self, symbols: NDArray[np.int64]) -> str:
        return _running_text(symbols, self.separator, self.decode)


@cache
def load_tokenizer(name: str) -> Tokenizer:
    """The tokenizer of that name: `bytes`, a path, or a name in the cache of Hugging Face.

    Nothing is downloaded. The symbol between documents is its token for the end of a text, where it
    says which that is, and one more symbol where not.

    Raises:
        UsageError: where it isn't on this machine, or can't be read.
    """
    if name == "bytes":
        return ByteTokenizer()
    if name.endswith(".json"):
        return _from_file(Path(name))
    return _from_transformers(name)


def _from_file(path: Path) -> Tokenizer:
    from tokenizers import Tokenizer as Loaded

    if not path.is_file():
        raise _not_here(str(path))
    try:
        loaded: Any = Loaded.from_file(str(path))
    except Exception as error:  # its own errors have no class of theirs
        raise UsageError(
            f"{path} is no tokenizer's file: {error}; give a tokenizer.json as the `tokenizers` library saves it"
        ) from error
    size = loaded.get_vocab_size()
    return SubwordTokenizer(
        digest=_short(loaded.to_str()),
        vocab_size=size + 1,
        separator=size,
        numbers=lambda texts: [
            each.ids for each in loaded.encode_batch(texts, add_special_tokens=False)
        ],
        names=lambda symbols: [loaded.id_to_token(symbol) for symbol in symbols],
        decode=lambda symbols: loaded.decode(symbols, skip_special_tokens=False),
    )


def _from_transformers(name: str) -> Tokenizer:
    from transformers import AutoTokenizer

    try:
        loaded: Any = AutoTokenizer.from_pretrained(name, local_files_only=True)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise _not_here(name) from error
    size, end = len(loaded), loaded.eos_token_id
    backend = getattr(loaded, "backend_tokenizer", None)
    content = repr(sorted(loaded.get_vocab().items())) if backend is None else backend.to_str()
    own = loaded.convert_ids_to_tokens
    return SubwordTokenizer(
        digest=_short(f"{content} {end}"),
        vocab_size=size + (end is None),
        separator=size if end is None else int(end),
        numbers=lambda texts: loaded(texts, add_special_tokens=False, verbose=False)["input_ids"],
        names=lambda symbols: [None if each >= size else own(each) for each in symbols],
        decode=lambda symbols: loaded.decode(symbols, clean_up_tokenization_spaces=False),
    )


def _not_here(name: str) -> UsageError:
    return UsageError(
        f"the tokenizer {name!r} isn't on this machine, and nothing is downloaded: give 'bytes', the "
        f"path of a tokenizer.json or of a folder that holds one, or a name that is in the cache of "
        f"Hugging Face"
    )


def _decoded(number: int, text: bytes) -> str:
    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        raise NoText(number, error.start, text[error.start]) from error
    if "\0" in decoded:
        raise NoText(number, text.index(0), 0)
    return decoded


def _decoded_bytes(symbols: list[int]) -> str:
    return bytes(symbols).decode(errors="backslashreplace")


def _running_text(
    symbols: NDArray[np.int64], separator: int, decode: Callable[[list[int]], str]
) -> str:
    """What lies between separators, decoded, with what can't be printed escaped."""
    found = []
    for ends, group in groupby(symbols.tolist(), key=lambda symbol: symbol == separator):
        part = [*group]
        found.append(SEPARATOR * len(part) if ends else decode(part))
    return "".join(_printable(character) for character in "".join(found))


def _printable(character: str) -> str:
    if character in SHOWN:
        return SHOWN[character]
    return character if character.isprintable() else character.encode("unicode_escape").decode()


def _short(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:16]
