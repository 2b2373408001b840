"""How the values of arguments are read."""

import argparse

import pytest

from curriculum.cli.values import age, learning_rates, natural, seconds, seed, seeds


@pytest.mark.parametrize(
    ("text", "expected"),
    [("30m", 1800), ("12h", 43200), ("7d", 604800), ("2w", 1209600), ("1.5h", 5400), ("0d", 0)],
)
def test_an_age_is_a_number_and_a_unit(text: str, expected: float) -> None:
    assert age(text) == expected


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "7 d", "7days", "1d12h", "7D", "1e3d", "٣d"])
def test_anything_else_is_no_age(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="such as 30m, 12h, 7d or 2w, got"):
        age(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0..2,7,1", (0, 1, 2, 7)), ("5", (5,)), (" 1 , 3..3", (1, 3)), ("7,0", (7, 0))],
)
def test_seeds_are_a_list_of_numbers_and_ranges(text: str, expected: tuple[int, ...]) -> None:
    assert seeds(text) == expected


@pytest.mark.parametrize("text", ["", "1-3", "5..2", "0..99999999", "1,,2", "-1", "a", "1...3"])
def test_anything_else_is_no_list_of_seeds(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"such as 0\.\.5 or 0,2,7, of whole"):
        seeds(text)


def test_learning_rates_are_read_in_rising_order() -> None:
    assert learning_rates("1e-2,1e-3") == (1e-3, 1e-2)
    assert learning_rates("0.1,1e-1") == (0.1,)


@pytest.mark.parametrize("text", ["", "0", "-1", "nan", "inf", "1e301", "1e-3;1e-2", "1e-3,"])
def test_anything_else_is_no_list_of_learning_rates(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="must be numbers above 0, such as"):
        learning_rates(text)


def test_whole_numbers_have_a_least_value() -> None:
    assert (natural("1"), natural("2e6"), seed("0"), seed(" 12 ")) == (1, 2_000_000, 0, 12)
    for text in ("0", "-1", "1.0", "two", "", "2.5"):
        with pytest.raises(argparse.ArgumentTypeError, match="whole number, at least 1, got"):
            natural(text)
    for text in ("-1", "one", ""):
        with pytest.raises(argparse.ArgumentTypeError, match="whole number, at least 0, got"):
            seed(text)


def test_seconds_are_a_finite_number_not_below_zero() -> None:
    assert (seconds("0"), seconds("2.5")) == (0.0, 2.5)
    for text in ("-1", "soon", "inf", "nan", ""):
        with pytest.raises(argparse.ArgumentTypeError, match="number of seconds, at least 0, got"):
            seconds(text)
