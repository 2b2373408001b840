import pytest

from curriculum import Shape, Stage, UsageError
from curriculum.tasks import FirstBit, HumanNumbers, Reverse, Subsequence


def test_a_plain_task_has_the_shape_of_its_stage() -> None:
    shape = FirstBit().shape(Stage(9))
    assert shape == Shape(output="bit", length=9, input_vocab_size=2, output_vocab_size=2)
    assert shape.logit_count == 1
    plain = Shape.of("symbols", Stage(7, 5))
    assert (plain.length, plain.output_length, plain.input_vocab_size, plain.logit_count) == (
        7,
        7,
        5,
        5,
    )


def test_a_task_may_have_vocabularies_of_its_own() -> None:
    assert Subsequence().shape(Stage(10, 10)).input_vocab_size == 10
    longer = Subsequence().shape(Stage(14, 10))
    assert (longer.input_vocab_size, longer.output_vocab_size, longer.output_length) == (13, 10, 12)
    marked = Reverse(end_marker=True).shape(Stage(5, 10))
    assert (marked.length, marked.input_vocab_size, marked.output_vocab_size) == (6, 11, 11)
    assert HumanNumbers(predict="last").shape(Stage(3, 39)).output_length == 1


def test_a_covering_shape_holds_both() -> None:
    one = Shape(
        output="symbols", length=5, input_vocab_size=9, output_vocab_size=2, output_length=3
    )
    other = Shape(
        output="symbols", length=4, input_vocab_size=10, output_vocab_size=7, output_length=2
    )
    both = Shape(
        output="symbols", length=5, input_vocab_size=10, output_vocab_size=7, output_length=3
    )
    assert one.covering(other) == other.covering(one) == both
    assert one.covering(one) == one


def test_an_output_at_each_position_needs_as_many_positions() -> None:
    Shape.of("symbols", Stage(5, 4)).check_output_at_each_position("it")
    Shape.of("bit", Stage(5)).check_output_at_each_position("it")
    with pytest.raises(
        UsageError, match="has 8 input and 6 output symbols; take an encoder-decoder"
    ):
        Subsequence().shape(Stage(8, 10)).check_output_at_each_position("it")
