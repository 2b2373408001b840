import pytest

from curriculum import Stage, UsageError
from curriculum.plan import growing_axes


def test_a_stage_is_rebuilt_from_its_key() -> None:
    for stage in (Stage(100, 10), Stage(100, 10, level=3)):
        assert Stage.from_key(stage.key) == stage


def test_a_level_of_one_is_not_spelled_out() -> None:
    plain, deep = Stage(1000, 10), Stage(1000, 10, level=3)
    assert (plain.key, plain.short, str(plain)) == (
        "1000x10",
        "1,000/10",
        "length 1000, vocabulary 10",
    )
    assert (deep.key, deep.short, str(deep)) == (
        "1000x10x3",
        "1,000/10/3",
        "length 1000, vocabulary 10, level 3",
    )


def test_a_stage_covers_those_that_are_no_larger_along_any_axis() -> None:
    stages = [Stage(5, 10, 2), Stage(9, 2, 1)]
    covering = Stage.covering(stages)
    assert covering == Stage(9, 10, 2)
    assert all(map(covering.covers, stages))
    assert not stages[0].covers(stages[1])


def test_growing_axes_are_those_that_differ() -> None:
    assert growing_axes([Stage(2), Stage(3)]) == ("length",)
    assert growing_axes([Stage(3), Stage(3, 2, 2), Stage(3, 4, 2)]) == ("vocab_size", "level")
    assert growing_axes([Stage(3)]) == ()


@pytest.mark.parametrize("key", ["", "100", "x", "10x", "1x2x3x4", "0x2", "1x2x0", "1x2x1", "01x2"])
def test_a_bad_key_is_an_error(key: str) -> None:
    with pytest.raises(UsageError):
        Stage.from_key(key)


@pytest.mark.parametrize("length", [0, -3, 2.5, True, "4"])
def test_a_length_is_a_whole_number_of_at_least_one(length: object) -> None:
    with pytest.raises(UsageError, match="length must be a whole number"):
        Stage(length)  # type: ignore[arg-type]
