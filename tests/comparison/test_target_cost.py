"""The cost of the target over seeds: means, what is censored, ties."""

import math
from collections.abc import Sequence

import pytest
from runs_by_hand import PATH, run_summary

from curriculum import Stage
from curriculum.comparison import SeedResult, TargetCost


def target_cost(*costs: Sequence[float], path: Sequence[Stage] = PATH) -> TargetCost:
    """Of seeds, each of which mastered as many stages as there are costs."""
    results = {
        seed: SeedResult((run_summary("gated", seed, each, path=tuple(path)),), "compute")
        for seed, each in enumerate(costs)
    }
    return TargetCost(results, 100.0, "compute")


def test_the_mean_is_geometric() -> None:
    found = target_cost([1, 2, 10], [1, 2, 40])
    assert found.mean == pytest.approx(20.0)
    assert (found.reached, found.censored) == (2, 0)


def test_a_seed_that_did_not_reach_the_target_counts_as_its_budget() -> None:
    found = target_cost([1, 2, 25], [1, 2])
    assert found.mean == pytest.approx(math.sqrt(25 * 100))
    assert (found.reached, found.censored) == (1, 1)
    assert [found.of(seed) for seed in (0, 1)] == [25.0, 100.0]


def test_of_several_learning_rates_the_quickest_counts_for_all() -> None:
    runs = run_summary("gated", 0, [1, 2, 30]), run_summary("gated", 0, [1, 2, 20], rate=0.1)
    found = TargetCost({0: SeedResult(runs, "compute")}, 200.0, "compute")
    assert found.mean == pytest.approx(40.0)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (target_cost([1, 2, 20]), target_cost([1, 2, 20.001])),
        (target_cost([1, 2]), target_cost([1])),
        (target_cost([1]), target_cost([])),
        (target_cost([1, 2, 99.99]), target_cost([1, 2])),
        # A path of its own: 6 covers two of the three stages, as 4 does.
        (target_cost([1], path=[Stage(6), Stage(8)]), target_cost([1])),
    ],
)
def test_ties_are_broken_by_how_far_the_seeds_came(better: TargetCost, worse: TargetCost) -> None:
    assert better.ranked(PATH) < worse.ranked(PATH)
    assert worse.ranked(PATH) == pytest.approx(worse.mean, rel=1e-5)


def test_stages_of_other_paths_are_counted_as_those_of_ours_that_they_cover() -> None:
    other = target_cost([1], path=[Stage(5), Stage(8)])
    assert other.ranked(PATH) == target_cost([1, 2]).ranked(PATH)
