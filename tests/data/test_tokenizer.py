"""Tokenizers that are on this machine."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from curriculum import UsageError
from curriculum.data import Corpus
from curriculum.data.tokenizer import ByteTokenizer, load_tokenizer

TEXT = "the cat sat on the mat, and the dog sat on the log"


@pytest.fixture(scope="module")
def subwords() -> Tokenizer:
    """Byte pairs of a short text, with a token for its end."""
    found = Tokenizer(models.BPE())
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    found.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=280, special_tokens=["<end>"], initial_alphabet=alphabet, show_progress=False
    )
    found.train_from_iterator([TEXT] * 10, trainer)
    return found


@pytest.fixture(params=["file", "folder"])
def saved(subwords: Tokenizer, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    if request.param == "file":
        path = tmp_path / "tokenizer.json"
        subwords.save(str(path))
        return str(path)
    fast: Any = PreTrainedTokenizerFast  # which ships no types
    fast = fast(tokenizer_object=subwords, eos_token="<end>")
    fast.save_pretrained(tmp_path / "saved")
    return str(tmp_path / "saved")


def test_it_gives_the_librarys_own_symbols(subwords: Tokenizer, saved: str) -> None:
    found = load_tokenizer(saved)
    (symbols,) = found.encode([TEXT.encode()])
    assert symbols.tolist() == subwords.encode(TEXT).ids
    assert symbols.max() < found.vocab_size
    words = found.words(symbols.astype(np.int64))
    assert "".join(words).replace("Ġ", " ") == TEXT


def test_symbols_are_read_as_running_text(saved: str) -> None:
    found = load_tokenizer(saved)
    (symbols,) = found.encode([f"{TEXT}\n\x07é".encode()])
    between = np.array([found.separator])
    shown = found.text(np.concatenate([between, symbols.astype(np.int64), between, between]))
    assert shown.replace("<end>", "␞") == f"␞{TEXT}⏎\\x07é␞␞"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"a  b\n\tc", "a  b⏎⇥c"),
        ("é∀".encode(), "é∀"),
        ("é".encode()[:1] + b"x", "\\xc3x"),  # a character that is cut
        (b"\x1b[31m\r\x00", "\\x1b[31m\\r\\x00"),  # what a terminal would obey
        ("\u202eabc".encode(), "\\u202eabc"),  # what would turn the text around
        (b"", ""),
    ],
)
def test_bytes_are_read_as_running_text_with_no_control_characters(text: bytes, shown: str) -> None:
    symbols = np.frombuffer(text, dtype=np.uint8).astype(np.int64)
    assert ByteTokenizer().text(symbols) == shown


def test_documents_are_separated_by_the_end_of_text_or_by_one_more_symbol(
    subwords: Tokenizer, saved: str
) -> None:
    found = load_tokenizer(saved)
    size = subwords.get_vocab_size()
    if saved.endswith(".json"):  # which doesn't say what ends a text
        assert (found.vocab_size, found.separator) == (size + 1, size)
        assert found.words(np.array([size])) == ["␞"]
    else:
        assert (found.vocab_size, found.separator) == (size, subwords.token_to_id("<end>"))


def test_a_corpus_is_of_its_tokenizer(saved: str, tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number}.txt").write_text(f"{TEXT} {number}")
    tokens, bytes_ = (
        Corpus(root=str(folder), held_out=0.5, tokenizer=name).load() for name in (saved, "bytes")
    )
    assert tokens.digest != bytes_.digest
    assert tokens.spans == bytes_.spans
    short, long = (each.parts["train"].symbol_count for each in (tokens, bytes_))
    assert short < long / 2


def test_what_is_no_text_is_refused_but_as_bytes(saved: str, tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number}.txt").write_text(f"{TEXT} {number}")
    (folder / "image.txt").write_bytes(b"ab\x89PNG")
    with pytest.raises(UsageError, match=r"image.txt is no text in UTF-8 \(byte 0x89 at 2\), and"):
        Corpus(root=str(folder), held_out=0.5, tokenizer=saved).load()
    assert Corpus(root=str(folder), held_out=0.5).load().digest
    (folder / "image.txt").write_bytes(b"ab\x00cd")
    with pytest.raises(UsageError, match=r"byte 0x00 at 2"):
        Corpus(root=str(folder), held_out=0.5, tokenizer=saved).load(anew=True)


def test_a_file_that_is_no_tokenizer_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text("{}")
    with pytest.raises(UsageError, match=r"other.json is no tokenizer's file"):
        load_tokenizer(str(path))
