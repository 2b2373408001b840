"""The batches that are trained on, each a function of visit and step."""

from collections.abc import Mapping

from curriculum.learn.batch import Batch, concatenate
from curriculum.learn.randomness import batch_of
from curriculum.learn.task import Task
from curriculum.learn.training_settings import Training
from curriculum.plan import Stage

MOST_MEASURED = 1024
"""Of the examples that are trained on repeatedly, so many are evaluated."""


class TrainingBatches:
    """Draws the training batches of one task and seed."""

    def __init__(self, task: Task, seed: int) -> None:
        self.task = task
        self.seed = seed
        self._document = task if task.reads_in_order else None
        self._lengths: dict[Stage, int] = {}

    def size(self, settings: Training, stage: Stage) -> int:
        """How many examples the batch of a step has, where the stage is the longest in it."""
        if settings.tokens_per_step is None:
            return settings.step_size(stage.length)
        return settings.step_size(self._positions(stage))

    def starts_sequence(self, settings: Training, stage: Stage, step: int) -> bool:
        """Whether this step's batch continues none before, for a model that carries a state."""
        if self._document is None:
            return True
        return step % self._document.chunk_count(stage, settings.batch_size) == 0

    def draw(
        self, settings: Training, mixture: Mapping[Stage, int], visit: int, step: int
    ) -> Batch:
        """The batch of a step: so many examples of each stage, padded where lengths differ."""
        if len(mixture) == 1:
            return self._one_stage(settings, *next(iter(mixture.items())), visit, step)
        return concatenate(
            [self._part(settings, stage, size, visit, step) for stage, size in mixture.items()]
        )

    def repeated(self, settings: Training, stage: Stage) -> list[Batch]:
        """Of the examples that are trained on repeatedly, those to evaluate; else none."""
        if settings.distinct_examples is None:
            return []
        count = max(1, min(settings.distinct_examples, MOST_MEASURED) // settings.batch_size)
        return [self._numbered(stage, settings.batch_size, number) for number in range(count)]

    def _one_stage(
        self, settings: Training, stage: Stage, count: int, visit: int, step: int
    ) -> Batch:
        """A batch of one stage; in online training its one example."""
        size = settings.batch_size
        if self._document is not None:
            chunks = self._document.chunk_count(stage, size)
            return self._document.chunk(stage, size, step % chunks)
        if not settings.online:
            return self._numbered(stage, count, _index(settings, visit, step))
        number, row = divmod(step, size)
        batch = self._numbered(stage, size, _index(settings, visit, number))
        return batch.rows(row, row + 1)

    def _part(self, settings: Training, stage: Stage, size: int, visit: int, step: int) -> Batch:
        """Some examples of a stage; of those that are trained on repeatedly, if they are."""
        index = _index(settings, visit, step)
        if settings.distinct_examples is None:
            return self._numbered(stage, size, index)
        return self._numbered(stage, settings.batch_size, index).rows(0, size)

    def _positions(self, stage: Stage) -> int:
        """Of the longest input of a stage."""
        if stage not in self._lengths:
            self._lengths[stage] = self.task.shape(stage).length
        return self._lengths[stage]

    def _numbered(self, stage: Stage, size: int, index: int) -> Batch:
        return batch_of(self.task, stage, size, seed=self.seed, stream="train", index=index)


def _index(settings: Training, visit: int, number: int) -> int:
    """The index of a batch in its stage's stream, such that no visit trains on another's."""
    if settings.distinct_examples is None:
        return (visit << 32) + number
    return number % (settings.distinct_examples // settings.batch_size)
