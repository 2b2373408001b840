"""What is said of final models that were measured, with seeds enough for verdicts and with too few."""

from dataclasses import replace

from runs_by_hand import run_summary

from curriculum import Cost, Stage
from curriculum.comparison import Comparison, Measured, compare_runs, measured_of
from curriculum.plan import Score, Spread
from curriculum.report.comparison.measured import (
    difference_in_words,
    measured_conditions,
    measured_headline,
)
from curriculum.runner import FinalMeasure

LOSS = FinalMeasure(
    name="loss@8", metric="loss", stage=Stage(8), unit="nats", lower_is_better=True, examples=100
)
GAINS = {"direct": 0.0, "gated": 1.0, "linear": 0.5}


def compared(seeds: int) -> tuple[Comparison, Measured]:
    """Strategies that are better than direct by the same on each seed."""
    cost = Cost(steps=5, tokens=40, compute=100.0, seconds=2.0, evaluation=30.0)
    runs = [run_summary(n, seed, [1.0], total=cost) for n in GAINS for seed in range(seeds)]
    found = compare_runs("exp", runs, by_cost=False)
    results = {name: outcome.results for name, outcome in found.outcomes.items()}
    spread = Spread(units=50, deviation=0.1)
    scores = {
        run.run_id: Score(value=3 - GAINS[run.strategy], examples=50, spread=spread) for run in runs
    }
    measured = measured_of(LOSS, results, "direct", scores, {})
    return replace(found, measured=measured), measured


def test_verdicts_on_several_strategies_are_corrected() -> None:
    comparison, measured = compared(7)
    assert measured_headline(measured).endswith("direct, helped: gated, linear.")
    assert difference_in_words(measured.outcomes["gated"]) == "helped -1 (-1 to -1)"
    (said,) = [each for each in measured_conditions(comparison, measured) if "Holm" in each]
    assert said.startswith("The verdicts on 2 strategies are corrected for their number")


def test_of_too_few_seeds_there_is_no_verdict_and_none_is_corrected() -> None:
    comparison, measured = compared(2)
    assert measured_headline(measured) == (
        "By loss@8 (nats), compared with direct, no verdict: gated, linear (fewer than 6 seeds)."
    )
    assert difference_in_words(measured.outcomes["gated"]) == "-1"
    said = [*measured_conditions(comparison, measured)]
    assert not [each for each in said if "Holm" in each]
    assert [each for each in said if each.startswith("An interval or a verdict needs at least 6")]
