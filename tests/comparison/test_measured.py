"""What final models score, strategy by strategy: medians, paired differences, verdicts."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from runs_by_hand import run_summary

from curriculum import Cost, Stage
from curriculum.comparison import Measured, compare_runs, difference_of, measured_of
from curriculum.plan import Score, Spread
from curriculum.runner import FinalMeasure

LOSS = FinalMeasure(
    name="loss@8",
    metric="loss",
    stage=Stage(8),
    unit="nats",
    lower_is_better=True,
    examples=100,
)

SPREAD = Spread(units=50, deviation=0.1)


def cost(compute: float = 100.0) -> Cost:
    return Cost(steps=5, tokens=40, compute=compute, seconds=2.0, evaluation=30.0)


def measured(
    values: Mapping[str, Sequence[float]], measure: FinalMeasure = LOSS, **more: Any
) -> Measured:
    """Of strategies whose models scored these values, seed by seed."""
    runs = [
        run_summary(name, seed, [1.0], **({"total": cost()} | more))
        for name, each in values.items()
        for seed in range(len(each))
    ]
    found = compare_runs("exp", runs, list(values), by_cost=False)
    results = {name: outcome.results for name, outcome in found.outcomes.items()}
    scores = {
        f"{name}-{seed}-0.01": Score(value=value, examples=50, source="held_out", spread=SPREAD)
        for name, each in values.items()
        for seed, value in enumerate(each)
    }
    return measured_of(measure, results, found.baseline, scores, {})


DIRECT = [0.50, 0.52, 0.54, 0.56, 0.58, 0.60, 0.62]


def test_the_median_and_its_interval_and_the_paired_difference() -> None:
    """By hand: seven differences of which all are below 0, between their 1st and their 7th."""
    ours = [value - drop for value, drop in zip(DIRECT, (3, 1, 2, 7, 5, 6, 4), strict=True)]
    found = measured({"direct": [v + 10 for v in DIRECT], "gated": [v + 10 for v in ours]})
    direct, gated = found.outcomes["direct"], found.outcomes["gated"]
    assert (direct.median.value, direct.median.low, direct.median.high) == (10.56, 10.5, 10.62)
    assert direct.difference is None
    assert direct.verdict is None
    difference = gated.difference
    assert difference is not None
    assert difference.value == pytest.approx(-4)
    assert difference.low == pytest.approx(-7)
    assert difference.high == pytest.approx(-1)
    assert difference.p_value == pytest.approx(2 / 2**7)
    assert gated.verdict == "helped"


@pytest.mark.parametrize(
    ("differences", "low", "high", "p_value"),
    [
        ([-1.0, -2.0, -3.0, -4.0, -5.0, -6.0], -6.0, -1.0, 2 / 64),
        ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 1.0, 6.0, 2 / 64),
        # One of six on the other side: P(at most 1 of 6) = 7/64.
        ([-1.0, 2.0, 3.0, 4.0, 5.0, 6.0], -1.0, 6.0, 14 / 64),
        # A tie counts on both sides.
        ([0.0, 2.0, 3.0, 4.0, 5.0, 6.0], 0.0, 6.0, 14 / 64),
        ([0.0] * 6, 0.0, 0.0, 1.0),
        # Of nine, the 2nd and the 8th: 2 P(B < 2) = 20/512 is at most 5 %.
        ([float(n) for n in range(1, 10)], 2.0, 8.0, 2 / 512),
        ([1.0, 2.0, 3.0], None, None, 2 / 8),
    ],
)
def test_a_difference_has_the_sign_test_and_an_interval_of_order_statistics(
    differences: list[float], low: float | None, high: float | None, p_value: float
) -> None:
    found = difference_of(differences)
    assert (found.low, found.high) == (low, high)
    assert found.p_value == pytest.approx(p_value)


@pytest.mark.parametrize(
    ("shift", "lower_is_better", "verdict"),
    [(-0.1, True, "helped"), (0.1, True, "hurt"), (-0.1, False, "hurt"), (0.1, False, "helped")],
)
def test_which_way_is_better_is_the_measures(
    shift: float, lower_is_better: bool, verdict: str
) -> None:
    accuracy = FinalMeasure(
        name="exact_match@8",
        metric="exact_match",
        stage=Stage(8),
        unit="",
        lower_is_better=lower_is_better,
        examples=100,
    )
    found = measured({"direct": DIRECT, "gated": [v + shift for v in DIRECT]}, accuracy)
    assert found.outcomes["gated"].verdict == verdict


def test_verdicts_are_corrected_for_their_number() -> None:
    """Of six seeds each p-value is 2/64; of two strategies both become 4/64, above 5 %."""
    lower = [value - 0.1 for value in DIRECT]
    six = measured({"direct": DIRECT[:6], "linear": lower[:6], "gated": lower[:6]})
    assert {n: o.verdict for n, o in six.outcomes.items()} == {
        "direct": None,
        "linear": "inconclusive",
        "gated": "inconclusive",
    }
    assert six.outcomes["gated"].single_verdict == "helped"
    assert six.outcomes["gated"].adjusted_p_value == pytest.approx(4 / 64)
    seven = measured({"direct": DIRECT, "linear": lower, "gated": lower})
    assert seven.outcomes["gated"].verdict == "helped"


def test_fewer_than_six_seeds_are_points_without_a_verdict() -> None:
    found = measured({"direct": DIRECT[:3], "gated": [0.1, 0.2, 0.3]}).outcomes["gated"]
    assert found.difference is not None
    assert found.difference.value == pytest.approx(-0.32)
    assert (found.difference.low, found.median.low) == (None, None)
    assert found.verdict == found.single_verdict == "inconclusive"


def test_the_baseline_is_direct_or_else_the_first_and_pairs_are_of_common_seeds() -> None:
    found = measured({"linear": DIRECT, "direct": DIRECT})
    assert found.baseline == "direct"
    without = measured({"root": DIRECT[:6], "gated": DIRECT})
    assert without.baseline == "root"
    assert without.outcomes["root"].difference is None
    gated = without.outcomes["gated"].difference
    assert gated is not None
    assert gated.count == 6


def test_of_several_learning_rates_the_best_on_other_examples_counts_and_all_are_charged() -> None:
    runs = [
        run_summary(name, seed, [1.0], rate, total=cost(compute), budget=50.0)
        for name in ("direct", "gated")
        for seed in range(2)
        for rate, compute in ((0.01, 100.0), (0.1, 140.0))
    ]
    found = compare_runs("exp", runs, by_cost=False)
    results = {name: outcome.results for name, outcome in found.outcomes.items()}
    by_choice = {"0.01": 0.5, "0.1": 0.4}  # what the gate would choose
    choosing = {
        run.run_id: Score(value=by_choice[f"{run.learning_rate:g}"], examples=9) for run in runs
    }
    scores = {run.run_id: Score(value=0.7, examples=9) for run in runs if run.learning_rate == 0.1}
    outcome = measured_of(LOSS, results, "direct", scores, choosing).outcomes["gated"]
    assert [each.run.learning_rate for each in outcome.seeds.values()] == [0.1, 0.1]
    assert outcome.total("compute") == 240
    assert outcome.total("tokens") == 80
    assert outcome.evaluation_share == pytest.approx(60 / 240)


def test_who_ended_before_the_budget_was_used_up_is_counted() -> None:
    found = measured({"direct": DIRECT, "gated": DIRECT}, total=cost(99.0)).outcomes["gated"]
    assert found.ended_early == 7
    whole = measured({"direct": DIRECT, "gated": DIRECT}, total=cost(100.0)).outcomes["gated"]
    assert whole.ended_early == 0


def test_there_is_one_family_of_verdicts() -> None:
    """What is measured has verdicts, and so the costs of stages have none."""
    runs = [
        run_summary(name, seed, [1.0 + 9 * (name == "direct")])
        for name in ("direct", "gated")
        for seed in range(7)
    ]
    found = compare_runs("exp", runs, by_cost=False)
    assert all(outcome.ratio is None for outcome in found.outcomes.values())
    assert compare_runs("exp", runs).outcomes["gated"].verdict == "helped"
