"""Inputs, targets and predictions side by side, with the mistakes marked."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from rich.text import Text

from curriculum.learn import IGNORED, PADDING, Batch

Decoder = Callable[[NDArray[np.int64]], list[str]]

MOST_SYMBOLS = 24


def example_table(
    batch: Batch,
    predictions: NDArray[np.int64],
    notes: Sequence[str],
    decode: Decoder,
    left_out: int = 0,
) -> Table:
    """A row for each example. Wrong ones say so in words too, for those who see no colour.

    Args:
        batch: the examples.
        predictions: the model's, in the shape of the targets.
        notes: on each example, such as "hard"; empty for none.
        decode: writes symbols as words.
        left_out: how many positions each input has between the two halves that are shown.
    """
    table = Table(box=None, pad_edge=False)
    for column in ("input", "target", "prediction", ""):
        table.add_column(column)
    for inputs, target, prediction, note in zip(
        batch.inputs, batch.targets, predictions, notes, strict=True
    ):
        table.add_row(
            _short(inputs, decode, left_out),
            _short(target, decode),
            _marked(prediction, target, decode),
            _correctness(prediction, target) + (f" ({note})" if note else ""),
        )
    return table


def _words(symbols: NDArray[np.int64], decode: Decoder) -> list[str]:
    """Each symbol as a word; `.` where nothing is predicted, and nothing for padding."""
    shown = np.atleast_1d(symbols)
    shown = shown[shown != PADDING]
    known = iter(decode(shown[shown != IGNORED]))
    return ["." if symbol == IGNORED else next(known) for symbol in shown]


def _short(symbols: NDArray[np.int64], decode: Decoder, left_out: int = 0) -> str:
    """Words with spaces between them; of a long row its two ends, and how many are left out."""
    words = _words(symbols, decode)
    if len(words) <= MOST_SYMBOLS and not left_out:
        return " ".join(words)
    end = min(MOST_SYMBOLS // 3, len(words) // 2)
    more = len(words) - 2 * end + left_out
    return f"{' '.join(words[:end])} …{more} more… {' '.join(words[-end:])}"


def _correctness(prediction: NDArray[np.int64], target: NDArray[np.int64]) -> Text:
    """Whether the whole prediction is correct; nothing where the target isn't known."""
    if np.all(target == IGNORED):
        return Text()
    correct = bool(np.all((prediction == target) | (target == IGNORED)))
    return Text("correct" if correct else "WRONG", style="green" if correct else "bold red")


def _marked(prediction: NDArray[np.int64], target: NDArray[np.int64], decode: Decoder) -> Text:
    """The prediction with its mistakes in brackets."""
    predicted, wanted = np.atleast_1d(prediction), np.atleast_1d(target)
    words = _words(predicted, decode)
    text = Text()
    wrong = (predicted != wanted) & (wanted != IGNORED)
    for word, mistaken in list(zip(words, wrong.tolist(), strict=True))[:MOST_SYMBOLS]:
        text.append(f"[{word}]" if mistaken else word, style="bold red" if mistaken else "")
        text.append(" ")
    if len(words) > MOST_SYMBOLS:
        text.append(f"…{len(words) - MOST_SYMBOLS} more")
    return text
