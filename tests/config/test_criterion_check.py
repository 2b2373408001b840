from dataclasses import dataclass
from typing import Any

import pytest
from documents import Documents, Drawn

from curriculum import (
    Criterion,
    Experiment,
    Geometric,
    LossBelow,
    Mastery,
    Plateau,
    Stage,
    Task,
    Tuning,
    UsageError,
)
from curriculum.config import override
from curriculum.models import Recurrent
from curriculum.tasks import Adding, FirstBit

NATS, PERPLEXITY = LossBelow(threshold=0.4), LossBelow(threshold=1.5, unit="perplexity")
BYTES = LossBelow(threshold=0.6, unit="bits_per_byte")


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnLoss(FirstBit):
    """A loss of whole batches."""

    def loss(self, outputs: Any, targets: Any) -> Any:
        return ((outputs - targets) ** 2).mean()


def made(task: Task, criterion: Criterion, **changes: Any) -> Experiment:
    return Experiment(
        task=task,
        model=Recurrent(cell="gru", hidden_size=8, embedding_size=4),
        growth=Geometric(start=Stage(4, 4), end=Stage(9, 4)),
        criterion=criterion,
        **changes,
    )


@pytest.mark.parametrize("criterion", [NATS, PERPLEXITY, BYTES, Plateau(metric="bits_per_byte")])
def test_a_loss_of_documents_can_be_a_criterion_in_any_unit_of_symbols(
    criterion: Criterion,
) -> None:
    made(Documents(), criterion).check_first_batch()


@pytest.mark.parametrize(
    ("task", "criterion", "message"),
    [
        (Documents(documents=99), NATS, "at least 100 independent documents, and 99 are held out"),
        (Documents(source="document"), NATS, "whose parts hang together"),
        (Documents(), LossBelow(threshold=1.5), "is passed by guessing: of 2 symbols.*perplexity"),
        (Documents(), LossBelow(threshold=2.0, unit="perplexity"), "is passed by guessing"),
        (Documents(), LossBelow(threshold=0.4, per_stage={5: 0.5}), "names 5, which is no stage"),
        (Documents(), LossBelow(threshold=0.4, per_stage={4: 0.7}), "0.7 .* is passed by guessing"),
        (Documents(), Mastery(threshold=0.5, per_stage={5: 0.4}), "names 5, which is no stage"),
        (Documents(), Mastery(threshold=0.5, per_stage={4: 0.999}), "0.999 can't be cleared with"),
        (Documents(), LossBelow(threshold=0.1, unit="squared_error"), "is no squared error"),
        (Documents(), Plateau(metric="distance"), "must be one that the task reports"),
        (Documents(), Mastery(metric="loss"), "must be one that the task reports"),
        (OwnLoss(), NATS, "loss of its own, which is of whole batches"),
        (OwnLoss(), Plateau(), "loss of its own, which is of whole batches"),
        (Adding(), NATS, "squared error and not in nats"),
    ],
)
def test_what_does_not_fit_the_task_is_one_sentence(
    task: Task, criterion: Criterion, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        made(task, criterion)


def test_bits_per_byte_take_a_task_that_counts_bytes() -> None:
    for task in (Documents(counts_bytes=False), Drawn(counts_bytes=False)):
        with pytest.raises(UsageError, match="byte_counts"):
            made(task, BYTES).check_first_batch()


def test_trials_are_not_raced_to_stand_still() -> None:
    made(Documents(), NATS, tuning=Tuning(mode="each"))
    with pytest.raises(UsageError, match="stands still first where nothing is learned"):
        made(Documents(), Plateau(), tuning=Tuning(mode="each"))


def test_trials_need_documents_of_their_own_that_are_enough() -> None:
    task = Documents(tuning_documents=99)
    made(task, NATS)
    with pytest.raises(UsageError, match="and 99 are held out"):
        made(task, NATS, tuning=Tuning(mode="each"))


def test_a_criterion_of_another_class_is_refused() -> None:
    criterion: Any = 0.95
    with pytest.raises(UsageError, match="must be a dataclass that extends Criterion, got float"):
        made(Documents(), criterion)


def test_a_kind_is_chosen_on_the_command_line_with_what_all_kinds_have() -> None:
    experiment = made(Documents(), Mastery(threshold=0.5, screen=32, confidence=0.9, examples=64))
    options = "--criterion loss_below --criterion.threshold 0.4 --criterion.per-stage 4 0.5 9x4 0.3"
    found = override(experiment, options.split()).criterion
    expected = LossBelow(
        threshold=0.4, per_stage={4: 0.5, "9x4": 0.3}, screen=32, confidence=0.9, examples=100
    )
    assert found == expected
    plateau = override(experiment, ["--criterion=plateau", "--criterion.evaluations", "3"])
    assert plateau.criterion == Plateau(evaluations=3, screen=32, confidence=0.9, examples=100)
    options = "--criterion mastery --criterion.per-stage 4 0.5"
    mastery = override(made(Documents(), found), options.split()).criterion
    assert isinstance(mastery, Mastery)
    assert mastery.per_stage == (("4", 0.5),)
    other = override(made(Documents(), found), ["--criterion", "mastery"]).criterion
    assert other == Mastery(screen=32, confidence=0.9, examples=100)
    back = override(plateau, ["--criterion", "mastery"]).criterion
    assert back == Mastery(screen=32, confidence=0.9, examples=100)
