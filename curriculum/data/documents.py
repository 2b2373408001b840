"""Documents as one sequence of symbols that is mapped into memory, and the parts that it is split into.

Legend: B batch, L length, D documents.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curriculum.data.cache import Kept
from curriculum.data.split import HELD_OUT, Part, few_units, parts_of_positions
from curriculum.data.tokenizer import Tokenizer
from curriculum.errors import UsageError, counted

ALIKE = 0.5
"""A document is nearly another where more than this share of its lines is elsewhere."""

SCRAMBLE = np.uint64(0x9E3779B97F4A7C15)
"""Odd, near 2^64 divided by the golden ratio: it spreads what is close (Knuth, volume 3, section 6.4)."""


@dataclass(frozen=True, kw_only=True)
class DocumentSet:
    """Documents that lie one after the other in the sequence.

    Attributes:
        stream: their symbols, a separator before each and one at the end.
        edges: where each document's separator lies in it, and the last one's, (D + 1,).
        positions: a digest of each, (D,).
        byte_counts: how long the text of each is, (D,).
    """

    stream: NDArray[np.unsignedinteger]
    edges: NDArray[np.int64]
    positions: NDArray[np.uint64]
    byte_counts: NDArray[np.int64]

    @property
    def count(self) -> int:
        """How many documents there are."""
        return len(self.positions)

    @property
    def symbol_count(self) -> int:
        """How many symbols have another after them."""
        return len(self.stream) - 1

    @property
    def longest(self) -> int:
        """How many symbols of the longest document have another after them."""
        return int(np.diff(self.edges).max())

    def windows(self, starts: NDArray[np.int64], length: int) -> NDArray[np.int64]:
        """`length` symbols from each start, and the one after them, (B, L + 1)."""
        found: NDArray[np.int64] = self.stream[starts[:, None] + np.arange(length + 1)].astype(
            np.int64
        )
        return found

    def circle(self, starts: NDArray[np.int64], length: int) -> NDArray[np.int64]:
        """The same where the last symbol is followed by the first, (B, L + 1)."""
        places = (starts[:, None] + np.arange(length + 1)) % self.symbol_count
        found: NDArray[np.int64] = self.stream[places].astype(np.int64)
        return found

    def within(
        self, documents: NDArray[np.int64], starts: NDArray[np.int64], length: int
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The same, and which of the `length` symbols lie in the document, (B, L).

        Args:
            documents: of each window, (B,).
            starts: of each in its document, (B,); 0 is the separator before it.
            length: of the windows.
        """
        begins, ends = self.edges[documents] + starts, self.edges[documents + 1]
        places = begins[:, None] + np.arange(length + 1)
        inside = places[:, :-1] < ends[:, None]
        symbols = self.stream[np.minimum(places, self.symbol_count)].astype(np.int64)
        return symbols, inside

    def lengths(self, documents: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many symbols of each document have another after them, its separator among them."""
        found: NDArray[np.int64] = self.edges[documents + 1] - self.edges[documents]
        return found

    def documents_at(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which documents these places of the stream are in."""
        return np.searchsorted(self.edges, places, side="right") - 1

    def fractions(self, documents: NDArray[np.int64]) -> NDArray[np.float64]:
        """A number in [0, 1) for each document, which depends on nothing but its content."""
        scrambled = (self.positions[documents] * SCRAMBLE) >> np.uint64(11)
        return scrambled.astype(np.float64) / 2.0**53


@dataclass(frozen=True, kw_only=True)
class Documents:
    """All documents of a corpus, in the order of their positions, and the parts they are split into.

    Attributes:
        digest: of the documents' contents, of the tokenizer, and of what a document is.
        tokenizer: that the symbols are of.
        parts: the documents that are trained on, and those held out for each use.
        kept: the arrays as they are on disk.
        spans: where each part begins and ends among the documents.
        copies: how many documents were left out, as copies of others.
    """

    digest: str
    tokenizer: Tokenizer
    parts: dict[Part, DocumentSet]
    kept: Kept
    spans: dict[Part, tuple[int, int]]
    copies: int

    @classmethod
    def of(cls, kept: Kept, tokenizer: Tokenizer, held_out: float, *, copies: int = 0) -> Documents:
        """What is kept of a corpus, split.

        Raises:
            UsageError: where a part has no documents.
        """
        arrays = kept.arrays
        edges, positions = np.asarray(arrays["edges"]), np.asarray(arrays["positions"])
        spans = parts_of_positions(positions, held_out)
        empty = [part for part, (first, last) in spans.items() if first == last]
        if empty:
            raise UsageError(
                f"of {counted(len(positions), 'document')} with corpus.held_out {held_out:g}, none is left "
                f"for {', '.join(empty)}, as a document's content decides on its part: give more documents, "
                f"hold out another share, or say what else a document is by corpus.by"
            )
        parts = {
            part: DocumentSet(
                stream=arrays["symbols"][edges[first] : edges[last] + 1],
                edges=edges[first : last + 1] - edges[first],
                positions=positions[first:last],
                byte_counts=np.asarray(arrays["byte_counts"][first:last]),
            )
            for part, (first, last) in spans.items()
        }
        digest = str(kept.about["digest"])
        return cls(
            digest=digest,
            tokenizer=tokenizer,
            parts=parts,
            kept=kept,
            spans=spans,
            copies=copies,
        )

    def notes(self) -> Iterator[str]:
        """What a user should know of the documents before a run, each in a sentence."""
        train = self.parts["train"]
        held = ", ".join(f"{part} {self.parts[part].count:,}" for part in HELD_OUT)
        total = int(sum(part.byte_counts.sum() for part in self.parts.values()))
        yield (
            f"{counted(len(self.kept.arrays['positions']), 'document')}, {counted(total, 'byte')}: trained on "
            f"{train.count:,} ({counted(train.symbol_count, 'symbol')}), held out for {held}"
        )
        if self.copies:
            yield f"left out, as copies of others: {counted(self.copies, 'document')}"
        alike = self.nearly_trained_on()
        if alike:
            held_out = sum(self.parts[part].count for part in HELD_OUT)
            yield (
                f"with more than half of its lines in documents that are trained on: {alike:,} of "
                f"{counted(held_out, 'held-out document')}"
            )
        few = few_units([(part, self.parts[part].count) for part in HELD_OUT if part != "tuning"])
        if few:
            yield f"{few}: raise corpus.held_out, or give more documents"

    def nearly_trained_on(self) -> int:
        """How many held-out documents have more than half of their long lines in others that are trained on."""
        lines, edges = self.kept.arrays["lines"], self.kept.arrays["line_edges"]
        first, last = self.spans["train"]
        trained = np.unique(lines[edges[first] : edges[last]])
        held = lines[: edges[first]]  # the held-out documents are the first
        known = np.concatenate([[0], np.cumsum(np.isin(held, trained))])
        begins, ends = edges[:first], edges[1 : first + 1]
        return int((known[ends] - known[begins] > ALIKE * (ends - begins)).sum())
