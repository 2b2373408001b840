"""Inputs, targets and predictions side by side, with the mistakes marked."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from rich.text import Text

from curriculum.learn import IGNORED, PADDING, ExamplePredictions

Decoder = Callable[[NDArray[np.int64]], list[str]]

MOST_SYMBOLS = 24


def example_table(examples: ExamplePredictions, decode: Decoder, decode_output: Decoder) -> Table:
    """A row for each example. Wrong ones say so in words too, for those who see no colour.

    Args:
        examples: with what was predicted.
        decode: writes symbols of inputs as words.
        decode_output: writes those of targets and predictions.
    """
    batch = examples.batch
    table = Table(box=None, pad_edge=False)
    for column in ("input", "target", "prediction", ""):
        table.add_column(column)
    for inputs, target, prediction, note in zip(
        batch.inputs, batch.targets, examples.predictions, examples.notes, strict=True
    ):
        first = int(np.argmax(target != IGNORED)) if target.ndim else 0  # that is predicted
        wanted, predicted = np.atleast_1d(target)[first:], np.atleast_1d(prediction)[first:]
        table.add_row(
            _short(inputs, decode, examples.left_out),
            _short(wanted, decode_output),
            _marked(predicted, wanted, decode_output),
            _correctness(predicted, wanted) + (f" ({note})" if note else ""),
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
