from dataclasses import is_dataclass

import pytest

from curriculum import (
    SGD,
    Arithmetic,
    Direct,
    Experiment,
    Explicit,
    Galloping,
    Gated,
    Geometric,
    Guess,
    Mastery,
    Stage,
    UsageError,
    models,
)
from curriculum.config import override
from curriculum.config.overrides import KINDS
from curriculum.models import Bert, Recurrent


def test_settings_are_overridden_by_dotted_name(tiny: Experiment) -> None:
    changed = override(
        tiny,
        [
            "--optimizer.learning-rate",
            "1e-3",
            "--model.hidden-size",
            "32",
            "--growth.factor",
            "2",
            "--criterion.threshold",
            "0.95",
            "--budget.steps-per-stage",
            "500",
            "--training.clip-norm",
            "None",
            "--growth.end",
            "64",
        ],
    )
    assert changed.optimizer.learning_rate == 1e-3
    assert changed.model == Recurrent(cell="gru", hidden_size=32)
    assert changed.growth == Geometric(start=Stage(2), end=Stage(64), factor=2)
    assert changed.criterion == Mastery(threshold=0.95)
    assert changed.budget.steps_per_stage == 500
    assert changed.training.clip_norm is None
    assert changed.task == tiny.task
    assert changed.name == "tiny"


def test_underscores_and_equals_signs_are_accepted(tiny: Experiment) -> None:
    assert override(tiny, ["--model.hidden_size=32"]).model.hidden_size == 32


def test_a_switch_is_turned_on_and_off(tiny: Experiment) -> None:
    on = override(tiny, ["--training.online"])
    assert on.training.online
    assert not override(on, ["--training.no-online"]).training.online


def test_no_arguments_change_nothing(tiny: Experiment) -> None:
    assert override(tiny, []) == tiny


def test_a_growth_is_chosen_by_name_and_keeps_its_ends(tiny: Experiment) -> None:
    assert override(tiny, ["--growth", "galloping"]).growth == Galloping(
        start=Stage(2), end=Stage(5)
    )
    changed = override(tiny, ["--growth", "arithmetic", "--growth.step", "2", "--growth.end", "9"])
    assert changed.growth == Arithmetic(start=Stage(2), end=Stage(9), step=2)
    listed = override(
        tiny,
        ["--growth", "explicit", "--growth.lengths", "2", "4", "8", "--growth.vocab-sizes", "2"],
    )
    assert listed.growth == Explicit(lengths=(2, 4, 8), vocab_sizes=(2,))
    assert override(tiny, ["--growth=explicit"]).growth.path() == tiny.growth.path()
    assert override(
        tiny, ["--growth", "explicit", "--growth.lengths", "4", "9"]
    ).growth == Explicit(lengths=(4, 9))
    back = override(listed, ["--growth", "geometric"])
    assert back.growth == Geometric(start=Stage(2), end=Stage(8))


def test_an_optimizer_is_chosen_by_name_and_keeps_its_rate(tiny: Experiment) -> None:
    changed = override(tiny, ["--optimizer", "sgd", "--optimizer.momentum", "0.99"])
    assert changed.optimizer == SGD(learning_rate=3e-2, momentum=0.99)


def test_a_width_of_guesses_is_not_taken_from_a_learning_rate(tiny: Experiment) -> None:
    guessing = override(tiny, ["--optimizer", "guess"])
    assert guessing.optimizer == Guess(learning_rate=100.0)
    narrow = override(guessing, ["--optimizer", "guess", "--optimizer.learning-rate", "10"])
    assert narrow.optimizer == Guess(learning_rate=10.0)
    assert override(narrow, ["--optimizer", "guess"]).optimizer == narrow.optimizer
    assert override(narrow, ["--optimizer", "sgd"]).optimizer == SGD()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("--growth.factr 2", "has no setting --growth.factr; did you mean --growth.factor"),
        ("--sead 3", "has no setting --sead"),
        ("--growth.factor two", "growth.factor must be a number above 1, such as 1.5, got 'two'"),
        ("--model.hidden-size 2.5", "model.hidden_size must be a whole number"),
        ("--model.cell elman", "'elman'"),
        ("--growth.factor", "got nothing"),
        ("--growth.factor 1", "growth.factor must be above 1"),
        ("--growth.end 1", "growth.end must not be below growth.start"),
        ("--growth.start 1", "first bit needs a length of at least 2"),
        ("--growth spiral", "there is no growth 'spiral'"),
        ("--growth", "there is no growth ''"),
        ("--optimizer adm", "did you mean adam"),
        ("--criterion.threshold 1.5", "criterion.threshold must be in"),
        ("--growth explicit --growth.lengths", "at least one length"),
        ("--budget.steps-per-stage 0", "budget.steps_per_stage"),
        ("stray", "'stray' is no setting"),
        ("--growth.factor 2 3", "3"),
    ],
)
def test_an_error_is_one_sentence(tiny: Experiment, arguments: str, expected: str) -> None:
    with pytest.raises(UsageError) as caught:
        override(tiny, arguments.split())
    message = str(caught.value)
    assert expected in message
    assert "\n" not in message
    assert "│" not in message


def test_a_model_of_another_kind_starts_with_its_own_settings(tiny: Experiment) -> None:
    assert override(tiny, ["--model", "bert"]).model == Bert()
    small = override(
        tiny, ["--model", "bert", "--model.head-size", "4", "--model.hidden-size", "8"]
    )
    assert small.model == Bert(hidden_size=8, head_size=4)
    assert override(tiny, ["--model", "recurrent"]).model == tiny.model
    with pytest.raises(UsageError, match="did you mean bert"):
        override(tiny, ["--model", "brt"])


def test_every_model_is_chosen_by_name() -> None:
    public = [getattr(models, name) for name in dir(models)]
    settings = {kind for kind in public if is_dataclass(kind) and hasattr(kind, "build")}
    assert set(KINDS["model"].values()) == settings


def test_pacing_is_chosen_together_with_the_limit_that_it_needs(tiny: Experiment) -> None:
    direct = override(tiny, ["--pacing", "direct", "--budget.steps", "50"])
    assert direct.pacing == Direct()
    assert direct.budget.steps == 50
    with pytest.raises(UsageError, match="the whole run needs a limit"):
        override(tiny, ["--pacing", "direct"])
    assert override(direct, ["--pacing", "gated"]).pacing == Gated()
