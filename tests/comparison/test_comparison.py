"""Outcomes, ratios and verdicts of strategies, and their sentences, on runs made by hand."""

import math
from collections.abc import Iterable, Sequence

import pytest
from runs_by_hand import of, run_summary, six

from curriculum import Cost, Stage, UsageError
from curriculum.comparison import compare_runs, too_few_seeds
from curriculum.report.comparison import conditions, headline
from curriculum.report.comparison.text import against_baseline
from curriculum.sweeps import RunSummary


def test_several_learning_rates_count_as_trained_side_by_side_and_all_are_charged() -> None:
    """At 10 and 30 for the first stage, two rates have cost 2 x 10 when the quicker masters it."""
    gated = [
        run
        for seed in range(6)
        for run in (
            run_summary("gated", seed, [10, 40], 0.01),
            run_summary("gated", seed, [30, 35, 50], 0.1),
        )
    ]
    found = of(gated, six("direct", [], rate=0.01), six("direct", [], rate=0.1))
    result = found.outcomes["gated"].results[0]
    costs = [result.cost(place) for place in range(3)]
    assert [cost and cost.compute for cost in costs] == [20, 70, 100]
    assert result.reach == 2
    assert found.budget == 200
    assert found.learning_rates == (0.01, 0.1)
    assert result.curve() == [(20, 0), (70, 1), (100, 2)]


def test_a_baseline_that_never_reached_the_stage_would_have_cost_more_than_its_budget() -> None:
    found = of(six("gated", [10, 20, 25]), six("direct", [50]))
    ratio = found.outcomes["gated"].ratio
    assert found.stage == 2
    assert ratio is not None
    assert (ratio.least, ratio.most, ratio.verdict) == (4.0, math.inf, "helped")
    assert found.outcomes["direct"].ratio is None


def test_a_curriculum_may_hurt() -> None:
    found = of(six("bandit", [10]), six("direct", [5, 10, 20]))
    ratio = found.outcomes["bandit"].ratio
    assert ratio is not None
    assert (ratio.least, ratio.most, ratio.verdict) == (0.0, 0.2, "hurt")


def test_ratios_are_paired_by_seed() -> None:
    gated = [run_summary("gated", seed, [cost]) for seed, cost in enumerate([1, 2, 4, 8, 16, 32])]
    direct = [
        run_summary("direct", seed, [3 * cost]) for seed, cost in enumerate([1, 2, 4, 8, 16, 32])
    ]
    ratio = of(gated, direct[::-1]).outcomes["gated"].ratio
    assert ratio is not None
    assert (ratio.least, ratio.low, ratio.high) == (3.0, 3.0, 3.0)


def test_the_stage_of_interest_is_the_hardest_mastered_on_half_of_a_strategys_seeds() -> None:
    gated = [run_summary("gated", seed, [1, 2, 3] if seed < 3 else [1]) for seed in range(6)]
    assert of(gated, six("direct", [])).stage == 2
    gated = [run_summary("gated", seed, [1, 2, 3] if seed < 2 else [1]) for seed in range(6)]
    assert of(gated, six("direct", [])).stage == 0
    assert of(six("gated", []), six("direct", [])).stage is None


def test_a_target_that_is_mastered_ahead_of_what_lies_below_counts_as_mastered() -> None:
    direct = six("direct", [], mastered={2: Cost(steps=1, tokens=2, compute=10.0, seconds=1.0)})
    found = of(six("gated", [1, 2, 20]), direct)
    ratio = found.outcomes["gated"].ratio
    assert found.stage == 2
    assert ratio is not None
    assert (ratio.verdict, ratio.least) == ("hurt", 0.5)
    assert [found.outcomes["direct"].reached(place) for place in range(3)] == [0, 0, 6]
    assert any("may be mastered before those below it" in line for line in conditions(found))
    (line,) = [line for line in conditions(found) if " mastered " in line and "on 6 of 6" in line]
    assert line == (
        f"direct mastered {Stage(8)} on 6 of 6 seeds, on 6 of them without all of the stages "
        f"below it."
    )
    assert not any("gated mastered" in line for line in conditions(found))
    in_order = of(six("gated", [1, 2, 20]), six("direct", [5, 6, 30]))
    assert not any("below it" in line for line in conditions(in_order))


def test_one_strategy_alone_is_nothing_to_compare() -> None:
    with pytest.raises(UsageError, match=r"only gated can be compared .*'compare exp --run'"):
        of(six("gated", [1]))
    with pytest.raises(UsageError, match=r"no runs can be compared .*6 runs .* tuned"):
        of(six("gated", [1], not_comparable="tuned"))


def test_a_verdict_is_on_the_hardest_stage_that_either_of_the_two_mastered() -> None:
    """What other strategies reached besides makes no difference to it."""
    runs = (six("direct", [80]), six("gated", [10, 20]), six("combined", [10, 20, 60]))
    for found in (of(*runs[:2]), of(*runs)):
        outcome = found.outcomes["gated"]
        assert outcome.stage == 1
        assert outcome.ratio is not None
        assert (outcome.ratio.verdict, outcome.ratio.least) == ("helped", 5.0)
    assert of(*runs).stage == 2


def test_missing_strategies_and_seeds_are_listed_as_left_out() -> None:
    runs = [*six("gated", [1])[:4], *six("direct", [1])]
    found = compare_runs("exp", runs, ("gated", "direct", "bandit"), ["run abcd can't be read"])
    assert found.left_out == (
        "run abcd can't be read",
        "bandit: no comparable runs",
        "gated: no runs with seed 4, 5",
    )


def with_seeds(strategy: str, seeds: Iterable[int], costs: Sequence[float]) -> list[RunSummary]:
    return [run_summary(strategy, seed, costs) for seed in seeds]


def test_a_pair_is_compared_on_the_seeds_that_both_have() -> None:
    """Where only seeds without a counterpart mastered the last stage, it does not count."""
    gated = with_seeds("gated", range(6), [1, 2]) + with_seeds("gated", range(6, 12), [1, 2, 3])
    found = of(gated, six("direct", [2, 4]))
    outcome = found.outcomes["gated"]
    assert found.stage == 2
    assert (outcome.paired, outcome.stage) == (tuple(range(6)), 1)
    assert outcome.ratio is not None
    assert (outcome.ratio.verdict, outcome.ratio.least) == ("helped", 2.0)


def test_a_verdict_counts_the_seeds_that_both_have() -> None:
    gated = with_seeds("gated", range(3, 9), [1, 2])
    direct = with_seeds("direct", range(3), [1, 2]) + with_seeds("direct", range(3, 6), [1])
    found = of(gated, direct)
    text = against_baseline(found, found.outcomes["gated"])
    assert text == "inconclusive × ≥ 50 direct never reached it"
    few = "A verdict needs at least 6 seeds in common with direct (gated: 3)."
    assert few in list(conditions(found))


def test_enough_pairs_are_not_called_few() -> None:
    found = of(six("gated", [1]), six("direct", [2]))
    assert not any(" needs at least " in line for line in conditions(found))


def test_the_headline_names_each_strategy_and_why_one_has_no_verdict() -> None:
    elsewhere = with_seeds("bandit", range(6, 12), [1])
    found = of(six("gated", [1]), elsewhere, six("direct", [2]))
    assert headline(found) == (
        "Compared with direct, helped: gated; no verdict: bandit (no seed in common)."
    )
    nothing = of(six("gated", []), with_seeds("linear", range(6, 12), [1]), six("direct", []))
    assert headline(nothing) == (
        "Compared with direct, no verdict: gated (no stage was mastered on half of the seeds); "
        "no verdict: linear (no seed in common)."
    )


def test_verdicts_among_several_strategies_are_corrected_for_their_number() -> None:
    """Six seeds serve one strategy: among two, a verdict that holds by itself holds no more."""
    alone = of(six("gated", [1]), six("direct", [2]))
    assert alone.outcomes["gated"].verdict == "helped"
    found = of(six("gated", [1]), six("bandit", [1]), six("direct", [2]))
    gated = found.outcomes["gated"]
    assert gated.ratio is not None
    assert (gated.ratio.verdict, gated.verdict) == ("helped", "inconclusive")
    assert gated.adjusted_p_value == pytest.approx(2 * 2 / 2**6)
    assert headline(found) == "Compared with direct, inconclusive: gated, bandit."
    assert against_baseline(found, gated).startswith("helped* ×")
    assert any("needs at least 7 seeds" in line for line in conditions(found))


def test_that_seeds_are_too_few_is_known_beforehand() -> None:
    assert too_few_seeds(("direct", "gated"), range(6)) is None
    assert too_few_seeds(("linear", "gated"), range(2)) is None  # no baseline, no verdict
    assert too_few_seeds(("gated",), range(9)) is None
    for alone, measured in (("direct", False), ("direct", True), ("gated", True)):
        assert too_few_seeds((alone,), range(2), measured=measured) == (
            f"there is no verdict on {alone} alone: name another strategy to compare with it"
        )
    assert too_few_seeds(("direct", "gated", "linear"), range(6)) == (
        "verdicts on 2 strategies against direct need at least 7 seeds, and there are 6"
    )


def timed(strategy: str, compute: float, seconds: float) -> list[RunSummary]:
    """Six runs that mastered the first stage, or none where that took no time."""
    cost = Cost(steps=10, tokens=20, compute=compute, seconds=seconds)
    total = Cost(compute=100.0, seconds=30.0)
    return six(strategy, [], mastered={0: cost} if seconds else {}, total=total)


@pytest.mark.parametrize(
    ("direct", "linear", "verdict"),
    [
        ((40, 2), (10, 8), "linear hurt × 0.25 (0.25–0.25)"),
        ((10, 8), (40, 2), "linear helped × 4.0 (4.0–4.0)"),
        ((0, 0), (10, 60), "linear inconclusive"),  # only known: it took half as long, or more
        ((40, 8), (10, 2), None),
        ((40, 2), (10, 2), None),
    ],
)
def test_the_opposite_verdict_in_seconds_is_reported(
    direct: tuple[float, float], linear: tuple[float, float], verdict: str | None
) -> None:
    found = of(timed("direct", *direct), timed("linear", *linear))
    lines = [line for line in conditions(found) if "In seconds" in line]
    clear = verdict is not None and "inconclusive" not in verdict
    assert lines == ([f"In seconds the verdict is the opposite: {verdict}."] if clear else [])


def test_in_seconds_a_run_that_never_reached_the_stage_counts_with_all_of_its_time() -> None:
    found = of(timed("direct", 0, 0), timed("linear", 10, 60))
    seconds = found.outcomes["linear"].seconds
    assert seconds is not None
    assert (seconds.least, seconds.most) == (0.5, math.inf)
    found = of(timed("direct", 10, 15), timed("linear", 0, 0))
    seconds = found.outcomes["linear"].seconds
    assert seconds is not None
    assert (seconds.least, seconds.most, seconds.verdict) == (0.0, 0.5, "hurt")


def test_under_a_budget_of_seconds_there_is_no_second_ratio_in_seconds() -> None:
    found = of(six("gated", [1], unit="seconds"), six("direct", [1], unit="seconds"))
    assert found.outcomes["gated"].ratio is not None
    assert found.outcomes["gated"].seconds is None


def at_rates(strategy: str, *costs: Sequence[float]) -> list[RunSummary]:
    """Six seeds, with costs for each of the rates .01, .1 and 1."""
    rates = (0.01, 0.1, 1.0)
    return [
        run
        for rate, cost in zip(rates, costs, strict=True)
        for run in six(strategy, cost, rate=rate)
    ]


def test_a_quickest_learning_rate_at_the_edge_of_those_tried_is_reported() -> None:
    middle = at_rates("direct", [30], [10], [30])
    low, high = at_rates("gated", [5], [10], []), at_rates("linear", [], [9], [8])
    alike = at_rates("mixed", [10], [10], [30])
    few = at_rates("root", [30], [10], [30])
    few = [
        run_summary("root", run.seed, [5]) if run.seed < 3 and run.learning_rate == 0.01 else run
        for run in few
    ]
    lines = [
        line
        for line in conditions(of(middle, low, high, alike, few))
        if "quickest learning" in line
    ]
    (line,) = lines
    assert line == (
        "The quickest learning rate was the lowest tried for gated (6 of 6 seeds), and the "
        "highest tried for linear (6 of 6 seeds): the best one may be outside those tried."
    )
    one = of(six("gated", [5]), six("direct", [10]))
    assert not any("quickest learning" in line for line in conditions(one))


def test_guesses_have_no_learning_rate_to_be_at_the_edge() -> None:
    guesses = [run for width in (1.0, 10.0, 100.0) for run in six("guess", [width], rate=width)]
    found = of(at_rates("direct", [30], [10], [30]), guesses, at_rates("gated", [9], [8], [9]))
    assert "guess" in found.outcomes
    assert not any("quickest learning" in line for line in conditions(found))
