"""From the values of examples to a score.

Legend: B examples, U independent units.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from curriculum.learn.batch import Batch
from curriculum.learn.metrics import sizes_in_unit
from curriculum.learn.task import EvaluationSet
from curriculum.plan import Criterion, Score, Spread

Values = dict[str, NDArray[np.float64]]
"""By metric, each example's value, (B,)."""

LARGEST = 1e30
"""What a value that is no number counts as, where less is better; where more is, minus that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluatedExamples:
    """What was measured of examples of an evaluation set, and how they count.

    Attributes:
        values: of the metric, (B,).
        weights: in the mean over all examples, (B,).
        sizes: in the mean of the unit that each belongs to, (B,).
        units: that they belong to, (B,); None where each is one of its own.
        slices: which of them belong to each slice, (B,).
    """

    values: NDArray[np.float64]
    weights: NDArray[np.float64]
    sizes: NDArray[np.float64]
    units: NDArray[np.int64] | None
    slices: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    @classmethod
    def of(cls, values: NDArray[np.float64], batch: Batch, metric: str) -> Self:
        """A batch's."""
        return cls(
            values=values,
            weights=np.ones(len(values)) if batch.weights is None else batch.weights,
            sizes=sizes_in_unit(metric, batch),
            units=batch.units,
            slices=batch.slices or {},
        )

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """All of several batches."""
        units = [part.units for part in parts if part.units is not None]
        names = dict.fromkeys(name for part in parts for name in part.slices)
        return cls(
            values=np.concatenate([part.values for part in parts]),
            weights=np.concatenate([part.weights for part in parts]),
            sizes=np.concatenate([part.sizes for part in parts]),
            units=np.concatenate(units) if len(units) == len(parts) else None,
            slices={n: np.concatenate([part.slices[n] for part in parts]) for n in names},
        )

    def of_slice(self, name: str) -> Self:
        """Those of a slice, which all count the same."""
        member = self.slices[name]
        return replace(
            self,
            values=self.values[member],
            weights=np.ones(int(member.sum())),
            sizes=self.sizes[member],
            units=None if self.units is None else self.units[member],
            slices={},
        )

    def score(self, whole: EvaluationSet, criterion: Criterion) -> Score:
        """Their score; of their units, where they belong to some."""
        if self.units is None or not criterion.has_spread:
            return score_of_set(self.values, self.weights, whole, criterion)
        each = unit_means(self.values, self.sizes, self.units)
        score = score_of_set(each, np.ones(len(each)), whole, criterion)
        return replace(score, examples=len(self.values))


def score_of(values: NDArray[np.float64], criterion: Criterion) -> Score:
    """The score of fresh examples, (B,); each is independent of the others."""
    if not criterion.has_spread:
        return Score(value=float(values.mean()), examples=len(values))
    finite = _finite(values, lower_is_better=criterion.lower_is_better)
    spread = Spread.of(finite)
    return Score(value=criterion.shown(float(finite.mean())), examples=len(values), spread=spread)


def score_of_set(
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
    whole: EvaluationSet,
    criterion: Criterion,
) -> Score:
    """The score of an evaluation set: of its examples, or of its units, (B,) or (U,).

    Args:
        values: of each.
        weights: of each in the mean.
        whole: the set that they are of.
        criterion: that takes the score.
    """
    rest: dict[str, Any] = {"source": whole.source, "memorised": whole.memorised}
    if not criterion.has_spread:
        # One minus the wrong share, so that all correct is 1 exactly and anything wrong is below.
        wrong = float(((1 - values) * weights).sum() / weights.sum())
        return Score(value=max(0.0, 1 - wrong), examples=len(values), **rest)
    finite = _finite(values, lower_is_better=criterion.lower_is_better)
    mean = float(np.average(finite, weights=weights))
    return Score(
        value=criterion.shown(mean), examples=len(values), spread=Spread.of(finite), **rest
    )


def unit_means(
    values: NDArray[np.float64], sizes: NDArray[np.float64], units: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The mean of each unit's examples, (U,), weighted by their sizes.

    >>> unit_means(np.array([1.0, 4.0, 2.0]), np.array([2.0, 1.0, 5.0]), np.array([7, 7, 3]))
    array([2., 2.])
    """
    _, place = np.unique(units, return_inverse=True)
    total = np.bincount(place, weights=sizes)
    found: NDArray[np.float64] = np.bincount(place, weights=values * sizes) / np.maximum(total, 1)
    return found


def means(
    batches: Sequence[Values], weights: NDArray[np.float64] | None = None
) -> dict[str, float]:
    """Each metric's mean over the batches; a loss that is no finite number is left out."""
    found: dict[str, float] = {}
    for name in batches[0]:
        values = np.concatenate([batch[name] for batch in batches])
        mean = float(np.average(values, weights=weights))
        if np.isfinite(mean):
            found[name] = mean
    return found


def _finite(values: NDArray[np.float64], *, lower_is_better: bool) -> NDArray[np.float64]:
    worst = LARGEST if lower_is_better else -LARGEST
    found: NDArray[np.float64] = np.nan_to_num(values, nan=worst, posinf=LARGEST)
    return np.clip(found, -LARGEST, LARGEST)
