"""What a task calls the axes of its stages, in words."""

from collections.abc import Sequence

import pytest

from curriculum import Stage, UsageError
from curriculum.learn import axis_names
from curriculum.plan import AxisNames
from curriculum.tasks import DecimalAddition, FirstBit

USUAL = AxisNames()
DIGITS = AxisNames(length="digits", level="pluses")


@pytest.mark.parametrize("stage", [Stage(5), Stage(1000, 10), Stage(5, 10, 3)])
def test_the_usual_names_are_those_of_a_stage_by_itself(stage: Stage) -> None:
    assert USUAL.words(stage) == str(stage)


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        (Stage(5, 10), "digits 5, vocabulary 10"),
        (Stage(5, 10, 2), "digits 5, vocabulary 10, pluses 2"),
    ],
)
def test_a_stage_is_told_by_the_names(stage: Stage, words: str) -> None:
    assert DIGITS.words(stage) == words


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ([Stage(5), Stage(1000)], "digits 1,000"),
        ([Stage(5), Stage(5, 30)], "vocabulary 30"),
        ([Stage(5), Stage(5, level=3)], "pluses 3"),
        ([Stage(5), Stage(6, 30)], "digits 6, vocabulary 30"),
        ([Stage(5, 10)], "digits 5, vocabulary 10"),
    ],
)
def test_a_stage_of_a_path_is_told_by_what_grows(path: Sequence[Stage], words: str) -> None:
    assert DIGITS.place(path[-1], path) == words


@pytest.mark.parametrize(
    ("several", "shared"),
    [
        ([DIGITS, DIGITS], DIGITS),
        ([DIGITS, USUAL], USUAL),
        ([DIGITS, AxisNames(length="digits", level="hops")], AxisNames(length="digits")),
        ([], USUAL),
    ],
)
def test_names_that_differ_stand_together_as_the_usual_ones(
    several: Sequence[AxisNames], shared: AxisNames
) -> None:
    assert AxisNames.shared(several) == shared


@pytest.mark.parametrize("name", ["", " digits", "di\ngits", "d" * 41, None, 3])
def test_a_name_is_a_word_or_two(name: str) -> None:
    with pytest.raises(UsageError, match="length_name must be a word or two"):
        AxisNames(length=name)


def test_several_lengths_have_a_name() -> None:
    assert (USUAL.lengths, DIGITS.lengths) == ("lengths", "digits")


def test_a_task_says_what_its_axes_are_called() -> None:
    assert axis_names(DecimalAddition()) == DIGITS
    assert axis_names(FirstBit()) == USUAL
