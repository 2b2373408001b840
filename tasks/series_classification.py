"""SeriesClassification: which class a series of one's own is of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curriculum.data import Series
from curriculum.learn import Batch, Shape
from curriculum.plan import Stage
from curriculum.tasks.labelled_task import LabelledTask


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesClassification(LabelledTask):
    """The class of a series of real numbers.

    A stage takes the series of at most its length, and of at most its level: level k of `levels` takes
    the k/`levels` of them that are least difficult, by their data's `difficulty`. So the last stage has all
    that the ones before have. There is no vocabulary.

    Attributes:
        data: the labelled series.
    """

    data: Series

    def shape(self, last: Stage) -> Shape:
        examples = self._examples
        return Shape.of(
            "symbol",
            last,
            channels=examples.values.shape[1],
            output_vocab_size=len(examples.classes),
        )

    def _batch(self, members: NDArray[np.int64], stage: Stage) -> Batch:
        values, inside = self._examples.padded(members, stage.length)
        inputs = np.where(inside[..., None], values, np.float32(0))
        mask = None if inside.all() else inside
        return Batch(inputs=inputs, targets=self._examples.labels[members], mask=mask)
