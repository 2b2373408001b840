import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum import Stage, UsageError
from curriculum.learn import IGNORED, PADDING
from curriculum.tasks import Reverse


@given(st.integers(1, 30), st.integers(2, 50), st.integers(1, 20), st.integers(0, 9))
def test_the_target_is_the_reversed_sequence(
    length: int, vocab_size: int, size: int, seed: int
) -> None:
    batch = Reverse().sample(np.random.default_rng(seed), Stage(length, vocab_size), size)
    assert batch.inputs.shape == batch.targets.shape == (size, length)
    assert batch.inputs.dtype == batch.targets.dtype == np.int64
    for row, target in zip(batch.inputs.tolist(), batch.targets.tolist(), strict=True):
        assert target == list(reversed(row))
        assert all(0 <= symbol < vocab_size for symbol in row)


def test_all_symbols_occur() -> None:
    batch = Reverse().sample(np.random.default_rng(0), Stage(20, 10), 50)
    counts = np.bincount(batch.inputs.ravel(), minlength=10)
    assert counts.min() > 0.5 * counts.mean()


def test_one_symbol_is_not_enough() -> None:
    with pytest.raises(UsageError, match="a vocabulary of at least 2, got 1"):
        Reverse().check(Stage(5, 1))


@given(st.integers(1, 12), st.integers(2, 9), st.integers(1, 9), st.integers(0, 99))
def test_the_end_may_be_marked_with_a_symbol_of_its_own(
    length: int, vocab_size: int, size: int, seed: int
) -> None:
    task, stage = Reverse(end_marker=True), Stage(length, vocab_size)
    batch = task.sample(np.random.default_rng(seed), stage, size)
    assert batch.inputs.shape == batch.targets.shape == (size, length + 1)
    assert batch.inputs.max() < task.shape(stage).input_vocab_size
    for row, target in zip(batch.inputs.tolist(), batch.targets.tolist(), strict=True):
        assert row[-1] == 0
        assert 0 not in row[:-1]
        assert target == [*reversed(row[:-1]), IGNORED]


@given(st.booleans(), st.integers(1, 12), st.integers(2, 9), st.integers(1, 9), st.integers(0, 99))
def test_shorter_sequences_may_share_a_batch(
    end_marker: bool, length: int, vocab_size: int, size: int, seed: int
) -> None:
    task, stage = Reverse(end_marker=end_marker, shorter=True), Stage(length, vocab_size)
    batch = task.sample(np.random.default_rng(seed), stage, size)
    more = int(end_marker)
    assert batch.inputs.shape == batch.targets.shape == (size, length + more)
    for row, target in zip(batch.inputs.tolist(), batch.targets.tolist(), strict=True):
        real = [symbol for symbol in row if symbol != PADDING]
        assert 1 <= len(real) - more <= length
        assert row == real + [PADDING] * (length + more - len(real))
        predicted = [symbol for symbol in target if symbol != IGNORED]
        assert predicted == [*reversed(real[: len(real) - more])]


def test_every_length_up_to_the_stages_occurs() -> None:
    batch = Reverse(shorter=True).sample(np.random.default_rng(0), Stage(6, 5), 200)
    assert set((batch.inputs != PADDING).sum(axis=1).tolist()) == {1, 2, 3, 4, 5, 6}


def test_typed_symbols_are_reversed() -> None:
    batch = Reverse().encode("0 1 2 3 4", Stage(5, 10))
    assert (batch.inputs.tolist(), batch.targets.tolist()) == ([[0, 1, 2, 3, 4]], [[4, 3, 2, 1, 0]])
    marked = Reverse(end_marker=True)
    assert marked.encode("3 1", Stage(2, 10)).inputs.tolist() == [[3, 1, 0]]
    assert marked.decode(np.array([3, 1, 0])) == ["3", "1", "end"]
    with pytest.raises(UsageError, match="symbols are 0 to 9, got 10"):
        Reverse().encode("10", Stage(5, 10))
    with pytest.raises(
        UsageError, match="symbols are 1 to 10, got 0; the end marker is added for you"
    ):
        marked.encode("0 3", Stage(5, 10))
