import itertools
from dataclasses import asdict
from typing import Any

import pytest

from curriculum import Evaluation, Mastery, Score, Stage, UsageError

EVERY = "every input"


def decide(criterion: Mastery, evaluation: Evaluation, **state: int) -> Any:
    found: dict[str, Any] = {"test_number": 1, "passes": 0, "steps": 100, **state}
    return criterion.decide(evaluation, **found)


def a_test(score: float, examples: int = 1024, **kinds: Any) -> Evaluation:
    return Evaluation(full_test=Score(value=score, examples=examples, **kinds))


@pytest.mark.parametrize(
    ("criterion", "evaluation", "state", "mastered", "message"),
    [
        (Mastery(), a_test(1.0), {}, True, "lower bound 0.9966 >= threshold 0.95 (full test 1)"),
        (Mastery(), a_test(0.95), {}, False, "< threshold 0.95 (full test 1)"),
        (Mastery(), a_test(985 / 1024), {}, False, "(full test 1)"),
        (Mastery(), a_test(987 / 1024), {}, True, "(full test 1)"),
        (Mastery(), a_test(987 / 1024), {"test_number": 2}, False, "(full test 2)"),
        (
            Mastery(threshold=1),
            a_test(1.0, 9, source=EVERY),
            {},
            True,
            "exact_match 1 on all 9 inputs, >= threshold 1",
        ),
        (
            Mastery(threshold=1),
            a_test(0.99, 9, source=EVERY),
            {},
            False,
            "exact_match 0.99 on all 9 inputs, < threshold 1",
        ),
        (
            Mastery(threshold=0.9),
            a_test(0.9, 5, source="document"),
            {},
            True,
            "on 5 held-out examples",
        ),
        (
            Mastery(threshold=0.9),
            a_test(0.95, 5, source="document", memorised=True),
            {},
            True,
            "on 5 memorised examples",
        ),
        (Mastery(min_steps=101), a_test(1.0), {}, False, "only 100 of at least 101 steps"),
        (Mastery(min_steps=100), a_test(1.0), {}, True, ">="),
        (Mastery(), a_test(1.0), {"min_steps": 200}, False, "only 100 of at least 200 steps"),
        (
            Mastery(consecutive_passes=3),
            a_test(1.0),
            {"passes": 1},
            False,
            "pass 2 of 3 needed in a row",
        ),
        (Mastery(consecutive_passes=3), a_test(1.0), {"passes": 2}, True, ">="),
        (Mastery(metric="tokens"), a_test(0.965), {}, False, "tokens 0.965"),
        (Mastery(metric="tokens"), a_test(0.99), {}, True, "tokens 0.99"),
        (
            Mastery(),
            Evaluation(screen=Score(value=0.5, examples=64)),
            {},
            False,
            "exact_match 0.5 on a screen of 64 fresh examples, < threshold 0.95",
        ),
        (Mastery(), Evaluation(), {}, False, "nothing was evaluated"),
    ],
)
def test_decisions(
    criterion: Mastery, evaluation: Evaluation, state: dict[str, int], mastered: bool, message: str
) -> None:
    decision = decide(criterion, evaluation, **state)
    assert decision.mastered is mastered
    assert message in decision.reason


def test_every_slice_must_hold() -> None:
    good, bad = Score(value=1.0, examples=1024), Score(value=0.5, examples=1024)
    decision = decide(Mastery(), Evaluation(full_test=good, slices={"first": good, "hard": bad}))
    assert not decision.mastered
    assert "of the slice 'hard'" in decision.reason
    assert decision.score == 0.5
    assert decide(Mastery(), Evaluation(full_test=good, slices={"first": good})).mastered


def test_a_decision_records_its_numbers() -> None:
    decision = decide(Mastery(), a_test(1.0), test_number=3)
    assert asdict(decision) == {
        "mastered": True,
        "cleared": True,
        "reason": decision.reason,
        "metric": "exact_match",
        "threshold": 0.95,
        "score": 1.0,
        "examples": 1024,
        "lower_bound": decision.lower_bound,
        "test_number": 3,
        "ready": False,
        "upper_bound": None,
    }
    assert decision.lower_bound is not None
    assert decision.lower_bound >= 0.95


def test_a_screen_is_no_test() -> None:
    decision = decide(Mastery(), Evaluation(screen=Score(value=1.0, examples=64)))
    assert not decision.mastered
    assert decision.test_number is None


@pytest.mark.parametrize(
    "settings",
    [
        {"threshold": 0.0},
        {"threshold": 1.1},
        {"threshold": float("nan")},
        {"confidence": 1.0},
        {"confidence": 0.0},
        {"screen": 0},
        {"examples": 0},
        {"min_steps": -1},
        {"consecutive_passes": 0},
    ],
)
def test_values_out_of_range_are_errors(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(settings))):
        Mastery(**settings)


def test_a_threshold_that_no_sample_clears_is_an_error() -> None:
    Mastery(threshold=0.99, examples=1024).check_can_be_cleared()
    with pytest.raises(UsageError, match="even if all are correct, it takes 3492"):
        Mastery(threshold=0.999, examples=1024).check_can_be_cleared()
    with pytest.raises(UsageError, match="no sample, whatever its size, can show a threshold of 1"):
        Mastery(threshold=1.0).check_can_be_cleared()


def test_consecutive_passes_need_more_examples() -> None:
    Mastery(threshold=0.99, examples=400).check_can_be_cleared()
    with pytest.raises(UsageError, match="even if all are correct, it takes"):
        Mastery(threshold=0.99, examples=400, consecutive_passes=2).check_can_be_cleared()


TESTS = (1, 2, 3, 4, 10, 30, 100, 1000)


@pytest.mark.parametrize("threshold", [0.5, 0.9, 0.95, 0.99, 0.995])
def test_however_many_tests_failed_a_model_a_little_above_the_threshold_may_pass(
    threshold: float,
) -> None:
    criterion = Mastery(threshold=threshold)
    little = min(0.01, (1 - threshold) / 2)
    for number in TESTS[5:]:
        assert criterion.score_needed(number) <= threshold + little


@pytest.mark.parametrize("number", TESTS)
def test_the_score_needed_is_the_lowest_that_clears_the_threshold(number: int) -> None:
    criterion = Mastery(threshold=0.95, examples=200)
    examples, needed = criterion.examples_of_test(number), criterion.score_needed(number)
    assert decide(criterion, a_test(needed, examples), test_number=number).mastered
    less = needed - 1 / examples
    assert not decide(criterion, a_test(less, examples), test_number=number).mastered


def test_the_first_test_has_as_many_examples_as_are_set_and_the_next_at_most_four_times() -> None:
    criterion = Mastery(threshold=0.9, examples=300)
    sizes = [criterion.examples_of_test(number) for number in range(1, 12)]
    assert sizes[0] == 300
    assert sizes[-1] > 300
    assert all(later in (size, 2 * size, 4 * size) for size, later in itertools.pairwise(sizes))


def test_the_target_may_have_a_higher_threshold_than_the_stages_before() -> None:
    criterion = Mastery(threshold=0.5, target_threshold=0.9, screen=7)
    assert criterion.at(target=False) == Mastery(threshold=0.5, screen=7)
    assert criterion.at(target=True) == Mastery(threshold=0.9, screen=7)
    assert Mastery(threshold=0.5).at(target=True) == Mastery(threshold=0.5)
    with pytest.raises(UsageError, match=r"target_threshold must be in \(0, 1\], got 1.5"):
        Mastery(target_threshold=1.5)


def test_single_stages_may_have_thresholds_of_their_own() -> None:
    criterion = Mastery(threshold=0.9, per_stage={4: 0.5, "4x8": 0.6, 9: 0.7}, screen=7)
    assert criterion.per_stage == (("4", 0.5), ("4x8", 0.6), ("9", 0.7))
    for stage, target, threshold in (
        (Stage(4, 2), False, 0.5),  # by its length
        (Stage(4, 8), False, 0.6),  # by its key, which says more
        (Stage(6, 2), False, 0.9),
        (Stage(9, 2), True, 0.7),
        (None, True, 0.9),  # of a length beyond the path
    ):
        assert criterion.at(stage, target=target) == Mastery(threshold=threshold, screen=7)
    decision = decide(criterion.at(Stage(4, 2), target=False), a_test(0.6))
    assert decision.mastered
    assert decision.threshold == 0.5


def test_a_stage_that_is_named_has_its_own_threshold_where_the_last_has_another_too() -> None:
    criterion = Mastery(threshold=0.5, target_threshold=0.9, per_stage={4: 0.6})
    assert criterion.description() == (
        "exact_match at least 0.5 (0.9 on the last stage) (0.6 on 4)"
    )
    for stage, target, threshold in (
        (4, False, 0.6),
        (4, True, 0.6),
        (5, False, 0.5),
        (5, True, 0.9),
    ):
        assert criterion.at(Stage(stage), target=target) == Mastery(threshold=threshold)


@pytest.mark.parametrize(
    ("per_stage", "message"),
    [
        ({4: 1.5}, r"criterion.per_stage 4 must be in \(0, 1\], got 1.5"),
        ({"4x8": 0.0}, r"criterion.per_stage 4x8 must be in \(0, 1\], got 0"),
        ({4: float("nan")}, r"criterion.per_stage 4 must be in \(0, 1\], got nan"),
        ({4: "high"}, "takes a stage and a number"),
        ({"four": 0.5}, "names a stage by its length, as 64, or by its key"),
        ((("4", 0.5), (4, 0.6)), "names 4 twice"),
    ],
)
def test_a_threshold_of_a_single_stage_that_is_none_is_an_error(
    per_stage: Any, message: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        Mastery(per_stage=per_stage)
    assert "\n" not in str(caught.value)
