from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from curriculum import (
    Arithmetic,
    Budget,
    Look,
    Mastery,
    Scheduler,
    Spending,
    Stage,
    Tally,
    UsageError,
    Verdict,
)
from curriculum.callbacks.gate import Gate

MODEL = nn.Linear(1, 1)
RIGHT, WRONG = (500, 500), (0, 500)


def scheduler_of(until: int = 4, **budget: Any) -> Scheduler:
    growth = Arithmetic(start=Stage(2), until=Stage(until))
    return Scheduler(growth, Mastery(threshold=0.9), budget=Budget(**budget))


def begun(gate: Gate, step: int = 0) -> Gate:
    gate.begin(step, processes=1, workers=0)
    return gate


def test_a_look_is_taken_every_so_many_steps() -> None:
    asked: list[Stage] = []

    def examine(_: nn.Module, stage: Stage) -> tuple[int, int]:
        asked.append(stage)
        return RIGHT if len(asked) > 1 else WRONG

    gate = begun(Gate(scheduler_of(), examine, look_every=3))
    looked = [step for step in range(1, 13) if gate.after(MODEL, step) is not None]
    assert looked == [3, 6, 9, 12]
    assert asked == [Stage(2), Stage(2), Stage(3), Stage(4)]
    assert gate.scheduler.reached_target
    assert gate.after(MODEL, 15) is None  # the walk is over


def test_steps_that_count_by_two_are_looked_at_too() -> None:
    gate = begun(Gate(scheduler_of(), lambda *_: WRONG, look_every=3))
    assert [step for step in range(2, 14, 2) if gate.after(MODEL, step)] == [4, 8, 12]


def test_what_is_logged_is_of_the_stage_that_was_looked_at() -> None:
    found = iter([WRONG, RIGHT, WRONG])
    gate = begun(Gate(scheduler_of(steps_per_stage=2), lambda *_: next(found), look_every=1))
    rows = [gate.after(MODEL, step) for step in (1, 2, 4)]
    names = ("length", "vocab_size", "verdict", "reach_length", "reach_vocab_size", "score")
    assert [[row[f"curriculum/{name}"] for name in names] for row in rows if row] == [
        [2, 2, 0, 0, 0, 0],
        [2, 2, 1, 2, 2, 1],
        [3, 2, -1, 2, 2, 0],
    ]


def test_a_model_is_examined_in_evaluation_mode_and_then_is_as_it_was() -> None:
    model = nn.Sequential(nn.Linear(1, 1), nn.Dropout())
    model[1].eval()  # frozen by its owner

    def examine(model: nn.Module, _: Stage) -> tuple[int, int]:
        assert not any(part.training for part in model.modules())
        assert not torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()  # what it may cache is trained with later
        return WRONG

    begun(Gate(scheduler_of(), examine, look_every=1)).after(model, 1)
    assert [part.training for part in model.modules()] == [True, True, False]
    assert torch.is_grad_enabled()


def test_a_model_is_as_it_was_after_an_examination_that_failed() -> None:
    def examine(*_: object) -> tuple[int, int]:
        raise RuntimeError("no examples today")

    model = nn.Linear(1, 1)
    with pytest.raises(RuntimeError, match="no examples today"):
        begun(Gate(scheduler_of(), examine, look_every=1)).after(model, 1)
    assert model.training


def test_a_look_has_its_steps_filled_in_and_keeps_the_rest() -> None:
    whole, hard = Tally(score=0.5, examples=100), Tally(score=0.25, examples=100)
    look = Look(test=whole, slices={"hard": hard}, spent=Spending(tokens=7, seconds=2.0))
    gate = begun(Gate(scheduler_of(), lambda *_: look, look_every=5))
    numbers = gate.after(MODEL, 5)
    assert gate.scheduler.spent == Spending(steps=5, tokens=7, seconds=2.0)
    assert numbers is not None
    assert numbers["curriculum/score"] == 0.25  # the slice's, on which it was decided


@pytest.mark.parametrize("right", [np.int64(500), torch.tensor(500)])
def test_counts_may_be_numbers_of_numpy_and_torch(right: Any) -> None:
    gate = begun(Gate(scheduler_of(), lambda *_: (right, 500), look_every=1))
    gate.after(MODEL, 1)
    assert gate.scheduler.reach == Stage(2)


@pytest.mark.parametrize(
    "found", [None, 0.97, (0.97, 100), (5, 4), (-1, 4), (0, 0), (1, 2, 3), ("5", "9")]
)
def test_an_examination_that_gave_no_look_is_refused(found: Any) -> None:
    gate = begun(Gate(scheduler_of(), lambda *_: found, look_every=1))
    with pytest.raises(UsageError, match=r"examine must return a Look, or how many .* got "):
        gate.after(MODEL, 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scheduler": "fast"}, r"scheduler must be a curriculum.Scheduler, got 'fast'"),
        ({"examine": 3}, r"examine must be a function of \(model, stage\), got 3"),
        ({"look_every": 0}, r"look_every must be a number of steps from 1 up, got 0"),
        ({"look_every": 2.5}, r"look_every must be .* got 2.5"),
        ({"look_every": True}, r"look_every must be .* got True"),
        ({"on_transition": 1}, r"on_transition must be a function of \(model, verdict\), got 1"),
    ],
)
def test_an_argument_of_no_use_is_refused(change: dict[str, Any], words: str) -> None:
    settings: dict[str, Any] = {"examine": lambda *_: WRONG, "look_every": 1} | change
    with pytest.raises(UsageError, match=words):
        Gate(settings.pop("scheduler", scheduler_of()), **settings)


@pytest.mark.parametrize(
    ("processes", "workers", "words"),
    [(2, 0, "one training process, got 2"), (1, 4, "got 4 workers; set the number")],
)
def test_training_that_would_not_hear_of_a_stage_is_refused(
    processes: int, workers: int, words: str
) -> None:
    gate = Gate(scheduler_of(), lambda *_: WRONG, look_every=1)
    with pytest.raises(UsageError, match=words):
        gate.begin(0, processes=processes, workers=workers)


def test_transitions_are_told_with_the_model_and_the_verdict() -> None:
    told: list[tuple[nn.Module, Verdict, Stage]] = []
    found = iter([WRONG, RIGHT, WRONG, WRONG])

    def on_transition(model: nn.Module, verdict: Verdict) -> None:
        told.append((model, verdict, scheduler.stage))

    scheduler = scheduler_of(steps_per_stage=2)
    gate = Gate(scheduler, lambda *_: next(found), look_every=1, on_transition=on_transition)
    begun(gate)
    for step in (1, 2, 3, 4):
        gate.after(MODEL, step)
    assert told == [(MODEL, Verdict.MASTERED, Stage(3)), (MODEL, Verdict.EXHAUSTED, Stage(2))]


def test_a_loop_begun_anew_counts_its_steps_on() -> None:
    gate = begun(Gate(scheduler_of(steps_per_stage=10), lambda *_: WRONG, look_every=4))
    gate.after(MODEL, 4)
    begun(gate)
    assert gate.after(MODEL, 3) is None
    gate.after(MODEL, 4)
    assert gate.scheduler.spent.steps == 8
    assert not gate.scheduler.finished
    gate.after(MODEL, 8)
    assert gate.scheduler.spent.steps == 12
    assert gate.scheduler.ending is not None
    assert "10 steps are used up" in gate.scheduler.ending


def test_a_state_goes_on_in_another_gate() -> None:
    first = begun(Gate(scheduler_of(), lambda *_: RIGHT, look_every=2))
    first.after(MODEL, 2)
    begun(first)  # so that two steps are not the loop's
    second = Gate(scheduler_of(), lambda *_: WRONG, look_every=2)
    second.load_state_dict(first.state_dict())
    begun(second, step=1).after(MODEL, 2)
    assert second.scheduler.stage == Stage(3)
    assert second.scheduler.spent.steps == 4
