"""Tells when a visit has stopped making progress, so that something else is tried in time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field, replace
from statistics import fmean
from typing import Any

from curriculum.plan.evaluation import Evaluation

CRITICAL_Z = 1.645
"""Of a one-sided test at the level .05."""

LEAST_FALL = 0.03
"""A mean training loss that is lower by less may be so by chance."""


@dataclass(frozen=True, slots=True)
class _Point:
    """An evaluation after so many steps of the visit."""

    steps: int
    score: float
    examples: int
    train_loss: float | None
    deviation: float | None = None


@dataclass(slots=True)
class Plateau:
    """Looks for progress in the last evaluations.

    Attributes:
        start: the visit's steps from which on it looks.
        points: the evaluations since then that may still count.
    """

    start: int = 0
    points: list[_Point] = field(default_factory=list)

    def observe(
        self, evaluation: Evaluation, *, steps: int, patience: int, lower_is_better: bool = False
    ) -> None:
        """Take an evaluation into account, made after so many steps of the visit."""
        score = evaluation.screen or evaluation.full_test
        if score is not None:
            value = -score.value if lower_is_better else score.value
            point = _Point(steps, value, score.examples, evaluation.train_loss)
            if score.spread is not None:
                spread = score.spread
                point = replace(point, examples=spread.units, deviation=spread.deviation)
            self.points = [each for each in self.points if each.steps > steps - patience]
            self.points.append(point)

    def restart(self, steps: int) -> None:
        """Look from here on."""
        self.start, self.points = steps, []

    def is_reached(self, patience: int) -> bool:
        """Whether over the last `patience` steps neither score nor training loss have improved.

        The evaluations of their second half are compared with those of the first: the scores by
        a test of two proportions, the mean losses by a margin above their noise.
        """
        if not self.points or self.points[-1].steps - self.start < patience:
            return False
        end = self.points[-1].steps
        middle = end - patience / 2
        earlier = [point for point in self.points if end - patience < point.steps <= middle]
        later = [point for point in self.points if point.steps > middle]
        return bool(earlier) and not (_scores_rose(earlier, later) or _loss_fell(earlier, later))

    def state_dict(self) -> dict[str, Any]:
        # A rate has no deviation of its own, and none is written.
        points = [[*astuple(p)][: 4 if p.deviation is None else 5] for p in self.points]
        return {"start": self.start, "points": points}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.start, self.points = state["start"], [_Point(*point) for point in state["points"]]


def _scores_rose(earlier: Sequence[_Point], later: Sequence[_Point]) -> bool:
    """Whether the scores are significantly higher."""
    (correct, examples), (more, others) = _pooled(earlier), _pooled(later)
    squares = [(p.deviation**2, p.examples) for p in (*earlier, *later) if p.deviation is not None]
    if squares:
        variance = sum(square * n for square, n in squares) / sum(n for _, n in squares)
        error = math.sqrt(variance * (1 / examples + 1 / others))
        return more / others - correct / examples > CRITICAL_Z * error
    rate = (correct + more) / (examples + others)
    error = math.sqrt(rate * (1 - rate) * (1 / examples + 1 / others))
    return more / others - correct / examples > CRITICAL_Z * error


def _loss_fell(earlier: Sequence[_Point], later: Sequence[_Point]) -> bool:
    losses = [[p.train_loss for p in part if p.train_loss is not None] for part in (earlier, later)]
    return all(losses) and fmean(losses[1]) < (1 - LEAST_FALL) * fmean(losses[0])


def _pooled(points: Sequence[_Point]) -> tuple[float, int]:
    """Of all their examples, how many were correct, and how many there are."""
    return sum(p.score * p.examples for p in points), sum(p.examples for p in points)
