import json
from dataclasses import dataclass
from typing import Any

import pytest

from curriculum import SGD, Adam, Choices, Range, Training, Tuning, UsageError
from curriculum.config import SearchSpace, search_space_of, widest_size
from curriculum.learn import HIDDEN_SIZE, LEARNING_RATE, Recipe
from curriculum.models import Recurrent
from curriculum.record import RoundProposed, decode, encode

RECIPE = Recipe(
    model=Recurrent(hidden_size=20), optimizer=Adam(learning_rate=1e-2), training=Training()
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Headed(Recurrent):
    """A model whose size is a multiple of 4, and grows by whole multiples alone."""

    def __post_init__(self) -> None:
        Recurrent.__post_init__(self)
        if self.hidden_size % 4:
            raise UsageError(f"hidden_size must be a multiple of 4, got {self.hidden_size}")

    def check_widened(self, hidden_size: int) -> None:
        if hidden_size % self.hidden_size:
            raise UsageError(f"it grows to multiples of {self.hidden_size}, got {hidden_size}")


@dataclass(frozen=True)
class Rigid:
    hidden_size: int = 20

    def check(self, shape: object) -> None: ...

    def build(self, shape: object) -> Any: ...


def space(tuning: Tuning, recipe: Recipe = RECIPE) -> SearchSpace:
    return search_space_of(tuning, recipe, widest_size(tuning, recipe.model))


def test_the_warm_start_is_the_carried_settings_and_their_neighbours() -> None:
    found = space(Tuning(mode="each", hidden_size=(20, 80)))
    assert found.warm_start == (
        {LEARNING_RATE: 1e-2, HIDDEN_SIZE: 20},
        {LEARNING_RATE: pytest.approx(1e-2 / 3), HIDDEN_SIZE: 20},
        {LEARNING_RATE: pytest.approx(3e-2), HIDDEN_SIZE: 20},
        {LEARNING_RATE: 1e-2, HIDDEN_SIZE: 28},
    )
    widths = found.parameters[HIDDEN_SIZE]
    assert isinstance(widths, Choices)
    assert widths.values == (20, 28, 40, 57, 80)


def test_neighbours_keep_within_the_bounds_and_carried_settings_need_not() -> None:
    fixed = Tuning(mode="each", learning_rate=(1e-3, 2e-2), hidden_size=(20, 20))
    rates = [settings[LEARNING_RATE] for settings in space(fixed).warm_start]
    assert rates == [1e-2, pytest.approx(1e-2 / 3), 2e-2]
    low = RECIPE.replace({LEARNING_RATE: 1e-5})
    found = space(fixed, low)
    assert [settings[LEARNING_RATE] for settings in found.warm_start] == [1e-5, 1e-3]
    assert not found.holds(found.warm_start[0])
    assert found.holds(found.warm_start[1])


@pytest.mark.parametrize(
    ("size", "bounds", "widths"),
    [
        (20, None, (20, 28, 40, 57, 80)),
        (4, None, (4, 6, 8, 11, 16, 23, 32, 45, 64)),
        (20, (20, 25), (20, 25)),
        (20, (20, 20), None),
        (20, (32, 64), (20, 32, 45, 64)),
        (20, (32, 32), (20, 32)),
    ],
)
def test_widths_begin_with_the_parents_own(
    size: int, bounds: tuple[int, int] | None, widths: tuple[int, ...] | None
) -> None:
    recipe = RECIPE.replace({HIDDEN_SIZE: size})
    parameter = space(Tuning(mode="each", hidden_size=bounds), recipe).parameters.get(HIDDEN_SIZE)
    assert (None if parameter is None else parameter.values) == widths  # type: ignore[union-attr]


def test_a_width_never_passes_the_runs_widest() -> None:
    tuning = Tuning(mode="each")
    widest = widest_size(tuning, RECIPE.model)
    grown = RECIPE.replace({HIDDEN_SIZE: 80})
    assert widest == 80
    assert HIDDEN_SIZE not in search_space_of(tuning, grown, widest).parameters


def test_only_sizes_that_the_model_takes_are_proposed() -> None:
    recipe = Recipe(model=Headed(hidden_size=8), optimizer=Adam(), training=Training())
    parameter = space(Tuning(mode="each", hidden_size=(8, 40)), recipe).parameters[HIDDEN_SIZE]
    assert isinstance(parameter, Choices)
    assert parameter.values == (8, 16, 24, 32, 40)


def test_other_settings_can_be_searched() -> None:
    recipe = Recipe(model=Recurrent(), optimizer=SGD(momentum=0.5), training=Training())
    also = (
        Range(setting="optimizer.momentum", low=0.1, high=0.99),
        Choices(setting="training.batch_size", values=(16, 64)),
        Range(setting="training.clip_norm", low=0.1, high=10.0, log=True),
    )
    found = space(Tuning(mode="each", also=also), recipe)
    assert found.parameters["optimizer.momentum"] == also[0]
    assert found.parameters["training.batch_size"].values == (16, 64, 32)  # type: ignore[union-attr]
    carried = found.warm_start[0]
    assert carried["optimizer.momentum"] == 0.5
    assert carried["training.batch_size"] == 32
    assert found.holds(carried)


def test_a_search_space_is_restored_from_its_record() -> None:
    also = (
        Choices(setting="training.batch_size", values=(16, 64)),
        Range(setting="training.clip_norm", low=1, high=10),
    )
    found = space(Tuning(mode="each", also=also))
    proposed = RoundProposed(visit=0, study=0, parameters=found.parameters, trials={})
    restored = decode(RoundProposed, json.loads(json.dumps(encode(proposed))))
    assert restored.parameters == found.parameters
    assert HIDDEN_SIZE in restored.parameters


def test_a_range_of_whole_numbers_is_restored_as_one() -> None:
    parameters = {"training.batch_size": Range(setting="training.batch_size", low=8, high=64)}
    proposed = RoundProposed(visit=0, study=0, parameters=parameters, trials={})
    restored = decode(RoundProposed, json.loads(json.dumps(encode(proposed))))
    found = restored.parameters["training.batch_size"]
    assert isinstance(found, Range)
    assert isinstance(found.low, int)
    assert isinstance(found.high, int)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"learning_rate": (1e-1, 1e-3)}, r"runs from 0\.1 down to 0\.001; give the lower"),
        ({"learning_rate": (0.0, 1e-3)}, r"tuning\.learning_rate must be above 0, got 0 to 0\.001"),
        ({"learning_rate": (1e-3, float("inf"))}, "needs finite bounds"),
        ({"hidden_size": (80, 20)}, "runs from 80 down to 20"),
        ({"trials": 0}, r"tuning\.trials must be at least 1, got 0"),
        ({"share": 0.0}, r"tuning\.share must be in \(0, 1\], got 0\.0"),
        ({"share": 1.5}, "got 1.5"),
        ({"sampler": "tpee"}, "there is no sampler 'tpee'; did you mean tpe?"),
        ({"mode": "always"}, "must be each, exhausted or off, got 'always'"),
        (
            {"also": (Range(setting="optimizer.learning_rate", low=1, high=2),)},
            "names learning_rate twice",
        ),
    ],
)
def test_bad_settings_are_refused(settings: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Tuning(**settings)


def test_empty_choices_are_refused() -> None:
    with pytest.raises(UsageError, match="are empty"):
        Choices(setting="training.batch_size", values=())


@pytest.mark.parametrize(
    ("tuning", "recipe", "message"),
    [
        (
            {"hidden_size": (10, 80)},
            RECIPE,
            "must not be below the model's 20: a larger model .*; got 10; give bounds from 20",
        ),
        ({"hidden_size": (10, 15)}, RECIPE, "must not be below the model's 20"),
        (
            {"hidden_size": (8, 30)},
            Recipe(model=Headed(hidden_size=8), optimizer=Adam(), training=Training()),
            "must be a size that Headed takes, got 30; the nearest that it takes: 24 and 32",
        ),
        (
            {"hidden_size": (20, 40)},
            Recipe(model=Rigid(), optimizer=Adam(), training=Training()),
            "must be 20, got up to 40: Rigid can't be widened",
        ),
        (
            {"learning_rate": None, "hidden_size": (20, 20)},
            RECIPE,
            "nothing to search",
        ),
        (
            {"also": (Range(setting="optimizer.momentum", low=0.1, high=0.9),)},
            RECIPE,
            r"can't search 'optimizer\.momentum'",
        ),
        (
            {"also": (Range(setting="training.eval_every", low=1, high=9),)},
            RECIPE,
            r"can't search 'training\.eval_every'",
        ),
        (
            {"also": (Choices(setting="training.batch_size", values=(0, 8)),)},
            RECIPE,
            "holds a value that is refused: training.batch_size must be at least 1, got 0",
        ),
        (
            {"also": (Choices(setting="training.batch_size", values=("16",)),)},
            RECIPE,
            "holds a value that is refused: training.batch_size is a whole number, got '16'",
        ),
        (
            {"also": (Range(setting="training.batch_size", low=8.0, high=64.0),)},
            RECIPE,
            r"training\.batch_size is a whole number, got 8\.0",
        ),
        (
            {"also": (Range(setting="optimizer.betas", low=0.5, high=0.9),)},
            RECIPE,
            r"can't search 'optimizer\.betas'",
        ),
        (
            {"also": (Choices(setting="optimizer.build", values=(1,)),)},
            RECIPE,
            r"can't search 'optimizer\.build'",
        ),
        (
            {"also": (Range(setting="model.layers", low=1, high=2),)},
            RECIPE,
            r"can't search 'model\.layers'",
        ),
        (
            {"also": (Range(setting="training.clip_norm", low=0.1, high=1),)},
            RECIPE.replace({"training.clip_norm": None}),
            r"training\.clip_norm is None, which no range holds",
        ),
    ],
)
def test_what_does_not_fit_the_experiment_is_refused(
    tuning: Any, recipe: Recipe, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        space(Tuning(mode="each", **tuning), recipe)


def test_a_model_without_a_field_for_its_size_keeps_it() -> None:
    @dataclass(frozen=True)
    class Fixed:
        layers: int = 1

        @property
        def hidden_size(self) -> int:
            return 20 * self.layers

        def check(self, shape: object) -> None: ...

        def build(self, shape: object) -> Any: ...

    recipe = Recipe(model=Fixed(), optimizer=Adam(), training=Training())
    assert HIDDEN_SIZE not in space(Tuning(mode="each"), recipe).parameters
    with pytest.raises(
        UsageError, match="a size that Fixed takes, got 40; the nearest that it takes: none"
    ):
        space(Tuning(mode="each", hidden_size=(40, 40)), recipe)


def test_a_model_that_cannot_be_widened_keeps_its_size_unless_it_may_start_cold() -> None:
    recipe = Recipe(model=Rigid(), optimizer=Adam(), training=Training())
    assert HIDDEN_SIZE not in space(Tuning(mode="each"), recipe).parameters
    assert HIDDEN_SIZE in space(Tuning(mode="each", cold_start=True), recipe).parameters
