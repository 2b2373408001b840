import pytest

from curriculum import Stage
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
    ],
)
def test_the_axis_shows_what_grows(
    path: list[Stage], stage: Stage, label: str, height: float, name: str
) -> None:
    difficulty = Difficulty(path)
    assert (difficulty.label, difficulty.height(stage), difficulty.name(stage)) == (
        label,
        height,
        name,
    )


def test_places_are_named_where_they_are_no_numbers_of_their_own() -> None:
    assert Difficulty([Stage(5, 10), Stage(9, 99)]).ticks == {1: "5x10", 2: "9x99"}
    assert not Difficulty([Stage(5), Stage(9)]).ticks
