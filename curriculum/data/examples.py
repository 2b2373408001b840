"""Examples with a class each, of several lengths: split, and chosen by their difficulty.

Legend: B batch, L length, C channels, N examples.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curriculum.data.split import HELD_OUT, Part, digest, position, stratified_parts
from curriculum.errors import UsageError, counted

CLASSES = 2
"""So many classes there are at least."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RawExample:
    """An example as it was read.

    Attributes:
        values: its symbols, (L,), or channels, (L, C).
        content: what decides on its part, and by which copies are known.
        label: the name of its class.
        score: how difficult it is.
    """

    values: NDArray[Any]
    content: bytes
    label: str
    score: float


@dataclass(frozen=True, kw_only=True)
class Examples:
    """All examples, in the order of their positions.

    Attributes:
        digest: of all that they are.
        classes: the names of their classes; a label is a place among them.
        values: of all examples one after the other, (total,) or (total, C).
        edges: where each begins and ends in them, (N + 1,).
        labels: of each, (N,).
        scores: how difficult each is, (N,).
        parts: 0 where it is trained on, 1 to 4 for its use in `HELD_OUT`, (N,).
        copies: how many were left out, as copies of others.
        ambiguous: how many are trained on alone, as the same is there in another class.
    """

    digest: str
    classes: tuple[str, ...]
    values: NDArray[Any]
    edges: NDArray[np.int64]
    labels: NDArray[np.int64]
    scores: NDArray[np.float64]
    parts: NDArray[np.int64]
    copies: int
    ambiguous: int
    _chosen: dict[Any, Choice] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, raw: Iterable[RawExample], held_out: float, settings: str) -> Examples:
        """Examples, once each, split within each class.

        Args:
            raw: as they were read.
            held_out: the share of each class that is not trained on.
            settings: what their values depend on besides their contents.

        Raises:
            UsageError: where there are too few of a class to be split, or there is one class alone.
        """
        known: dict[tuple[int, str], RawExample] = {}
        total = 0
        for each in raw:
            total += 1
            known.setdefault((position(each.content), each.label), each)
        found = sorted(known.items(), key=lambda item: item[0])
        examples = [each for _, each in found]
        classes = _class_names({each.label for each in examples})
        _check_classes(classes, Counter(each.label for each in examples), held_out)
        numbers = {name: number for number, name in enumerate(classes)}
        labels = np.array([numbers[each.label] for each in examples])
        positions = np.array([place for (place, _), _ in found], dtype=np.uint64)
        parts = stratified_parts(positions, labels, held_out)
        several = _several(positions, labels)
        parts[several] = 0
        whole = hashlib.sha256(settings.encode())
        for each in examples:
            whole.update(digest(each.content) + np.float64(each.score).tobytes())
            whole.update(digest(each.label.encode()))
        lengths = [len(each.values) for each in examples]
        return cls(
            digest=whole.hexdigest()[:32],
            classes=classes,
            values=np.concatenate([each.values for each in examples]),
            edges=np.concatenate([[0], np.cumsum(lengths)]),
            labels=labels,
            scores=np.array([each.score for each in examples], dtype=np.float64),
            parts=parts,
            copies=total - len(examples),
            ambiguous=int(several.sum()),
        )

    @property
    def lengths(self) -> NDArray[np.int64]:
        """How many positions each has, (N,)."""
        found: NDArray[np.int64] = np.diff(self.edges)
        return found

    def choose(
        self, part: Part, longest: int | None = None, level: int = 1, levels: int = 1
    ) -> Choice:
        """Those of a part that are no longer and no more difficult.

        Args:
            part: which.
            longest: how long they may be; None for any length.
            level: of those with the lowest scores among all that are trained on, `level` of `levels`
                equal parts.
            levels: how many parts there are.
        """
        key = (part, longest, level, levels)
        if key not in self._chosen:
            number = 0 if part == "train" else 1 + HELD_OUT.index(part)
            chosen = self.parts == number
            if longest is not None:
                chosen &= self.lengths <= longest
            if level < levels:
                limit = np.quantile(self.scores[self.parts == 0], level / levels, method="higher")
                chosen &= self.scores <= limit
            members = np.flatnonzero(chosen)
            self._chosen[key] = Choice.of(members, self.labels[members])
        return self._chosen[key]

    def padded(
        self, members: NDArray[np.int64], longest: int
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """The values of some examples, (B, L) or (B, L, C), cut at `longest`, and where they are, (B, L)."""
        begins = self.edges[members]
        lengths = np.minimum(self.edges[members + 1] - begins, longest)
        places = np.arange(int(lengths.max()))
        inside = places < lengths[:, None]
        return self.values[np.where(inside, begins[:, None] + places, 0)], inside

    def notes(self) -> Iterator[str]:
        """What a user should know of the examples before a run, each in a sentence."""
        counts = np.bincount(self.parts, minlength=1 + len(HELD_OUT))
        named = zip(HELD_OUT, counts[1:], strict=True)
        held = ", ".join(f"{part} {count:,}" for part, count in named)
        yield (
            f"{counted(len(self.labels), 'example')} of {len(self.classes):,} classes, with {self.lengths.min():,} "
            f"to {counted(self.lengths.max(), 'position')}: trained on {counts[0]:,}, held out for {held}"
        )
        if self.copies:
            yield f"left out, as copies of others: {counted(self.copies, 'example')}"
        if self.ambiguous:
            yield f"in several classes, and so only trained on: {counted(self.ambiguous, 'example')}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """Some of the examples.

    Attributes:
        members: their numbers, in order, (M,).
        classes: those that any of them is of, in order, (K,).
        by_class: their numbers, class by class, (M,).
        begins: where each class begins in these, (K,).
        counts: how many there are of each, (K,).
    """

    members: NDArray[np.int64]
    classes: NDArray[np.int64]
    by_class: NDArray[np.int64]
    begins: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, members: NDArray[np.int64], labels: NDArray[np.int64]) -> Choice:
        """Those examples, of these classes."""
        order = np.argsort(labels, kind="stable")
        classes, begins, counts = np.unique(labels[order], return_index=True, return_counts=True)
        return cls(
            members=members,
            classes=classes,
            by_class=members[order],
            begins=begins,
            counts=counts,
        )

    def draw(
        self, rng: np.random.Generator, size: int, *, balanced: bool = False
    ) -> NDArray[np.int64]:
        """The numbers of examples drawn with replacement, (B,); `balanced`: of each class equally often."""
        if balanced:
            of = rng.integers(len(self.classes), size=size)
            places = self.begins[of] + (rng.random(size) * self.counts[of]).astype(np.int64)
            found: NDArray[np.int64] = self.by_class[places]
        else:
            found = self.members[rng.integers(len(self.members), size=size)]
        return found


def _class_names(labels: set[str]) -> tuple[str, ...]:
    """The names in order; numbers by their size."""
    if all(label.lstrip("-").isdecimal() for label in labels):
        return tuple(sorted(labels, key=int))
    return tuple(sorted(labels))


def _check_classes(classes: tuple[str, ...], counts: Counter[str], held_out: float) -> None:
    if len(classes) < CLASSES:
        raise UsageError(
            f"there must be at least {CLASSES} classes, got {', '.join(map(repr, classes)) or 'none'}; take "
            f"another column of labels, or more examples"
        )
    for name in classes:
        held = round(held_out * counts[name])
        if held < len(HELD_OUT) or held == counts[name]:
            raise UsageError(
                f"the class {name!r} has {counted(counts[name], 'example')}, of which held_out {held_out:g} holds out "
                f"{held}; it takes one for each of {', '.join(HELD_OUT)}, and one to train on: leave the class "
                f"out, give more of it, or hold out another share"
            )


def _several(positions: NDArray[np.uint64], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which examples have the position of one in another class; those of a position lie together."""
    _, groups = np.unique(positions, return_inverse=True)
    lowest = np.full(groups.max() + 1, labels.max() + 1)
    np.minimum.at(lowest, groups, labels)
    highest = np.full(groups.max() + 1, -1)
    np.maximum.at(highest, groups, labels)
    found: NDArray[np.bool_] = (lowest < highest)[groups]
    return found
