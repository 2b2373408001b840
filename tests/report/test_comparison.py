"""What strategies come to side by side, on runs made by hand."""

import math
from collections.abc import Iterable, Sequence

import pytest
from attempts_by_hand import attempt, of, six

from curriculum import Spending, Stage, UsageError
from curriculum.report.attempt import Attempt
from curriculum.report.comparison import compared
from curriculum.report.comparison_words import against_baseline, headline, terms


def test_several_rates_are_trained_side_by_side_and_all_are_charged() -> None:
    """At 10 and 30 for the first stage, two rates have spent 2 x 10 when the quicker has it."""
    gated = [
        run
        for seed in range(6)
        for run in (
            attempt("gated", seed, [10, 40], 0.01),
            attempt("gated", seed, [30, 35, 50], 0.1),
        )
    ]
    found = of(gated, six("direct", [], rate=0.01), six("direct", [], rate=0.1))
    entry = found.outcomes["gated"].entries[0]
    assert [entry.spent(place).compute for place in range(3)] == [20, 70, 100]  # type: ignore[union-attr]
    assert entry.reach == 2
    assert found.budget == 200
    assert found.learning_rates == (0.01, 0.1)
    assert entry.curve() == [(20, 0), (70, 1), (100, 2)]


def test_a_baseline_that_never_got_there_would_have_spent_more_than_its_budget() -> None:
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
    gated = [attempt("gated", seed, [cost]) for seed, cost in enumerate([1, 2, 4, 8, 16, 32])]
    direct = [attempt("direct", seed, [3 * cost]) for seed, cost in enumerate([1, 2, 4, 8, 16, 32])]
    ratio = of(gated, direct[::-1]).outcomes["gated"].ratio
    assert ratio is not None
    assert (ratio.least, ratio.low, ratio.high) == (3.0, 3.0, 3.0)


def test_the_stage_of_interest_is_the_hardest_that_half_of_some_strategys_seeds_mastered() -> None:
    gated = [attempt("gated", seed, [1, 2, 3] if seed < 3 else [1]) for seed in range(6)]
    assert of(gated, six("direct", [])).stage == 2
    gated = [attempt("gated", seed, [1, 2, 3] if seed < 2 else [1]) for seed in range(6)]
    assert of(gated, six("direct", [])).stage == 0
    assert of(six("gated", []), six("direct", [])).stage is None


def test_a_target_that_is_mastered_ahead_of_what_lies_below_counts_as_mastered() -> None:
    direct = six("direct", [], mastered={2: Spending(steps=1, tokens=2, compute=10.0, seconds=1.0)})
    found = of(six("gated", [1, 2, 20]), direct)
    ratio = found.outcomes["gated"].ratio
    assert found.stage == 2
    assert ratio is not None
    assert (ratio.verdict, ratio.least) == ("hurt", 0.5)
    assert [found.outcomes["direct"].reached(place) for place in range(3)] == [0, 0, 6]
    assert any("may be mastered before those below it" in line for line in terms(found))
    (said,) = [line for line in terms(found) if " mastered " in line and "on 6 of 6" in line]
    assert said.startswith(f"direct mastered {Stage(8)} on 6 of 6 seeds, and on 6 of them not all")
    assert not any("gated mastered" in line for line in terms(found))
    climbed = of(six("gated", [1, 2, 20]), six("direct", [5, 6, 30]))
    assert not any("below it" in line for line in terms(climbed))


def test_one_strategy_alone_is_nothing_to_compare() -> None:
    with pytest.raises(UsageError, match=r"only gated can be compared .*'compare exp --run'"):
        of(six("gated", [1]))
    with pytest.raises(UsageError, match=r"no runs can be compared .*6 runs .* tuned"):
        of(six("gated", [1], unfit="tuned"))


def test_a_verdict_is_of_the_hardest_stage_that_the_two_of_them_mastered() -> None:
    """What other strategies reached besides makes no difference to it."""
    runs = (six("direct", [80]), six("gated", [10, 20]), six("combined", [10, 20, 60]))
    for found in (of(*runs[:2]), of(*runs)):
        outcome = found.outcomes["gated"]
        assert outcome.stage == 1
        assert outcome.ratio is not None
        assert (outcome.ratio.verdict, outcome.ratio.least) == ("helped", 5.0)
    assert of(*runs).stage == 2


def test_what_was_asked_for_and_is_not_there_is_said() -> None:
    runs = [*six("gated", [1])[:4], *six("direct", [1])]
    found = compared("exp", runs, ("gated", "direct", "bandit"), ["abcd"])
    assert found.left_out == (
        "run abcd can't be read",
        "bandit: no runs on these terms",
        "gated: no runs with seed 4, 5",
    )


def with_seeds(strategy: str, seeds: Iterable[int], costs: Sequence[float]) -> list[Attempt]:
    return [attempt(strategy, seed, costs) for seed in seeds]


def test_a_pair_is_compared_on_the_seeds_that_both_have() -> None:
    """Where only seeds without a counterpart mastered the last stage, it is no stage of theirs."""
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
    said = against_baseline(found, found.outcomes["gated"])
    assert said == "unclear × ≥ 50 direct never reached it"
    few = "Fewer than 6 seeds in common with direct give no verdict: gated (3)."
    assert few in list(terms(found))


def test_enough_pairs_are_not_called_few() -> None:
    found = of(six("gated", [1]), six("direct", [2]))
    assert not any(line.startswith("Fewer than") for line in terms(found))


def test_the_headline_names_each_strategy_and_why_one_has_no_verdict() -> None:
    elsewhere = with_seeds("bandit", range(6, 12), [1])
    found = of(six("gated", [1]), elsewhere, six("direct", [2]))
    assert headline(found) == (
        "Against direct: helped: gated; no verdict: bandit (no seed in common)."
    )
    nothing = of(six("gated", []), with_seeds("linear", range(6, 12), [1]), six("direct", []))
    assert headline(nothing) == (
        "Against direct: no verdict: gated (on half of the seeds no stage was mastered); "
        "no verdict: linear (no seed in common)."
    )


def clocked(strategy: str, compute: float, seconds: float) -> list[Attempt]:
    """Six runs that mastered the first stage, or none where that took no time."""
    spent = Spending(steps=10, tokens=20, compute=compute, seconds=seconds)
    total = Spending(compute=100.0, seconds=30.0)
    return six(strategy, [], mastered={0: spent} if seconds else {}, total=total)


@pytest.mark.parametrize(
    ("direct", "linear", "said"),
    [
        ((40, 2), (10, 8), "linear hurt × 0.25 (0.25–0.25)"),
        ((10, 8), (40, 2), "linear helped × 4.0 (4.0–4.0)"),
        ((0, 0), (10, 60), "linear unclear"),  # no more than that it took half as long or more
        ((40, 8), (10, 2), None),
        ((40, 2), (10, 2), None),
    ],
)
def test_a_verdict_that_the_clock_turns_over_is_said(
    direct: tuple[float, float], linear: tuple[float, float], said: str | None
) -> None:
    found = of(clocked("direct", *direct), clocked("linear", *linear))
    lines = [line for line in terms(found) if "clock" in line]
    clear = said is not None and "unclear" not in said
    assert lines == ([f"By the clock it is otherwise: {said}."] if clear else [])


def test_by_the_clock_who_never_got_there_counts_with_all_the_time_it_took() -> None:
    found = of(clocked("direct", 0, 0), clocked("linear", 10, 60))
    seconds = found.outcomes["linear"].seconds
    assert seconds is not None
    assert (seconds.least, seconds.most) == (0.5, math.inf)
    found = of(clocked("direct", 10, 15), clocked("linear", 0, 0))
    seconds = found.outcomes["linear"].seconds
    assert seconds is not None
    assert (seconds.least, seconds.most, seconds.verdict) == (0.0, 0.5, "hurt")


def test_at_a_budget_of_seconds_the_clock_has_been_heard() -> None:
    found = of(six("gated", [1], unit="seconds"), six("direct", [1], unit="seconds"))
    assert found.outcomes["gated"].ratio is not None
    assert found.outcomes["gated"].seconds is None


def at_rates(strategy: str, *costs: Sequence[float]) -> list[Attempt]:
    """Six seeds, with costs for each of the rates .01, .1 and 1."""
    rates = (0.01, 0.1, 1.0)
    return [
        run
        for rate, cost in zip(rates, costs, strict=True)
        for run in six(strategy, cost, rate=rate)
    ]


def test_a_quickest_rate_at_the_edge_of_those_tried_is_said() -> None:
    middle = at_rates("direct", [30], [10], [30])
    low, high = at_rates("gated", [5], [10], []), at_rates("linear", [], [9], [8])
    alike = at_rates("mixed", [10], [10], [30])
    few = at_rates("root", [30], [10], [30])
    few = [
        attempt("root", run.seed, [5]) if run.seed < 3 and run.learning_rate == 0.01 else run
        for run in few
    ]
    lines = [
        line for line in terms(of(middle, low, high, alike, few)) if "quickest learning" in line
    ]
    (said,) = lines
    assert said == (
        "The quickest learning rate was the lowest tried for gated (6 of 6 seeds), and the "
        "highest tried for linear (6 of 6 seeds): what is best may lie outside."
    )
    one = of(six("gated", [5]), six("direct", [10]))
    assert not any("quickest learning" in line for line in terms(one))


def test_guesses_have_no_learning_rate_to_be_at_the_edge() -> None:
    guesses = [run for width in (1.0, 10.0, 100.0) for run in six("guess", [width], rate=width)]
    found = of(at_rates("direct", [30], [10], [30]), guesses, at_rates("gated", [9], [8], [9]))
    assert "guess" in found.outcomes
    assert not any("quickest learning" in line for line in terms(found))
