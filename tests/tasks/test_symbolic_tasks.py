"""What holds for each of the tasks that are made of symbols alone."""

import numpy as np
import pytest

from curriculum import Batch, Stage, Task
from curriculum.tasks import (
    AnBn,
    AssociativeRecall,
    CopyMemory,
    DecimalAddition,
    DyckMembership,
    DyckNextSymbol,
    PointerChasing,
    TemporalOrder,
)

STAGES: dict[Task, Stage] = {
    AnBn(): Stage(9, 2),
    AnBn(symbols=3): Stage(9, 3),
    AssociativeRecall(): Stage(32, 20, 4),
    AssociativeRecall(random_filler=False): Stage(32, 100, 4),
    CopyMemory(): Stage(5, 8),
    DecimalAddition(): Stage(4, 10, 2),
    DyckMembership(): Stage(12, 4),
    DyckNextSymbol(): Stage(12, 4, 3),
    PointerChasing(): Stage(6, 20, 3),
    TemporalOrder(): Stage(20, 8),
}


def drawn(task: Task, stage: Stage, seed: int) -> list[Batch]:
    """A batch, and one of each slice, of an odd size."""
    rng = np.random.default_rng(seed)
    slices = [task.sample_slice(rng, stage, 7, name) for name in task.slices]
    return [task.sample(rng, stage, 7), *slices]


@pytest.mark.parametrize(("task", "stage"), STAGES.items(), ids=lambda each: type(each).__name__)
def test_a_batch_is_a_function_of_the_generator_alone(task: Task, stage: Stage) -> None:
    first = drawn(task, stage, seed=1)
    shared = repr(np.random.get_state())  # noqa: NPY002 - which is not to be drawn from
    drawn(task, stage, seed=2)
    again = drawn(task, stage, seed=1)
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one.inputs, other.inputs)
        assert np.array_equal(one.targets, other.targets)
    assert not np.array_equal(first[0].inputs, drawn(task, stage, seed=2)[0].inputs)
    assert repr(np.random.get_state()) == shared  # noqa: NPY002


@pytest.mark.parametrize(("task", "stage"), STAGES.items(), ids=lambda each: type(each).__name__)
def test_all_symbols_have_names_of_their_own(task: Task, stage: Stage) -> None:
    shape = task.shape(stage)
    size = max(shape.input_vocab_size, shape.output_vocab_size if shape.output != "bit" else 0)
    names = task.decode(np.arange(size))
    assert len(set(names)) == size


@pytest.mark.parametrize(("task", "stage"), STAGES.items(), ids=lambda each: type(each).__name__)
def test_no_batch_is_read_only(task: Task, stage: Stage) -> None:
    """torch warns of arrays that can't be written to."""
    batches = drawn(task, stage, seed=0)
    small = Stage(max(2, stage.length // 4), stage.vocab_size)
    if not isinstance(task, TemporalOrder) and task.evaluation_set(small) is not None:
        batches.append(task.evaluation_batch(small, 0, 2))
    for batch in batches:
        assert batch.inputs.flags.writeable
        assert batch.targets.flags.writeable
