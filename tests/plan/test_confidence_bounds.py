import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from curriculum import Evaluation, Mastery
from curriculum.plan import error_of_test, examples_needed
from curriculum.plan.confidence_bounds import chernoff_lower, clopper_pearson_lower

MODELS = 10_000


@given(st.integers(1, 3000), st.floats(0, 1), st.floats(1e-6, 0.4))
def test_clopper_pearson_equals_scipys(examples: int, share: float, error: float) -> None:
    successes = round(share * examples)
    oracle = binomtest(successes, examples, alternative="greater").proportion_ci(1 - error)
    assert clopper_pearson_lower(successes, examples, error) == pytest.approx(oracle.low, abs=1e-9)


@given(st.integers(1, 500), st.floats(0.01, 0.999), st.floats(1e-4, 0.3))
def test_clopper_pearson_errs_no_more_than_allowed(n: int, rate: float, error: float) -> None:
    counts = np.arange(n + 1)
    bounds = np.array([clopper_pearson_lower(int(k), n, error) for k in counts])
    assert binom.pmf(counts[bounds > rate], n, rate).sum() <= error * (1 + 1e-6)


@given(st.integers(1, 3000), st.floats(0, 1), st.floats(1e-6, 0.4))
def test_chernoff_is_the_wider_bound(examples: int, share: float, error: float) -> None:
    successes = round(share * examples)
    chernoff = chernoff_lower(successes / examples, examples, error)
    assert 0 <= chernoff <= clopper_pearson_lower(successes, examples, error) + 1e-9


def test_the_errors_of_all_tests_sum_to_what_is_allowed() -> None:
    total = sum(error_of_test(number, 0.95) for number in range(1, 200_000))
    assert total == pytest.approx(0.05, rel=1e-4)
    assert error_of_test(1, 0.95) == pytest.approx(6 * 0.05 / math.pi**2)


@pytest.mark.parametrize("threshold", [0.5, 0.9, 0.95, 0.99, 0.999])
def test_examples_needed_is_the_fewest(threshold: float) -> None:
    needed = examples_needed(threshold, 0.95)
    assert needed is not None
    error = error_of_test(1, 0.95)
    assert clopper_pearson_lower(needed, needed, error) >= threshold
    assert needed == 1 or clopper_pearson_lower(needed - 1, needed - 1, error) < threshold


def test_no_sample_shows_a_rate_of_one() -> None:
    assert examples_needed(1.0, 0.95) is None


def passes(criterion: Mastery, correct: np.ndarray, number: int) -> np.ndarray:
    """Whether each of the models, with so many of the test's examples correct, passes test j."""
    decided = {
        int(k): criterion.decide(
            Evaluation.from_counts(int(k), criterion.examples, steps=0),
            test_number=number,
            passes=0,
            steps=0,
        ).mastered
        for k in np.unique(correct)
    }
    return np.array([decided[int(k)] for k in correct])


def test_a_model_just_below_the_threshold_rarely_passes_in_fifty_tests() -> None:
    rng = np.random.default_rng(0)
    criterion = Mastery(threshold=0.95, confidence=0.95, examples=1024)
    passed = np.zeros(MODELS, dtype=bool)
    for number in range(1, 51):
        correct = rng.binomial(criterion.examples, 0.95 - 1e-6, size=MODELS)
        passed |= passes(criterion, correct, number)
    assert passed.mean() <= 1 - criterion.confidence
    assert passed.any()  # else the simulation shows nothing


def test_a_good_model_passes_within_three_tests() -> None:
    rng = np.random.default_rng(0)
    criterion = Mastery(threshold=0.95, confidence=0.95, examples=1024)
    passed = np.zeros(MODELS, dtype=bool)
    for number in (1, 2, 3):
        correct = rng.binomial(criterion.examples, 0.975, size=MODELS)
        passed |= passes(criterion, correct, number)
    assert passed.mean() >= 0.9
