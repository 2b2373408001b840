"""Handwritten digits as series: eight rows of eight pixels, read one after the other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curriculum import Adam, Arithmetic, Budget, Experiment, Mastery, Stage, Training
from curriculum.data import Series
from curriculum.models import Recurrent
from curriculum.tasks import SeriesClassification


@dataclass(frozen=True, kw_only=True)
class Digits(Series):
    """scikit-learn's digits. The further one is from the mean of its class, the more difficult it is."""

    def read(self) -> dict[str, Any]:
        from sklearn.datasets import load_digits

        digits = load_digits()
        return {"inputs": digits.images, "label": digits.target}

    def scores(self, columns: Mapping[str, Any], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        images, labels = columns["inputs"], columns["label"]
        means = np.stack([images[labels == label].mean(axis=0) for label in range(10)])
        found: NDArray[np.float64] = np.linalg.norm(images - means[labels], axis=(1, 2))
        return found


digits_series = Experiment(
    task=SeriesClassification(data=Digits(held_out=0.6), levels=3),
    model=Recurrent(cell="gru", hidden_size=64),
    growth=Arithmetic(start=Stage(8, level=1), end=Stage(8, level=3)),
    criterion=Mastery(threshold=0.8),
    optimizer=Adam(learning_rate=3e-3),
    training=Training(batch_size=32, eval_every=100),
    budget=Budget(steps_per_stage=1000),
)
"""A GRU on handwritten digits, row by row, from the third nearest to their class's mean to all."""
