"""A stage is ready once a task's own metric is shown to be good enough, in its own direction."""

import math
from typing import Any

import numpy as np
import pytest

from curriculum import Evaluation, MetricBeyond, MetricScale, Score, Spread, UsageError, Verdict
from curriculum.plan import error_of_test
from curriculum.plan.confidence_bounds import bounded_mean, chernoff_lower, mean_lower, mean_upper

ERROR = MetricBeyond(metric="error", threshold=0.5, mode="min", low=0.0)
BLEU = MetricBeyond(metric="bleu", threshold=30.0, mode="max", low=0.0, high=100.0)


def score(value: float, units: int = 1024, **kinds: Any) -> Score:
    spread = Spread(units=units, deviation=0.1 * abs(value))
    return Score(value=value, examples=units, spread=spread, **kinds)


@pytest.mark.parametrize(
    ("criterion", "value", "kinds", "ready", "message"),
    [
        (ERROR, 0.45, {}, True, "error 0.45 on 1,024 fresh examples, upper bound 0.45"),
        (ERROR, 0.499, {}, False, ">= threshold 0.5 (full test 1)"),
        (ERROR, 0.3, {"units": 99}, False, "a bound takes at least 100"),
        (ERROR, 0.499, {"source": "every input"}, True, "< threshold 0.5"),
        (BLEU, 36.0, {}, True, "bleu 36 on 1,024 fresh examples, lower bound 32"),
        (BLEU, 31.0, {}, False, "<= threshold 30 (full test 1)"),
        (BLEU, 80.0, {"units": 50}, True, "> threshold 30"),
        (BLEU, 30.0, {"source": "every input"}, False, "<= threshold 30"),
    ],
)
def test_a_stage_is_ready_when_the_bound_is_beyond_the_threshold(
    criterion: MetricBeyond, value: float, kinds: Any, ready: bool, message: str
) -> None:
    evaluation = Evaluation(full_test=score(value, **kinds))
    decision = criterion.decide(evaluation, test_number=1, passes=0, steps=10)
    assert (decision.ready, decision.mastered) == (ready, False)
    assert message in decision.reason
    assert decision.metric == criterion.metric


def test_bounds_are_those_of_a_mean_by_hand() -> None:
    error = error_of_test(1, 0.95)
    decision = ERROR.decide(Evaluation(full_test=score(0.4)), test_number=1, passes=0, steps=1)
    assert decision.upper_bound == pytest.approx(mean_upper(0.4, 1024, 0.04, 0.0, error))
    assert decision.lower_bound is None
    decision = BLEU.decide(Evaluation(full_test=score(40.0)), test_number=1, passes=0, steps=1)
    assert decision.lower_bound == pytest.approx(100 * chernoff_lower(0.4, 1024, error))
    assert decision.upper_bound is None
    shifted = BLEU.replace(low=-100.0)  # the same results, in a range that is twice as wide
    decision = shifted.decide(Evaluation(full_test=score(40.0)), test_number=1, passes=0, steps=1)
    assert decision.lower_bound == pytest.approx(200 * chernoff_lower(0.7, 1024, error) - 100)
    unbounded = BLEU.replace(high=None)
    decision = unbounded.decide(Evaluation(full_test=score(40.0)), test_number=1, passes=0, steps=1)
    assert decision.lower_bound == pytest.approx(mean_lower(40.0, 1024, 4.0, 0.0, error))


def test_the_worst_slice_decides_in_either_direction() -> None:
    for criterion, good, bad in ((ERROR, 0.1, 0.8), (BLEU, 60.0, 20.0)):
        evaluation = Evaluation(full_test=score(good), slices={"hard": score(bad)})
        decision = criterion.decide(evaluation, test_number=1, passes=0, steps=1)
        assert not decision.ready
        assert "of the slice 'hard'" in decision.reason


@pytest.mark.parametrize(
    ("criterion", "values"), [(ERROR, (0.3, 0.5, 0.7)), (BLEU, (40.0, 30.0, 20.0))]
)
def test_a_final_model_passes_fails_or_neither_is_shown(
    criterion: MetricBeyond, values: tuple[float, ...]
) -> None:
    answers = [criterion.answer("", score(value), 0.05) for value in values]
    assert [answer for answer, _ in answers] == ["passes", "not shown", "fails"]
    sign = "<" if criterion.lower_is_better else ">"
    assert f" {sign} threshold" in answers[0][1]
    assert "lies between" in answers[1][1]


def test_screens_are_compared_in_the_metrics_direction() -> None:
    assert ERROR.passes_screen(score(0.4, 64))
    assert not ERROR.passes_screen(score(0.6, 64))
    assert BLEU.passes_screen(score(40.0, 64))
    assert not BLEU.passes_screen(score(20.0, 64))
    assert BLEU.promises_pass(score(40.0, 64), 2)
    assert not BLEU.promises_pass(score(31.0, 64), 2)
    low = BLEU.decide(Evaluation(screen=score(20.0, 64)), test_number=1, passes=0, steps=1)
    assert "bleu 20 on a screen of 64 fresh examples, <= threshold 30" in low.reason
    again = BLEU.decide(Evaluation(screen=score(31.0, 128)), test_number=2, passes=0, steps=1)
    assert "and too low for another full test" in again.reason


def test_trials_are_ranked_in_the_metrics_direction() -> None:
    assert ERROR.objective(0.5) == -0.5
    assert BLEU.objective(30.0) is None  # the score itself
    assert (ERROR.verdict, ERROR.description()) == (Verdict.READY, "error below 0.5")
    assert BLEU.description() == "bleu above 30"


def test_what_could_not_be_shown_is_refused_at_the_start() -> None:
    ERROR.check_evaluated(100, "held_out")
    BLEU.check_evaluated(20, "held_out")
    BLEU.check_evaluated(3, "every input")
    with pytest.raises(UsageError, match="at least 100 independent examples, and 99 are held out"):
        ERROR.check_evaluated(99, "held_out")
    with pytest.raises(UsageError, match="whose parts hang together"):
        BLEU.check_evaluated(1000, "document")
    with pytest.raises(
        UsageError, match=r"even if all are perfect, they show a mean of 96\.57; tak"
    ):
        BLEU.replace(threshold=97.0).check_evaluated(100, "held_out")
    assert BLEU.on_so_many(200).examples == 200
    with pytest.raises(UsageError, match="can't be cleared with 100 examples"):
        BLEU.replace(threshold=99.0).on_so_many(10)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mode": "less"}, "criterion.mode must be min or max"),
        ({"threshold": math.inf}, "criterion.threshold must be a finite number, got inf"),
        ({"examples": 99}, "criterion.examples must be at least 100"),
        ({"confidence": 1.0}, "criterion.confidence must be in"),
    ],
)
def test_a_setting_out_of_its_range_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        MetricBeyond(**{"metric": "error", **settings})


def test_a_bounded_mean_errs_no_more_than_allowed_even_where_most_results_are_alike() -> None:
    """Ninety-nine in a hundred are perfect: all of a sample often are, and its deviation is 0."""
    rng, error = np.random.default_rng(0), 0.05
    bounds = [
        bounded_mean(float(100 * rng.binomial(1, 0.99, 100).mean()), 100, (0.0, 100.0), error)
        for _ in range(2000)
    ]
    assert np.mean([low > 99.0 for low, _ in bounds]) <= error
    assert np.mean([high < 99.0 for _, high in bounds]) <= error


def test_a_scale_says_its_range_and_its_direction() -> None:
    assert MetricScale().is_rate
    assert MetricScale(low=-math.inf, high=math.inf).range == "any number"
    assert MetricScale(low=-math.inf).range == "at most 1"
    assert MetricScale(lower_is_better=True).direction == "lower is better"
    assert not MetricScale(lower_is_better=True).is_rate
    for low, high in ((1.0, 1.0), (2.0, 1.0), (math.nan, 1.0)):
        with pytest.raises(UsageError, match="must go from a lower number to a higher one, got"):
            MetricScale(low=low, high=high)
