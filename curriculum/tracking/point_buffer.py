"""Holds metrics back until their step is over: of several points at one step, the last is kept.

Stages that are mastered without training all stand at one step. Their scores would be drawn as a
vertical wall.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlflow.entities import Metric


class PointBuffer:
    """The points of a copy that were not logged yet, by run of MLflow and name."""

    def __init__(self) -> None:
        self._points: dict[str, dict[str, list[Metric]]] = {}
        self._over = set[str]()

    def add(self, run: str, metrics: Iterable[Metric]) -> None:
        """Take points of a run, in the order of their steps."""
        points = self._points.setdefault(run, {})
        for metric in metrics:
            known = points.setdefault(metric.key, [])
            if known and known[-1].step == metric.step:
                known.pop()
            known.append(metric)

    def finish(self, run: str) -> None:
        """Have all points of a run logged: no more of them come."""
        self._over.add(run)

    def take(self, *, last: bool = False) -> Iterator[tuple[str, list[Metric]]]:
        """By run, the points to log now; those of the newest step only if they are the `last`."""
        for run, points in self._points.items():
            found = []
            for known in points.values():
                ready = len(known) if last or run in self._over else len(known) - 1
                found += known[:ready]
                del known[:ready]
            if found:
                yield run, found
