import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum import Stage, UsageError
from tasks import Reverse


@given(st.integers(1, 30), st.integers(2, 50), st.integers(1, 20), st.integers(0, 9))
def test_the_answer_is_the_sequence_from_its_end(
    length: int, vocab_size: int, size: int, seed: int
) -> None:
    batch = Reverse().sample(np.random.default_rng(seed), Stage(length, vocab_size), size)
    assert batch.inputs.shape == batch.targets.shape == (size, length)
    assert batch.inputs.dtype == batch.targets.dtype == np.int64
    for row, answer in zip(batch.inputs.tolist(), batch.targets.tolist(), strict=True):
        assert answer == list(reversed(row))
        assert all(0 <= symbol < vocab_size for symbol in row)


def test_all_symbols_occur() -> None:
    batch = Reverse().sample(np.random.default_rng(0), Stage(20, 10), 50)
    counts = np.bincount(batch.inputs.ravel(), minlength=10)
    assert counts.min() > 0.5 * counts.mean()


def test_one_symbol_is_not_enough() -> None:
    with pytest.raises(UsageError, match="a vocabulary of at least 2, got 1"):
        Reverse().check(Stage(5, 1))
