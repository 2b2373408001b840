"""When a visit goes back to its best state, and with which learning rate."""

from collections.abc import Iterable

import numpy as np
import pytest
from scipy.stats import fisher_exact

from curriculum import (
    Backtracking,
    Budget,
    Cost,
    Direct,
    Evaluation,
    Explicit,
    Mastery,
    Rollback,
    Scheduler,
    Score,
    UsageError,
    Verdict,
)
from curriculum.plan.recovery.rollback import IN_A_ROW, BestState, RateReductions, fisher_p_value

LEVEL = Rollback().significance
L, W, M, E = Verdict.LEARNING, Verdict.WORSENED, Verdict.MASTERED, Verdict.EXHAUSTED
NAN = "the loss is no longer a finite number"


def screened(correct: int, steps: int, examples: int = 64, **rest: str | None) -> Evaluation:
    score = Score(value=correct / examples, examples=examples)
    return Evaluation(screen=score, cost=Cost(steps=steps), **rest)  # type: ignore[arg-type]


def scheduler_of(**settings: float) -> Scheduler:
    return Scheduler(
        Explicit(lengths=(2, 3)),
        Mastery(threshold=0.99),
        budget=Budget(steps_per_stage=1000),
        backtracking=Backtracking(half_steps=0, demotions=0, fresh_starts=0, patience=0),
        rollback=Rollback(**settings),  # type: ignore[arg-type]
    )


def verdicts(scheduler: Scheduler, correct: Iterable[int]) -> list[Verdict]:
    start = scheduler.cost.steps
    return [
        scheduler.update(screened(each, start + number)) for number, each in enumerate(correct, 1)
    ]


@pytest.mark.parametrize(
    ("correct", "expected"),
    [
        ([60, 63, 30, 30, 30], [L, L, L, L, W]),
        ([63, 30, 30, 63, 30], [L, L, L, L, L]),  # two alone may be bad luck
        ([63, 54, 54, 54, 54], [L, L, L, L, L]),  # so much worse may be chance
        ([63, 48, 48, 48, 54], [L, L, L, W, L]),
        ([30, 30, 30, 30, 30], [L, L, L, L, L]),
        ([0, 0, 0, 0, 0], [L, L, L, L, L]),
        # The state gone back to is evaluated afresh, and what comes is compared with that.
        ([63, 30, 30, 30, 40, 5, 5, 5], [L, L, L, W, L, L, L, W]),
    ],
)
def test_three_significantly_worse_evaluations_in_a_row_are_gone_back_from(
    correct: list[int], expected: list[Verdict]
) -> None:
    assert verdicts(scheduler_of(), correct) == expected


def test_a_loss_that_is_not_finite_is_gone_back_from_at_once() -> None:
    scheduler = scheduler_of(times=1)
    assert scheduler.update(screened(40, 1)) is L
    assert scheduler.update(Evaluation(cost=Cost(steps=2), divergence=NAN)) is W
    assert scheduler.update(screened(40, 2)) is L
    assert scheduler.update(Evaluation(cost=Cost(steps=3), divergence=NAN)) is E
    assert scheduler.limit_reached == f"{NAN} again, after 1 rollback"


def test_where_there_is_nothing_to_go_back_to_a_divergence_ends_the_visit() -> None:
    scheduler = scheduler_of()
    assert scheduler.update(Evaluation(cost=Cost(steps=1), divergence=NAN)) is E
    assert scheduler.limit_reached == NAN


def test_after_the_last_rollback_the_visit_is_exhausted() -> None:
    scheduler = scheduler_of(times=2)
    assert verdicts(scheduler, [63, 9, 9, 9] * 3) == [L, L, L, W] * 2 + [L, L, L, E]
    assert scheduler.limit_reached == "the model has become worse again, after 2 rollbacks"


def test_the_newest_of_the_best_states_is_kept() -> None:
    scheduler, best = scheduler_of(), []
    for number, correct in enumerate([50, 40, 50, 60, 59, 60]):
        scheduler.update(screened(correct, number))
        best.append(scheduler.monitor.is_best)
    assert best == [True, False, True, True, False, True]


def test_the_learning_rate_falls_with_each_rollback_and_rises_with_each_stage_mastered() -> None:
    scheduler = scheduler_of(factor=0.5)
    verdicts(scheduler, [63, 9, 9, 9] * 2)
    assert scheduler.rate.factor == 0.25
    full = Score(value=1.0, examples=1024)
    assert scheduler.update(Evaluation(full_test=full, cost=Cost(steps=9))) is M
    assert scheduler.rate.factor == 0.5
    assert verdicts(scheduler, [63, 9, 9, 9]) == [L, L, L, W]
    assert scheduler.rate.factor == 0.25


def test_a_next_attempt_has_the_rate_that_the_last_one_began_with() -> None:
    rate = RateReductions(0.5, count=1, before=1)
    rate.count += 3
    rate.start_visit()
    assert rate.factor == 0.5
    rate.start_visit(mastered=True)
    rate.start_visit(mastered=True)
    assert rate.factor == 1
    rate.count += 2
    rate.start_visit(fresh=True)
    assert rate.factor == 1


def test_a_pacing_that_does_not_listen_never_goes_back() -> None:
    scheduler = Scheduler(
        Explicit(lengths=(2,)), budget=Budget(steps=100), pacing=Direct(), rollback=Rollback()
    )
    assert verdicts(scheduler, [60, 9, 9, 9, 9]) == [L] * 5
    assert not scheduler.monitor.is_best


def test_by_default_a_scheduler_alone_never_goes_back() -> None:
    assert verdicts(Scheduler(Explicit(lengths=(2,))), [60, 9, 9, 9, 9]) == [L] * 5


@pytest.mark.parametrize("taken", range(1, 11))
def test_a_scheduler_that_is_resumed_decides_as_the_one_that_was_not(taken: int) -> None:
    correct = [60, 63, 30, 30, 30, 62, 63, 9, 9, 9]
    whole, first, second = scheduler_of(), scheduler_of(), scheduler_of()
    expected = verdicts(whole, correct)
    found = verdicts(first, correct[:taken])
    second.load_state_dict(first.state_dict())
    assert second.rate.factor == first.rate.factor
    assert found + verdicts(second, correct[taken:]) == expected
    assert second.state_dict() == whole.state_dict()


@pytest.mark.parametrize(
    "pair", [((64, 64), (50, 64)), ((10, 64), (9, 64)), ((64, 64), (64, 64)), ((7, 8), (0, 16))]
)
def test_the_p_value_is_that_of_fishers_exact_test(
    pair: tuple[tuple[int, int], tuple[int, int]],
) -> None:
    (better, examples), (worse, others) = pair
    table = np.array([[worse, others - worse], [better, examples - better]])
    expected = fisher_exact(table, alternative="less").pvalue
    assert fisher_p_value(*pair) == pytest.approx(expected)


@pytest.mark.parametrize("rate", [0.5, 0.8, 0.9, 0.97, 0.99])
def test_a_model_that_is_not_getting_worse_is_gone_back_from_in_at_most_one_visit_of_a_hundred(
    rate: float,
) -> None:
    """A visit of 2,000 steps, evaluated every 10."""
    rng, visits, back = np.random.default_rng(0), 1000, 0
    for _ in range(visits):
        best = BestState()
        for step, correct in enumerate(rng.binomial(64, rate, 200)):
            best.observe(screened(correct, 0), LEVEL, examples=64, steps=step)
            while 0 < best.worse < IN_A_ROW:
                again = rng.binomial(64, rate)
                best.observe(screened(again, 0), LEVEL, examples=64, steps=step)
            back += best.worse == IN_A_ROW
    assert back <= visits / 100


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"times": -1}, "rollback.times must be at least 0, got -1"),
        ({"factor": 1.0}, r"rollback.factor must be in \(0, 1\), got 1.0"),
        ({"factor": 0.0}, r"rollback.factor must be in \(0, 1\), got 0.0"),
        ({"significance": 0}, r"rollback.significance must be in \(0, 1\), got 0"),
    ],
)
def test_settings_out_of_range_are_errors(settings: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Rollback(**settings)  # type: ignore[arg-type]
