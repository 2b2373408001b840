"""The summary of a run's journal for a comparison, on journals made by hand."""

from collections.abc import Sequence
from typing import Any

import pytest
from journals_by_hand import describe, evaluated, history, run_ended, visit_ended, visit_started
from runs_by_hand import six

from curriculum import Cost, Stage, Verdict
from curriculum.comparison import compare_runs
from curriculum.plan import VisitReason
from curriculum.record import Event, RunDescription, RunOverview, RunTotals
from curriculum.sweeps import RunSummary

SETTINGS = {
    "optimizer": "Adam",
    "optimizer.learning_rate": 0.01,
    "pacing": "Gated",
    "tuning.mode": "off",
    "growth": "Geometric",
    "budget.compute": None,
    "budget.tokens": 50,
    "budget.seconds": None,
    "budget.steps": None,
}
END = [(99.0, run_ended(status="reached"))]

Events = Sequence[tuple[float, Event]]
ADVANCE, HALF_STEP = VisitReason.ADVANCE, VisitReason.HALF_STEP
MASTERED, EXHAUSTED = Verdict.MASTERED, Verdict.EXHAUSTED


def described(strategy: str = "gated", **settings: Any) -> RunDescription:
    """The run's description, with settings whose dots are written as two underscores."""
    named = {name.replace("__", "."): value for name, value in settings.items()}
    return describe(
        strategy=strategy,
        settings=SETTINGS | named,
        environment={"torch": "2.13", "mlflow": "3.17"},
        git_commit="abc",
    )


def summary(description: RunDescription, events: Events = ()) -> RunSummary:
    totals = RunTotals.of(history(description, events))
    return RunSummary.of(RunOverview(description=description, totals=totals))


def visits(*given: tuple[int, VisitReason, Verdict, int]) -> Events:
    """Visits of lengths: why, their verdict, and the run's tokens at their last evaluation."""
    found: list[tuple[float, Event]] = []
    for number, (length, reason, verdict, tokens) in enumerate(given):
        stage = Stage(length)
        cost = Cost(steps=tokens // 10, tokens=tokens, compute=float(tokens))
        events = (
            visit_started(number, stage, reason),
            evaluated(number, stage, cost),
            visit_ended(number, stage, verdict, stage),
        )
        found += [(10.0 + number, event) for event in events]
    return found


def test_a_summary_holds_what_the_journal_records() -> None:
    found = summary(
        described(), [*visits((2, ADVANCE, MASTERED, 20), (4, ADVANCE, MASTERED, 50)), *END]
    )
    assert (found.unit, found.budget, found.reach, found.not_comparable) == ("tokens", 50, 1, None)
    assert found.mastered[0] == Cost(steps=2, tokens=20, compute=20.0, seconds=10.0)
    assert found.mastered[1] == Cost(steps=5, tokens=50, compute=50.0, seconds=11.0)
    assert found.total.seconds == 11.0
    assert "optimizer" in found.conditions
    no_conditions = {"pacing", "optimizer.learning_rate", "mlflow", "tuning.mode"}
    assert not no_conditions & set(found.conditions)


@pytest.mark.parametrize(
    ("settings", "events", "not_comparable"),
    [
        ({}, visits((2, ADVANCE, MASTERED, 1)), "not over yet"),
        ({"tuning__mode": "each"}, END, "tuned"),
        ({"growth": "Galloping"}, END, "with galloping growth"),
        ({}, [*visits((3, HALF_STEP, MASTERED, 1)), *END], "with half steps"),
        ({}, END, None),
    ],
)
def test_a_run_that_can_not_be_compared_gives_the_reason(
    settings: dict[str, Any], events: Events, not_comparable: str | None
) -> None:
    assert summary(described(**settings), events).not_comparable == not_comparable


def test_a_stage_between_two_of_the_path_is_not_counted() -> None:
    events = visits((3, ADVANCE, MASTERED, 20), (2, ADVANCE, EXHAUSTED, 30))
    assert summary(described(), [*events, *END]).mastered == {}


def test_a_strategy_with_settings_of_its_own_is_another() -> None:
    settings = {"pacing": "Gated", "sampling": "Combined"}
    usual = described("combined", **settings, sampling__mixed=0.2)
    assert summary(usual, END).strategy == "combined"
    other = described("combined", **settings, sampling__mixed=0.9)
    assert summary(other, END).strategy == "combined(mixed=0.9)"
    runs = (six("combined(mixed=0.9)", [1]), six("combined", [2]), six("direct", [4]))
    found = compare_runs("exp", [run for group in runs for run in group], ("combined", "direct"))
    assert list(found.outcomes) == ["combined", "combined(mixed=0.9)", "direct"]


def test_a_portfolio_of_other_arms_is_another_strategy() -> None:
    auto = {"pacing": "Portfolio", "pacing__least_share": 0.25, "sampling": "Current"}
    assert label("auto", **auto, pacing__arms=["direct", "gated", "combined"]) == "auto"
    assert label("auto", **auto, pacing__arms=["direct", "mixed"]) == "auto(arms=direct+mixed)"


def test_runs_with_demotions_are_not_compared_with_those_without() -> None:
    assert "backtracking.demotions" in summary(described(backtracking__demotions=3)).conditions


def label(strategy: str, **settings: Any) -> str:
    return summary(described(strategy, **settings), END).strategy


def test_a_pair_without_a_name_of_its_own_is_labelled_with_all_its_settings() -> None:
    linear = {"pacing": "Linear", "pacing__initial": 0.01, "pacing__horizon": 0.5}
    back = {"sampling": "LookBack", "sampling__back": 0.3}
    expected = "linear x lookback(initial=0.01, horizon=0.5, back=0.3)"
    assert label("linear x lookback", **linear, **back) == expected
    assert label("gated x mine", sampling="Mine", sampling__often=2) == "gated x mine(often=2)"
    assert label("gated x mine", sampling="Mine") == "gated x mine"


def test_guesses_under_another_pacing_are_another_strategy() -> None:
    assert label("guess", pacing="Gated", sampling="Current") == "guess"
    assert label("guess", pacing="Direct", sampling="Current") == "guess(pacing=Direct)"


def test_the_settings_of_training_are_no_conditions_of_guesses_but_are_kept() -> None:
    found = summary(described("guess", training__eval_every=1), END)
    assert found.training == {"optimizer": "Adam", "training.eval_every": 1}
    assert not set(found.training) & set(found.conditions)
    found = summary(described(training__eval_every=1), END)
    assert found.training == {}
    assert found.conditions["training.eval_every"] == 1
