import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from curriculum import (
    Arithmetic,
    Budget,
    Cost,
    Evaluation,
    Mastery,
    Scheduler,
    Score,
    Stage,
    UsageError,
    Verdict,
)
from curriculum.callbacks.gate import Gate

MODEL = nn.Linear(1, 1)
RIGHT, WRONG = (500, 500), (0, 500)


def scheduler_of(end: int = 4, **budget: Any) -> Scheduler:
    growth = Arithmetic(start=Stage(2), end=Stage(end))
    return Scheduler(growth, Mastery(threshold=0.9), budget=Budget(**budget))


def started(gate: Gate, step: int = 0) -> Gate:
    gate.begin(step, processes=1, workers=0)
    return gate


def test_an_evaluation_is_made_at_the_given_interval() -> None:
    evaluated: list[Stage] = []

    def evaluate(_: nn.Module, stage: Stage) -> tuple[int, int]:
        evaluated.append(stage)
        return RIGHT if len(evaluated) > 1 else WRONG

    gate = started(Gate(scheduler_of(), evaluate, eval_every=3))
    steps = [step for step in range(1, 13) if gate.after_step(MODEL, step) is not None]
    assert steps == [3, 6, 9, 12]
    assert evaluated == [Stage(2), Stage(2), Stage(3), Stage(4)]
    assert gate.scheduler.reached_target
    assert gate.after_step(MODEL, 15) is None  # the scheduler has finished


def test_evaluations_are_made_where_steps_are_counted_by_two() -> None:
    gate = started(Gate(scheduler_of(), lambda *_: WRONG, eval_every=3))
    assert [step for step in range(2, 14, 2) if gate.after_step(MODEL, step)] == [4, 8, 12]


def test_the_logged_numbers_are_of_the_evaluated_stage() -> None:
    found = iter([WRONG, RIGHT, WRONG])
    gate = started(Gate(scheduler_of(steps_per_stage=2), lambda *_: next(found), eval_every=1))
    rows = [gate.after_step(MODEL, step) for step in (1, 2, 4)]
    names = ("length", "vocab_size", "verdict", "reach_length", "reach_vocab_size", "score")
    assert [[row[f"curriculum/{name}"] for name in names] for row in rows if row] == [
        [2, 2, 0, 0, 0, 0],
        [2, 2, 1, 2, 2, 1],
        [3, 2, -1, 2, 2, 0],
    ]


def test_a_model_is_evaluated_in_evaluation_mode_and_then_restored() -> None:
    model = nn.Sequential(nn.Linear(1, 1), nn.Dropout())
    model[1].eval()  # frozen by its owner

    def evaluate(model: nn.Module, _: Stage) -> tuple[int, int]:
        assert not any(part.training for part in model.modules())
        assert not torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()  # what it may cache is trained with later
        return WRONG

    started(Gate(scheduler_of(), evaluate, eval_every=1)).after_step(model, 1)
    assert [part.training for part in model.modules()] == [True, True, False]
    assert torch.is_grad_enabled()


def test_a_model_is_restored_after_an_evaluation_that_failed() -> None:
    def evaluate(*_: object) -> tuple[int, int]:
        raise RuntimeError("no examples")

    model = nn.Linear(1, 1)
    with pytest.raises(RuntimeError, match="no examples"):
        started(Gate(scheduler_of(), evaluate, eval_every=1)).after_step(model, 1)
    assert model.training


def test_an_evaluation_gets_its_steps_filled_in_and_keeps_the_rest() -> None:
    whole, hard = Score(value=0.5, examples=100), Score(value=0.25, examples=100)
    evaluation = Evaluation(
        full_test=whole, slices={"hard": hard}, cost=Cost(tokens=7, seconds=2.0)
    )
    gate = started(Gate(scheduler_of(), lambda *_: evaluation, eval_every=5))
    numbers = gate.after_step(MODEL, 5)
    assert gate.scheduler.cost == Cost(steps=5, tokens=7, seconds=2.0)
    assert numbers is not None
    assert numbers["curriculum/score"] == 0.25  # the slice's, on which the decision was made


@pytest.mark.parametrize("right", [np.int64(500), torch.tensor(500)])
def test_counts_may_be_numbers_of_numpy_and_torch(right: Any) -> None:
    gate = started(Gate(scheduler_of(), lambda *_: (right, 500), eval_every=1))
    gate.after_step(MODEL, 1)
    assert gate.scheduler.reach == Stage(2)


@pytest.mark.parametrize(
    "found", [None, 0.97, (0.97, 100), (5, 4), (-1, 4), (0, 0), (1, 2, 3), ("5", "9")]
)
def test_a_function_that_gives_no_evaluation_is_refused(found: Any) -> None:
    gate = started(Gate(scheduler_of(), lambda *_: found, eval_every=1))
    with pytest.raises(
        UsageError, match=r"evaluate must return an Evaluation, or how many .* got "
    ):
        gate.after_step(MODEL, 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scheduler": "fast"}, r"scheduler must be a curriculum.Scheduler, got 'fast'"),
        ({"evaluate": 3}, r"evaluate must be a function of \(model, stage\), got 3"),
        ({"eval_every": 0}, r"eval_every must be a number of steps, at least 1, got 0"),
        ({"eval_every": 2.5}, r"eval_every must be .* got 2.5"),
        ({"eval_every": True}, r"eval_every must be .* got True"),
        ({"evaluation_parts": 0}, r"evaluation_parts must be at least 1, got 0"),
        ({"shared_stage": Stage(2)}, r"shared_stage must be a SharedStage, got Stage"),
        ({"on_transition": 1}, r"on_transition must be a function of \(model, verdict\), got 1"),
    ],
)
def test_an_argument_of_the_wrong_kind_is_refused(change: dict[str, Any], words: str) -> None:
    settings: dict[str, Any] = {"evaluate": lambda *_: WRONG, "eval_every": 1} | change
    with pytest.raises(UsageError, match=words):
        Gate(settings.pop("scheduler", scheduler_of()), **settings)


@pytest.mark.parametrize(
    ("processes", "workers", "words"),
    [
        (2, 0, "by torch.distributed, which knows 1, got 2 processes; start them with torchrun"),
        (1, 4, r"got 4 workers; give them and the callback a SharedStage\(scheduler\)"),
    ],
)
def test_processes_and_workers_that_do_not_know_the_stage_are_refused(
    processes: int, workers: int, words: str
) -> None:
    gate = Gate(scheduler_of(), lambda *_: WRONG, eval_every=1)
    with pytest.raises(UsageError, match=words):
        gate.begin(0, processes=processes, workers=workers)


def test_the_transition_callback_gets_the_model_and_the_verdict() -> None:
    calls: list[tuple[nn.Module, Verdict, Stage]] = []
    found = iter([WRONG, RIGHT, WRONG, WRONG])

    def on_transition(model: nn.Module, verdict: Verdict) -> None:
        calls.append((model, verdict, scheduler.stage))

    scheduler = scheduler_of(steps_per_stage=2)
    gate = Gate(scheduler, lambda *_: next(found), eval_every=1, on_transition=on_transition)
    started(gate)
    for step in (1, 2, 3, 4):
        gate.after_step(MODEL, step)
    assert calls == [(MODEL, Verdict.MASTERED, Stage(3)), (MODEL, Verdict.EXHAUSTED, Stage(2))]


def test_a_restarted_loop_continues_the_count_of_steps() -> None:
    gate = started(Gate(scheduler_of(steps_per_stage=10), lambda *_: WRONG, eval_every=4))
    gate.after_step(MODEL, 4)
    started(gate)
    assert gate.after_step(MODEL, 3) is None
    gate.after_step(MODEL, 4)
    assert gate.scheduler.cost.steps == 8
    assert not gate.scheduler.finished
    gate.after_step(MODEL, 8)
    assert gate.scheduler.cost.steps == 12
    assert gate.scheduler.ending is not None
    assert "the stage's budget of 10 steps is used up" in gate.scheduler.ending


def test_generators_of_data_and_of_evaluations_are_apart_and_in_the_state() -> None:
    def gate_of(drawn: list[float]) -> Gate:
        def evaluate(_: nn.Module, stage: Stage, rng: np.random.Generator) -> tuple[int, int]:
            drawn.append(rng.random())
            return WRONG

        return started(Gate(scheduler_of(), evaluate, eval_every=1, seed=3))

    whole: list[float] = []
    one = gate_of(whole)
    data = [one.data_generator.random()]
    for step in (1, 2):
        one.after_step(MODEL, step)
    saved = json.loads(json.dumps(one.state_dict()))
    data += one.data_generator.random(5).tolist()
    one.after_step(MODEL, 3)
    assert len({*whole, *data}) == 3 + 6
    later: list[float] = []
    other = gate_of(later)
    other.load_state_dict(saved)
    assert other.data_generator.random(5).tolist() == data[1:]
    other.data_generator.random(100)  # however much was drawn
    other.after_step(MODEL, 3)
    assert later == whole[2:]


def test_an_evaluation_in_parts_sums_their_counts() -> None:
    drawn: list[float] = []

    def evaluate(_: nn.Module, stage: Stage, rng: np.random.Generator) -> tuple[int, int]:
        drawn.append(rng.random())
        return 300, 400

    gate = started(Gate(scheduler_of(), evaluate, eval_every=1, evaluation_parts=3))
    gate.after_step(MODEL, 1)
    assert len(set(drawn)) == 3
    decision = gate.scheduler.decision
    assert decision is not None
    assert (decision.score, decision.examples) == (0.75, 1200)


def test_what_else_was_measured_is_logged() -> None:
    evaluation = Evaluation(
        full_test=Score(value=0.5, examples=100), metrics={"loss": 0.25}, cost=Cost(tokens=7)
    )
    gate = started(Gate(scheduler_of(), lambda *_: evaluation, eval_every=1, evaluation_parts=2))
    numbers = gate.after_step(MODEL, 1)
    assert numbers is not None
    assert numbers["curriculum/loss"] == 0.25
    assert gate.scheduler.cost.tokens == 14


def test_a_state_continues_in_another_gate() -> None:
    first = started(Gate(scheduler_of(), lambda *_: RIGHT, eval_every=2))
    first.after_step(MODEL, 2)
    started(first)  # so that two steps are not the loop's
    assert first.after_step(MODEL, 1) is None
    second = Gate(scheduler_of(), lambda *_: WRONG, eval_every=2)
    second.load_state_dict(first.state_dict())
    assert second.step == 1  # the checkpoint's, where no evaluation was due
    started(second, second.step).after_step(MODEL, 2)
    assert second.scheduler.stage == Stage(3)
    assert second.scheduler.cost.steps == 4
