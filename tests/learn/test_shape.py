import pytest

from curriculum import Shape, Stage, UsageError
from curriculum.learn.shape import check_place_by_place
from curriculum.learn.task import shape_of
from tasks import FirstBit, HumanNumbers, Reverse, Subsequence


def test_a_plain_task_has_the_shape_of_its_stage() -> None:
    shape = shape_of(FirstBit(), Stage(9))
    assert shape == Shape(answer="bit", length=9, symbols=2, answers=2)
    assert shape.logits == 1
    plain = Shape.of("symbols", Stage(7, 5))
    assert (plain.length, plain.answer_length, plain.symbols, plain.logits) == (7, 7, 5, 5)


def test_a_task_may_have_alphabets_of_its_own() -> None:
    assert shape_of(Subsequence(), Stage(10, 10)).symbols == 10
    longer = shape_of(Subsequence(), Stage(14, 10))
    assert (longer.symbols, longer.answers, longer.answer_length) == (13, 10, 12)
    marked = shape_of(Reverse(end_marker=True), Stage(5, 10))
    assert (marked.length, marked.symbols, marked.answers) == (6, 11, 11)
    assert shape_of(HumanNumbers(predict="last"), Stage(3, 39)).answer_length == 1


def test_a_covering_shape_holds_both() -> None:
    one = Shape(answer="symbols", length=5, symbols=9, answers=2, answer_length=3)
    other = Shape(answer="symbols", length=4, symbols=10, answers=7, answer_length=2)
    both = Shape(answer="symbols", length=5, symbols=10, answers=7, answer_length=3)
    assert one.covering(other) == other.covering(one) == both
    assert one.covering(one) == one


def test_answers_place_by_place_need_as_many_places() -> None:
    check_place_by_place("it", Shape.of("symbols", Stage(5, 4)))
    check_place_by_place("it", Shape.of("bit", Stage(5)))
    with pytest.raises(UsageError, match="8 places ask for 6 symbols; take an encoder-decoder"):
        check_place_by_place("it", shape_of(Subsequence(), Stage(8, 10)))
