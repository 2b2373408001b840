"""The best curriculum of a search beside others, on fresh seeds."""

import math
from collections.abc import Sequence

import pytest
from runs_by_hand import run_summary

from curriculum.comparison import Confirmation, CurriculumTrial, SeedResult, TargetCost


def costs(each: Sequence[float | None], stages: int = 3) -> TargetCost:
    """Of the target, seed by seed; None where it was not reached."""
    results = {
        seed: SeedResult(
            (run_summary("x", seed, [1.0] * (stages - 1) + ([] if cost is None else [cost])),),
            "compute",
        )
        for seed, cost in enumerate(each)
    }
    return TargetCost(results, 100.0, "compute")


def test_ratios_are_paired_by_seed_and_verdicts_corrected_for_their_number() -> None:
    ours = costs([10.0] * 10)
    found = Confirmation.of(
        ours, {"gated": costs([20.0] * 8 + [5.0] * 2), "direct": costs([30.0] * 10)}
    )
    assert found.ratios["direct"].least == pytest.approx(3.0)
    assert found.verdict("direct") == "better"
    # Eight of ten: p is .109 by itself.
    assert found.verdict("gated") == "inconclusive"
    p = {name: ratio.p_value for name, ratio in found.ratios.items()}
    assert found.adjusted_p_values["direct"] == pytest.approx(2 * p["direct"])
    assert found.adjusted_p_values["gated"] == pytest.approx(p["gated"])


def test_what_holds_by_itself_does_not_among_two() -> None:
    ours = costs([10.0] * 6)
    alone = Confirmation.of(ours, {"direct": costs([30.0] * 6)})
    assert alone.verdict("direct") == "better"
    both = Confirmation.of(ours, {"direct": costs([30.0] * 6), "gated": costs([30.0] * 6)})
    assert {both.verdict(name) for name in both.others} == {"inconclusive"}


def test_seeds_that_did_not_reach_the_target_bound_their_ratio() -> None:
    found = Confirmation.of(costs([10.0] * 7), {"direct": costs([None] * 7)})
    assert found.ratios["direct"].least == pytest.approx(10.0)
    assert math.isinf(found.ratios["direct"].most)
    assert found.verdict("direct") == "better"
    turned = Confirmation.of(costs([None] * 7), {"direct": costs([10.0] * 7)})
    assert turned.verdict("direct") == "worse"
    neither = Confirmation.of(costs([None] * 7), {"direct": costs([None] * 7)})
    assert neither.verdict("direct") == "inconclusive"


def test_a_trial_is_told_in_few_characters() -> None:
    words = ("--sampling", "look_back", "--growth.factor", "3.416830106631461")
    trial = CurriculumTrial(number=4, words=words)
    assert (trial.label, trial.brief) == ("trial 4", "sampling look_back, growth.factor 3.42")
    assert CurriculumTrial(number=0, name="gated").brief == "as given"
