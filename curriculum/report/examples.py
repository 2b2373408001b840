"""Inputs, targets and predictions side by side, with the mistakes marked."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from rich.text import Text

from curriculum.learn import IGNORED, PADDING, ExamplePredictions

Decoder = Callable[[NDArray[np.int64]], list[str]]

MOST_SYMBOLS = 24


def example_table(
    examples: ExamplePredictions,
    decode: Decoder,
    decode_output: Decoder,
    *,
    tolerance: float | None = None,
) -> Table:
    """A row for each example. Wrong ones say so in words too, for those who see no colour.

    Args:
        examples: with what was predicted; targets of another shape, as a task with a loss of its
            own may have, are not shown.
        decode: writes symbols of inputs as words.
        decode_output: writes those of targets and predictions.
        tolerance: how far a value may be from its target to be correct; None for symbols.
    """
    batch, predictions = examples.batch, examples.predictions
    table = Table(box=None, pad_edge=False)
    for column in ("input", "target", "prediction", ""):
        table.add_column(column)
    unknown = np.full_like(predictions, IGNORED)
    targets = batch.targets if batch.targets.shape == predictions.shape else unknown
    for inputs, present, target, prediction, note in zip(
        batch.inputs, batch.present, targets, predictions, examples.notes, strict=True
    ):
        first = int(np.argmax(target != IGNORED)) if target.ndim else 0  # that is predicted
        wanted, predicted = np.atleast_1d(target)[first:], np.atleast_1d(prediction)[first:]
        wrong = _wrong(predicted, wanted, tolerance)
        table.add_row(
            _short(_words(inputs[present], decode), examples.left_out),
            _short(_words(wanted, decode_output)),
            _marked(_words(predicted, decode_output), wrong),
            _correctness(wanted, wrong) + (f" ({note})" if note else ""),
        )
    return table


def _words(row: NDArray[Any], decode: Decoder) -> list[str]:
    """Each symbol as a word, `.` where nothing is predicted, and nothing for padding.

    Numbers are shown to three digits, the channels of a position with slashes between them.
    """
    if row.ndim > 1:
        return ["/".join(f"{number:.3g}" for number in position) for position in row]
    if row.dtype.kind == "f":
        return ["." if number == IGNORED else f"{number:.3g}" for number in row]
    shown = row[row != PADDING]
    known = iter(decode(shown[shown != IGNORED]))
    return ["." if symbol == IGNORED else next(known) for symbol in shown]


def _short(words: list[str], left_out: int = 0) -> str:
    """Words with spaces between them; of a long row its two ends, and how many are left out."""
    if len(words) <= MOST_SYMBOLS and not left_out:
        return " ".join(words)
    end = min(MOST_SYMBOLS // 3, len(words) // 2)
    more = len(words) - 2 * end + left_out
    return f"{' '.join(words[:end])} …{more} more… {' '.join(words[-end:])}"


def _wrong(
    predicted: NDArray[Any], wanted: NDArray[Any], tolerance: float | None
) -> NDArray[np.bool_]:
    """Which of the symbols or values that are asked for are wrong."""
    far = predicted != wanted if tolerance is None else np.abs(predicted - wanted) > tolerance
    found: NDArray[np.bool_] = far & (wanted != IGNORED)
    return found


def _correctness(target: NDArray[Any], wrong: NDArray[np.bool_]) -> Text:
    """Whether the whole prediction is correct; nothing where the target isn't known."""
    if np.all(target == IGNORED):
        return Text()
    correct = not wrong.any()
    return Text("correct" if correct else "WRONG", style="green" if correct else "bold red")


def _marked(words: list[str], wrong: NDArray[np.bool_]) -> Text:
    """The prediction with its mistakes in brackets."""
    text = Text()
    for word, mistaken in list(zip(words, wrong.tolist(), strict=True))[:MOST_SYMBOLS]:
        text.append(f"[{word}]" if mistaken else word, style="bold red" if mistaken else "")
        text.append(" ")
    if len(words) > MOST_SYMBOLS:
        text.append(f"…{len(words) - MOST_SYMBOLS} more")
    return text
