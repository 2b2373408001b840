"""The batches that are trained on, each a function of visit and step."""

from __future__ import annotations

from collections.abc import Mapping

from curriculum.learn.randomness import batch_of
from curriculum.learn.settings import Training
from curriculum.learn.task import Batch, Contiguous, Task, joined
from curriculum.plan import Stage

__all__ = ["Batches"]

MOST_MEASURED = 1024
"""Of the examples that are trained on over and over, so many are looked at."""


class Batches:
    """Draws the batches of one task and seed."""

    def __init__(self, task: Task, seed: int) -> None:
        self.task = task
        self.seed = seed
        self._document = task if isinstance(task, Contiguous) else None

    def begins(self, settings: Training, stage: Stage, step: int) -> bool:
        """Whether nothing comes before this step's batch, for a model that carries a state."""
        if self._document is None:
            return True
        return step % self._document.passages(stage, settings.batch_size) == 0

    def of(self, settings: Training, mix: Mapping[Stage, int], visit: int, step: int) -> Batch:
        """The batch of a step: so many examples of each stage, padded where lengths differ."""
        if len(mix) == 1:
            return self._whole(settings, next(iter(mix)), visit, step)
        return joined(
            [self._part(settings, stage, size, visit, step) for stage, size in mix.items()]
        )

    def repeated(self, settings: Training, stage: Stage) -> list[Batch]:
        """Of the examples that are trained on over and over, those to measure; else none."""
        if settings.distinct_examples is None:
            return []
        count = max(1, min(settings.distinct_examples, MOST_MEASURED) // settings.batch_size)
        return [self._drawn(stage, settings.batch_size, number) for number in range(count)]

    def _whole(self, settings: Training, stage: Stage, visit: int, step: int) -> Batch:
        """A batch of one stage; in online training its one example."""
        size = settings.batch_size
        if self._document is not None:
            return self._document.passage(stage, size, step % self._document.passages(stage, size))
        if not settings.online:
            return self._drawn(stage, size, _index(settings, visit, step))
        number, place = divmod(step, size)
        batch = self._drawn(stage, size, _index(settings, visit, number))
        return Batch(
            inputs=batch.inputs[place : place + 1], targets=batch.targets[place : place + 1]
        )

    def _part(self, settings: Training, stage: Stage, size: int, visit: int, step: int) -> Batch:
        """Some examples of a stage; of those that are trained on over and over, if they are."""
        index = _index(settings, visit, step)
        if settings.distinct_examples is None:
            return self._drawn(stage, size, index)
        batch = self._drawn(stage, settings.batch_size, index)
        return Batch(inputs=batch.inputs[:size], targets=batch.targets[:size])

    def _drawn(self, stage: Stage, size: int, index: int) -> Batch:
        return batch_of(self.task, stage, size, seed=self.seed, stream="train", index=index)


def _index(settings: Training, visit: int, number: int) -> int:
    """Where in a stage's stream a batch stands, so that no visit trains on another's."""
    if settings.distinct_examples is None:
        return (visit << 32) + number
    return number % (settings.distinct_examples // settings.batch_size)
