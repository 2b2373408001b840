from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum import Arithmetic, Explicit, Galloping, Geometric, Stage, UsageError
from curriculum.plan import Growth
from curriculum.plan.growth import Order

numbers = st.integers(1, 400)
ORDERS: list[Order] = ["length_first", "vocab_first", "level_first", "together"]
orders = st.sampled_from(ORDERS)


@st.composite
def growths(draw: st.DrawFn) -> tuple[Growth, Stage, Stage]:
    lengths, sizes = sorted([draw(numbers), draw(numbers)]), sorted([draw(numbers), draw(numbers)])
    start, end = Stage(lengths[0], sizes[0]), Stage(lengths[1], sizes[1])
    order: Order = draw(orders)
    kind = draw(st.sampled_from(["arithmetic", "geometric", "galloping"]))
    if kind == "geometric":
        factors = st.floats(1.01, 20)
        growth: Growth = Geometric(
            start=start,
            end=end,
            factor=draw(factors),
            vocab_factor=draw(factors),
            order=order,
        )
    else:
        steps = st.integers(1, 50)
        made = Arithmetic if kind == "arithmetic" else Galloping
        growth = made(start=start, end=end, step=draw(steps), vocab_step=draw(steps), order=order)
    return growth, start, end


@given(growths())
def test_a_path_has_its_ends_as_given_and_no_duplicates(
    case: tuple[Growth, Stage, Stage],
) -> None:
    growth, start, end = case
    path = growth.path()
    assert path[0] == start
    assert path[-1] == end
    assert len(set(path)) == len(path)


@given(growths())
def test_a_path_never_gets_easier(case: tuple[Growth, Stage, Stage]) -> None:
    path = case[0].path()
    for lower, upper in pairwise(path):
        assert lower.length <= upper.length
        assert lower.vocab_size <= upper.vocab_size


def lengths(growth: Growth) -> list[int]:
    return [stage.length for stage in growth.path()]


def stages(growth: Growth) -> list[tuple[int, int]]:
    return [(stage.length, stage.vocab_size) for stage in growth.path()]


def test_arithmetic_adds() -> None:
    assert lengths(Arithmetic(start=Stage(2), end=Stage(9), step=3)) == [2, 5, 8, 9]


def test_geometric_multiplies_and_rounds_half_up() -> None:
    growth = Geometric(start=Stage(2), end=Stage(30), factor=1.5)
    assert lengths(growth) == [2, 3, 5, 8, 12, 18, 27, 30]


def test_a_small_factor_still_makes_the_path_grow() -> None:
    assert lengths(Geometric(start=Stage(1), end=Stage(4), factor=1.01)) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("length_first", [(2, 10), (4, 10), (8, 10), (8, 100), (8, 1000)]),
        ("vocab_first", [(2, 10), (2, 100), (2, 1000), (4, 1000), (8, 1000)]),
        ("together", [(2, 10), (4, 100), (8, 1000)]),
    ],
)
def test_two_axes_grow_in_the_given_order(order: Order, expected: list[tuple[int, int]]) -> None:
    growth = Geometric(start=Stage(2, 10), end=Stage(8, 1000), factor=2, order=order)
    assert stages(growth) == expected


@pytest.mark.parametrize(
    ("order", "path"),
    [
        ("length_first", ["2x2", "4x2", "4x4", "4x4x2", "4x4x3"]),
        ("vocab_first", ["2x2", "2x4", "4x4", "4x4x2", "4x4x3"]),
        ("level_first", ["2x2", "2x2x2", "2x2x3", "4x2x3", "4x4x3"]),
        ("together", ["2x2", "4x4x2", "4x4x3"]),
    ],
)
def test_levels_grow_in_their_turn(order: Order, path: list[str]) -> None:
    growth = Arithmetic(
        start=Stage(2, 2), end=Stage(4, 4, 3), step=2, vocab_step=2, level_step=1, order=order
    )
    assert [stage.key for stage in growth.path()] == path


def test_levels_are_multiplied_or_listed() -> None:
    grown = Geometric(start=Stage(5), end=Stage(5, level=9), level_factor=2.0).path()
    assert [stage.level for stage in grown] == [1, 2, 4, 8, 9]
    listed = Explicit(lengths=(5,), levels=(1, 3)).path()
    assert listed == (Stage(5), Stage(5, level=3))
    with pytest.raises(
        UsageError, match="must hold one number, or one for each of the 3 stages, got 2"
    ):
        Explicit(lengths=(5, 6), levels=(1, 2, 3))
    with pytest.raises(UsageError, match=r"must not be below growth\.start"):
        Arithmetic(start=Stage(5, level=2), end=Stage(9))


def test_together_holds_the_axis_that_ends_first() -> None:
    growth = Arithmetic(start=Stage(1, 1), end=Stage(4, 2), order="together")
    assert stages(growth) == [(1, 1), (2, 2), (3, 2), (4, 2)]


def test_an_explicit_list_is_the_path() -> None:
    assert stages(Explicit(lengths=(5, 3), vocab_sizes=(10, 20))) == [(5, 10), (3, 20)]
    assert stages(Explicit(lengths=(5, 3))) == [(5, 2), (3, 2)]


def test_the_largest_factor_goes_straight_to_the_end() -> None:
    assert lengths(Geometric(start=Stage(2), end=Stage(9), factor=1e308)) == [2, 9]


def test_a_path_may_have_one_stage() -> None:
    assert lengths(Geometric(start=Stage(7), end=Stage(7))) == [7]


def test_strides_change_only_under_galloping() -> None:
    galloping = Galloping(start=Stage(1), end=Stage(9))
    arithmetic = Arithmetic(start=Stage(1), end=Stage(9))
    assert (
        galloping.widened_stride(4),
        galloping.narrowed_stride(5),
        galloping.narrowed_stride(1),
    ) == (8, 2, 1)
    assert (arithmetic.widened_stride(1), arithmetic.narrowed_stride(1)) == (1, 1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"factor": 1.0}, "above 1"),
        ({"factor": float("nan")}, "above 1"),
        ({"factor": float("inf")}, "above 1"),
        ({"vocab_factor": 0.5}, "vocab_factor"),
        ({"end": Stage(1)}, "must not be below growth.start"),
        ({"end": Stage(9, 1)}, "must not be below growth.start"),
        ({"start": 2}, r"growth.start must be a Stage, such as Stage\(2\), got 2"),
        ({"end": 20}, "growth.end must be a Stage"),
        ({"order": "sideways"}, "length_first"),
    ],
)
def test_a_growth_that_never_ends_is_an_error(settings: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Geometric(**{"start": Stage(2), "end": Stage(9), **settings})  # type: ignore[arg-type]


@pytest.mark.parametrize("step", [0, -1])
def test_a_step_below_one_is_an_error(step: int) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        Arithmetic(start=Stage(2), end=Stage(9), step=step)


def test_an_endless_path_is_an_error() -> None:
    with pytest.raises(UsageError, match="at most 100,000 stages"):
        Arithmetic(start=Stage(1), end=Stage(10**9)).path()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lengths": ()}, "at least one"),
        ({"lengths": (2, 2)}, "twice"),
        ({"lengths": (2, 3, 4), "vocab_sizes": (2, 3)}, "one for each"),
        ({"lengths": (0,)}, "at least 1, got 0"),
    ],
)
def test_a_bad_explicit_list_is_an_error(
    settings: dict[str, tuple[int, ...]], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        Explicit(**settings)
