import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum import Stage, UsageError
from curriculum.learn import IGNORED, PADDING
from curriculum.tasks import TemporalOrder

TASKS = {2: TemporalOrder(), 3: TemporalOrder(relevant=3)}


def sequences(task: TemporalOrder, stage: Stage, size: int, seed: int = 0) -> list[list[str]]:
    """The symbols of each sequence, and its class behind them."""
    batch = task.sample(np.random.default_rng(seed), stage, size)
    assert batch.inputs.shape == (size, task.shape(stage).length)
    classes = task.decode(batch.targets)
    return [
        [*task.decode(row[row != PADDING]), name]
        for row, name in zip(batch.inputs, classes, strict=True)
    ]


@given(st.sampled_from([2, 3]), st.integers(10, 60), st.integers(5, 40), st.integers(0, 99))
def test_the_class_is_the_order_of_the_relevant_symbols(
    relevant: int, length: int, vocab_size: int, seed: int
) -> None:
    for *sequence, name in sequences(TASKS[relevant], Stage(length, vocab_size), 5, seed):
        assert length <= len(sequence) <= 1.1 * length
        assert (sequence[0], sequence[-1]) == ("E", "B")
        assert "".join(symbol for symbol in sequence if symbol in "XY") == name
        assert len(name) == relevant
        assert "E" not in sequence[1:]
        assert "B" not in sequence[:-1]


@pytest.mark.parametrize(
    ("relevant", "places"),
    [(2, [(10, 20), (50, 60)]), (3, [(10, 20), (33, 43), (66, 76)])],
)
def test_at_length_100_lengths_and_places_are_the_papers(
    relevant: int, places: list[tuple[int, int]]
) -> None:
    found = sequences(TASKS[relevant], Stage(100, 8), 600)
    where = [[at for at, symbol in enumerate(row[:-1]) if symbol in "XY"] for row in found]
    for column, (first, last) in zip(zip(*where, strict=True), places, strict=True):
        assert set(column) == set(range(first, last + 1))
    assert {len(row) - 1 for row in found} == set(range(100, 111))
    assert {row[-1] for row in found} == set(TASKS[relevant].decode(np.arange(2**relevant)))
    assert {symbol for row in found for symbol in row[:-1]} == set("EBXYabcd")


def test_classes_come_in_the_papers_order() -> None:
    assert TASKS[2].decode(np.arange(4)) == ["XX", "XY", "YX", "YY"]
    assert TASKS[3].decode(np.arange(8))[:3] == ["XXX", "XXY", "XYX"]
    assert TASKS[2].shape(Stage(100, 8)).output_vocab_size == 4
    assert TASKS[3].shape(Stage(100, 8)).output_vocab_size == 8


@pytest.mark.parametrize(
    ("stage", "message"),
    [(Stage(9, 8), "at least 10, .* got 9"), (Stage(20, 4), "at least 5, E, B, X, Y and .* got 4")],
)
def test_stages_it_cannot_make_are_errors(stage: Stage, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        TemporalOrder().check(stage)


def test_typed_sequences_are_read() -> None:
    task, stage = TemporalOrder(), Stage(10, 40)
    batch = task.encode("E a Y b2X cB", stage)
    assert task.decode(batch.inputs[0]) == ["E", "a", "Y", "b2", "X", "c", "B"]
    assert task.decode(batch.targets) == ["YX"]
    assert task.encode("E a Y B", stage).targets.tolist() == [IGNORED]
    with pytest.raises(UsageError, match="symbols E B X Y a b c d, got 'e'"):
        task.encode("E e X Y B", Stage(10, 8))
