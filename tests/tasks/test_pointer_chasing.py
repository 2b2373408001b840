from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum import Stage, UsageError
from curriculum.learn import IGNORED
from curriculum.tasks import PointerChasing


@given(
    st.integers(2, 12),
    st.integers(1, 11),
    st.integers(0, 20),
    st.integers(1, 9),
    st.integers(0, 99),
)
def test_the_target_is_reached_by_so_many_hops(
    length: int, hops: int, more: int, size: int, seed: int
) -> None:
    stage = Stage(length, length + more, min(hops, length - 1))
    PointerChasing().check(stage)
    batch = PointerChasing().sample(np.random.default_rng(seed), stage, size)
    assert batch.inputs.shape == (size, PointerChasing().shape(stage).length)
    assert batch.targets.shape == (size,)
    assert batch.inputs.dtype == batch.targets.dtype == np.int64
    for row, target in zip(batch.inputs.tolist(), batch.targets.tolist(), strict=True):
        pointers = dict(zip(row[0:-1:2], row[1:-1:2], strict=True))
        assert len(pointers) == length
        path = [row[-1]]
        for _ in range(length):
            path.append(pointers[path[-1]])
        assert path[stage.level] == target
        assert path[length] == path[0]  # one circle of all pointers
        assert len(set(path)) == length


def test_starts_pointers_and_targets_are_uniform() -> None:
    batch = PointerChasing().sample(np.random.default_rng(0), Stage(3, 3, 2), 6000)
    inputs = Counter(map(tuple, batch.inputs.tolist()))
    assert len(inputs) == 2 * 6 * 3  # circles, orders of the pairs, and starts
    assert all(100 < count < 240 for count in inputs.values())  # five standard deviations


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        (Stage(5, 4), "5 pointers need a vocabulary of as many symbols, got 4"),
        (Stage(4, 8, 4), "4 hops need a length of at least 5, .* got 4"),
    ],
)
def test_stages_it_cannot_make_are_errors(stage: Stage, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        PointerChasing().check(stage)


def test_typed_pointers_are_followed() -> None:
    task = PointerChasing()
    assert task.encode("1 3 3 2 2 1 3", Stage(3, 8, 2)).targets.tolist() == [1]
    assert task.encode("1 3 1", Stage(3, 8, 2)).targets.tolist() == [IGNORED]
    for text in ("1 2 3 4", "1 2 1 3 1"):
        with pytest.raises(UsageError, match="each symbol once in the first place"):
            task.encode(text, Stage(3, 8))
