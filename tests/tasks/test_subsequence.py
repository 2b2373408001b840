import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum import Stage, UsageError
from curriculum.tasks import Subsequence


@given(st.integers(4, 30), st.integers(2, 20), st.integers(1, 20), st.integers(0, 99))
def test_the_target_is_the_part_that_is_pointed_to(
    length: int, vocab_size: int, size: int, seed: int
) -> None:
    stage = Stage(length, vocab_size)
    batch = Subsequence().sample(np.random.default_rng(seed), stage, size)
    assert batch.inputs.shape == (size, length)
    assert batch.targets.shape == (size, length - 2)
    assert batch.inputs.max() < Subsequence().shape(stage).input_vocab_size
    for row, target in zip(batch.inputs.tolist(), batch.targets.tolist(), strict=True):
        start, count, symbols = row[0], row[1], row[2:]
        assert count >= 2
        assert len(symbols[start : start + count]) == count
        assert target == symbols[start : start + count] + [0] * (length - 2 - count)
        assert all(1 <= symbol < vocab_size for symbol in symbols)


def test_at_length_ten_the_pointers_have_the_notebooks_range() -> None:
    batch = Subsequence().sample(np.random.default_rng(0), Stage(10, 10), 5000)
    start, count = batch.inputs[:, 0], batch.inputs[:, 1]
    assert set(start.tolist()) == set(range(6))
    for position in range(6):
        assert set(count[start == position].tolist()) == set(range(2, 9 - position))
    assert Subsequence().shape(Stage(10, 10)).input_vocab_size == 10


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        (Stage(2, 10), "a length of at least 4: two pointers, and 2 symbols to copy; got 2"),
        (Stage(3, 10), "got 3"),
        (Stage(10, 1), "a vocabulary of at least 2, got 1"),
    ],
)
def test_stages_it_cannot_make_are_errors(stage: Stage, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Subsequence().check(stage)


def test_typed_symbols_have_a_target() -> None:
    batch = Subsequence().encode("2 3 1 8 2 5 8 6 4 5", Stage(10, 10))
    assert batch.inputs.tolist() == [[2, 3, 1, 8, 2, 5, 8, 6, 4, 5]]
    assert batch.targets.tolist() == [[2, 5, 8, 0, 0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2", "a length of at least 4"),
        ("3 2 1 1 1", "3 and 2 don't fit into 3 symbols"),
        ("0 2 1 0 1", r"symbols are 1 to 9, got \[1, 0, 1\]"),
        ("0 2 1 11 1", "symbols are 1 to 9"),
        ("zero two", "whole numbers"),
    ],
)
def test_typed_text_that_is_no_input_is_an_error(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Subsequence().encode(text, Stage(10, 10))
