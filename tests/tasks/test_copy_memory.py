import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum import Stage, UsageError
from curriculum.learn import IGNORED
from curriculum.tasks import CopyMemory


@given(
    st.integers(1, 40), st.integers(2, 20), st.integers(1, 12), st.integers(1, 9), st.integers(0, 9)
)
def test_the_first_symbols_are_due_at_the_end(
    delay: int, vocab_size: int, remembered: int, size: int, seed: int
) -> None:
    task, stage = CopyMemory(remembered=remembered), Stage(delay, vocab_size)
    batch = task.sample(np.random.default_rng(seed), stage, size)
    shape = task.shape(stage)
    assert batch.inputs.shape == batch.targets.shape == (size, delay + 2 * remembered)
    assert shape.length == delay + 2 * remembered
    assert shape.input_vocab_size == vocab_size + 2
    known = set(map(str, range(1, vocab_size + 1)))
    for row, targets in zip(batch.inputs, batch.targets, strict=True):
        symbols = task.decode(row[:remembered])
        assert set(symbols) <= known
        rest = ["blank"] * (delay - 1) + ["recall"] + ["blank"] * remembered
        assert task.decode(row[remembered:]) == rest
        assert task.decode(targets[-remembered:]) == symbols
        assert (targets[:-remembered] == IGNORED).all()


def test_ten_symbols_are_remembered_as_in_the_paper() -> None:
    shape = CopyMemory().shape(Stage(500, 8))
    assert (shape.length, shape.input_vocab_size) == (520, 10)
    batch = CopyMemory().sample(np.random.default_rng(0), Stage(500, 8), 100)
    assert len(np.unique(batch.targets[:, -10:])) == 8


def test_all_inputs_are_evaluated_where_there_are_few() -> None:
    task, stage = CopyMemory(remembered=3), Stage(5, 4)
    whole = task.evaluation_set(stage)
    assert whole is not None
    assert whole.examples == 64
    batch = task.evaluation_batch(stage, 0, 64)
    found = [tuple(task.decode(row)) for row in batch.targets[:, -3:]]
    assert found == list(itertools.product("1234", repeat=3))
    assert np.array_equal(task.evaluation_batch(stage, 9, 12).inputs, batch.inputs[9:12])
    assert CopyMemory().evaluation_set(stage) is None


def test_one_symbol_is_nothing_to_remember() -> None:
    with pytest.raises(UsageError, match="a vocabulary of at least 2, got 1"):
        CopyMemory().check(Stage(5, 1))
    with pytest.raises(UsageError, match=r"task\.remembered must be at least 1, got 0"):
        CopyMemory(remembered=0)


def test_typed_symbols_are_followed_by_the_delay() -> None:
    task = CopyMemory(remembered=2)
    batch = task.encode("4 1", Stage(2, 4))
    assert task.decode(batch.inputs[0]) == ["4", "1", "blank", "recall", "blank", "blank"]
    assert task.decode(batch.targets[0, -2:]) == ["4", "1"]
    for text in ("4", "4 1 1", "0 1", "5 1"):
        with pytest.raises(UsageError, match="2 symbols to remember, each from 1 to 4"):
            task.encode(text, Stage(2, 4))
