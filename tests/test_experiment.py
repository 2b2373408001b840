from typing import Any

import pytest

from curriculum import Experiment, Explicit, Mastery, Stage, UsageError
from curriculum.models import Recurrent
from tasks import FirstBit


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "../../etc"}, "letters, digits"),
        ({"name": "a b"}, "letters, digits"),
        ({"name": "x" * 200}, "letters, digits"),
        ({"growth": Explicit(lengths=(1, 2))}, "at least 2, got 1"),
        ({"growth": Explicit(lengths=(2,), vocab_sizes=(3,))}, "vocabulary of 2, got 3"),
        ({"task": object()}, "task must be a dataclass with the members of Task"),
        ({"model": "lstm"}, "model must be a dataclass with the members of Model"),
        ({"growth": (2, 3)}, "growth must be a dataclass with the members of Growth"),
    ],
)
def test_parts_that_do_not_fit_are_errors(
    tiny: Experiment, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        tiny.but(**changes)


def test_an_experiment_without_a_name_is_named_by_its_parts() -> None:
    experiment = Experiment(
        task=FirstBit(),
        model=Recurrent(),
        growth=Explicit(lengths=(2,)),
        criterion=Mastery(threshold=1.0),
    )
    assert experiment.name == "firstbit_recurrent"


def test_all_settings_are_flat_by_dotted_name(tiny: Experiment) -> None:
    flat = tiny.flat()
    assert flat["growth"] == "Geometric"
    assert flat["growth.until.length"] == 5
    assert flat["task.zeros"] == "mixture"
    assert flat["optimizer.betas"] == (0.9, 0.999)
    assert "name" not in flat


def test_the_exam_is_the_tasks(tiny: Experiment) -> None:
    exam = tiny.exam(Stage(9))
    assert exam is not None
    assert exam.examples == 10
