import json
import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum import (
    Arithmetic,
    Backtracking,
    Budget,
    Cost,
    Direct,
    Evaluation,
    Explicit,
    Galloping,
    Gated,
    Geometric,
    Mastery,
    Scheduler,
    Score,
    Stage,
    Verdict,
)
from curriculum.plan import Growth, Pacing, VisitReason

LIMIT = 100


def scheduler_of(
    growth: Growth, **parts: Backtracking | Mastery | Budget | Pacing | bool
) -> Scheduler:
    settings = {"budget": Budget(steps_per_stage=LIMIT), "criterion": Mastery(threshold=0.9)}
    return Scheduler(growth, **(settings | parts))  # type: ignore[arg-type]


def evaluation(*, passed: bool, steps: int, **rest: object) -> Evaluation:
    score = Score(value=1.0 if passed else 0.0, examples=500)
    return Evaluation(full_test=score, cost=Cost(steps=steps), **rest)  # type: ignore[arg-type]


def visits_of(
    scheduler: Scheduler, masters: Callable[[Scheduler], bool]
) -> list[tuple[str, int, str]]:
    """Evaluation before any step and after the last; (reason, length, verdict) of each visit."""
    visits, steps = [], 0
    while not scheduler.finished:
        reason, length = scheduler.visit_reason.value, scheduler.stage.length
        passed = masters(scheduler)
        verdict = scheduler.update(evaluation(passed=passed, steps=steps))
        if verdict is Verdict.LEARNING:
            steps += LIMIT
            verdict = scheduler.update(evaluation(passed=passed, steps=steps))
        visits.append((reason, length, verdict.value))
    return visits


def test_mastery_advances_to_the_target() -> None:
    scheduler = scheduler_of(Arithmetic(start=Stage(2), end=Stage(4)))
    assert visits_of(scheduler, lambda _: True) == [
        ("advance", 2, "mastered"),
        ("advance", 3, "mastered"),
        ("advance", 4, "mastered"),
    ]
    assert scheduler.reached_target
    assert scheduler.reach == Stage(4)


def test_an_exhausted_budget_is_not_mastery() -> None:
    scheduler = scheduler_of(Arithmetic(start=Stage(2), end=Stage(4)))
    assert scheduler.update(evaluation(passed=False, steps=LIMIT - 1)) is Verdict.LEARNING
    assert scheduler.update(evaluation(passed=False, steps=LIMIT)) is Verdict.EXHAUSTED
    assert scheduler.reach is None
    assert not scheduler.reached_target


def test_the_last_step_of_the_budget_may_still_master() -> None:
    scheduler = scheduler_of(Arithmetic(start=Stage(2), end=Stage(4)))
    assert scheduler.update(evaluation(passed=True, steps=LIMIT)) is Verdict.MASTERED


def test_an_exhausted_first_stage_finishes_the_scheduler() -> None:
    scheduler = scheduler_of(Arithmetic(start=Stage(2), end=Stage(4)))
    assert visits_of(scheduler, lambda _: False) == [("advance", 2, "exhausted")]
    assert scheduler.ending is not None
    assert "the stage's budget of 100 steps is used up" in scheduler.ending


def test_an_unreachable_stage_gets_a_half_step_and_a_demotion_and_then_the_run_stops() -> None:
    scheduler = scheduler_of(
        Explicit(lengths=(2, 10)), backtracking=Backtracking(fresh_starts=0, consolidation_steps=50)
    )
    assert visits_of(scheduler, lambda s: s.stage.length < 10) == [
        ("advance", 2, "mastered"),
        ("advance", 10, "exhausted"),
        ("half_step", 6, "mastered"),
        ("return", 10, "exhausted"),
        ("demotion", 2, "mastered"),
        ("return", 10, "exhausted"),
    ]
    assert scheduler.reach == Stage(2)
    assert not scheduler.reached_target


def test_a_half_step_that_fails_is_followed_by_a_demotion() -> None:
    scheduler = scheduler_of(Explicit(lengths=(2, 10)))
    assert visits_of(scheduler, lambda s: s.stage.length == 2) == [
        ("advance", 2, "mastered"),
        ("advance", 10, "exhausted"),
        ("half_step", 6, "exhausted"),
        ("demotion", 2, "mastered"),
        ("return", 10, "exhausted"),
    ]


def test_a_demotion_that_fails_leads_further_down() -> None:
    scheduler = scheduler_of(
        Explicit(lengths=(2, 3, 4)), backtracking=Backtracking(fresh_starts=0, half_steps=0)
    )
    seen: list[int] = []

    def masters(now: Scheduler) -> bool:
        seen.append(now.stage.length)
        return now.stage.length == 2 or (now.stage.length == 3 and seen.count(3) != 2)

    assert visits_of(scheduler, masters) == [
        ("advance", 2, "mastered"),
        ("advance", 3, "mastered"),
        ("advance", 4, "exhausted"),
        ("demotion", 3, "exhausted"),
        ("demotion", 2, "mastered"),
        ("return", 3, "mastered"),
        ("advance", 4, "exhausted"),
    ]
    assert scheduler.reach == Stage(3)


def test_a_demotion_is_trained_on_before_it_can_end() -> None:
    scheduler = scheduler_of(
        Explicit(lengths=(2, 3)),
        backtracking=Backtracking(fresh_starts=0, half_steps=0, consolidation_steps=40),
    )
    scheduler.update(evaluation(passed=True, steps=0))
    scheduler.update(evaluation(passed=False, steps=LIMIT))
    assert scheduler.visit_reason.value == "demotion"
    assert scheduler.update(evaluation(passed=True, steps=LIMIT)) is Verdict.LEARNING
    assert scheduler.update(evaluation(passed=True, steps=LIMIT + 39)) is Verdict.LEARNING
    assert scheduler.update(evaluation(passed=True, steps=LIMIT + 40)) is Verdict.MASTERED


def test_no_retries_are_made_where_none_are_allowed() -> None:
    scheduler = scheduler_of(
        Explicit(lengths=(2, 10)),
        backtracking=Backtracking(fresh_starts=0, half_steps=0, demotions=0),
    )
    assert len(visits_of(scheduler, lambda s: s.stage.length == 2)) == 2


def test_galloping_doubles_its_stride_after_effortless_stages() -> None:
    scheduler = scheduler_of(Galloping(start=Stage(1), end=Stage(40)))
    assert [length for _, length, _ in visits_of(scheduler, lambda _: True)] == [
        1,
        3,
        7,
        15,
        31,
        40,
    ]


def test_galloping_keeps_its_stride_after_training() -> None:
    scheduler = scheduler_of(Galloping(start=Stage(1), end=Stage(4)))
    for steps in (10, 20, 30, 40):
        scheduler.update(evaluation(passed=False, steps=steps - 5))
        scheduler.update(evaluation(passed=True, steps=steps))
    assert scheduler.reached_target
    assert scheduler.visit == 3


def test_galloping_halves_its_stride_when_a_stage_is_exhausted() -> None:
    scheduler = scheduler_of(
        Galloping(start=Stage(1), end=Stage(100)),
        backtracking=Backtracking(fresh_starts=0, demotions=0),
    )
    lengths = [length for _, length, _ in visits_of(scheduler, lambda s: s.stage.length <= 10)]
    assert lengths[:5] == [1, 3, 7, 15, 11]
    assert scheduler.reach == Stage(10)


def test_full_tests_are_numbered_across_all_visits() -> None:
    scheduler = scheduler_of(
        Explicit(lengths=(2, 3)), backtracking=Backtracking(fresh_starts=0, half_steps=0)
    )
    scheduler.update(evaluation(passed=True, steps=0))
    scheduler.update(evaluation(passed=False, steps=50))
    scheduler.update(evaluation(passed=False, steps=LIMIT))
    scheduler.update(evaluation(passed=True, steps=2 * LIMIT))  # the demotion
    assert (scheduler.stage, scheduler.counts.full_tests, scheduler.counts.evaluations) == (
        Stage(3),
        2,
        2,
    )
    scheduler.update(evaluation(passed=False, steps=2 * LIMIT))
    assert scheduler.decision is not None
    assert scheduler.decision.test_number == 3


def test_screens_count_as_evaluations_and_not_as_full_tests() -> None:
    scheduler = scheduler_of(Explicit(lengths=(2,)))
    scheduler.update(Evaluation(screen=Score(value=0.1, examples=64)))
    assert (scheduler.counts.evaluations, scheduler.counts.full_tests) == (1, 0)


def test_consecutive_passes_start_over_after_a_failed_evaluation() -> None:
    scheduler = scheduler_of(
        Explicit(lengths=(2,)), criterion=Mastery(threshold=0.9, consecutive_passes=2)
    )
    passed = [True, False, True, True]
    verdicts = [scheduler.update(evaluation(passed=p, steps=i)) for i, p in enumerate(passed)]
    assert verdicts == [Verdict.LEARNING] * 3 + [Verdict.MASTERED]


@pytest.mark.parametrize("stream", ["tuning", "certificate", "train"])
def test_only_evaluations_on_the_gate_stream_are_decided_on(stream: str) -> None:
    scheduler = scheduler_of(Explicit(lengths=(2,)))
    with pytest.raises(ValueError, match="only the stream 'gate' is decided on"):
        scheduler.update(evaluation(passed=True, steps=0, stream=stream))
    assert scheduler.reach is None


def test_a_diverged_model_has_not_mastered() -> None:
    scheduler = scheduler_of(Explicit(lengths=(2, 9)))
    verdict = scheduler.update(
        evaluation(passed=True, steps=1, divergence="the loss is no longer a finite number")
    )
    assert verdict is Verdict.EXHAUSTED
    assert scheduler.limit_reached == "the loss is no longer a finite number"


LIMITED = Budget(until="limit", steps=3 * LIMIT, steps_per_stage=LIMIT)


@pytest.mark.parametrize("pacing", [Gated(), Direct()])
def test_a_target_that_is_passed_is_trained_on_until_the_budget_is_used_up(pacing: Pacing) -> None:
    scheduler = scheduler_of(Explicit(lengths=(2, 3)), budget=LIMITED, pacing=pacing)
    assert scheduler.update(evaluation(passed=True, steps=10)) is Verdict.MASTERED
    assert scheduler.update(evaluation(passed=True, steps=20)) is Verdict.MASTERED
    assert scheduler.reached_target
    assert not scheduler.finished
    assert (scheduler.stage, scheduler.visit_reason) == (Stage(3), VisitReason.CONTINUATION)
    assert scheduler.steps_left == 3 * LIMIT - 20  # of the run: a visit's are no limit any more
    assert not scheduler.wants_full_test(Cost(steps=30))
    for steps, passed in ((30, True), (LIMIT + 30, False), (3 * LIMIT - 1, True)):
        assert scheduler.update(evaluation(passed=passed, steps=steps)) is Verdict.LEARNING
    assert scheduler.update(evaluation(passed=True, steps=3 * LIMIT)) is Verdict.EXHAUSTED
    assert scheduler.finished
    assert scheduler.ending == "the run's budget of 300 steps is used up"


def test_what_trains_until_its_limit_ends_at_once_where_that_is_used_up_with_the_target() -> None:
    scheduler = scheduler_of(Explicit(lengths=(2,)), budget=LIMITED)
    assert scheduler.update(evaluation(passed=True, steps=3 * LIMIT)) is Verdict.MASTERED
    assert scheduler.finished
    assert scheduler.reached_target


def test_a_model_that_diverges_after_the_target_ends_the_run() -> None:
    scheduler = scheduler_of(Explicit(lengths=(2,)), budget=LIMITED)
    scheduler.update(evaluation(passed=True, steps=10))
    broken = evaluation(passed=False, steps=20, divergence="the loss is no longer finite")
    assert scheduler.update(broken) is Verdict.EXHAUSTED
    assert (scheduler.finished, scheduler.diverged, scheduler.reached_target) == (True, True, True)
    assert scheduler.ending == "the loss is no longer finite"


def test_no_patience_ends_what_is_to_be_trained_on() -> None:
    scheduler = scheduler_of(
        Explicit(lengths=(2,)),
        budget=LIMITED,
        backtracking=Backtracking(patience=20, fresh_starts=0),
    )
    scheduler.update(evaluation(passed=True, steps=10))
    for steps in range(20, 3 * LIMIT, 10):
        found = evaluation(passed=False, steps=steps, train_loss=1.0)
        assert scheduler.update(found) is Verdict.LEARNING


def test_a_scheduler_that_continues_is_restored() -> None:
    one = scheduler_of(Explicit(lengths=(2,)), budget=LIMITED)
    one.update(evaluation(passed=True, steps=10))
    state = json.loads(json.dumps(one.state_dict()))
    other = scheduler_of(Explicit(lengths=(2,)), budget=LIMITED)
    other.load_state_dict(state)
    assert other.continues
    assert other.steps_left == one.steps_left
    assert other.state_dict() == one.state_dict()


def test_a_finished_scheduler_takes_no_more_evaluations() -> None:
    scheduler = scheduler_of(Explicit(lengths=(2,)))
    scheduler.update(evaluation(passed=True, steps=0))
    with pytest.raises(RuntimeError, match="takes no more evaluations"):
        scheduler.update(evaluation(passed=True, steps=0))


def test_the_runs_own_budget_ends_it_even_after_mastery() -> None:
    scheduler = scheduler_of(Arithmetic(start=Stage(2), end=Stage(9)), budget=Budget(steps=30))
    assert scheduler.update(evaluation(passed=True, steps=30)) is Verdict.MASTERED
    assert scheduler.finished
    assert scheduler.ending == "the run's budget of 30 steps is used up"
    assert not scheduler.reached_target


def test_reaching_the_target_with_the_last_step_is_success() -> None:
    scheduler = scheduler_of(Explicit(lengths=(2,)), budget=Budget(steps=30))
    scheduler.update(evaluation(passed=True, steps=30))
    assert scheduler.reached_target


def test_a_demotion_requires_no_more_steps_than_a_visit_may_take() -> None:
    scheduler = scheduler_of(
        Explicit(lengths=(2, 3)),
        backtracking=Backtracking(fresh_starts=0, half_steps=0, consolidation_steps=10 * LIMIT),
    )
    visits = visits_of(scheduler, lambda s: s.stage.length == 2)
    assert visits[2] == ("demotion", 2, "mastered")


def test_no_full_test_is_wanted_before_it_could_count() -> None:
    scheduler = scheduler_of(Explicit(lengths=(2,)), criterion=Mastery(threshold=0.9, min_steps=20))
    assert not scheduler.wants_full_test(Cost(steps=19))
    assert scheduler.wants_full_test(Cost(steps=20))


def test_a_loop_that_always_evaluates_on_the_same_few_examples_is_told_once_none_can_pass() -> None:
    criterion = Mastery(threshold=0.99)
    scheduler = scheduler_of(Explicit(lengths=(2, 9)), criterion=criterion)
    found = Evaluation.from_counts(correct=0, examples=400, steps=1)
    assert scheduler.update(found) is Verdict.EXHAUSTED
    assert scheduler.limit_reached == (
        "full test 2 of this stage, on 400 examples, would not clear the threshold even if all were correct"
    )


def test_so_few_examples_as_show_nothing_a_second_time_are_doubled() -> None:
    criterion = Mastery(threshold=0.9, examples=35)
    assert criterion.can_clear(1, 35)
    assert not criterion.can_clear(2, 35)
    assert criterion.can_clear(2, criterion.examples_of_test(2))


def test_a_half_step_takes_the_place_of_the_stage_aimed_at() -> None:
    scheduler = scheduler_of(Explicit(lengths=(2, 10)))
    scheduler.update(evaluation(passed=True, steps=0))
    scheduler.update(evaluation(passed=False, steps=LIMIT))
    assert scheduler.sample_stage(np.random.default_rng(0)) == scheduler.stage == Stage(6)


def test_a_half_step_has_the_threshold_of_the_stage_that_it_leads_to() -> None:
    criterion = Mastery(threshold=0.5, target_threshold=0.9, per_stage={2: 0.6, 10: 0.8})
    scheduler = Scheduler(
        Explicit(lengths=(2, 10, 20)), criterion, budget=Budget(steps_per_stage=LIMIT)
    )
    found = []
    for passed, steps in ((True, 0), (False, LIMIT), (True, LIMIT), (True, LIMIT), (True, LIMIT)):
        scheduler.update(evaluation(passed=passed, steps=steps))
        assert scheduler.decision is not None
        found.append(scheduler.decision.threshold)
    assert found == [0.6, 0.8, 0.8, 0.8, 0.9]  # of 2, 10, the half step 6, 10 and 20


def test_the_ending_names_the_runs_budget_where_both_run_out() -> None:
    scheduler = scheduler_of(
        Explicit(lengths=(2, 9)), budget=Budget(steps_per_stage=LIMIT, steps=LIMIT)
    )
    scheduler.update(evaluation(passed=False, steps=LIMIT))
    assert scheduler.ending == "the run's budget of 100 steps is used up"


growths = st.sampled_from(
    [
        Explicit(lengths=(2, 10, 30)),
        Geometric(start=Stage(2, 2), end=Stage(20, 8), factor=2, vocab_factor=2),
        Galloping(start=Stage(1), end=Stage(30)),
        Arithmetic(start=Stage(1), end=Stage(6)),
    ]
)


retries = st.builds(
    Backtracking,
    retunes=st.integers(0, 2),
    half_steps=st.integers(0, 3),
    demotions=st.integers(0, 3),
)


@given(growths, retries, st.booleans(), st.randoms(use_true_random=False))
def test_the_scheduler_always_finishes(
    growth: Growth, backtracking: Backtracking, tuned: bool, luck: random.Random
) -> None:
    scheduler = scheduler_of(growth, backtracking=backtracking, tuned=tuned)
    for steps in range(0, 5000 * LIMIT, LIMIT):
        if scheduler.finished:
            break
        scheduler.update(evaluation(passed=luck.random() < 0.5, steps=steps))
    assert scheduler.finished
    assert scheduler.ending


@given(growths, st.booleans(), st.integers(0, 40), st.randoms(use_true_random=False))
def test_a_scheduler_restored_from_json_continues_identically(
    growth: Growth, tuned: bool, evaluations: int, luck: random.Random
) -> None:
    original = scheduler_of(growth, tuned=tuned)
    for number in range(evaluations):
        if not original.finished:
            original.update(evaluation(passed=luck.random() < 0.6, steps=30 * number))
    restored = scheduler_of(growth, tuned=tuned)
    restored.load_state_dict(json.loads(json.dumps(original.state_dict())))
    assert restored.state_dict() == original.state_dict()
    for number in range(evaluations, evaluations + 20):
        if original.finished:
            break
        following = evaluation(passed=luck.random() < 0.6, steps=30 * number)
        assert original.update(following) == restored.update(following)
        assert original.decision == restored.decision
        assert restored.state_dict() == original.state_dict()


def test_the_last_stage_of_the_path_has_the_targets_threshold() -> None:
    scheduler = scheduler_of(
        Arithmetic(start=Stage(2), end=Stage(4)),
        criterion=Mastery(threshold=0.5, target_threshold=0.9),
    )
    middling = Score(value=0.7, examples=500)
    found = []
    for steps in (0, 10, 20):
        assert isinstance(scheduler.criterion, Mastery)
        found.append((scheduler.stage.length, scheduler.criterion.threshold))
        verdict = scheduler.update(Evaluation(full_test=middling, cost=Cost(steps=steps)))
    assert found == [(2, 0.5), (3, 0.5), (4, 0.9)]
    assert verdict is Verdict.LEARNING
    assert scheduler.update(evaluation(passed=True, steps=30)) is Verdict.MASTERED
    assert scheduler.reached_target
