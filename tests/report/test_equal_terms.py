"""Which runs are compared, and what is said of those that are not, on runs made by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from attempts_by_hand import TERMS, attempt, of, six

from curriculum import UsageError
from curriculum.report.attempt import Attempt


def left_out(*runs: Sequence[Attempt]) -> list[str]:
    return list(of(six("gated", [1]), six("direct", [1]), *runs).left_out)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"unfit": "tuned"}, "run odd tuned"),
        ({"unfit": "not over yet"}, "run odd not over yet"),
        ({"unfit": "without a limit of the whole run"}, "run odd without a limit of the whole run"),
        ({"terms": TERMS | {"budget.compute": 5.0}}, "run odd with budget.compute 5.0, not 100.0"),
        ({"terms": TERMS | {"torch": "2.6"}}, "run odd with torch 2.6, not 2.13"),
        (
            {"terms": {"a": 1, "b": 2, "c": 3, "d": 4, **TERMS}},
            "run odd with a 1, not nothing, b 2, not nothing, c 3, not nothing and 1 more",
        ),
        ({"learning_rate": 0.5}, "bandit, seed 0: no run at learning rate 0.01"),
    ],
)
def test_what_went_on_other_terms_is_left_out_and_said(more: Mapping[str, Any], said: str) -> None:
    odd = attempt("bandit", 0, [1], **{"run_id": "odd", **more})
    assert left_out([odd]) == [said]


def test_the_largest_group_on_equal_terms_is_compared() -> None:
    other = TERMS | {"budget.compute": 7.0}
    few = [attempt("gated", 0, [1], terms=other, run_id="few"), *six("uniform", [1], terms=TERMS)]
    found = of(few, six("direct", [1]))
    assert set(found.outcomes) == {"uniform", "direct"}
    assert found.left_out == ("run few with budget.compute 7.0, not 100.0",)


def test_an_edited_commit_is_told_from_the_commit_itself() -> None:
    """Long values are cut in their middle, since what tells them apart may stand at their end."""
    commit = "12dab0d9521d3ff3f4f0a1a7e0c2f7c1b9a84e55"
    clean, edited = TERMS | {"git_commit": commit}, TERMS | {"git_commit": f"{commit}+changes"}
    found = of(
        six("gated", [1], terms=clean),
        six("direct", [1], terms=clean),
        [attempt("uniform", 0, [1], terms=edited, run_id="few")],
    )
    assert found.left_out == (
        "run few with git_commit 12dab0d952…5+changes, not 12dab0d952…1b9a84e55",
    )


def test_of_a_run_made_twice_the_newer_counts() -> None:
    newer = attempt("gated", 0, [1, 2, 3], created=9.0, run_id="newer")
    found = of(six("gated", [1]), [newer], six("direct", [1]))
    assert found.outcomes["gated"].entries[0].attempts == (newer,)
    assert found.left_out == ("run gated-0-0.01 made again as run newer",)
    again = six("gated", [1, 2], created=5.0)
    found = of(six("gated", [1]), again, six("direct", [1]))
    ids = "gated-0-0.01, gated-1-0.01, gated-2-0.01, …"
    assert found.left_out == (f"6 runs ({ids}) made again since",)


def test_a_run_at_a_rate_that_most_were_not_run_at_is_left_out_and_said() -> None:
    more = [attempt("gated", 0, [9], 0.5, run_id="odd"), attempt("direct", 2, [9], 0.5)]
    assert left_out(more) == ["2 runs (odd, direct-2-0.5) at learning rate 0.5, not one of 0.01"]


def test_guessing_has_widths_in_place_of_learning_rates_and_trains_in_no_way() -> None:
    terms = {"budget.compute": 100.0, "task": "FirstBit", "torch": "2.13"}
    trained = TERMS | {"optimizer": "Adam", "training.batch_size": 32}
    guesses = [
        attempt("guess", seed, [9], width, terms=terms)
        for seed in range(6)
        for width in (1.0, 10.0)
    ]
    two = [
        run
        for name in ("gated", "direct")
        for rate in (0.1, 0.2)
        for run in six(name, [5], rate=rate, terms=trained)
    ]
    found = of(two, guesses)
    assert found.left_out == ()
    assert found.learning_rates == (0.1, 0.2)
    assert found.outcomes["guess"].entries[0].spent(0).compute == 18  # type: ignore[union-attr]
    odd = [attempt("guess", 0, [9], 1.0, terms=terms | {"torch": "2.6"}, run_id="odd")]
    assert of(two, odd).left_out == ("run odd with torch 2.6, not 2.13",)


RATES = (0.1, 0.2)


def trained_at_two_rates() -> list[Attempt]:
    return [r for name in ("gated", "direct") for rate in RATES for r in six(name, [5], rate=rate)]


def guessed(*widths: float, **more: Any) -> list[Attempt]:
    return [run for width in widths for run in six("guess", [9], rate=width, **more)]


def test_guesses_in_fewer_widths_than_others_have_rates_are_left_out() -> None:
    found = of(trained_at_two_rates(), guessed(1.0))
    assert set(found.outcomes) == {"gated", "direct"}
    assert found.left_out == ("guess: at fewer widths than the 2 learning rates of the others",)
    few = [run for run in guessed(1.0, 10.0) if run.seed == 0 or run.learning_rate == 1.0]
    found = of(trained_at_two_rates(), few)
    assert set(found.outcomes["guess"].entries) == {0}
    assert found.left_out[0] == "guess, seed 1: no run at width 10"


def test_guesses_in_more_widths_than_others_have_rates_take_as_many() -> None:
    found = of(trained_at_two_rates(), guessed(1.0, 10.0, 100.0))
    rates = [run.learning_rate for run in found.outcomes["guess"].entries[0].attempts]
    assert rates == [1.0, 10.0]
    ids = "guess-0-100, guess-1-100, guess-2-100, …"
    assert found.left_out == (f"6 runs ({ids}) at width 100, not one of 1, 10",)


def test_guesses_alone_have_nothing_to_be_compared_with() -> None:
    with pytest.raises(UsageError, match="guess: nothing that was trained is there"):
        of(guessed(1.0, 10.0))


def test_guesses_share_the_settings_of_training_among_each_other() -> None:
    """These tell nothing beside strategies that train, but how often is looked tells of guesses."""
    often, seldom = ({"training.look_every": every} for every in (1, 50))
    many = guessed(1.0, 10.0, training=often)
    other = [attempt("guess", 7, [1], 1.0, training=seldom, run_id="seldom")]
    found = of(trained_at_two_rates(), other, many)
    assert set(found.outcomes["guess"].entries) == set(range(6))
    assert found.left_out[0] == "run seldom with training.look_every 50, not 1"
    assert not any(
        "seldom" in r.run_id for e in found.outcomes["guess"].entries.values() for r in e.attempts
    )


def test_terms_that_are_spelled_otherwise_are_the_same() -> None:
    spelled = six("direct", [1], terms=TERMS | {"budget.compute": 100})
    assert of(six("gated", [1]), spelled).left_out == ()
