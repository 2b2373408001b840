"""When a visit is given up since nothing improves."""

from collections.abc import Sequence

import numpy as np
import pytest

from curriculum import (
    Backtracking,
    Budget,
    Cost,
    Evaluation,
    Explicit,
    Mastery,
    Rollback,
    Scheduler,
    Score,
    UsageError,
    Verdict,
)
from curriculum.plan.recovery.plateau import Plateau
from curriculum.plan.recovery.visit_monitor import VisitMonitor

PATIENCE = 100


def evaluation(score: float, loss: float | None = None, steps: int = 0) -> Evaluation:
    screen = Score(value=score, examples=64)
    return Evaluation(screen=screen, train_loss=loss, cost=Cost(steps=steps))


def reached_at(scores: Sequence[float], losses: Sequence[float | None]) -> int | None:
    """The step of the first plateau, with an evaluation every 10 steps from step 0 on."""
    plateau = Plateau()
    for number, (score, loss) in enumerate(zip(scores, losses, strict=True)):
        plateau.observe(evaluation(score, loss), steps=10 * number, patience=PATIENCE)
        if plateau.is_reached(PATIENCE):
            return 10 * number
    return None


FLAT = [0.7] * 40
RISING = [*np.linspace(0.5, 1.0, 20), *[0.97] * 20]
FALLING = [*np.linspace(1.0, 0.5, 20), *[0.5] * 20]


@pytest.mark.parametrize(
    ("scores", "losses", "expected"),
    [
        (FLAT, [None, *FLAT[1:]], PATIENCE),
        (FLAT, [None] * 40, PATIENCE),
        ([0.0] * 40, [0.7] * 40, PATIENCE),
        ([1.0] * 40, [0.7] * 40, PATIENCE),
        ([0.0] * 40, FALLING, 260),  # nothing is right yet, and the loss still falls
        (RISING, [0.7] * 40, 250),
        (FALLING, RISING, PATIENCE),
    ],
)
def test_a_plateau_is_where_neither_score_nor_loss_improves(
    scores: list[float], losses: list[float | None], expected: int
) -> None:
    assert reached_at(scores, losses) == pytest.approx(expected, abs=20)


def test_what_came_before_the_last_steps_does_not_count() -> None:
    plateau = Plateau()
    for steps, score in ((0, 0.0), (10, 0.0), (60, 0.7), (80, 0.7), (100, 0.7)):
        plateau.observe(evaluation(score), steps=steps, patience=PATIENCE)
    assert not plateau.is_reached(PATIENCE)
    assert plateau.is_reached(50)


def test_after_a_restart_it_looks_from_there_on() -> None:
    plateau = Plateau()
    plateau.observe(evaluation(0.7), steps=0, patience=PATIENCE)
    plateau.restart(90)
    for steps in range(90, 190, 10):
        plateau.observe(evaluation(0.7), steps=steps, patience=PATIENCE)
        assert not plateau.is_reached(PATIENCE)
    plateau.observe(evaluation(0.7), steps=190, patience=PATIENCE)
    assert plateau.is_reached(PATIENCE)


def scheduler_of(patience: int) -> Scheduler:
    return Scheduler(
        Explicit(lengths=(2, 9)),
        Mastery(threshold=0.99),
        budget=Budget(steps_per_stage=1000),
        backtracking=Backtracking(half_steps=0, demotions=0, fresh_starts=0, patience=patience),
    )


def exhausted_at(scheduler: Scheduler) -> int:
    start = scheduler.cost.steps
    for steps in range(0, 1010, 10):
        if scheduler.update(evaluation(0.7, steps=start + steps)) is Verdict.EXHAUSTED:
            return steps
    raise AssertionError


def test_the_first_stage_has_its_whole_budget() -> None:
    assert exhausted_at(scheduler_of(PATIENCE)) == 1000


@pytest.mark.parametrize(("patience", "expected"), [(PATIENCE, PATIENCE), (0, 1000)])
def test_a_later_stage_is_given_up_after_so_many_steps_without_progress(
    patience: int, expected: int
) -> None:
    scheduler = scheduler_of(patience)
    full = Score(value=1.0, examples=1024)
    assert scheduler.update(Evaluation(full_test=full, cost=Cost(steps=5))) is Verdict.MASTERED
    assert exhausted_at(scheduler) == expected
    if patience:
        assert scheduler.limit_reached == (
            "neither score nor training loss improved over 100 steps"
        )


def test_each_rollback_of_a_visit_takes_of_its_patience() -> None:
    monitor = VisitMonitor(Rollback(), patience=PATIENCE, examples=64)
    monitor.observe(evaluation(0.7), steps=0)
    monitor.roll_back(steps=10)
    for steps in range(10, 60, 10):
        monitor.observe(evaluation(0.7), steps=steps)
        assert monitor.limit_reached(evaluation(0.7)) is None
    monitor.observe(evaluation(0.7), steps=60)
    assert monitor.limit_reached(evaluation(0.7)) == (
        "neither score nor training loss improved over 50 steps"
    )


def test_patience_is_no_negative_number() -> None:
    with pytest.raises(UsageError, match=r"backtracking.patience must be at least 0, got -1"):
        Backtracking(patience=-1)
    with pytest.raises(UsageError, match=r"backtracking.fresh_starts must be at least 0, got -1"):
        Backtracking(fresh_starts=-1)
