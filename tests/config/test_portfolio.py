"""The arms of a portfolio: what each is, and which an experiment can't race."""

import pytest

from curriculum import Budget, Combined, Direct, Experiment, Gated, Portfolio, UsageError
from curriculum.config import (
    arms_left_out,
    arms_of,
    deserialize,
    is_portfolio,
    load_experiment,
    override,
    serialize,
)


def test_each_arm_is_what_the_experiment_is_under_its_strategy(tiny: Experiment) -> None:
    auto = tiny.with_strategy("auto")
    assert is_portfolio(auto)
    assert auto.strategy == "auto"
    assert not is_portfolio(tiny)
    arms = arms_of(auto)
    assert list(arms) == ["direct", "gated", "combined"]
    for name, arm in arms.items():
        alone = tiny.with_strategy(name)
        assert arm.replace(criterion=alone.criterion) == alone
    assert arms["direct"].pacing == Direct()
    assert arms["gated"].pacing == Gated()
    assert arms["combined"].sampling == Combined()


@pytest.mark.parametrize("names", [("direct", "gated"), ("gated", "look_back", "uniform", "mixed")])
def test_the_arms_share_the_error_of_a_stages_tests(
    tiny: Experiment, names: tuple[str, ...]
) -> None:
    whole = tiny.criterion.replace(confidence=0.9)
    arms = arms_of(tiny.replace(criterion=whole, pacing=Portfolio(arms=names)))
    errors = [1 - arm.criterion.confidence for arm in arms.values()]
    assert sum(errors) == pytest.approx(0.1)
    assert len(set(errors)) == 1


def test_arms_that_the_task_refuses_are_left_out_and_said() -> None:
    experiment, _ = load_experiment("human_numbers_rnn")
    auto = experiment.with_strategy("auto")
    assert list(arms_of(auto)) == ["direct", "gated"]
    assert arms_left_out(auto).keys() == {"combined"}
    assert "read in order" in arms_left_out(auto)["combined"]


def test_a_search_is_made_in_the_arms_that_can_make_one() -> None:
    experiment, _ = load_experiment("lstm_firstbit")
    modes = {
        name: arm.tuning.mode for name, arm in arms_of(experiment.with_strategy("auto")).items()
    }
    assert modes == {"direct": "off", "gated": "each", "combined": "each"}


@pytest.mark.parametrize(
    ("arms", "message"),
    [
        ("direct", "two arms or more, got direct; .*--strategy direct"),
        ("", "two arms or more, got none"),
        ("direct,direct", "named once, got direct twice"),
        ("direct,gatd", "no strategy 'gatd'; did you mean gated"),
        ("direct,guess", "guess can be no arm"),
        ("auto,gated", "auto can be no arm"),
    ],
)
def test_what_is_no_portfolio_is_refused(tiny: Experiment, arms: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        override(tiny, ["--strategy", "auto", "--arms", arms])


def test_a_portfolio_of_which_one_arm_is_left_is_refused() -> None:
    experiment, _ = load_experiment("human_numbers_rnn")
    with pytest.raises(UsageError, match=r"takes direct: combined is refused, as .*read in order"):
        override(experiment, ["--strategy", "auto", "--arms", "direct,combined"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--strategy", "auto", "--sampling", "uniform"], "sampling uniform has no effect"),
        (["--strategy", "auto", "--budget.until", "limit"], "until must be target, got limit"),
        (["--arms", "direct,gated"], "this is gated; add --strategy auto"),
        (["--strategy", "auto", "--pacing.least-share", "0"], r"must be in \(0, 1\], got 0"),
    ],
)
def test_settings_that_contradict_a_race_are_refused(
    tiny: Experiment, words: list[str], message: str
) -> None:
    limited = tiny.replace(budget=Budget(steps_per_stage=400, steps=1000))
    with pytest.raises(UsageError, match=message):
        override(limited, words)


def test_other_arms_are_named_on_the_command_line_and_kept_in_records(tiny: Experiment) -> None:
    found = override(tiny, ["--strategy=auto", "--arms=gated, look_back", "--pacing.least-share=1"])
    assert found.pacing == Portfolio(arms=("gated", "look_back"), least_share=1.0)
    assert deserialize(serialize(found)) == found
    assert found.flat()["pacing.arms"] == ("gated", "look_back")
