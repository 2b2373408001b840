"""What a language model of Dyck words is judged by: two criteria of the literature, in numpy.

Legend: B batch, T length, V vocabulary.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CONFIDENT = 0.8
THRESHOLD = 0.5


def closing_bracket_probability(
    probabilities: NDArray[np.floating],
    inputs: NDArray[np.int64],
    *,
    confident: float = CONFIDENT,
) -> NDArray[np.float64]:
    """The share of closing brackets that are predicted with confidence, (B,).

    A closing bracket is when, of the probability of all closing brackets at its position, more
    than .8 is on the right one: given that one comes, the model knows of which kind. Hewitt et al.
    2020, "RNNs can generate bounded hierarchical languages with optimal memory", arXiv
    2010.07515. They report the mean, over the distances between the brackets of a pair, of the
    share at each; their code, https://github.com/john-hewitt/dyckkm-learning, also judges places
    where a bracket could be closed and isn't.

    Args:
        probabilities: after each symbol, those of the next one, (B, T, V); not used after the last.
        inputs: Dyck words, (B, T); without a closing bracket after the first symbol the share is 1.
        confident: what the right one's part must be above.

    >>> word = np.array([[0, 2, 3, 1]])  # ( [ ] )
    >>> sure, torn = [0.1, 0, 0, 0.9], [0, 0.5, 0, 0.5]
    >>> closing_bracket_probability(np.array([[[1, 0, 0, 0], sure, torn, torn]]), word).tolist()
    [0.5]
    """
    following = inputs[:, 1:]
    before = probabilities[:, :-1]  # (B, T - 1, V)
    closes = following % 2 == 1
    right = np.take_along_axis(before, following[..., None], axis=2)[..., 0]
    correct = closes & (right > confident * before[..., 1::2].sum(axis=2))
    count = closes.sum(axis=1)
    share: NDArray[np.float64] = correct.sum(axis=1) / np.maximum(count, 1)
    return np.where(count, share, 1.0)


def allowed_next_symbols(
    inputs: NDArray[np.int64],
    vocab_size: int,
    *,
    depth: int | None = None,
    length: int | None = None,
) -> NDArray[np.bool_]:
    """Which symbols may follow each prefix of Dyck words, (B, T, V).

    Args:
        inputs: words or their beginnings, (B, T).
        vocab_size: V, two for each kind of brackets.
        depth: the greatest that is allowed; None for any.
        length: of the whole words; None where they may go on.

    >>> allowed = allowed_next_symbols(np.array([[0, 2, 3, 1]]), 4, depth=2)
    >>> ["".join("()[]"[symbol] for symbol in np.flatnonzero(each)) for each in allowed[0]]
    ['()[', ']', '()[', '([']
    """
    size, symbols = inputs.shape
    open_now = np.cumsum(np.where(inputs % 2 == 0, 1, -1), axis=1)  # (B, T)
    may_open = np.ones((size, symbols), dtype=bool)
    if depth is not None:
        may_open &= open_now < depth
    if length is not None:
        may_open &= open_now < length - 1 - np.arange(1, symbols + 1)
    found = np.zeros((size, symbols, vocab_size), dtype=bool)
    found[..., 0::2] = may_open[..., None]
    rows, at = np.nonzero(open_now > 0)
    found[rows, at, last_open(inputs)[rows, at] + 1] = True
    return found


def last_open(inputs: NDArray[np.int64]) -> NDArray[np.int64]:
    """The opening bracket that is to be closed next, after each symbol of (B, T); -1 for none.

    >>> last_open(np.array([[0, 2, 3, 1]])).tolist()
    [[0, 2, 0, -1]]
    """
    size, symbols = inputs.shape
    rows = np.arange(size)
    stack = np.full((size, symbols + 1), -1)  # the open brackets, above an empty place
    top = np.zeros(size, dtype=np.int64)
    found = np.empty_like(inputs)
    for at in range(symbols):
        symbol = inputs[:, at]
        opens = symbol % 2 == 0
        top += np.where(opens, 1, -1)
        stack[rows[opens], top[opens]] = symbol[opens]
        found[:, at] = stack[rows, top]
    return found


def all_allowed_predicted(
    probabilities: NDArray[np.floating],
    allowed: NDArray[np.bool_],
    *,
    threshold: float = THRESHOLD,
) -> NDArray[np.bool_]:
    """In which examples, (B,), the symbols predicted after each prefix are just those allowed.

    Predicted are those with a probability of at least `threshold`. Each symbol has its own
    probability, by a sigmoid: they needn't add up to 1. Suzgun et al. 2019, "LSTM networks can
    perform dynamic counting", arXiv 1906.03648, after Gers & Schmidhuber 2001; "at least" as in the
    authors' code, https://github.com/suzgunmirac/marnns.

    Args:
        probabilities: after each symbol, those of the next one, (B, T, V).
        allowed: `allowed_next_symbols`.
        threshold: from which on a symbol is predicted.

    >>> allowed = np.array([[[True, True], [True, False]]])
    >>> all_allowed_predicted(np.array([[[0.9, 0.6], [0.9, 0.4]]]), allowed).tolist()
    [True]
    """
    found: NDArray[np.bool_] = ((probabilities >= threshold) == allowed).all(axis=(1, 2))
    return found
