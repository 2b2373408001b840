"""Inputs, targets and predictions side by side, with the mistakes marked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from rich.text import Text

from curriculum.learn.task import IGNORED, Batch

__all__ = ["example_table"]

MOST_SYMBOLS = 24


def example_table(batch: Batch, predictions: NDArray[np.int64], hard: NDArray[np.bool_]) -> Table:
    """A row an example. Wrong ones say so in words too, for those who see no colour."""
    table = Table(box=None, pad_edge=False)
    for column in ("input", "target", "prediction", ""):
        table.add_column(column)
    for inputs, target, prediction, is_hard in zip(
        batch.inputs, batch.targets, predictions, hard, strict=True
    ):
        right = bool(np.all((prediction == target) | (target == IGNORED)))
        table.add_row(
            _short(inputs),
            _short(target),
            _marked(prediction, target),
            Text("right" if right else "WRONG", style="green" if right else "bold red")
            + (" (hard)" if is_hard else ""),
        )
    return table


def _short(symbols: NDArray[np.int64]) -> str:
    """Symbols apart by blanks; of a long row its two ends, and how many are left out."""
    words = [("." if symbol == IGNORED else str(symbol)) for symbol in np.atleast_1d(symbols)]
    if len(words) <= MOST_SYMBOLS:
        return " ".join(words)
    end = MOST_SYMBOLS // 3
    return f"{' '.join(words[:end])} …{len(words) - 2 * end} more… {' '.join(words[-end:])}"


def _marked(prediction: NDArray[np.int64], target: NDArray[np.int64]) -> Text:
    text = Text()
    pairs = list(zip(np.atleast_1d(prediction), np.atleast_1d(target), strict=True))
    for answer, wanted in pairs[:MOST_SYMBOLS]:
        wrong = wanted not in (IGNORED, answer)
        text.append(f"[{answer}]" if wrong else str(answer), style="bold red" if wrong else "")
        text.append(" ")
    if len(pairs) > MOST_SYMBOLS:
        text.append(f"…{len(pairs) - MOST_SYMBOLS} more")
    return text
