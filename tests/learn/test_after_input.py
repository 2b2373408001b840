"""A task whose output is given after the input, for models that answer place by place."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import curriculum
from curriculum import (
    Adam,
    AfterInput,
    Batch,
    Budget,
    EvaluationSet,
    Experiment,
    Explicit,
    FinalEvaluation,
    Mastery,
    Mixed,
    Shape,
    Stage,
    Task,
    Training,
    UsageError,
)
from curriculum.config import deserialize, override, serialize
from curriculum.learn import IGNORED, PADDING, EvaluationStream, OutputKind, concatenate
from curriculum.learn.first_batch import DrawnStage
from curriculum.models import Bert, Recurrent, Seq2Seq
from curriculum.record import describe_run
from curriculum.tasks import BucketSort, Duplicate, HumanNumbers, Parity, Reverse, StackManipulation


@dataclass(frozen=True)
class Ends(Task):
    """The first and the last symbol; with a metric, a slice, levels and a set for tuning."""

    output: OutputKind = "symbols"
    tuning: bool = False

    level_name = "depth"
    metrics = ("last", "seen")
    slices = ("alike",)

    def shape(self, last: Stage) -> Shape:
        return Shape.of("symbols", last, output_length=2)

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        inputs = rng.integers(stage.vocab_size, size=(batch_size, stage.length))
        return Batch(inputs=inputs, targets=inputs[:, [0, -1]])

    def sample_slice(
        self, rng: np.random.Generator, stage: Stage, batch_size: int, name: str
    ) -> Batch:
        inputs = self.sample(rng, stage, batch_size).inputs
        inputs[:, -1] = inputs[:, 0]
        return Batch(inputs=inputs, targets=inputs[:, [0, -1]])

    def evaluation_set(self, stage: Stage) -> EvaluationSet | None:
        return EvaluationSet(examples=4, source="held_out")

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        batch = self.sample(np.random.default_rng(0), stage, 4)
        return Batch(
            inputs=batch.inputs[start:stop],
            targets=batch.targets[start:stop],
            weights=np.arange(4.0)[start:stop],
            slices={"alike": np.array([True, False, True, False])[start:stop]},
        )

    def metric_values(self, outputs: NDArray[np.float32], batch: Batch) -> dict[str, NDArray[Any]]:
        predictions = outputs.argmax(axis=2)
        ends = [row[row != PADDING][[0, -1]] for row in batch.inputs]
        seen = (batch.targets == np.array(ends)).all(axis=1)
        return {"last": predictions[:, 1] == batch.targets[:, 1], "seen": seen}

    def for_stream(self, stream: EvaluationStream) -> Task:
        return Ends(tuning=True)


def after(task: Task, stage: Stage, size: int = 5) -> tuple[Batch, Batch]:
    """A batch of the task, and the one that has its output after the input."""
    draw = (stage, size)
    plain = task.sample(np.random.default_rng(3), *draw)
    return plain, AfterInput(task=task).sample(np.random.default_rng(3), *draw)


@pytest.mark.parametrize(
    ("task", "stage"),
    [
        (Duplicate(), Stage(5, 7)),
        (BucketSort(), Stage(1, 2)),
        (StackManipulation(), Stage(6, 5)),
        (Reverse(), Stage(8, 3)),
        (Reverse(shorter=True), Stage(8, 3)),
        (Reverse(shorter=True, end_marker=True), Stage(8, 3)),
    ],
)
def test_each_output_comes_straight_after_its_own_input(task: Task, stage: Stage) -> None:
    plain, batch = after(task, stage, 40)
    size = plain.targets.shape[1]
    assert batch.inputs.shape == batch.targets.shape == (40, plain.inputs.shape[1] + size)
    for row in range(40):
        own = plain.inputs[row][plain.inputs[row] != PADDING]
        left = plain.inputs.shape[1] - len(own)
        assert batch.inputs[row].tolist() == [*(own + 1), *[0] * size, *[PADDING] * left]
        wanted = [*[IGNORED] * len(own), *plain.targets[row], *[IGNORED] * left]
        assert batch.targets[row].tolist() == wanted
    DrawnStage(AfterInput(task=task), stage, 20, "exact_match").batch()  # sizes, types and ranges


def test_batches_of_several_stages_are_padded_at_their_ends() -> None:
    (_, short), (_, long) = (after(Duplicate(), Stage(length, 3), 2) for length in (1, 2))
    both = concatenate([short, long])
    assert both.inputs[:2].tolist() == [[*row, *[PADDING] * 3] for row in short.inputs.tolist()]
    assert both.targets[:2].tolist() == [[*row, *[IGNORED] * 3] for row in short.targets.tolist()]
    assert np.array_equal(both.inputs[2:], long.inputs)


def test_a_model_is_built_for_one_input_symbol_more_and_the_outputs_of_the_task() -> None:
    shape = AfterInput(task=StackManipulation()).shape(Stage(6, 5))
    assert (shape.length, shape.output_length) == (13, 13)
    assert (shape.input_vocab_size, shape.output_vocab_size) == (6, 3)
    assert not shape.causal
    Bert().check(shape)


def test_all_else_is_the_tasks() -> None:
    task, stage = AfterInput(task=Ends()), Stage(5, 9)
    assert (task.metrics, task.slices, task.level_name) == (("last", "seen"), ("alike",), "depth")
    assert task.for_stream("tuning") == AfterInput(task=Ends(tuning=True))
    assert task.evaluation_set(stage) == Ends().evaluation_set(stage)
    batch = task.evaluation_batch(stage, 1, 4)
    assert batch.weights is not None
    assert batch.slices is not None
    assert batch.weights.tolist() == [1, 2, 3]
    assert batch.slices["alike"].tolist() == [False, True, False]
    alike = task.sample_slice(np.random.default_rng(0), stage, 8, "alike")
    assert (alike.targets[:, -1] == alike.targets[:, -2]).all()
    with pytest.raises(UsageError, match="stack manipulation has a vocabulary of 5"):
        AfterInput(task=StackManipulation()).check(Stage(5, 4))


def test_metrics_are_of_the_answers_alone() -> None:
    task, stage = AfterInput(task=Ends()), Stage(5, 9)
    batch = concatenate([after(Ends(), Stage(3, 9), 2)[1], after(Ends(), stage, 2)[1]])
    predictions = np.where(batch.targets == IGNORED, 7, batch.targets)
    predictions[0, 4] = 8 - predictions[0, 4]  # the last answer of the first, which may be 4
    predictions[3, 5] += 1  # the first answer of the last
    found = task.metric_values(np.eye(10, dtype=np.float32)[predictions], batch)
    expected = [predictions[0, 4] == batch.targets[0, 4], True, True, True]
    assert found["last"].tolist() == expected
    assert found["seen"].tolist() == [True] * 4


def test_a_run_names_the_task_within() -> None:
    made = Experiment(
        task=AfterInput(task=Duplicate()),
        model=Recurrent(hidden_size=2, embedding_size=2),
        growth=Explicit(lengths=(2,)),
    )
    described = describe_run(made, 0, torch.device("cpu"))
    assert described.task == "AfterInput(Duplicate)"


def test_what_is_shown_and_typed_is_in_the_tasks_words() -> None:
    task, stage = AfterInput(task=StackManipulation()), Stage(3, 5)
    batch = task.encode("1 PUSH 0 POP", stage)
    assert task.decode(batch.inputs[0]) == ["1", "PUSH 0", "POP", "_", "_", "_", "_"]
    assert task.decode_output(batch.targets[0, 3:5]) == ["1", "end"]


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (Parity(), "that of Parity is one bit: it is given at the end anyway, so leave AfterInput"),
        (HumanNumbers(), "HumanNumbers is read in order"),
        (None, "must be a dataclass that extends Task, got NoneType"),
    ],
)
def test_tasks_that_need_no_place_after_the_input_are_refused(task: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        AfterInput(task=task)


def test_a_task_that_asks_for_what_comes_next_is_refused() -> None:
    @dataclass(frozen=True)
    class Next(Ends):
        def shape(self, last: Stage) -> Shape:
            return Shape.of("symbols", last, causal=True)

    with pytest.raises(UsageError, match="Next asks for what comes next"):
        AfterInput(task=Next()).check(Stage(3))


EXPERIMENT = Experiment(
    task=AfterInput(task=BucketSort()),
    model=Recurrent(cell="gru", hidden_size=24, embedding_size=4),
    growth=Explicit(lengths=(1, 2), vocab_sizes=(3,)),
    criterion=Mastery(threshold=1),
    optimizer=Adam(learning_rate=2e-2),
    training=Training(batch_size=16, eval_every=20),
    budget=Budget(steps_per_stage=400),
    final_evaluation=FinalEvaluation(examples=128),
)


@pytest.mark.parametrize("changes", [{}, {"sampling": Mixed()}], ids=["gated", "mixed"])
def test_a_recurrent_network_learns_it_through_the_scheduler(
    changes: dict[str, Any], store: Path
) -> None:
    experiment = EXPERIMENT.replace(**changes)
    experiment.check_first_batch()
    result = curriculum.run(experiment, 0, store=store, mirror=False)
    assert result.status == "reached"
    assert result.reach == Stage(2, 3)
    shown = curriculum.show(result.run_id, input="2 1", store=store)
    assert "3 2" not in repr(shown)
    assert "1 2" in repr(shown)
    assert "correct" in repr(shown)


def test_a_setting_of_the_task_is_overridden_recorded_and_restored() -> None:
    experiment = EXPERIMENT.replace(
        task=AfterInput(task=Reverse()), criterion=Mastery(threshold=0.9)
    )
    changed = override(experiment, ["--task.task.end-marker"])
    assert changed.task == AfterInput(task=Reverse(end_marker=True))
    assert deserialize(serialize(changed)).task == changed.task


def test_an_encoder_decoder_takes_the_task_itself() -> None:
    shape = StackManipulation().shape(Stage(6, 5))
    Seq2Seq().check(shape)
    with pytest.raises(UsageError, match="AfterInput"):
        Recurrent().check(shape)
