"""Reads what a user types as an input."""

from __future__ import annotations

import re

from curriculum.errors import UsageError

__all__ = ["symbols_below", "whole_numbers"]


def whole_numbers(text: str) -> list[int]:
    """The numbers in `text`, with blanks or commas between them.

    Raises:
        UsageError: where there are none, or something else stands there.

    >>> whole_numbers("0 1, 2")
    [0, 1, 2]
    """
    words = re.findall(r"[^\s,]+", text)
    if not words or not all(re.fullmatch(r"\d{1,9}", word) for word in words):
        raise UsageError(f"an input is whole numbers with blanks between them, got {text!r}")
    return [int(word) for word in words]


def symbols_below(text: str, symbols: int) -> list[int]:
    """The numbers in `text`, each of an alphabet from 0 to `symbols` - 1.

    Raises:
        UsageError: where one is outside of it.
    """
    found = whole_numbers(text)
    outside = sorted({number for number in found if number >= symbols})
    if outside:
        raise UsageError(f"symbols run from 0 to {symbols - 1}, got {', '.join(map(str, outside))}")
    return found
