from dataclasses import dataclass
from typing import Any

import pytest

from curriculum import (
    Budget,
    Cost,
    Direct,
    Evaluation,
    Experiment,
    Explicit,
    LookBack,
    Mastery,
    Score,
    Stage,
    Training,
    Tuning,
    UsageError,
)
from curriculum.models import Bert, LanguageModel, Recurrent, Seq2Seq
from curriculum.tasks import FirstBit, HumanNumbers, Subsequence


@dataclass(frozen=True)
class Even(FirstBit):
    def check(self, stage: Stage) -> None:
        if stage.length % 2:
            raise UsageError("even only")


@dataclass(frozen=True)
class Odd(FirstBit):
    output = "bits"  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "../../etc"}, "letters, digits"),
        ({"name": "a b"}, "letters, digits"),
        ({"name": "x" * 200}, "letters, digits"),
        ({"growth": Explicit(lengths=(1, 2))}, "at least 2, got 1"),
        ({"growth": Explicit(lengths=(2,), vocab_sizes=(3,))}, "vocabulary of 2, got 3"),
        ({"task": Odd()}, "output must be bit, symbol, symbols, values, got 'bits'"),
        ({"criterion": Mastery(threshold=1.0, metric="luck")}, "one that the task reports"),
        ({"criterion": Mastery(threshold=1.0, min_steps=401)}, "must be within"),
        ({"task": object()}, "task must be a dataclass that extends Task"),
        ({"model": "lstm"}, "model must be a dataclass with the members of Model"),
        ({"growth": (2, 3)}, "growth must be a dataclass that extends Growth"),
        (
            {"pacing": Direct()},
            "the whole run needs a limit: budget.steps, budget.tokens, budget.compute or",
        ),
        (
            {"pacing": Direct(), "budget": Budget(steps=9), "tuning": Tuning(mode="each")},
            "pacing direct does not train on stages one by one; set tuning.mode off",
        ),
        (
            {
                "pacing": Direct(),
                "budget": Budget(seconds=9),
                "training": Training(schedule="one_cycle"),
            },
            "one_cycle needs a horizon: with pacing direct, budget.steps",
        ),
        (
            {
                "pacing": Direct(),
                "budget": Budget(steps=9),
                "criterion": Mastery(threshold=1.0, min_steps=10),
            },
            r"min_steps \(10\) must be within budget.steps \(9\)",
        ),
        (
            {"task": Subsequence(), "growth": Explicit(lengths=(2,), vocab_sizes=(10,))},
            "a length of at least 4",
        ),
        ({"model": Seq2Seq()}, "the task's output is one bit; take Recurrent or Bert"),
        (
            {
                "task": Subsequence(),
                "model": Bert(),
                "growth": Explicit(lengths=(8,), vocab_sizes=(10,)),
            },
            "BERT outputs a symbol at each position, and the task has 8 input and 6 output symbols",
        ),
    ],
)
def test_parts_that_do_not_fit_are_errors(
    tiny: Experiment, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        tiny.replace(**changes)


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
    assert flat["growth.end.length"] == 5
    assert flat["task.zeros"] == "mixture"
    assert flat["optimizer.betas"] == (0.9, 0.999)
    assert "name" not in flat


def test_the_shape_is_that_of_the_longest_stage_of_the_path(tiny: Experiment) -> None:
    assert tiny.shape == tiny.task.shape(Stage(5))
    falling = tiny.replace(growth=Explicit(lengths=(9, 3)))
    assert falling.shape == tiny.task.shape(Stage(9))


def test_half_steps_skip_stages_that_the_task_refuses(tiny: Experiment) -> None:
    even = tiny.replace(task=Even(), growth=Explicit(lengths=(2, 4)))
    scheduler = even.scheduler()
    for steps, value in ((0, 1.0), (400, 0.0)):
        full_test = Score(value=value, examples=3, source="every input")
        scheduler.update(Evaluation(full_test=full_test, cost=Cost(steps=steps)))
    assert (scheduler.visit_reason.value, scheduler.stage) == ("demotion", Stage(2))


@pytest.fixture
def reading() -> Experiment:
    return Experiment(
        task=HumanNumbers(),
        model=LanguageModel(carries_state=True),
        growth=Explicit(lengths=(20,), vocab_sizes=(19, 39)),
        criterion=Mastery(threshold=0.5, metric="symbol_accuracy"),
    )


def test_a_document_is_read_from_one_stage_and_whole(reading: Experiment) -> None:
    assert [stage.vocab_size for stage in reading.growth.path()] == [19, 39]
    with pytest.raises(
        UsageError, match="can't be drawn from several stages, as strategy look_back"
    ):
        reading.replace(sampling=LookBack())
    for training in (Training(online=True), Training(distinct_examples=32)):
        with pytest.raises(UsageError, match=r"leave training\.online and"):
            reading.replace(training=training)
    with pytest.raises(UsageError, match=r"19 \(to 9\), .* got 40"):
        reading.replace(growth=Explicit(lengths=(20,), vocab_sizes=(40,)))


def test_a_document_needs_no_bound(reading: Experiment) -> None:
    assert reading.replace(criterion=Mastery(threshold=1.0, metric="symbol_accuracy"))


def test_the_shape_spans_the_path() -> None:
    experiment = Experiment(
        task=Subsequence(),
        model=Seq2Seq(),
        growth=Explicit(lengths=(4, 14), vocab_sizes=(10,)),
    )
    shape = experiment.shape
    assert (shape.length, shape.input_vocab_size, shape.output_vocab_size, shape.output_length) == (
        14,
        13,
        10,
        12,
    )
