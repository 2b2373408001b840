"""Values of settings as they are typed: what each type takes, and how the others are refused."""

import pytest

from curriculum import Experiment, Explicit, Stage, UsageError
from curriculum.config import override, whole_number


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30", 30),
        ("2e6", 2_000_000),
        ("2E+3", 2_000),
        ("2.5e3", 2_500),
        ("-1", -1),
        ("2.5", None),
        ("25e-1", None),
        ("2.55e1", None),
        ("1e400", None),
        ("inf", None),
        ("nan", None),
        ("2x", None),
        ("", None),
    ],
)
def test_a_whole_number_may_be_in_scientific_notation(text: str, expected: int | None) -> None:
    assert whole_number(text) == expected


def test_whole_numbers_are_typed_alike_in_every_setting(tiny: Experiment) -> None:
    words = "--growth.end 2e1 --budget.steps 2e6 --tuning.hidden-size 3e1 4e1"
    changed = override(tiny, words.split())
    assert changed.growth.path()[-1] == Stage(20)
    assert changed.budget.steps == 2_000_000
    assert changed.tuning.hidden_size == (30, 40)
    listed = override(tiny, ["--growth", "explicit", "--growth.lengths", "2", "1e1"])
    assert listed.growth == Explicit(lengths=(2, 10))


def test_a_switch_may_be_set_to_true_or_false(tiny: Experiment) -> None:
    """So that it can be varied: `--set training.online=true,false`."""
    on = override(tiny, ["--training.online", "true"])
    assert on.training.online
    assert not override(on, ["--training.online=false"]).training.online


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("--growth.factor x", "growth.factor must be a number above 1, such as 1.5, got 'x'"),
        ("--growth.factor", "growth.factor must be a number above 1, such as 1.5, got nothing"),
        ("--growth.factor 2 3", "growth.factor must be a number above 1, such as 1.5, got '2 3'"),
        (
            "--training.batch-size 2.5",
            "training.batch_size must be a whole number, at least 1, such as 32, got '2.5'",
        ),
        ("--budget.steps x", "budget.steps must be a whole number or None, got 'x'"),
        ("--tuning.mode of", "tuning.mode must be each, exhausted or off, got 'of'"),
        (
            "--training.online 3",
            "training.online is a switch, --training.online or --training.no-online, which takes no value, got '3'",
        ),
        (
            "--training.no-online true",
            "training.online is a switch, --training.online or --training.no-online, which takes no value, got 'true'",
        ),
        (
            "--optimizer.betas 0.9",
            "optimizer.betas must be two numbers, such as 0.9 0.999, got '0.9'",
        ),
        (
            "--optimizer.betas .8,.9",
            (
                "optimizer.betas must be two numbers, such as 0.9 0.999, got '.8,.9'; type spaces between them: "
                "--optimizer.betas .8 .9"
            ),
        ),
        (
            "--tuning.hidden-size 8",
            "tuning.hidden_size must be two whole numbers or None, got '8'",
        ),
        (
            "--growth.end 50,300",
            (
                "growth.end is given by its length, a whole number such as 5, got '50,300'; by more than that it "
                "is --growth.end.length 50 --growth.end.vocab-size 300"
            ),
        ),
        (
            "--growth.end 50 300 2",
            (
                "growth.end is given by its length, a whole number such as 5, got '50 300 2'; by more than that it "
                "is --growth.end.length 50 --growth.end.vocab-size 300 --growth.end.level 2"
            ),
        ),
        (
            "--growth.end x",
            (
                "growth.end is given by its length, a whole number such as 5, got 'x'; by more than that it is "
                "--growth.end.length 5 --growth.end.vocab-size 2"
            ),
        ),
        (
            "--growth.end.vocab-size 3x",
            "growth.end.vocab_size must be a whole number, such as 2, got '3x'",
        ),
        ("--model-size x", "model_size must be path or stage, got 'x'"),
        (
            "--criterion.per-stage 4 x",
            (
                "criterion.per_stage must be stages, each with its number after it, such as --criterion.per-stage "
                "8 0.9 16 0.95, got '4 x'"
            ),
        ),
    ],
)
def test_what_is_of_another_type_is_refused_with_the_rule(
    tiny: Experiment, arguments: str, expected: str
) -> None:
    with pytest.raises(UsageError) as caught:
        override(tiny, arguments.split())
    assert str(caught.value) == expected


def test_commas_in_a_list_are_refused_with_what_is_meant(tiny: Experiment) -> None:
    words = ["--growth", "explicit", "--growth.lengths", "2,4,8"]
    with pytest.raises(UsageError, match=r"type spaces between them: --growth.lengths 2 4 8$"):
        override(tiny, words)
