"""A scheduler's saved state is of the types that were saved, or refused."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from curriculum import Budget, Geometric, Stage, plan
from curriculum.plan import Cost, Evaluation, Feedback, Scheduler, Score
from curriculum.record.codec import Malformed
from curriculum.record.scheduler_state import check_scheduler_state

STRATEGIES = sorted(set(plan.STRATEGIES) - {"guess"})
TEXTS = {("ending",)}
"""The state's only free text."""


def state_of(strategy: str) -> dict[str, Any]:
    """The state after some steps, and two evaluations that failed."""
    chosen = plan.get_strategy(strategy)
    scheduler = Scheduler(
        Geometric(start=Stage(2), end=Stage(20), factor=2.0),
        budget=Budget(steps=1000),
        pacing=chosen.pacing,
        sampling=chosen.sampling,
        rollback=plan.Rollback(),
    )
    rng = np.random.default_rng(0)
    for number in (1, 2):
        for _ in range(20):
            mixture = scheduler.sample_mixture(rng, lambda _: 8, Cost(steps=20 * number))
            if scheduler.sampling.feedback is not None:
                feedback = Feedback(value=0.5, tokens=10)
                scheduler.observe(rng, next(iter(mixture)), feedback)
        found = Evaluation(screen=Score(value=0.5, examples=64), cost=Cost(steps=20 * number))
        scheduler.update(found)
    state: dict[str, Any] = json.loads(json.dumps(scheduler.state_dict()))
    return state


def leaves(state: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the state's values are that are no lists and mappings."""
    if isinstance(state, dict):
        for name, part in state.items():
            yield from leaves(part, (*path, name))
    elif isinstance(state, list):
        for number, part in enumerate(state):
            yield from leaves(part, (*path, number))
    else:
        yield path


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_was_saved_is_accepted(strategy: str) -> None:
    check_scheduler_state(state_of(strategy))


@pytest.mark.parametrize("wrong", [r"$\frac{1}$", True, {}])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_value_may_be_of_another_type(strategy: str, wrong: object) -> None:
    state = state_of(strategy)
    for path in leaves(state):
        changed = copy.deepcopy(state)
        inner = changed
        for name in path[:-1]:
            inner = inner[name]
        if type(inner[path[-1]]) is type(wrong) or (path in TEXTS and isinstance(wrong, str)):
            continue
        inner[path[-1]] = wrong
        with pytest.raises(Malformed):
            check_scheduler_state(changed)


def test_nothing_may_be_missing_or_added() -> None:
    state = state_of("gated")
    for name in state:
        with pytest.raises(Malformed):
            check_scheduler_state({key: part for key, part in state.items() if key != name})
    with pytest.raises(Malformed):
        check_scheduler_state({**state, "more": 1})
