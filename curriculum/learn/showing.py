"""Picks examples that are worth a look."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curriculum.learn.randomness import batch_of, generator
from curriculum.learn.task import Batch, Examined, Sliced, Task, exam_of
from curriculum.plan import Stage

__all__ = ["examples_to_show"]

SEARCHED = 64


def examples_to_show(
    task: Task, stage: Stage, seed: int, count: int
) -> tuple[Batch, NDArray[np.bool_]]:
    """So many examples of a stage, hard cases first, and which of them are hard, (B,)."""
    hard = _hard(task, stage, seed, count)
    found = [batch for batch in hard if len(batch.targets)]
    taken = sum(len(batch.targets) for batch in found)
    if taken < count:
        found.append(batch_of(task, stage, count - taken, seed=seed, stream="show", index=0))
    joined = Batch(
        inputs=np.concatenate([batch.inputs for batch in found])[:count],
        targets=np.concatenate([batch.targets for batch in found])[:count],
    )
    return joined, np.arange(len(joined.targets)) < taken


def _hard(task: Task, stage: Stage, seed: int, count: int) -> list[Batch]:
    """Examples of the slices that must hold by themselves."""
    exam = exam_of(task, stage)
    if exam is not None and isinstance(task, Examined):
        batch = task.exam_batch(stage, 0, min(exam.examples, SEARCHED))
        member = np.zeros(len(batch.targets), dtype=bool)
        for chosen in (batch.slices or {}).values():
            member |= chosen
        return [Batch(inputs=batch.inputs[member], targets=batch.targets[member])]
    if isinstance(task, Sliced):
        share = -(-count // (len(task.slices) + 1))
        return [
            task.sample_slice(generator(seed, "show", name, stage.key), stage, share, name)
            for name in task.slices
        ]
    return []
