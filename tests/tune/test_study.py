import optuna
import pytest

from curriculum import Adam, Training, Tuning
from curriculum.learn.recipe import HIDDEN_SIZE, LEARNING_RATE, Recipe
from curriculum.models import Recurrent
from curriculum.tune.settings import SAMPLERS
from curriculum.tune.space import Space, space_of
from curriculum.tune.study import ask, frozen, value_of
from curriculum.tune.told import Told

RECIPE = Recipe(
    model=Recurrent(hidden_size=20), optimizer=Adam(learning_rate=1e-2), training=Training()
)
SPACE = space_of(Tuning(mode="each"), RECIPE, 80)


def told_of(space: Space, rounds: int, *, sampler: str = "tpe") -> list[Told]:
    """A search whose score is best at a rate of 3e-3."""
    found: list[Told] = []
    for _ in range(rounds):
        for settings in ask(space, found, 4, sampler=sampler, seed=len(found)):
            rate = settings[LEARNING_RATE]
            score = max(0.0, 1 - abs(rate - 3e-3) * 10)
            found.append(
                Told(number=len(found), settings=settings, score=score, compute=1.0, outcome="cut")
            )
    return found


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_study_made_anew_asks_for_the_same(sampler: str) -> None:
    whole = told_of(SPACE, 3, sampler=sampler)
    for begin in (0, 4, 8):
        again = ask(SPACE, whole[:begin], 4, sampler=sampler, seed=begin)
        assert again == [trial.settings for trial in whole[begin : begin + 4]]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_first_round_is_the_warm_start_and_the_rest_keeps_within_bounds(sampler: str) -> None:
    found = told_of(SPACE, 4, sampler=sampler)
    assert tuple(trial.settings for trial in found[:4]) == SPACE.warm_start
    for trial in found[4:]:
        assert SPACE.holds(trial.settings)


def test_another_seed_asks_for_other_settings() -> None:
    found = told_of(SPACE, 1)
    assert ask(SPACE, found, 4, sampler="tpe", seed=1) != ask(
        SPACE, found, 4, sampler="tpe", seed=2
    )


def test_what_is_left_of_a_short_warm_start_is_the_samplers() -> None:
    narrow = space_of(Tuning(mode="each", hidden_size=(20, 20)), RECIPE, 20)
    asked = ask(narrow, [], 4, sampler="random", seed=0)
    assert tuple(asked[:3]) == narrow.warm_start
    assert narrow.holds(asked[3])


def test_tpe_learns_where_the_score_is_high() -> None:
    found = told_of(SPACE, 12)
    early = [abs(trial.settings[LEARNING_RATE] - 3e-3) for trial in found[4:12]]
    late = [abs(trial.settings[LEARNING_RATE] - 3e-3) for trial in found[-8:]]
    assert sum(late) < sum(early) / 2


def told(score: float | None, outcome: str, compute: float = 1e9) -> Told:
    settings = {LEARNING_RATE: 1e-2, HIDDEN_SIZE: 20}
    return Told(number=0, settings=settings, score=score, compute=compute, outcome=outcome)


def test_a_mastering_trial_is_worth_more_than_any_other_and_more_the_less_it_took() -> None:
    ranked = [
        told(0.2, "lost"),
        told(0.9, "exhausted"),
        told(1.0, "cut"),
        told(0.97, "mastered", compute=1e12),
        told(0.96, "mastered", compute=1e8),
    ]
    values = [value_of(trial) for trial in ranked]
    assert values == sorted(values)
    assert len(set(values)) == len(values)


def test_a_diverged_trial_is_a_failed_one_with_its_reason() -> None:
    failed = Told(
        number=0,
        settings={LEARNING_RATE: 50.0, HIDDEN_SIZE: 20},  # far outside of the bounds
        score=None,
        compute=1.0,
        outcome="diverged",
        attributes={"reason": "the loss is no longer a finite number"},
    )
    trial = frozen(failed, SPACE)
    assert trial.state is optuna.trial.TrialState.FAIL
    assert trial.user_attrs["reason"] == "the loss is no longer a finite number"
    assert trial.params == {"learning_rate": 50.0, "hidden_size": 20}
