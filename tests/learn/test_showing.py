import numpy as np
import pytest
import torch

from curriculum import Adam, Shape, Stage, Training, UsageError
from curriculum.learn import showing
from curriculum.learn.examiner import predictions_of
from curriculum.learn.learner import Learner
from curriculum.learn.randomness import batch_of
from curriculum.learn.recipe import Recipe
from curriculum.learn.showing import Answered, answered_examples, examples_to_show
from curriculum.models import Recurrent
from tasks import FirstBit


def learner(*, bidirectional: bool = False) -> Learner:
    model = Recurrent(cell="gru", hidden_size=4, bidirectional=bidirectional)
    recipe = Recipe(model=model, optimizer=Adam(), training=Training())
    shape = Shape.of("bit", Stage(50))
    return Learner.start(shape, recipe, seed=0, device=torch.device("cpu"))


def shown(one: Learner, length: int) -> Answered:
    stage, training = Stage(length), one.recipe.training
    return answered_examples(one, FirstBit(), stage, seed=3, count=5, training=training)


def test_what_fits_is_read_at_once_and_what_does_not_in_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = learner()
    monkeypatch.setattr(showing, "MOST_NUMBERS", 5 * 3000 * one.recipe.hidden_size)
    found = shown(one, 3000)
    assert found.batch.inputs.shape == (5, 3000)
    assert found.notes[:2] == ["hard", "hard"]
    assert found.left_out == 0

    found = shown(one, 3001)
    whole = batch_of(FirstBit(), Stage(3001), 5, seed=3, stream="show", index=0)
    assert np.array_equal(found.batch.inputs[:, :8], whole.inputs[:, :8])
    assert np.array_equal(found.batch.inputs[:, 8:], whole.inputs[:, -8:])
    assert np.array_equal(found.batch.targets, whole.targets)
    assert np.array_equal(found.predictions, predictions_of(one, FirstBit(), whole))
    assert found.left_out == 3001 - 16
    assert found.notes == [""] * 5


def test_what_can_neither_be_held_nor_read_in_pieces_is_refused() -> None:
    one = learner(bidirectional=True)
    assert shown(one, 100).left_out == 0
    said = r"may have 16777216 places together, got 5 of length 4000000; ask for fewer or shorter"
    with pytest.raises(UsageError, match=said):
        shown(one, 4_000_000)


def test_the_search_for_hard_cases_stays_within_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    batch = FirstBit.exam_batch

    def noted(task: FirstBit, stage: Stage, start: int, stop: int) -> object:
        asked.append((stop - start) * stage.length)
        return batch(task, stage, start, stop)

    monkeypatch.setattr(FirstBit, "exam_batch", noted)
    examples_to_show(FirstBit(), Stage(500_000), 0, 3, Training())
    assert asked == [8 * 500_000]
