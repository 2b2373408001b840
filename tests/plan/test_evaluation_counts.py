"""Full tests are taken thriftily, and err no more often than is promised."""

import numpy as np
import pytest

from curriculum import Evaluation, Mastery, Score
from curriculum.plan import EvaluationCounts


def evaluate(
    criterion: Mastery, counts: EvaluationCounts, rate: float, rng: np.random.Generator
) -> bool:
    """An evaluation of a model of that rate, as the evaluator makes it; whether it is mastered."""

    def drawn(examples: int) -> Score:
        return Score(value=rng.binomial(examples, rate) / examples, examples=examples)

    screen = drawn(criterion.screen)
    passed = criterion.passes_screen(screen)
    if passed and counts.failed_tests:
        done = 1
        while done < counts.screens and criterion.passes_screen(screen):
            more = drawn(done * criterion.screen)
            screen = Score(
                value=(screen.value + more.value) / 2, examples=screen.examples + more.examples
            )
            done *= 2
        passed = screen.value >= criterion.score_needed(counts.full_tests + 1)
    test = drawn(criterion.examples_of_test(counts.full_tests + 1)) if passed else None
    evaluation = Evaluation(screen=screen, full_test=test)
    return counts.decide(criterion, evaluation, steps=0).mastered


@pytest.mark.parametrize("failed", [0, 1, 3, 10, 30, 300])
@pytest.mark.parametrize("threshold", [0.5, 0.8, 0.9, 0.95, 0.99])
def test_a_model_a_point_above_the_threshold_passes_within_twenty_evaluations(
    threshold: float, failed: int
) -> None:
    """With a probability of at least .9, however many tests failed before."""
    criterion, rng, runs = Mastery(threshold=threshold), np.random.default_rng(0), 200
    passed = 0
    for _ in range(runs):
        counts = EvaluationCounts(full_tests=failed, failed_tests=failed)
        rate = threshold + min(0.01, (1 - threshold) / 2)
        passed += any(evaluate(criterion, counts, rate, rng) for _ in range(20))
    assert passed >= 0.9 * runs


def falsely_mastered(threshold: float, runs: int, *, rates: int = 1) -> int:
    """How many of so many models just below the threshold are taken to have mastered a stage.

    In 200 evaluations each, of the gate's and of the target ahead of its stage together. With
    several learning rates, as `comparable_experiment` has them, one of so many models suffices.
    """
    criterion = Mastery(threshold=threshold, confidence=1 - 0.05 / rates)
    rng, passed = np.random.default_rng(0), 0
    for _ in range(runs):
        shared = [EvaluationCounts() for _ in range(rates)]
        passed += any(
            evaluate(criterion, counts, threshold - 1e-6, rng)
            for counts in shared
            for _ in range(200)
        )
    return passed


@pytest.mark.parametrize("threshold", [0.5, 0.8, 0.9, 0.95, 0.99])
def test_a_model_just_below_the_threshold_is_rarely_taken_to_have_mastered_the_stage(
    threshold: float,
) -> None:
    """In at most 5 % of runs, up to what chance makes of 300 of them."""
    assert falsely_mastered(threshold, 300) <= 0.05 * 300 + 3 * (300 * 0.05 * 0.95) ** 0.5


@pytest.mark.exhaustive
@pytest.mark.parametrize("rates", [1, 3, 5])
@pytest.mark.parametrize("threshold", [0.9, 0.95, 0.99])
def test_so_it_is_over_ten_thousand_models(threshold: float, rates: int) -> None:
    assert falsely_mastered(threshold, 10_000, rates=rates) <= 0.05 * 10_000


def test_tests_that_fail_need_twice_as_many_screens_up_to_a_limit() -> None:
    assert [EvaluationCounts(failed_tests=n).screens for n in (0, 1, 2, 4, 5, 99)] == [
        1,
        2,
        4,
        16,
        16,
        16,
    ]


def test_only_tests_that_do_not_clear_the_threshold_have_failed() -> None:
    counts, criterion = EvaluationCounts(), Mastery(consecutive_passes=3)
    for value in (1.0, 1.0, 0.9, 1.0):
        test = Score(value=value, examples=1024)
        counts.decide(criterion, Evaluation(full_test=test), steps=0)
    assert (counts.full_tests, counts.failed_tests, counts.passes) == (4, 1, 1)
