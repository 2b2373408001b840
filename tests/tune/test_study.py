"""What Optuna is shown of trials, and which settings it proposes."""

import optuna
import pytest

from curriculum import Adam, Training, Tuning
from curriculum.config import SearchSpace, search_space_of
from curriculum.config.tuning import SAMPLERS
from curriculum.learn import HIDDEN_SIZE, LEARNING_RATE, Recipe
from curriculum.models import Recurrent
from curriculum.record import CompletedTrial, Outcome
from curriculum.tune.study import frozen_trial, propose, value_of

RECIPE = Recipe(
    model=Recurrent(hidden_size=20), optimizer=Adam(learning_rate=1e-2), training=Training()
)
SPACE = search_space_of(Tuning(mode="each"), RECIPE, 80)


def searched(space: SearchSpace, rounds: int, *, sampler: str = "tpe") -> list[CompletedTrial]:
    """The trials of a search whose score is best at a rate of 3e-3."""
    found: list[CompletedTrial] = []
    for _ in range(rounds):
        for settings in propose(space, found, 4, sampler=sampler, seed=len(found)):
            score = max(0.0, 1 - abs(settings[LEARNING_RATE] - 3e-3) * 10)
            found.append(
                CompletedTrial(
                    number=len(found),
                    settings=settings,
                    score=score,
                    compute=1.0,
                    outcome="stopped",
                )
            )
    return found


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_study_made_anew_proposes_the_same(sampler: str) -> None:
    whole = searched(SPACE, 3, sampler=sampler)
    for start in (0, 4, 8):
        again = propose(SPACE, whole[:start], 4, sampler=sampler, seed=start)
        assert again == [trial.settings for trial in whole[start : start + 4]]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_first_round_is_the_warm_start_and_the_rest_keeps_within_bounds(sampler: str) -> None:
    found = searched(SPACE, 4, sampler=sampler)
    assert tuple(trial.settings for trial in found[:4]) == SPACE.warm_start
    for trial in found[4:]:
        assert SPACE.holds(dict(trial.settings))


def test_another_seed_proposes_other_settings() -> None:
    found = searched(SPACE, 1)
    proposals = [propose(SPACE, found, 4, sampler="tpe", seed=seed) for seed in (1, 2)]
    assert proposals[0] != proposals[1]


def test_what_is_left_of_a_round_after_a_short_warm_start_is_the_samplers() -> None:
    narrow = search_space_of(Tuning(mode="each", hidden_size=(20, 20)), RECIPE, 20)
    proposed = propose(narrow, [], 4, sampler="random", seed=0)
    assert tuple(proposed[:3]) == narrow.warm_start
    assert narrow.holds(proposed[3])


def test_tpe_learns_where_the_score_is_high() -> None:
    found = searched(SPACE, 12)
    early = [abs(trial.settings[LEARNING_RATE] - 3e-3) for trial in found[4:12]]
    late = [abs(trial.settings[LEARNING_RATE] - 3e-3) for trial in found[-8:]]
    assert sum(late) < sum(early) / 2


def completed(score: float | None, outcome: Outcome, compute: float = 1e9) -> CompletedTrial:
    settings = {LEARNING_RATE: 1e-2, HIDDEN_SIZE: 20}
    return CompletedTrial(
        number=0, settings=settings, score=score, compute=compute, outcome=outcome
    )


def test_a_trial_that_mastered_is_worth_more_than_any_other_and_more_the_less_it_cost() -> None:
    ranked = [
        completed(0.2, "overtaken"),
        completed(0.9, "exhausted"),
        completed(1.0, "stopped"),
        completed(0.97, "mastered", compute=1e12),
        completed(0.96, "mastered", compute=1e8),
    ]
    values = [value_of(trial) for trial in ranked]
    assert values == sorted(values)
    assert len(set(values)) == len(values)


def test_a_diverged_trial_is_a_failed_one_with_its_reason() -> None:
    diverged = CompletedTrial(
        number=0,
        settings={LEARNING_RATE: 50.0, HIDDEN_SIZE: 20},  # far outside of the bounds
        score=None,
        compute=1.0,
        outcome="diverged",
        reason="the loss is no longer a finite number",
    )
    assert frozen_trial(diverged, SPACE.parameters, []).state is optuna.trial.TrialState.PRUNED
    trial = frozen_trial(diverged, SPACE.parameters)  # as a sampler is shown it
    assert trial.state is optuna.trial.TrialState.FAIL
    assert trial.user_attrs["reason"] == "the loss is no longer a finite number"
    assert trial.params == {"learning_rate": 50.0, "hidden_size": 20}
