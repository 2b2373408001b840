"""What is shown of a model that is no longer trained, and how often it is wrong."""

import numpy as np
import pytest

from curriculum import Evaluation, Mastery, Score
from curriculum.plan import Certificate, certify_sample, certify_whole


def certificate(rate: float, rng: np.random.Generator, *, threshold: float = 0.95) -> Certificate:
    def draw(_: int, examples: int) -> tuple[Score, dict[str, Score]]:
        return Score(value=rng.binomial(examples, rate) / examples, examples=examples), {}

    return certify_sample(Mastery(threshold=threshold), draw)


def share(answer: str, rate: float, *, threshold: float = 0.95, models: int = 1000) -> float:
    """Of so many models of that rate, the share that gets this answer."""
    rng = np.random.default_rng(0)
    found = (certificate(rate, rng, threshold=threshold).answer for _ in range(models))
    return sum(each == answer for each in found) / models


@pytest.mark.parametrize(
    ("answer", "rate", "at_least"),
    [("passes", 0.96, 0.7), ("passes", 0.97, 0.95), ("passes", 1.0, 1.0), ("fails", 0.93, 0.95)],
)
def test_what_a_model_that_does_not_change_is_shown_to_do(
    answer: str, rate: float, at_least: float
) -> None:
    assert share(answer, rate) >= at_least


@pytest.mark.parametrize("threshold", [0.9, 0.95, 0.99])
def test_at_most_five_percent_of_models_at_the_threshold_pass_or_fail(threshold: float) -> None:
    """Up to what chance makes of 1,000 models."""
    allowed = 0.05 + 3 * (0.05 * 0.95 / 1000) ** 0.5
    assert share("passes", threshold - 1e-6, threshold=threshold) <= allowed
    assert share("fails", threshold, threshold=threshold) <= allowed


@pytest.mark.exhaustive
@pytest.mark.parametrize("threshold", [0.9, 0.95, 0.99])
def test_so_it_is_over_ten_thousand_models(threshold: float) -> None:
    assert share("passes", threshold - 1e-6, threshold=threshold, models=10_000) <= 0.05
    assert share("fails", threshold, threshold=threshold, models=10_000) <= 0.05


@pytest.mark.parametrize(("rate", "examples"), [(1.0, 128), (0.5, 128), (0.95, 2560)])
def test_it_stops_as_soon_as_something_is_shown(rate: float, examples: int) -> None:
    found = certificate(rate, np.random.default_rng(0))
    assert found.examples == examples
    assert f"on {examples:,} fresh examples" in found.reason


def test_each_look_draws_examples_of_its_own() -> None:
    drawn = []

    def draw(number: int, examples: int) -> tuple[Score, dict[str, Score]]:
        drawn.append((number, examples))
        return Score(value=round(0.95 * examples) / examples, examples=examples), {}

    found = certify_sample(Mastery(threshold=0.95, examples=1000), draw)
    assert drawn == [(0, 125), (1, 500), (2, 1875)]
    assert found.answer == "not shown"
    assert found.reason.startswith("exact_match 0.95")
    assert "threshold 0.95 lies between 0.94" in found.reason


@pytest.mark.parametrize(("rare", "answer"), [(0.5, "fails"), (0.95, "not shown"), (1.0, "passes")])
def test_a_stage_passes_with_all_of_its_slices(rare: float, answer: str) -> None:
    def draw(_: int, examples: int) -> tuple[Score, dict[str, Score]]:
        part = Score(value=round(rare * examples) / examples, examples=examples)
        return Score(value=1.0, examples=examples), {"rare": part}

    found = certify_sample(Mastery(threshold=0.95), draw)
    assert found.answer == answer
    assert ("of the slice 'rare'" in found.reason) is (answer != "passes")
    assert found.score == 1.0


@pytest.mark.parametrize(("value", "answer"), [(1.0, "passes"), (0.5, "fails")])
def test_of_all_inputs_nothing_is_left_to_chance(value: float, answer: str) -> None:
    evaluation = Evaluation(full_test=Score(value=value, examples=4, source="every input"))
    criterion = Mastery(threshold=1.0, min_steps=100, consecutive_passes=3)
    found = certify_whole(criterion, evaluation)
    assert (found.answer, found.score, found.examples) == (answer, value, 4)


def test_other_metrics_than_exact_match_have_wider_bounds() -> None:
    def draw(_: int, examples: int) -> tuple[Score, dict[str, Score]]:
        return Score(value=0.9585, examples=examples), {}

    criteria = (Mastery(metric=metric) for metric in ("exact_match", "symbol_accuracy"))
    assert [certify_sample(each, draw).answer for each in criteria] == ["passes", "not shown"]
