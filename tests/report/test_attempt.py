"""What a run's journal tells a comparison, on journals made by hand."""

from typing import Any

import pytest
from attempts_by_hand import six

from curriculum import Spending
from curriculum.record.history import History
from curriculum.report.attempt import Attempt
from curriculum.report.comparison import compared

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


def label(strategy: str, **settings: Any) -> str:
    named = {name.replace("__", "."): value for name, value in settings.items()}
    described = DESCRIPTION | {
        "strategy": strategy,
        "settings": DESCRIPTION["settings"] | named,  # type: ignore[operator]
    }
    return Attempt.of(History(described, [END])).strategy


def test_a_pair_without_a_name_of_its_own_says_all_its_settings() -> None:
    linear = {"pacing": "Linear", "pacing__initial": 0.01, "pacing__horizon": 0.5}
    back = {"sampling": "LookBack", "sampling__back": 0.3}
    said = "linear x lookback(initial=0.01, horizon=0.5, back=0.3)"
    assert label("linear x lookback", **linear, **back) == said
    assert label("gated x mine", sampling="Mine", sampling__often=2) == "gated x mine(often=2)"
    assert label("gated x mine", sampling="Mine") == "gated x mine"


def test_guesses_under_another_pacing_are_others() -> None:
    assert label("guess", pacing="Gated", sampling="Current") == "guess"
    assert label("guess", pacing="Direct", sampling="Current") == "guess(pacing=Direct)"


def test_the_settings_of_training_are_no_terms_of_guesses_but_are_kept() -> None:
    settings = DESCRIPTION["settings"] | {"training.look_every": 1}  # type: ignore[operator]
    found = Attempt.of(History(DESCRIPTION | {"strategy": "guess", "settings": settings}, [END]))
    assert found.training == {"optimizer": "Adam", "training.look_every": 1}
    assert not set(found.training) & set(found.terms)
    found = Attempt.of(History(DESCRIPTION | {"settings": settings}, [END]))
    assert found.training == {}
    assert found.terms["training.look_every"] == 1
