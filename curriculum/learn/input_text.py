"""Reads what a user types as an input."""

import re

from curriculum.errors import UsageError


def parse_numbers(text: str) -> list[int]:
    """The numbers in `text`, with spaces or commas between them.

    Raises:
        UsageError: where there are none, or anything else is.

    >>> parse_numbers("0 1, 2")
    [0, 1, 2]
    """
    words = re.findall(r"[^\s,]+", text)
    if not words or not all(re.fullmatch(r"\d{1,9}", word) for word in words):
        raise UsageError(f"an input is whole numbers with spaces between them, got {text!r}")
    return [int(word) for word in words]


def parse_symbols(text: str, vocab_size: int) -> list[int]:
    """The numbers in `text`, each a symbol from 0 to `vocab_size` - 1.

    Raises:
        UsageError: where one is not.
    """
    found = parse_numbers(text)
    outside = sorted({number for number in found if number >= vocab_size})
    if outside:
        raise UsageError(f"symbols are 0 to {vocab_size - 1}, got {', '.join(map(str, outside))}")
    return found
