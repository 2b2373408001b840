"""A corpus: text files as documents, tokenised once."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Literal

import numpy as np

from curriculum.data.cache import ArrayWriter, kept
from curriculum.data.documents import Documents
from curriculum.data.sources import Reading, Source, known_reading, matching_files, remember_reading
from curriculum.data.split import digest, position
from curriculum.data.tokenizer import NoText, Tokenizer, load_tokenizer
from curriculum.errors import UsageError, check_fields, counted

By = Literal["file", "line", "paragraph"]
Pack = Literal["concat", "per_document"]

ENDS = {"line": re.compile(rb"\n"), "paragraph": re.compile(rb"\n[ \t\r]*\n")}
"""What ends a document that is not a whole file."""

LEAST_LINE = 40
"""Bytes of a line that is compared: shorter ones are alike by chance."""

AT_ONCE = 256
"""Documents that are tokenised together."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Corpus:
    """Documents in files. They are tokenised once, and kept in the cache folder.

    A document's content decides whether it is trained on or held out, and for which use: not its name, nor
    what other documents there are. The held-out ones are in four parts, for the evaluations of stages
    (`gate`), the trials of a search (`tuning`), the target ahead of its turn (`target`) and the final model
    (`certificate`). Copies of a document are left out, and those that differ in spaces and ends of
    lines alone are in one part.

    Files are taken to be unchanged where their paths, sizes and times are.

    Attributes:
        files: a pattern of their paths below `root`, such as `**/*.py`.
        root: the folder that they are in.
        exclude: names, or patterns of names, of files and folders that are left out.
        tokenizer: `bytes`; or the path of a tokenizer.json, or of a folder or the name of one in
            the cache of Hugging Face. Nothing is downloaded.
        held_out: the share of documents that are not trained on.
        by: what a document is: a `file`, a `line` or a `paragraph`, which ends with an empty line.
        pack: whether a window of training may go on in the next document, after a symbol that separates
            them (`concat`), or ends with its document, and is padded (`per_document`).
    """

    files: str = "**/*.txt"
    root: str = "."
    exclude: tuple[str, ...] = ()
    tokenizer: str = "bytes"
    held_out: Annotated[float, "(0, 1)"] = 0.1
    by: By = "file"
    pack: Pack = "concat"

    def __post_init__(self) -> None:
        check_fields(self, "corpus")
        if not self.files.strip("/. "):
            raise UsageError(
                f"corpus.files must be a pattern such as '**/*.txt', got {self.files!r}"
            )

    def load(self, *, anew: bool = False) -> Documents:
        """Its documents, tokenised where that isn't done yet.

        Within a process they stay as they were first loaded, unless they are to be loaded `anew`.

        Raises:
            UsageError: where files are missing or no text, or a part would have no documents.
        """
        if anew or self not in _LOADED:
            _LOADED[self] = self._load()
        return _LOADED[self]

    def _load(self) -> Documents:
        tokenizer = load_tokenizer(self.tokenizer)
        sources = matching_files(self.root, self.files, self.exclude)
        known, stamp = known_reading(sources, f"{self.by} {tokenizer.digest}")
        found: _Found | None = None
        if known is None:
            began, found = time.time_ns(), _found_in(sources, self.by)
            known = Reading(key=found.key(tokenizer), copies=found.copies)
            remember_reading(stamp, known, began)

        def build(writer: ArrayWriter) -> Mapping[str, Any]:
            return (found or _found_in(sources, self.by)).write(writer, tokenizer)

        arrays = kept(known.key, build)
        return Documents.of(arrays, tokenizer, self.held_out, copies=known.copies)


_LOADED: dict[Corpus, Documents] = {}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a document is, and what it is known by. In order of its position."""

    position: int
    digest: bytes
    source: Source
    start: int
    stop: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """The documents of some files, each content once, in the order of their positions."""

    places: list[_Place]
    copies: int
    by: By

    def key(self, tokenizer: Tokenizer) -> str:
        """A digest of all that their symbols depend on."""
        whole = hashlib.sha256(f"{self.by} {tokenizer.digest}\n".encode())
        for place in self.places:
            whole.update(place.digest)
        return whole.hexdigest()[:32]

    def write(self, writer: ArrayWriter, tokenizer: Tokenizer) -> Mapping[str, Any]:
        """Tokenise them, some at a time, so that they need not fit into memory."""
        edges, line_edges, sizes = [0], [0], []
        between = np.array([tokenizer.separator])
        dtype = np.uint16 if tokenizer.vocab_size <= 2**16 else np.uint32
        for places in _grouped(self.places, AT_ONCE):
            texts = [_text(place) for place in places]
            for text, symbols in zip(texts, _encoded(tokenizer, places, texts), strict=True):
                writer.append("symbols", np.concatenate([between, symbols]).astype(dtype))
                edges.append(edges[-1] + 1 + len(symbols))
                sizes.append(len(text))
                lines = [] if self.by == "line" else _lines(text)
                writer.append("lines", np.array(lines, dtype=np.uint64))
                line_edges.append(line_edges[-1] + len(lines))
        writer.append("symbols", between.astype(dtype))
        writer.append("edges", np.array(edges))
        writer.append("line_edges", np.array(line_edges))
        writer.append("byte_counts", np.array(sizes))
        positions = [place.position for place in self.places]
        writer.append("positions", np.array(positions, dtype=np.uint64))
        return {"digest": self.key(tokenizer)}


def _found_in(sources: list[Source], by: By) -> _Found:
    known: dict[bytes, _Place] = {}
    copies = 0
    for source in sources:
        content = source.read()
        for start, stop in _spans(content, by):
            text = content[start:stop]
            if not text.strip():
                continue
            name = digest(text)
            copies += name in known
            known.setdefault(name, _Place(position(text), name, source, start, stop))
    if not known:
        raise UsageError(
            f"nothing is in {counted(len(sources), 'file')} of the corpus, {sources[0].path} the first; give files "
            f"with text"
        )
    places = sorted(known.values(), key=lambda place: (place.position, place.digest))
    return _Found(places=places, copies=copies, by=by)


def _spans(content: bytes, by: By) -> Iterator[tuple[int, int]]:
    """Where the documents of a file begin and end."""
    start = 0
    if by != "file":
        for match in ENDS[by].finditer(content):
            yield start, match.start()
            start = match.end()
    yield start, len(content)


def _text(place: _Place) -> bytes:
    with place.source.path.open("rb") as file:
        file.seek(place.start)
        text = file.read(place.stop - place.start)
    if digest(text) != place.digest:
        raise UsageError(
            f"{place.source.path} was changed while it was read; try again once it is done"
        )
    return text


def _encoded(tokenizer: Tokenizer, places: list[_Place], texts: list[bytes]) -> list[Any]:
    try:
        return [*tokenizer.encode(texts)]
    except NoText as error:
        place = places[error.number]
        raise UsageError(
            f"{place.source.path} is no text in UTF-8 (byte {error.byte:#04x} at "
            f"{place.start + error.place:,}), and this tokenizer reads text; narrow corpus.files, name it in "
            f"corpus.exclude, or take corpus.tokenizer bytes"
        ) from error


def _lines(text: bytes) -> list[int]:
    """A digest of each line that is long enough to be compared."""
    lines = (line.strip() for line in text.split(b"\n"))
    return [position(line) for line in lines if len(line) >= LEAST_LINE]


def _grouped(places: Iterable[_Place], size: int) -> Iterator[list[_Place]]:
    rest = iter(places)
    while group := [*islice(rest, size)]:
        yield group
