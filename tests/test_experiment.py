from dataclasses import dataclass
from typing import Any

import pytest

from curriculum import Experiment, Explicit, Look, Mastery, Spending, Stage, Tally, UsageError
from curriculum.models import Recurrent
from tasks import FirstBit


@dataclass(frozen=True)
class Even(FirstBit):
    def check(self, stage: Stage) -> None:
        if stage.length % 2:
            raise UsageError("even only")


@dataclass(frozen=True)
class Odd(FirstBit):
    answer = "bits"  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "../../etc"}, "letters, digits"),
        ({"name": "a b"}, "letters, digits"),
        ({"name": "x" * 200}, "letters, digits"),
        ({"growth": Explicit(lengths=(1, 2))}, "at least 2, got 1"),
        ({"growth": Explicit(lengths=(2,), vocab_sizes=(3,))}, "vocabulary of 2, got 3"),
        ({"task": Odd()}, "answer is bit or symbols, got 'bits'"),
        ({"criterion": Mastery(threshold=1.0, metric="luck")}, "one that the task reports"),
        ({"criterion": Mastery(threshold=1.0, least_steps=401)}, "must be within"),
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


def test_the_largest_stage_spans_both_axes(tiny: Experiment) -> None:
    assert tiny.largest == Stage(5)
    falling = tiny.but(growth=Explicit(lengths=(9, 3)))
    assert falling.largest == Stage(9)


def test_half_steps_pass_over_what_the_task_refuses(tiny: Experiment) -> None:
    even = tiny.but(task=Even(), growth=Explicit(lengths=(2, 4)))
    scheduler = even.scheduler()
    for steps, score in ((0, 1.0), (400, 0.0)):
        tally = Tally(score=score, examples=3, source="every input")
        scheduler.update(Look(test=tally, spent=Spending(steps=steps)))
    assert (scheduler.entry.value, scheduler.stage) == ("demotion", Stage(2))
