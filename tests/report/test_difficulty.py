import pytest

from curriculum import Stage
from curriculum.plan import AxisNames
from curriculum.report.figures.difficulty import Difficulty


@pytest.mark.parametrize(
    ("path", "stage", "label", "height", "name"),
    [
        ([Stage(2), Stage(9)], Stage(5), "sequence length (symbols)", 5, "5"),
        ([Stage(20, 19), Stage(20, 39)], Stage(20, 29), "vocabulary (symbols)", 29, "29"),
        ([Stage(5, 10), Stage(9, 99)], Stage(9, 99), "length x vocabulary", 2, "9x99"),
        ([Stage(5, 10), Stage(9, 99)], Stage(7, 54), "length x vocabulary", 1.5, "7x54"),
        ([Stage(5, 10), Stage(9, 99)], Stage(99, 99), "length x vocabulary", 2.5, "99x99"),
        ([Stage(4)], Stage(4), "sequence length (symbols)", 4, "4"),
        ([Stage(4), Stage(4, level=2)], Stage(4, level=2), "level", 2, "2"),
    ],
)
def test_the_axis_shows_what_grows(
    path: list[Stage], stage: Stage, label: str, height: float, name: str
) -> None:
    difficulty = Difficulty(path, AxisNames())
    assert (difficulty.label, difficulty.height(stage), difficulty.name(stage)) == (
        label,
        height,
        name,
    )


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ([Stage(2), Stage(9)], "digits"),
        ([Stage(2), Stage(2, level=9)], "pluses"),
        ([Stage(2), Stage(2, 9)], "vocabulary (symbols)"),
        ([Stage(2), Stage(9, level=9)], "digits x pluses"),
    ],
)
def test_the_axis_is_called_what_the_task_calls_it(path: list[Stage], label: str) -> None:
    assert Difficulty(path, AxisNames(length="digits", level="pluses")).label == label


def test_places_are_named_where_they_are_no_numbers_of_their_own() -> None:
    assert Difficulty([Stage(5, 10), Stage(9, 99)], AxisNames()).ticks == {1: "5x10", 2: "9x99"}
    assert not Difficulty([Stage(5), Stage(9)], AxisNames()).ticks
