import numpy as np
import pytest
import torch

from curriculum import Adam, Shape, Stage, Training, UsageError
from curriculum.learn import (
    ExamplePredictions,
    Learner,
    Recipe,
    batch_of,
    examples,
    predict_selected_examples,
)
from curriculum.learn.examples import select_examples
from curriculum.learn.predictions import predict_batch
from curriculum.models import Recurrent
from curriculum.tasks import FirstBit


def learner(*, bidirectional: bool = False) -> Learner:
    model = Recurrent(cell="gru", hidden_size=4, bidirectional=bidirectional)
    recipe = Recipe(model=model, optimizer=Adam(), training=Training())
    shape = Shape.of("bit", Stage(50))
    return Learner.start(shape, recipe, seed=0, device=torch.device("cpu"))


def shown(one: Learner, length: int) -> ExamplePredictions:
    stage, training = Stage(length), one.recipe.training
    return predict_selected_examples(one, FirstBit(), stage, seed=3, count=5, training=training)


def test_inputs_that_fit_into_memory_are_read_at_once_and_others_in_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = learner()
    monkeypatch.setattr(examples, "MOST_NUMBERS", 5 * 3000 * one.recipe.hidden_size)
    found = shown(one, 3000)
    assert found.batch.inputs.shape == (5, 3000)
    assert found.notes[:2] == ["hard", "hard"]
    assert found.left_out == 0

    found = shown(one, 3001)
    whole = batch_of(FirstBit(), Stage(3001), 5, seed=3, stream="show", index=0)
    assert np.array_equal(found.batch.inputs[:, :8], whole.inputs[:, :8])
    assert np.array_equal(found.batch.inputs[:, 8:], whole.inputs[:, -8:])
    assert np.array_equal(found.batch.targets, whole.targets)
    assert np.array_equal(found.predictions, predict_batch(one, FirstBit(), whole))
    assert found.left_out == 3001 - 16
    assert found.notes == [""] * 5


def test_inputs_that_neither_fit_nor_can_be_read_in_pieces_are_refused() -> None:
    one = learner(bidirectional=True)
    assert shown(one, 100).left_out == 0
    message = (
        r"may have 16777216 symbols together, got 5 of length 4000000; ask for fewer or shorter"
    )
    with pytest.raises(UsageError, match=message):
        shown(one, 4_000_000)


def test_the_search_for_hard_cases_stays_within_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    batch = FirstBit.evaluation_batch

    def recording(task: FirstBit, stage: Stage, start: int, stop: int) -> object:
        sizes.append((stop - start) * stage.length)
        return batch(task, stage, start, stop)

    monkeypatch.setattr(FirstBit, "evaluation_batch", recording)
    select_examples(FirstBit(), Stage(500_000), 0, 3, Training())
    assert sizes == [8 * 500_000]
