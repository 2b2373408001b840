"""The values of arguments: how each kind is read, and what it is called in the help."""

from __future__ import annotations

import math
import re
from argparse import ArgumentTypeError
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from curriculum import config, plan, sweeps
from curriculum.errors import UsageError
from curriculum.processes import usable_cores

AGES = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
MOST_SEEDS = 10_000
MOST_LENGTHS = 10_000
PORTS = 65_536

V = TypeVar("V")


def natural(text: str, least: int = 1) -> int:
    """A whole number, at least 1; `2e6` is one too."""
    found = config.whole_number(text)
    if found is None or found < least:
        raise ArgumentTypeError(f"must be a whole number, at least {least}, got {text!r}")
    return found


def seed(text: str) -> int:
    """A whole number, at least 0."""
    return natural(text, least=0)


def thread_count(text: str) -> int:
    """Up to four for each core: more only wait for each other, and thousands hang."""
    threads, most = natural(text), 4 * usable_cores()
    if threads > most:
        raise ArgumentTypeError(f"must be from 1 to {most} on this machine, got {threads}")
    return threads


def port(text: str) -> int:
    """A port that a server can listen on."""
    found = config.whole_number(text)
    if found is None or not 0 < found < PORTS:
        raise ArgumentTypeError(f"must be from 1 to {PORTS - 1}, got {text!r}")
    return found


def number(text: str) -> float:
    """A number."""
    try:
        return float(text)
    except ValueError:
        raise ArgumentTypeError(f"must be a number, got {text!r}") from None


def seconds(text: str) -> float:
    """A number of seconds, at least 0."""
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < math.inf:
        raise ArgumentTypeError(f"must be a number of seconds, at least 0, got {text!r}")
    return found


def age(text: str) -> float:
    """A time such as `12h`, in seconds."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([mhdw])", text.strip(), re.ASCII)
    if found is None:
        raise ArgumentTypeError(
            f"must be a number with m, h, d or w, such as 30m, 12h, 7d or 2w, got {text!r}"
        )
    return float(found[1]) * AGES[found[2]]


def seeds(text: str) -> tuple[int, ...]:
    """Seeds such as `0..5`, `0,2,7`, or both.

    >>> seeds("0..2,7")
    (0, 1, 2, 7)
    """
    found: list[int] = []
    for part in text.split(","):
        span = _span(part, most=2)
        first, last = (0, -1) if not span else (span[0], span[-1])
        if not first <= last < first + MOST_SEEDS:
            raise ArgumentTypeError(
                f"must be a list such as 0..5 or 0,2,7, of whole numbers in rising order, at most "
                f"{MOST_SEEDS:,} in a row, got {text!r}"
            )
        found += range(first, last + 1)
    return tuple(dict.fromkeys(found))


def lengths(text: str) -> tuple[int, ...]:
    """Lengths such as `40`, `41..500`, `41..500..20` (every 20th), or several of these.

    >>> lengths("10,20..23"), lengths("41..100..20")
    ((10, 20, 21, 22, 23), (41, 61, 81))
    """
    found: list[int] = []
    for part in text.split(","):
        span = _span(part, most=3)
        if not span:
            raise ArgumentTypeError(
                f"must be lengths such as 40, 41..500 or 41..500..20 (every 20th), got {text!r}"
            )
        first = span[0]
        last = span[1] if len(span) > 1 else first
        step = span[2] if len(span) > 2 else 1
        if last < first:
            raise ArgumentTypeError(f"must rise, got {part!r}; did you mean {last}..{first}?")
        if not first or not step:
            raise ArgumentTypeError(f"must be whole numbers, at least 1, got {part!r}")
        span_lengths = range(first, last + 1, step)
        if len(span_lengths) > MOST_LENGTHS:
            every = -(-(last - first + 1) // MOST_LENGTHS)
            raise ArgumentTypeError(
                f"must be at most {MOST_LENGTHS:,} lengths in a row, got {part!r}; "
                f"{first}..{last}..{every} takes fewer"
            )
        found += span_lengths
    return tuple(dict.fromkeys(found))


def _span(text: str, most: int) -> list[int]:
    """The whole numbers of `41..500`, at most so many, none below 0; empty for anything else."""
    found = [config.whole_number(part) for part in text.split("..")]
    numbers = [number for number in found if number is not None and number >= 0]
    return numbers if len(numbers) == len(found) <= most else []


def learning_rates(text: str) -> tuple[float, ...]:
    """Learning rates, in rising order."""
    try:
        found = sorted({float(part) for part in text.split(",")})
    except ValueError:
        found = []
    if not found or not all(0 < number < 1e300 for number in found):
        raise ArgumentTypeError(f"must be numbers above 0, such as 1e-3,3e-3,1e-2, got {text!r}")
    return tuple(found)


def strategies(text: str) -> tuple[str, ...]:
    """The names of strategies."""
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not names:
        raise UsageError("must be names such as gated,direct,bandit, got none")
    for name in names:
        plan.get_strategy(name)
    return names


def amount(text: str) -> sweeps.Amount:
    """A budget such as `3e10`, `2e6tokens`, `500steps` or `60s`."""
    return sweeps.parse_amount(text)  # looked up late: torch is loaded with it


def usage_checked(read: Callable[[str], V]) -> Callable[[str], V]:
    """An argument's type from a function that raises usage errors."""

    def checked(text: str) -> V:
        try:
            return read(text)
        except UsageError as error:
            raise ArgumentTypeError(str(error)) from error

    return checked


METAVARS: Mapping[Callable[[str], Any], str] = {
    **dict.fromkeys((natural, seed, thread_count, port), "N"),
    **dict.fromkeys((seeds, lengths, learning_rates), "LIST"),
    seconds: "SECONDS",
    age: "AGE",
    Path: "PATH",
}
"""How the help calls values; it names those of another kind case by case."""
