import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum import Stage, UsageError
from curriculum.learn import Batch
from curriculum.models import Bert, Seq2Seq
from curriculum.tasks import DecimalAddition
from curriculum.tasks.decimal_addition import LONG_CARRIES

PLAIN = DecimalAddition(reverse=False)


def written(task: DecimalAddition, batch: Batch) -> list[tuple[str, str]]:
    """Each example as its input and its target."""
    return [
        ("".join(task.decode(row)), "".join(task.decode(target)))
        for row, target in zip(batch.inputs, batch.targets, strict=True)
    ]


def carries_through(text: str) -> bool:
    """Whether a carry comes from the last digits and turns each other column's 9 into 0."""
    operands = text.split("+")
    columns = [sum(map(int, column)) for column in zip(*operands, strict=True)]
    return columns[-1] >= 10 and all(column % 10 == 9 for column in columns[:-1])


@given(st.integers(1, 30), st.integers(1, 12), st.integers(1, 9), st.integers(0, 99))
def test_the_target_is_the_sum(length: int, level: int, size: int, seed: int) -> None:
    stage = Stage(length, 10, level)
    reverse, plain = (
        task.sample(np.random.default_rng(seed), stage, size) for task in (DecimalAddition(), PLAIN)
    )
    shape = PLAIN.shape(stage)
    assert plain.inputs.shape == (size, shape.length)
    assert plain.targets.shape == (size, shape.output_length)
    assert np.array_equal(reverse.inputs, plain.inputs)
    assert np.array_equal(reverse.targets[:, ::-1], plain.targets)
    for question, answer in written(PLAIN, plain):
        operands = question.split("+")
        assert [len(operand) for operand in operands] == [length] * (level + 1)
        assert int(answer) == sum(map(int, operands))


@pytest.mark.parametrize(("level", "length"), [(1, 1), (1, 7), (8, 3), (9, 3), (10, 3), (99, 1)])
def test_the_output_has_room_for_the_largest_sum_and_no_more(level: int, length: int) -> None:
    largest = (10**length - 1) * (level + 1)
    assert DecimalAddition().shape(Stage(length, 10, level)).output_length == len(str(largest))


@pytest.mark.parametrize("stage", [Stage(1, 10), Stage(5, 10), Stage(2, 10, 2), Stage(4, 10, 5)])
def test_long_carries_go_through_all_digits(stage: Stage) -> None:
    batch = PLAIN.sample_slice(np.random.default_rng(0), stage, 50, LONG_CARRIES)
    found = written(PLAIN, batch)
    assert all(carries_through(question) for question, _ in found)
    assert all(int(answer) == sum(map(int, question.split("+"))) for question, answer in found)
    assert len(set(found)) > 20


@pytest.mark.parametrize(("stage", "count"), [(Stage(1, 10), 100), (Stage(1, 10, 2), 1000)])
def test_small_stages_are_evaluated_on_every_sum(stage: Stage, count: int) -> None:
    whole = DecimalAddition().evaluation_set(stage)
    assert whole is not None
    assert whole.examples == count
    batch = PLAIN.evaluation_batch(stage, 0, count)
    questions = [question for question, _ in written(PLAIN, batch)]
    every = itertools.product("0123456789", repeat=stage.level + 1)
    assert questions == ["+".join(digits) for digits in every]
    assert batch.slices is not None
    assert batch.slices[LONG_CARRIES].tolist() == list(map(carries_through, questions))
    part = PLAIN.evaluation_batch(stage, 20, 30)
    assert np.array_equal(part.targets, batch.targets[20:30])


@pytest.mark.parametrize("stage", [Stage(2, 10), Stage(1, 10, 3), Stage(30, 10, 5)])
def test_larger_stages_are_sampled(stage: Stage) -> None:
    assert DecimalAddition().evaluation_set(stage) is None


def test_another_vocabulary_is_an_error() -> None:
    with pytest.raises(UsageError, match="a vocabulary of 10 digits, got 2"):
        DecimalAddition().check(Stage(3, 2))


def test_models_that_output_at_each_position_are_refused() -> None:
    shape = DecimalAddition().shape(Stage(3, 10))
    Seq2Seq().check(shape)
    with pytest.raises(UsageError, match="7 input and 4 output symbols"):
        Bert().check(shape)


def test_typed_sums_are_computed() -> None:
    batch = PLAIN.encode(" 7 + 195", Stage(3, 10))
    assert written(PLAIN, batch) == [("007+195", "0202")]
    assert DecimalAddition().encode("99+1+1", Stage(2, 10, 2)).targets.tolist() == [[1, 0, 1]]
    for text in ("12", "1+", "one+two", "1-2", ""):
        with pytest.raises(UsageError, match=r"whole numbers with \+ between them"):
            PLAIN.encode(text, Stage(3, 10))
