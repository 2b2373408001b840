"""Dyck words: balanced sequences of brackets, drawn uniformly by counting.

Brackets of kind i are the symbols 2 i, which opens, and 2 i + 1, which closes, so that the
symbols of fewer kinds are a prefix.

Legend: B batch, L length of a word, D greatest depth.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError
from curriculum.plan import Stage

NAMES = "()[]{}<>"


def check_brackets(stage: Stage) -> None:
    """Check that a word of that length and vocabulary can be balanced.

    Raises:
        UsageError: where it can't.
    """
    if stage.length % 2:
        raise UsageError(f"balanced brackets come in pairs, got a length of {stage.length}")
    if stage.vocab_size % 2:
        raise UsageError(
            f"brackets of k kinds have a vocabulary of 2 k, got {stage.vocab_size}; take "
            f"{stage.vocab_size + 1}"
        )


def draw_words(
    rng: np.random.Generator,
    size: int,
    length: int,
    kinds: int,
    depth: int | None = None,
    *,
    reaching: bool = False,
) -> NDArray[np.int64]:
    """Dyck words (B, L), uniform over those that are nested at most `depth` deep.

    Each opens or closes by the share of the completions that do, after the recursive method of
    Flajolet, Zimmermann & Van Cutsem 1994, doi:10.1016/0304-3975(94)90226-7.

    Args:
        rng: that is drawn with.
        size: how many.
        length: of each, even.
        kinds: of brackets.
        depth: None for any.
        reaching: draws from those alone that do reach the depth.

    >>> word = draw_words(np.random.default_rng(0), 1, 10, kinds=2, depth=3)[0]
    >>> "".join(bracket_names(word))
    '((()))[][]'
    """
    depth = length // 2 if depth is None else depth
    opens = _draw_openings(rng, size, length, depth, reaching=reaching)
    kind = rng.integers(kinds, size=(size, length // 2))
    words = np.empty((size, length), dtype=np.int64)
    opening, closing = matching(opens)
    np.put_along_axis(words, opening, 2 * kind, axis=1)
    np.put_along_axis(words, closing, 2 * kind + 1, axis=1)
    return words


def matching(opens: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The positions of each pair of matching brackets, (B, L / 2) each.

    Args:
        opens: which brackets of balanced words open, (B, L).

    >>> [found.tolist() for found in matching(np.array([[True, True, False, False]]))]
    [[[0, 1]], [[3, 2]]]
    """
    # At each level of nesting the brackets alternate: one opens, and the next closes it.
    level = depths(opens) + ~opens
    order = np.argsort(level.astype(np.int32), axis=1, kind="stable")
    return order[:, 0::2], order[:, 1::2]


def depths(opens: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many brackets are open after each, (B, L); negative where too many have closed."""
    found: NDArray[np.int64] = np.cumsum(np.where(opens, 1, -1), axis=1)
    return found


def is_balanced(words: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the sequences (B, L) are Dyck words, (B,).

    >>> is_balanced(np.array([[0, 2, 3, 1], [0, 2, 1, 3], [1, 0, 1, 0]])).tolist()
    [True, False, False]
    """
    if words.shape[1] % 2:
        return np.zeros(len(words), dtype=bool)
    opens = words % 2 == 0
    depth = depths(opens)
    found: NDArray[np.bool_] = (depth >= 0).all(axis=1) & (depth[:, -1] == 0)
    right = words[found]
    opening, closing = matching(opens[found])
    pairs = (np.take_along_axis(right, side, axis=1) // 2 for side in (opening, closing))
    found[found] = np.equal(*pairs).all(axis=1)
    return found


@lru_cache
def word_count(length: int, kinds: int, depth: int) -> int:
    """How many Dyck words there are.

    >>> [word_count(6, 1, depth) for depth in (1, 2, 3)], word_count(6, 2, 3)
    ([1, 4, 5], 40)
    """
    count: int = _completions(length, depth)[length][0] * kinds ** (length // 2)
    return count


@lru_cache
def all_words(length: int, kinds: int, depth: int) -> NDArray[np.int64]:
    """All Dyck words, (words, L), in lexical order; only for few."""
    found = np.array([*_words_from([], length, kinds, depth)], dtype=np.int64).reshape(-1, length)
    found.setflags(write=False)
    return found


def bracket_names(symbols: NDArray[np.int64]) -> list[str]:
    """Each symbol as a bracket, with its kind behind it from the fifth kind on."""
    return [
        NAMES[symbol] if symbol < len(NAMES) else f"{NAMES[symbol % 2]}{symbol // 2 + 1}"
        for symbol in symbols
    ]


def parse_brackets(text: str, vocab_size: int) -> NDArray[np.int64]:
    """The brackets that were typed, (1, L).

    Raises:
        UsageError: where anything else was.
    """
    import re

    known = {name: at for at, name in enumerate(bracket_names(np.arange(vocab_size)))}
    words = re.findall(r"[()]\d+|\S", text)
    unknown = [word for word in words if word not in known]
    if unknown or not words:
        got = repr(unknown[0] if unknown else text)
        raise UsageError(f"an input is brackets {' '.join(known)}, got {got}")
    return np.array([[known[word] for word in words]], dtype=np.int64)


def _draw_openings(
    rng: np.random.Generator, size: int, length: int, depth: int, *, reaching: bool
) -> NDArray[np.bool_]:
    """Which brackets open, (B, L)."""
    table = _opening_probabilities(length, depth, reaching=reaching)
    uniform = rng.random((length, size))
    opens = np.empty((length, size), dtype=bool)
    state = np.zeros(size, dtype=np.int64)  # the depth, and beyond D + 1 states those that reached
    steps = np.where(np.arange(2) == 1, 1, -1)
    for at in range(length):
        opens[at] = uniform[at] < table[length - at].take(state)
        state += steps.take(opens[at].view(np.int8))
        if reaching:
            state[state == depth] += depth + 1
    return np.ascontiguousarray(opens.T)


@lru_cache
def _opening_probabilities(length: int, depth: int, *, reaching: bool) -> NDArray[np.float64]:
    """The share of completions that open, by symbols that are left and state.

    The state is the depth, 0 to D. Where the depth has to be reached, there are as many states
    again for those that have: 2 D + 1 is the depth D itself. Symbols left run from 0 to L.
    """
    free = _completions(length, depth)
    if not reaching:
        return _shares(free)
    lower = _completions(length, depth - 1)
    # Before it is reached, what counts is the completions that touch D: all but those below it.
    touching = [
        [whole - below for whole, below in zip(row, [*part, 0], strict=True)]
        for row, part in zip(free, lower, strict=True)
    ]
    return np.concatenate([_shares(touching), _shares(free)], axis=1)


def _shares(ways: list[list[int]]) -> NDArray[np.float64]:
    """The share of those that open, from how many completions each depth has; 0 where none."""
    found = np.zeros((len(ways), len(ways[0])))
    for left in range(1, len(ways)):
        before = ways[left - 1]
        for depth, count in enumerate(ways[left]):
            if count and depth + 1 < len(before):
                found[left, depth] = before[depth + 1] / count
    return found


@lru_cache
def _completions(length: int, depth: int) -> list[list[int]]:
    """How many ways there are to close all brackets, by symbols left and depth."""
    ways = [[1] + [0] * depth]
    for _ in range(length):
        padded = [0, *ways[-1], 0]
        ways.append([padded[at] + padded[at + 2] for at in range(depth + 1)])
    return ways


def _words_from(stack: list[int], left: int, kinds: int, depth: int) -> Iterator[list[int]]:
    """All ways to go on for `left` symbols, where the brackets in `stack` are open."""
    if not left:
        yield []
    for symbol in range(2 * kinds):
        if symbol % 2 == 0 and len(stack) < min(depth, left - 1):
            after = [*stack, symbol]
        elif symbol % 2 and stack and stack[-1] == symbol - 1:
            after = stack[:-1]
        else:
            continue
        for rest in _words_from(after, left - 1, kinds, depth):
            yield [symbol, *rest]
