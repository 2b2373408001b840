"""Which runs are compared, and why the others are left out, on runs made by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from runs_by_hand import CONDITIONS, of, run_summary, six

from curriculum import Cost, UsageError
from curriculum.sweeps import RunSummary


def left_out(*runs: Sequence[RunSummary]) -> list[str]:
    return list(of(six("gated", [1]), six("direct", [1]), *runs).left_out)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"not_comparable": "tuned"}, "run odd tuned"),
        ({"not_comparable": "not over yet"}, "run odd not over yet"),
        (
            {"not_comparable": "without a limit of the whole run"},
            "run odd without a limit of the whole run",
        ),
        (
            {"conditions": CONDITIONS | {"budget.compute": 5.0}},
            "run odd with budget.compute 5.0, not 100.0",
        ),
        ({"conditions": CONDITIONS | {"torch": "2.6"}}, "run odd with torch 2.6, not 2.13"),
        (
            {"conditions": {"a": 1, "b": 2, "c": 3, "d": 4, **CONDITIONS}},
            "run odd with a 1, not nothing, b 2, not nothing, c 3, not nothing and 1 more",
        ),
        ({"learning_rate": 0.5}, "bandit, seed 0: no run at learning rate 0.01"),
    ],
)
def test_a_run_under_other_conditions_is_left_out_with_the_reason(
    more: Mapping[str, Any], expected: str
) -> None:
    odd = run_summary("bandit", 0, [1], **{"run_id": "odd", **more})
    assert left_out([odd]) == [expected]


def test_the_largest_group_under_equal_conditions_is_compared() -> None:
    other = CONDITIONS | {"budget.compute": 7.0}
    few = [
        run_summary("gated", 0, [1], conditions=other, run_id="few"),
        *six("uniform", [1], conditions=CONDITIONS),
    ]
    found = of(few, six("direct", [1]))
    assert set(found.outcomes) == {"uniform", "direct"}
    assert found.left_out == ("run few with budget.compute 7.0, not 100.0",)


def test_an_edited_commit_is_distinguished_from_the_commit_itself() -> None:
    """Long values are cut in their middle, since they may differ at their end alone."""
    commit = "12dab0d9521d3ff3f4f0a1a7e0c2f7c1b9a84e55"
    clean, edited = (
        CONDITIONS | {"git_commit": commit},
        CONDITIONS | {"git_commit": f"{commit}+changes"},
    )
    found = of(
        six("gated", [1], conditions=clean),
        six("direct", [1], conditions=clean),
        [run_summary("uniform", 0, [1], conditions=edited, run_id="few")],
    )
    assert found.left_out == (
        "run few with git_commit 12dab0d952…5+changes, not 12dab0d952…1b9a84e55",
    )


def test_of_a_run_that_was_repeated_the_newer_counts() -> None:
    newer = run_summary("gated", 0, [1, 2, 3], created=9.0, run_id="newer")
    found = of(six("gated", [1]), [newer], six("direct", [1]))
    assert found.outcomes["gated"].results[0].runs == (newer,)
    assert found.left_out == ("run gated-0-0.01 repeated as run newer",)
    again = six("gated", [1, 2], created=5.0)
    found = of(six("gated", [1]), again, six("direct", [1]))
    ids = "gated-0-0.01, gated-1-0.01, gated-2-0.01, …"
    assert found.left_out == (f"6 runs ({ids}) repeated since",)


def test_a_run_at_a_learning_rate_that_few_runs_have_is_left_out() -> None:
    more = [run_summary("gated", 0, [9], 0.5, run_id="odd"), run_summary("direct", 2, [9], 0.5)]
    assert left_out(more) == ["2 runs (odd, direct-2-0.5) at learning rate 0.5, not one of 0.01"]


def test_guesses_have_widths_in_place_of_learning_rates_and_no_settings_of_training() -> None:
    conditions = {"budget.compute": 100.0, "task": "FirstBit", "torch": "2.13"}
    trained = CONDITIONS | {"optimizer": "Adam", "training.batch_size": 32}
    guesses = [
        run_summary("guess", seed, [9], width, conditions=conditions)
        for seed in range(6)
        for width in (1.0, 10.0)
    ]
    two = [
        run
        for name in ("gated", "direct")
        for rate in (0.1, 0.2)
        for run in six(name, [5], rate=rate, conditions=trained)
    ]
    found = of(two, guesses)
    assert found.left_out == ()
    assert found.learning_rates == (0.1, 0.2)
    assert found.outcomes["guess"].results[0].cost(0) == Cost(
        steps=20, tokens=40, compute=18, seconds=2
    )
    odd = [
        run_summary("guess", 0, [9], 1.0, conditions=conditions | {"torch": "2.6"}, run_id="odd")
    ]
    assert of(two, odd).left_out == ("run odd with torch 2.6, not 2.13",)


RATES = (0.1, 0.2)


def trained_at_two_rates() -> list[RunSummary]:
    return [r for name in ("gated", "direct") for rate in RATES for r in six(name, [5], rate=rate)]


def guessed(*widths: float, **more: Any) -> list[RunSummary]:
    return [run for width in widths for run in six("guess", [9], rate=width, **more)]


def test_guesses_at_fewer_widths_than_others_have_learning_rates_are_left_out() -> None:
    found = of(trained_at_two_rates(), guessed(1.0))
    assert set(found.outcomes) == {"gated", "direct"}
    assert found.left_out == ("guess: at fewer widths than the 2 learning rates of the others",)
    few = [run for run in guessed(1.0, 10.0) if run.seed == 0 or run.learning_rate == 1.0]
    found = of(trained_at_two_rates(), few)
    assert set(found.outcomes["guess"].results) == {0}
    assert found.left_out[0] == "guess, seed 1: no run at width 10"


def test_of_more_widths_of_guesses_than_learning_rates_of_others_as_many_count() -> None:
    found = of(trained_at_two_rates(), guessed(1.0, 10.0, 100.0))
    rates = [run.learning_rate for run in found.outcomes["guess"].results[0].runs]
    assert rates == [1.0, 10.0]
    ids = "guess-0-100, guess-1-100, guess-2-100, …"
    assert found.left_out == (f"6 runs ({ids}) at width 100, not one of 1, 10",)


def test_guesses_alone_can_not_be_compared() -> None:
    with pytest.raises(UsageError, match="guess: there is no trained run to compare it with"):
        of(guessed(1.0, 10.0))


def test_guesses_must_share_the_settings_of_training_among_each_other() -> None:
    """Beside strategies that train these do not matter, but what guesses reach depends on it."""
    often, seldom = ({"training.eval_every": every} for every in (1, 50))
    many = guessed(1.0, 10.0, training=often)
    other = [run_summary("guess", 7, [1], 1.0, training=seldom, run_id="seldom")]
    found = of(trained_at_two_rates(), other, many)
    assert set(found.outcomes["guess"].results) == set(range(6))
    assert found.left_out[0] == "run seldom with training.eval_every 50, not 1"
    assert not any(
        "seldom" in run.run_id
        for result in found.outcomes["guess"].results.values()
        for run in result.runs
    )


def test_equal_conditions_of_other_types_are_the_same() -> None:
    spelled = six("direct", [1], conditions=CONDITIONS | {"budget.compute": 100})
    assert of(six("gated", [1]), spelled).left_out == ()
