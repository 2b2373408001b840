"""What a search of curricula may vary: how it is given, what it makes of an experiment, what is refused."""

import re
from typing import Any

import pytest

from curriculum import (
    Choices,
    Combined,
    Current,
    Direct,
    Experiment,
    Geometric,
    LookBack,
    LossBelow,
    Mastery,
    Range,
    Stage,
    Uniform,
    UsageError,
)
from curriculum.config import CurriculumSpace, parse_over


def space(experiment: Experiment, *over: str) -> CurriculumSpace:
    return CurriculumSpace.of(experiment, parse_over(over))


@pytest.mark.parametrize(
    ("given", "low", "high", "log"),
    [
        ("1.2..4", 1.2, 4.0, False),
        ("1.5..15", 1.5, 15.0, True),
        ("2..3", 2.0, 3.0, False),
        (" 1.2 .. 4 ", 1.2, 4.0, False),
        ((1.2, 4), 1.2, 4.0, False),
        (Range(setting="any", low=1.2, high=4.0), 1.2, 4.0, False),
    ],
)
def test_a_range_is_logarithmic_where_it_spans_a_factor_of_ten(
    tiny: Experiment, given: Any, low: float, high: float, log: bool
) -> None:
    found = CurriculumSpace.of(tiny, {"growth.factor": given}).parameters["growth.factor"]
    assert found == Range(setting="growth.factor", low=low, high=high, log=log)
    assert isinstance(found.low, float)


def test_bounds_are_whole_where_the_setting_is(tiny: Experiment) -> None:
    found = space(tiny, "growth=arithmetic,geometric", "growth.step=1..3").parameters
    assert found["growth.step"] == Range(setting="growth.step", low=1, high=3)
    assert isinstance(found["growth.step"], Range)
    assert isinstance(found["growth.step"].low, int)


@pytest.mark.parametrize(
    "given",
    [
        "current, combined",
        ["current", "combined"],
        Choices(setting="x", values=("current", "combined")),
    ],
)
def test_choices_are_a_list(tiny: Experiment, given: Any) -> None:
    found = CurriculumSpace.of(tiny, {"sampling": given}).parameters
    assert found == {"sampling": Choices(setting="sampling", values=("current", "combined"))}


def test_a_point_is_the_experiment_with_these_settings(tiny: Experiment) -> None:
    found = space(
        tiny, "growth.factor=1.2..4", "sampling=current,look_back", "sampling.back=.1...5"
    )
    values = {"sampling": "look_back", "sampling.back": 0.25, "growth.factor": 2.0}
    assert found.words(values) == (
        *("--sampling", "look_back"),
        *("--sampling.back", "0.25", "--growth.factor", "2.0"),
    )
    made = found.experiment(values)
    assert made.sampling == LookBack(back=0.25)
    assert made.growth == Geometric(start=Stage(2), end=Stage(5), factor=2.0)


def test_a_setting_that_the_chosen_kind_lacks_is_passed_over(tiny: Experiment) -> None:
    found = space(tiny, "sampling.back=.1...5", "sampling=current,look_back")
    values = {"sampling": "current", "sampling.back": 0.25}
    assert found.words(values) == ("--sampling", "current")
    assert found.experiment(values).sampling == Current()


def test_a_strategy_is_chosen_by_its_name(tiny: Experiment) -> None:
    found = space(tiny, "strategy=uniform,combined", "growth.factor=1.2..4")
    uniform = found.experiment({"strategy": "uniform", "growth.factor": 3.0})
    assert (uniform.pacing, uniform.sampling) == (Direct(), Uniform())
    assert found.experiment({"strategy": "combined", "growth.factor": 3.0}).sampling == Combined()


def test_a_threshold_is_that_of_the_stages_before_the_last(tiny: Experiment) -> None:
    found = space(tiny, "criterion.threshold=.5..0.9")
    made = found.experiment({"criterion.threshold": 0.6})
    assert made.criterion == Mastery(threshold=0.6, target_threshold=1.0)
    words = ("--criterion.threshold", "0.6", "--criterion.target-threshold", "1.0")
    assert found.command({"criterion.threshold": 0.6}) == words
    losses = LossBelow(threshold=0.1, examples=512)
    of_loss = space(tiny.replace(criterion=losses), "criterion.threshold=.05..0.2")
    assert of_loss.experiment({"criterion.threshold": 0.15}).criterion.at(
        Stage(5), target=True
    ) == losses.at(Stage(5), target=True)
    pasted = of_loss.command({"criterion.threshold": 0.15})
    assert pasted[2:] == ("--criterion.per-stage", "5x2", "0.1")


def test_a_search_of_the_experiments_own_does_not_stand_in_the_way(tiny: Experiment) -> None:
    from curriculum import Tuning

    found = space(tiny.replace(tuning=Tuning(mode="each")), "sampling=bandit,current")
    assert not found.experiment({"sampling": "bandit"}).tuning.is_on


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ([], "there is nothing to search: give --over growth.factor=1.2..4, say"),
        (["growth.facto=1.2..4"], "tiny has no setting growth.facto; did you mean growth.factor"),
        (["sampling.back=0..1"], "tiny has no setting sampling.back; "),
        (["model.hidden_size=4..8"], "model.hidden_size is no part of a curriculum"),
        (["growth.factor=4..1.2"], "growth.factor runs from 4 down to 1.2; give the lower bound first"),
        (["growth.factor=2..2"], "the search range of growth.factor holds 2 alone"),
        (["growth.factor=a..b"], "the search range of growth.factor is of numbers, got 'a..b'"),
        (["growth.factor=1.2..inf"], "needs finite bounds"),
        (["growth.factor=2"], "growth.factor needs a range such as 1.2..4, or at least two choices"),
        (["growth=arithmetic,geometric", "growth.step=1.5..3"], "growth.step is a whole number, got 1.5 to 3"),
        (["growth.order=1..2"], "growth.order is no number, so it takes choices"),
        (["sampling=1..2"], "sampling takes names such as sampling=current,combined"),
        (["growth=galloping,geometric"], "growth galloping can't be searched: it skips stages"),
        (["strategy=guess,gated"], "strategy guess can't be searched: it trains nothing"),
        (["strategy=direct,gated", "sampling=current,mixed"], "search strategy, or sampling, not both"),
        (["growth.factor=1.2..4", "growth.factor=1.3..4"], "--over names growth.factor twice"),
        (["criterion.min-steps=0..4", "criterion.min_steps=0..5"], "--over names a setting twice"),
        (["growth.factor"], "--over takes a setting and a range or choices"),
    ],
)  # fmt: skip
def test_what_is_no_search_is_a_sentence(tiny: Experiment, over: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        space(tiny, *over)


@pytest.mark.parametrize(
    ("over", "message"),
    [
        (["growth.factor=1..4"], "growth.factor=1.0 is refused: growth.factor must be above 1, got 1.0"),
        (["criterion.threshold=.5..1.5"], "criterion.threshold=1.5 is refused"),
        (["sampling=current,lookback"], "there is no sampling 'lookback'; did you mean look_back"),
        (["strategy=gated,direkt"], "there is no strategy 'direkt'; did you mean direct"),
        (["sampling=current,look_back", "sampling.back=.1..2"], "sampling.back=2.0 with sampling=look_back"),
        (["growth.end=5..8"], "growth.end.length=8 is refused: the target must stay length 5"),
        (["criterion.confidence=.9..0.99"], "what it takes to pass the last stage must stay as it is"),
        (["criterion=mastery,plateau"], "what it takes to pass the last stage must stay as it is"),
    ],
)  # fmt: skip
def test_a_value_that_the_setting_refuses_is_found_at_the_start(
    tiny: Experiment, over: list[str], message: str
) -> None:
    found = space(tiny, *over)
    with pytest.raises(UsageError, match=re.escape(message)):
        found.check(lambda experiment: experiment)


def test_what_fits_passes_the_check_once_for_each_end_and_choice(tiny: Experiment) -> None:
    seen = list[Experiment]()
    space(tiny, "growth.factor=1.2..4", "sampling=current,look_back").check(seen.append)
    factors = sorted({each.flat()["growth.factor"] for each in seen})
    assert factors == [1.2, 1.5, 4.0]
    assert {type(each.sampling) for each in seen} == {Current, LookBack}
