from typing import Any

import pytest

from curriculum import Look, Mastery, Tally, UsageError

EVERY = "every input"


def decide(criterion: Mastery, look: Look, **state: int) -> Any:
    return criterion.decide(look, **{"test_number": 1, "passes": 0, "steps": 100, **state})


def a_test(score: float, examples: int = 1024, **kinds: Any) -> Look:
    return Look(test=Tally(score=score, examples=examples, **kinds))


@pytest.mark.parametrize(
    ("criterion", "look", "state", "mastered", "said"),
    [
        (Mastery(), a_test(1.0), {}, True, "lower bound 0.9966 >= 0.95 in full test 1"),
        (Mastery(), a_test(0.95), {}, False, "< 0.95 in full test 1"),
        (Mastery(), a_test(985 / 1024), {}, False, "full test 1"),
        (Mastery(), a_test(987 / 1024), {}, True, "full test 1"),
        (Mastery(), a_test(987 / 1024), {"test_number": 2}, False, "full test 2"),
        (Mastery(threshold=1), a_test(1.0, 9, source=EVERY), {}, True, "every one of 9 inputs"),
        (Mastery(threshold=1), a_test(0.99, 9, source=EVERY), {}, False, "0.99 < 1"),
        (Mastery(threshold=0.9), a_test(0.9, 5, source="document"), {}, True, "of the exam"),
        (
            Mastery(threshold=0.9),
            a_test(0.95, 5, source="document", memorised=True),
            {},
            True,
            "(memorised)",
        ),
        (Mastery(least_steps=101), a_test(1.0), {}, False, "only 100 of 101 steps"),
        (Mastery(least_steps=100), a_test(1.0), {}, True, ">="),
        (Mastery(), a_test(1.0), {"least_steps": 200}, False, "only 100 of 200 steps"),
        (Mastery(looks_in_a_row=3), a_test(1.0), {"passes": 1}, False, "2 of 3 looks in a row"),
        (Mastery(looks_in_a_row=3), a_test(1.0), {"passes": 2}, True, ">="),
        (Mastery(metric="tokens"), a_test(0.965), {}, False, "tokens 0.965"),
        (Mastery(metric="tokens"), a_test(0.99), {}, True, "tokens 0.99"),
        (
            Mastery(),
            Look(screen=Tally(score=0.5, examples=64)),
            {},
            False,
            "exact_match 0.5 < 0.95 in a screen of 64 fresh examples",
        ),
        (Mastery(), Look(), {}, False, "no test was taken"),
    ],
)
def test_decisions(
    criterion: Mastery, look: Look, state: dict[str, int], mastered: bool, said: str
) -> None:
    decision = decide(criterion, look, **state)
    assert decision.mastered is mastered
    assert said in decision.reason


def test_every_slice_must_hold() -> None:
    good, bad = Tally(score=1.0, examples=1024), Tally(score=0.5, examples=1024)
    decision = decide(Mastery(), Look(test=good, slices={"first": good, "hard": bad}))
    assert not decision.mastered
    assert "on the slice 'hard'" in decision.reason
    assert decision.score == 0.5
    assert decide(Mastery(), Look(test=good, slices={"first": good})).mastered


def test_a_decision_records_its_numbers() -> None:
    decision = decide(Mastery(), a_test(1.0), test_number=3)
    assert decision.state_dict() == {
        "mastered": True,
        "cleared": True,
        "reason": decision.reason,
        "metric": "exact_match",
        "threshold": 0.95,
        "score": 1.0,
        "examples": 1024,
        "bound": decision.bound,
        "test_number": 3,
    }
    assert decision.bound is not None
    assert decision.bound >= 0.95


def test_a_screen_is_no_test() -> None:
    decision = decide(Mastery(), Look(screen=Tally(score=1.0, examples=64)))
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
        {"least_steps": -1},
        {"looks_in_a_row": 0},
    ],
)
def test_values_out_of_range_are_errors(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(settings))):
        Mastery(**settings)


def test_a_threshold_that_no_sample_clears_is_an_error() -> None:
    Mastery(threshold=0.99, examples=1024).check_can_be_cleared()
    with pytest.raises(UsageError, match="all right would need 3492"):
        Mastery(threshold=0.999, examples=1024).check_can_be_cleared()
    with pytest.raises(UsageError, match="can't be shown on a sample"):
        Mastery(threshold=1.0).check_can_be_cleared()


def test_looks_in_a_row_need_more_examples() -> None:
    Mastery(threshold=0.99, examples=400).check_can_be_cleared()
    with pytest.raises(UsageError, match="would need"):
        Mastery(threshold=0.99, examples=400, looks_in_a_row=2).check_can_be_cleared()


def test_the_gate_knows_how_many_tests_it_can_pass() -> None:
    criterion = Mastery(threshold=0.99, examples=1024)
    last = max(number for number in range(1, 100) if criterion.can_clear(number))
    assert decide(criterion, a_test(1.0), test_number=last).mastered
    assert not decide(criterion, a_test(1.0), test_number=last + 1).mastered


def test_the_target_may_ask_for_more_than_the_way_there() -> None:
    criterion = Mastery(threshold=0.5, target_threshold=0.9, screen=7)
    assert criterion.at(target=False) == Mastery(threshold=0.5, screen=7)
    assert criterion.at(target=True) == Mastery(threshold=0.9, screen=7)
    assert Mastery(threshold=0.5).at(target=True) == Mastery(threshold=0.5)
    with pytest.raises(UsageError, match=r"target_threshold must be in \(0, 1\], got 1.5"):
        Mastery(target_threshold=1.5)
