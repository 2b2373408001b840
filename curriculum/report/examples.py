"""Inputs, targets and predictions side by side, with the mistakes marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from rich.text import Text

from curriculum.learn.task import IGNORED, PADDING, Batch

__all__ = ["example_table", "numbers"]

Spelling = Callable[[NDArray[np.int64]], list[str]]

MOST_SYMBOLS = 24


def numbers(symbols: NDArray[np.int64]) -> list[str]:
    """Symbols as the numbers that they are."""
    return [str(symbol) for symbol in symbols]


def example_table(
    batch: Batch,
    predictions: NDArray[np.int64],
    notes: Sequence[str],
    spell: Spelling = numbers,
    left_out: int = 0,
) -> Table:
    """A row an example. Wrong ones say so in words too, for those who see no colour.

    Args:
        batch: the examples.
        predictions: the model's answers, in the shape of the targets.
        notes: on each example, such as "hard"; empty for none.
        spell: writes symbols as words.
        left_out: how many places each input has between the two halves that are here.
    """
    table = Table(box=None, pad_edge=False)
    for column in ("input", "target", "prediction", ""):
        table.add_column(column)
    for inputs, target, prediction, note in zip(
        batch.inputs, batch.targets, predictions, notes, strict=True
    ):
        table.add_row(
            _short(inputs, spell, left_out),
            _short(target, spell),
            _marked(prediction, target, spell),
            _judged(prediction, target) + (f" ({note})" if note else ""),
        )
    return table


def _words(symbols: NDArray[np.int64], spell: Spelling) -> list[str]:
    """Each symbol as a word; `.` where nothing is asked, and nothing for padding."""
    shown = np.atleast_1d(symbols)
    shown = shown[shown != PADDING]
    known = iter(spell(shown[shown != IGNORED]))
    return ["." if symbol == IGNORED else next(known) for symbol in shown]


def _short(symbols: NDArray[np.int64], spell: Spelling, left_out: int = 0) -> str:
    """Words apart by blanks; of a long row its two ends, and how many are left out."""
    words = _words(symbols, spell)
    if len(words) <= MOST_SYMBOLS and not left_out:
        return " ".join(words)
    end = min(MOST_SYMBOLS // 3, len(words) // 2)
    more = len(words) - 2 * end + left_out
    return f"{' '.join(words[:end])} …{more} more… {' '.join(words[-end:])}"


def _judged(prediction: NDArray[np.int64], target: NDArray[np.int64]) -> Text:
    """Whether the whole answer is right; nothing where it isn't known."""
    if np.all(target == IGNORED):
        return Text()
    right = bool(np.all((prediction == target) | (target == IGNORED)))
    return Text("right" if right else "WRONG", style="green" if right else "bold red")


def _marked(prediction: NDArray[np.int64], target: NDArray[np.int64], spell: Spelling) -> Text:
    """The prediction with its mistakes in brackets."""
    answers, wanted = np.atleast_1d(prediction), np.atleast_1d(target)
    words = _words(answers, spell)
    text = Text()
    wrong = (answers != wanted) & (wanted != IGNORED)
    for word, mistaken in list(zip(words, wrong.tolist(), strict=True))[:MOST_SYMBOLS]:
        text.append(f"[{word}]" if mistaken else word, style="bold red" if mistaken else "")
        text.append(" ")
    if len(words) > MOST_SYMBOLS:
        text.append(f"…{len(words) - MOST_SYMBOLS} more")
    return text
