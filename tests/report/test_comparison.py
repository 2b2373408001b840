"""What is compared with what, and what is left out, on runs made by hand."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from curriculum import Spending, Stage, UsageError
from curriculum.record.history import History
from curriculum.report.attempt import Attempt
from curriculum.report.comparison import Comparison, compared
from curriculum.report.comparison_words import terms

PATH = (Stage(2), Stage(4), Stage(8))
TERMS = {"budget.compute": 100.0, "task": "FirstBit", "torch": "2.13"}


def attempt(
    strategy: str, seed: int, costs: Sequence[float], rate: float = 0.01, **more: Any
) -> Attempt:
    """A run that mastered as many stages as there are costs, each in all so much."""
    values: dict[str, Any] = {
        "run_id": f"{strategy}-{seed}-{rate:g}",
        "strategy": strategy,
        "seed": seed,
        "learning_rate": rate,
        "created": 0.0,
        "path": PATH,
        "unit": "compute",
        "budget": 100.0,
        "terms": TERMS,
        "mastered": {
            place: Spending(steps=10, tokens=20, compute=cost, seconds=1.0)
            for place, cost in enumerate(costs)
        },
        "total": Spending(compute=100.0),
        "unfit": None,
    }
    return Attempt(**(values | more))


def six(strategy: str, costs: Sequence[float], **more: Any) -> list[Attempt]:
    return [attempt(strategy, seed, costs, **more) for seed in range(6)]


def of(*runs: Sequence[Attempt]) -> Comparison:
    return compared("exp", [run for group in runs for run in group])


def test_several_rates_are_trained_side_by_side_and_all_are_charged() -> None:
    """At 10 and 30 for the first stage, two rates have spent 2 x 10 when the quicker has it."""
    gated = [
        run
        for seed in range(6)
        for run in (
            attempt("gated", seed, [10, 40], 0.01),
            attempt("gated", seed, [30, 35, 50], 0.1),
        )
    ]
    found = of(gated, six("direct", [], rate=0.01), six("direct", [], rate=0.1))
    entry = found.outcomes["gated"].entries[0]
    assert [entry.spent(place).compute for place in range(3)] == [20, 70, 100]  # type: ignore[union-attr]
    assert entry.reach == 2
    assert found.budget == 200
    assert found.learning_rates == (0.01, 0.1)
    assert entry.curve() == [(20, 0), (70, 1), (100, 2)]


def test_a_baseline_that_never_got_there_would_have_spent_more_than_its_budget() -> None:
    found = of(six("gated", [10, 20, 25]), six("direct", [50]))
    ratio = found.outcomes["gated"].ratio
    assert found.stage == 2
    assert ratio is not None
    assert (ratio.least, ratio.most, ratio.verdict) == (4.0, math.inf, "helped")
    assert found.outcomes["direct"].ratio is None


def test_a_curriculum_may_hurt() -> None:
    found = of(six("bandit", [10]), six("direct", [5, 10, 20]))
    ratio = found.outcomes["bandit"].ratio
    assert ratio is not None
    assert (ratio.least, ratio.most, ratio.verdict) == (0.0, 0.2, "hurt")


def test_ratios_are_paired_by_seed() -> None:
    gated = [attempt("gated", seed, [cost]) for seed, cost in enumerate([1, 2, 4, 8, 16, 32])]
    direct = [attempt("direct", seed, [3 * cost]) for seed, cost in enumerate([1, 2, 4, 8, 16, 32])]
    ratio = of(gated, direct[::-1]).outcomes["gated"].ratio
    assert ratio is not None
    assert (ratio.least, ratio.low, ratio.high) == (3.0, 3.0, 3.0)


def test_the_stage_of_interest_is_the_hardest_that_half_of_some_strategys_seeds_mastered() -> None:
    gated = [attempt("gated", seed, [1, 2, 3] if seed < 3 else [1]) for seed in range(6)]
    assert of(gated, six("direct", [])).stage == 2
    gated = [attempt("gated", seed, [1, 2, 3] if seed < 2 else [1]) for seed in range(6)]
    assert of(gated, six("direct", [])).stage == 0
    assert of(six("gated", []), six("direct", [])).stage is None


def test_a_target_that_is_mastered_ahead_of_what_lies_below_counts_as_mastered() -> None:
    direct = six("direct", [], mastered={2: Spending(steps=1, tokens=2, compute=10.0, seconds=1.0)})
    found = of(six("gated", [1, 2, 20]), direct)
    ratio = found.outcomes["gated"].ratio
    assert found.stage == 2
    assert ratio is not None
    assert (ratio.verdict, ratio.least) == ("hurt", 0.5)
    assert [found.outcomes["direct"].reached(place) for place in range(3)] == [0, 0, 6]
    (said,) = [line for line in terms(found) if " mastered " in line and "on 6 of 6" in line]
    assert said.startswith(f"direct mastered {Stage(8)} on 6 of 6 seeds, and on 6 of them not all")
    assert not any("gated mastered" in line for line in terms(found))


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


def test_of_a_run_made_twice_the_newer_counts() -> None:
    newer = attempt("gated", 0, [1, 2, 3], created=9.0, run_id="newer")
    found = of(six("gated", [1]), [newer], six("direct", [1]))
    assert found.outcomes["gated"].entries[0].attempts == (newer,)


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


def test_one_strategy_alone_is_nothing_to_compare() -> None:
    with pytest.raises(UsageError, match=r"only gated can be compared .*'compare exp --run'"):
        of(six("gated", [1]))
    with pytest.raises(UsageError, match=r"no runs can be compared .*6 runs .* tuned"):
        of(six("gated", [1], unfit="tuned"))


DESCRIPTION = {
    "id": "abcd1234",
    "experiment": "exp",
    "strategy": "gated",
    "seed": 3,
    "created": 1.0,
    "path": ["2x2", "4x2"],
    "settings": {
        "optimizer": "Adam",
        "optimizer.learning_rate": 0.01,
        "pacing": "Gated",
        "tuning.mode": "off",
        "growth": "Geometric",
        "budget.compute": None,
        "budget.tokens": 50,
        "budget.seconds": None,
        "budget.steps": None,
    },
    "environment": {"torch": "2.13", "mlflow": "3.17"},
    "device": "cpu",
    "threads": 1,
    "flush_denormal": True,
    "source_sha256": None,
    "git_commit": "abc",
}


def records(*verdicts: tuple[str, str, str, int]) -> list[dict[str, Any]]:
    """Visits of stages, with their entry, verdict, and the run's tokens at their last look."""
    found: list[dict[str, Any]] = []
    for number, (stage, entry, verdict, tokens) in enumerate(verdicts):
        clock = {"clock": {"time": 10.0 + number, "seconds": 10.0 + number}}
        spent = {"steps": tokens // 10, "tokens": tokens, "compute": float(tokens)}
        lost = {"steps": 0, "tokens": 0, "compute": 0.0}
        found += [
            {
                "kind": "visit",
                "visit": number,
                "stage": stage,
                "entry": entry,
                "retuning": False,
                "learning_rate": 0.01,
                "hidden_size": 4,
                **clock,
            },
            {
                "kind": "look",
                "visit": number,
                "stage": stage,
                "decision": {"reason": ""},
                "spent": spent,
                "lost": lost,
                **clock,
            },
            {
                "kind": "verdict",
                "visit": number,
                "stage": stage,
                "verdict": verdict,
                "overrun": None,
                "reach": stage,
                **clock,
            },
        ]
    return found


END = {"kind": "end", "status": "reached", "ending": "", "clock": {"time": 99.0, "seconds": 99.0}}


def test_an_attempt_is_what_its_journal_tells() -> None:
    told = records(("2x2", "step", "mastered", 20), ("4x2", "step", "mastered", 50))
    found = Attempt.of(History(DESCRIPTION, [*told, END]))
    assert (found.unit, found.budget, found.reach, found.unfit) == ("tokens", 50, 1, None)
    assert found.mastered[0] == Spending(steps=2, tokens=20, compute=20.0, seconds=10.0)
    assert found.mastered[1] == Spending(steps=5, tokens=50, compute=50.0, seconds=11.0)
    assert found.total.seconds == 11.0
    assert "optimizer" in found.terms
    assert not {"pacing", "optimizer.learning_rate", "mlflow", "tuning.mode"} & set(found.terms)


@pytest.mark.parametrize(
    ("settings", "told", "end", "unfit"),
    [
        ({}, records(("2x2", "step", "mastered", 1)), False, "not over yet"),
        ({"tuning.mode": "each"}, [], True, "tuned"),
        ({"growth": "Galloping"}, [], True, "galloping"),
        ({}, records(("3x2", "half step", "mastered", 1)), True, "with half steps"),
        ({}, [], True, None),
    ],
)
def test_what_can_not_be_compared_says_why(
    settings: dict[str, Any], told: list[dict[str, Any]], end: bool, unfit: str | None
) -> None:
    description = DESCRIPTION | {"settings": DESCRIPTION["settings"] | settings}  # type: ignore[operator]
    assert Attempt.of(History(description, [*told, *([END] if end else [])])).unfit == unfit


def test_a_stage_between_two_of_the_path_is_none_of_it() -> None:
    told = records(("3x2", "step", "mastered", 20), ("2x2", "step", "exhausted", 30))
    assert Attempt.of(History(DESCRIPTION, [*told, END])).mastered == {}


def test_a_verdict_is_of_the_hardest_stage_that_the_two_of_them_mastered() -> None:
    """What other strategies reached besides makes no difference to it."""
    runs = (six("direct", [80]), six("gated", [10, 20]), six("combined", [10, 20, 60]))
    for found in (of(*runs[:2]), of(*runs)):
        outcome = found.outcomes["gated"]
        assert outcome.stage == 1
        assert outcome.ratio is not None
        assert (outcome.ratio.verdict, outcome.ratio.least) == ("helped", 5.0)
    assert of(*runs).stage == 2


def test_what_was_asked_for_and_is_not_there_is_said() -> None:
    runs = [*six("gated", [1])[:4], *six("direct", [1])]
    found = compared("exp", runs, ("gated", "direct", "bandit"), ["abcd"])
    assert found.left_out == (
        "run abcd can't be read",
        "bandit: no runs on these terms",
        "gated: no runs with seed 4, 5",
    )


def test_a_strategy_under_settings_of_its_own_is_another() -> None:
    settings = {"pacing": "Gated", "sampling": "Combined", "sampling.mixed": 0.2}
    usual = DESCRIPTION | {
        "strategy": "combined",
        "settings": DESCRIPTION["settings"] | settings,  # type: ignore[operator]
    }
    assert Attempt.of(History(usual, [END])).strategy == "combined"
    other = usual | {"settings": usual["settings"] | {"sampling.mixed": 0.9}}
    assert Attempt.of(History(other, [END])).strategy == "combined(mixed=0.9)"
    runs = (six("combined(mixed=0.9)", [1]), six("combined", [2]), six("direct", [4]))
    found = compared("exp", [run for group in runs for run in group], ("combined", "direct"))
    assert list(found.outcomes) == ["combined", "combined(mixed=0.9)", "direct"]


def test_runs_with_demotions_are_not_compared_with_those_without() -> None:
    settings = DESCRIPTION["settings"] | {"stuck.demotions": 3}  # type: ignore[operator]
    assert "stuck.demotions" in Attempt.of(History(DESCRIPTION | {"settings": settings})).terms
