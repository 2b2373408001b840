"""Which trials go on to which seeds and budget."""

import pytest

from curriculum.sweeps import Amount, best_third, rungs_of


@pytest.mark.parametrize(
    ("seeds", "expected"),
    [
        ((0,), [((0,), 25.0), ((0,), 50.0), ((0,), 100.0)]),
        ((4, 5), [((4,), 25.0), ((4, 5), 50.0), ((4, 5), 100.0)]),
        ((0, 1, 2), [((0,), 25.0), ((0, 1), 50.0), ((0, 1, 2), 100.0)]),
        (tuple(range(6)), [((0, 1), 25.0), ((0, 1, 2, 3), 50.0), (tuple(range(6)), 100.0)]),
    ],
)
def test_each_rung_has_more_seeds_and_more_budget(
    seeds: tuple[int, ...], expected: list[tuple[tuple[int, ...], float]]
) -> None:
    found = rungs_of(seeds, Amount(100.0, "tokens"))
    assert [(rung.seeds, rung.amount.value) for rung in found] == expected
    assert {rung.amount.unit for rung in found} == {"tokens"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, set()),
        ({3: 9.0}, {3}),
        ({0: 2.0, 1: 1.0}, {1}),
        ({0: 3.0, 1: 2.0, 2: 1.0}, {2}),
        ({0: 3.0, 1: 2.0, 2: 1.0, 3: 0.5}, {2, 3}),
        (dict(enumerate([5.0, 4.0, 9.0, 1.0, 8.0, 2.0, 7.0, 6.0, 3.0])), {3, 5, 8}),
        ({5: 1.0, 2: 1.0, 9: 1.0}, {2}),
    ],
)
def test_the_best_third_goes_on_and_of_equals_the_first(
    values: dict[int, float], expected: set[int]
) -> None:
    assert best_third(values) == expected
