import pytest

from curriculum import Stage, UsageError


def test_a_stage_is_rebuilt_from_its_key() -> None:
    assert Stage.from_key(Stage(100, 10).key) == Stage(100, 10)


@pytest.mark.parametrize("key", ["", "100", "x", "10x", "1x2x3", "0x2"])
def test_a_bad_key_is_an_error(key: str) -> None:
    with pytest.raises(UsageError):
        Stage.from_key(key)


@pytest.mark.parametrize("length", [0, -3, 2.5, True, "4"])
def test_a_length_is_a_whole_number_of_at_least_one(length: object) -> None:
    with pytest.raises(UsageError, match="length must be a whole number"):
        Stage(length)  # type: ignore[arg-type]
