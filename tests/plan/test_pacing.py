"""When the frontier moves, and how a run advances whose training doesn't wait for mastery."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from curriculum import (
    Arithmetic,
    Backtracking,
    Budget,
    Cost,
    Direct,
    Evaluation,
    Explicit,
    Gated,
    LengthWarmup,
    Linear,
    Mastery,
    Root,
    Scheduler,
    Score,
    Stage,
    UsageError,
    Verdict,
)
from curriculum.plan import Pacing


@pytest.mark.parametrize(
    ("pacing", "lowest", "frontier"),
    [(Gated(), 0, 0), (Gated(), 3, 3), (Direct(), 0, 5), (Direct(), 5, 5)],
)
def test_the_frontier(pacing: Pacing, lowest: int, frontier: int) -> None:
    assert pacing.frontier(lowest, 5, 0.5) == frontier


@pytest.mark.parametrize(
    ("pacing", "elapsed", "frontier"),
    [
        # c0 = .01, and T the whole budget: c(.25) = .2575, c(.6) = .604; of 6 stages floor(6 c) - 1.
        (Linear(horizon=1.0), 0.0, 0),
        (Linear(horizon=1.0), 0.25, 0),
        (Linear(horizon=1.0), 0.6, 2),
        (Linear(horizon=1.0), 1.0, 5),
        (Linear(horizon=0.5), 0.3, 2),
        (Linear(horizon=0.5), 0.5, 5),
        (Linear(horizon=0.5), 0.9, 5),
        (Linear(horizon=1.0, initial=0.5), 0.0, 2),
        # c(.25) = .500075, c(.6) = .774623
        (Root(horizon=1.0), 0.0, 0),
        (Root(horizon=1.0), 0.25, 2),
        (Root(horizon=1.0), 0.6, 3),
        (Root(horizon=1.0), 1.0, 5),
        (Root(horizon=1.0, power=1.0), 0.6, 2),
    ],
)
def test_the_frontier_by_the_clock(pacing: Pacing, elapsed: float, frontier: int) -> None:
    for lowest in (0, 4):
        assert pacing.frontier(lowest, 5, elapsed) == frontier


WARMUP = LengthWarmup(horizon=0.5)


@pytest.mark.parametrize(
    ("stages", "used", "length"),
    [
        # l(t) = 32 + 480 t / .5, rounded down to a length of the path
        ((32, 64, 128, 256, 512), 0.0, 32),
        ((32, 64, 128, 256, 512), 0.033, 32),  # 63.7
        ((32, 64, 128, 256, 512), 0.034, 64),  # 64.6
        ((32, 64, 128, 256, 512), 0.1, 128),  # exactly 128
        ((32, 64, 128, 256, 512), 0.49, 256),
        ((32, 64, 128, 256, 512), 0.5, 512),
        ((32, 64, 128, 256, 512), 1.0, 512),
        ((5,), 0.3, 5),
    ],
)
def test_the_length_is_warmed_up_along_a_line(
    stages: tuple[int, ...], used: float, length: int
) -> None:
    path = Explicit(lengths=stages).path()
    for lowest in (0, len(path) - 1):
        assert path[WARMUP.frontier_on(path, lowest, used)].length == length


def test_of_stages_of_one_length_the_last_is_warmed_up_to() -> None:
    path = Explicit(lengths=(2, 2, 6, 6), vocab_sizes=(3, 9, 9, 20)).path()
    found = [path[WARMUP.frontier_on(path, 0, used)].key for used in (0.0, 0.4, 0.5)]
    assert found == ["2x9", "2x9", "6x20"]


def test_training_goes_from_length_to_length_as_the_budget_is_used_up() -> None:
    scheduler = Scheduler(
        Explicit(lengths=(2, 4, 8)), budget=Budget(steps=100), pacing=LengthWarmup(horizon=1.0)
    )
    rng = np.random.default_rng(0)
    drawn = [scheduler.sample_stage(rng, Cost(steps=step)).length for step in (0, 33, 34, 99, 100)]
    assert drawn == [2, 2, 4, 4, 8]


@pytest.mark.parametrize(
    ("t", "linear", "root"),
    [(0.0, 0.01, 0.01), (0.25, 0.2575, 0.500075), (0.6, 0.604, 0.774623), (1.0, 1.0, 1.0)],
)
def test_competence_is_the_papers(t: float, linear: float, root: float) -> None:
    assert Linear(horizon=1.0).competence(t) == pytest.approx(linear)
    assert Root(horizon=1.0).competence(t) == pytest.approx(root, abs=1e-6)


def test_the_clock_is_what_the_run_has_spent_of_its_budget() -> None:
    rng = np.random.default_rng(0)
    scheduler = Scheduler(
        Arithmetic(start=Stage(2), end=Stage(5)),
        Mastery(threshold=0.9),
        budget=Budget(compute=1000.0, tokens=100, seconds=1e9),
        pacing=Linear(horizon=1.0),
    )
    assert scheduler.frontier == Stage(2)
    assert scheduler.sample_stage(rng, Cost(tokens=80, compute=100)) == Stage(4)
    assert scheduler.sample_stage(rng, Cost(tokens=0, compute=500)) == Stage(3)
    scheduler.update(
        Evaluation(cost=Cost(tokens=10, compute=1), discarded_cost=Cost(compute=800.0))
    )
    assert scheduler.frontier == Stage(4)
    assert scheduler.stage == Stage(2)  # evaluations advance along the path all the same


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Linear(initial=2), r"pacing\.initial must be in \[0, 1\], got 2"),
        (lambda: Linear(horizon=0), r"pacing\.horizon must be in \(0, 1\], got 0"),
        (lambda: Root(horizon=1.5), r"pacing\.horizon must be in \(0, 1\], got 1\.5"),
        (lambda: Root(power=0.5), r"pacing\.power must be in \[1, 100\], got 0\.5"),
    ],
)
def test_a_clock_out_of_range_is_an_error(make: Callable[[], Pacing], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make()


def direct(**budget: Any) -> Scheduler:
    return Scheduler(
        Arithmetic(start=Stage(2), end=Stage(5)),
        Mastery(threshold=0.9),
        budget=Budget(**{"steps": 100, "steps_per_stage": 10, **budget}),
        backtracking=Backtracking(),
        pacing=Direct(),
        tuned=True,
    )


def evaluation(*, passed: bool, steps: int) -> Evaluation:
    return Evaluation(
        full_test=Score(value=1.0 if passed else 0.0, examples=500), cost=Cost(steps=steps)
    )


def test_without_a_curriculum_all_is_trained_on_the_last_stage() -> None:
    scheduler = direct()
    assert scheduler.sample_stage(np.random.default_rng(0)) == Stage(5)
    assert scheduler.largest_stage == Stage(5)
    scheduler.update(evaluation(passed=True, steps=0))
    assert scheduler.stage == Stage(3)
    assert scheduler.sample_stage(np.random.default_rng(0)) == Stage(5)


def test_evaluations_advance_along_the_path_all_the_same() -> None:
    scheduler, evaluated = direct(), []
    for passed, steps in [(False, 0), (True, 20), (True, 20), (False, 20), (True, 40), (True, 40)]:
        evaluated.append(scheduler.stage.length)
        scheduler.update(evaluation(passed=passed, steps=steps))
    assert evaluated == [2, 2, 3, 4, 4, 5]
    assert scheduler.reached_target


def test_no_stage_is_exhausted_before_the_runs_budget_is() -> None:
    scheduler = direct()
    for steps in range(0, 100, 10):
        assert scheduler.update(evaluation(passed=False, steps=steps)) is Verdict.LEARNING
    assert scheduler.steps_left == 10
    assert scheduler.update(evaluation(passed=False, steps=100)) is Verdict.EXHAUSTED
    assert scheduler.finished
    assert scheduler.ending == "the run's budget of 100 steps is used up"
    assert scheduler.visit == 0


def test_batches_are_numbered_through_the_run_whatever_is_mastered() -> None:
    scheduler = direct()
    scheduler.update(evaluation(passed=False, steps=30))
    assert scheduler.next_batch == (0, 30)
    scheduler.update(evaluation(passed=True, steps=50))
    assert scheduler.visit == 1
    assert scheduler.next_batch == (0, 50)
    gated = Scheduler(Arithmetic(start=Stage(2), end=Stage(5)), Mastery(threshold=0.9))
    gated.update(evaluation(passed=True, steps=30))
    gated.update(evaluation(passed=False, steps=50))
    assert gated.next_batch == (1, 20)


def test_the_horizon_is_the_budget_of_the_run_or_of_the_visit() -> None:
    assert direct().budget.horizon(of_visit=False) == 100
    gated = Scheduler(
        Arithmetic(start=Stage(2), end=Stage(5)), budget=Budget(steps_per_stage=10, steps=100)
    )
    assert gated.budget.horizon(of_visit=gated.pacing.waits_for_mastery) == 10


def test_many_failed_tests_do_not_end_the_run() -> None:
    scheduler = direct(steps=10_000)
    for steps in range(1, 200):
        assert scheduler.update(evaluation(passed=False, steps=steps)) is Verdict.LEARNING
    assert scheduler.counts.full_tests == 199


def test_a_diverged_run_ends() -> None:
    scheduler = direct()
    over = Evaluation(cost=Cost(steps=5), divergence="the loss is no longer a finite number")
    assert scheduler.update(over) is Verdict.EXHAUSTED
    assert scheduler.finished
    assert scheduler.ending == "the loss is no longer a finite number"


def test_a_limit_in_compute_sets_none_in_steps() -> None:
    scheduler = Scheduler(
        Arithmetic(start=Stage(2), end=Stage(5)),
        budget=Budget(compute=1e9, steps_per_stage=10),
        pacing=Direct(),
    )
    assert scheduler.steps_left > 10**9
    scheduler.update(Evaluation(cost=Cost(steps=50, compute=2e9)))
    assert scheduler.finished
