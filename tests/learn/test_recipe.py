import pytest

from curriculum import Adam, Training, UsageError
from curriculum.learn import Recipe
from curriculum.models import Recurrent

RECIPE = Recipe(model=Recurrent(), optimizer=Adam(learning_rate=1e-2), training=Training())


def test_settings_have_dotted_names() -> None:
    changes = {"optimizer.learning_rate": 0.5, "model.hidden_size": 40, "training.batch_size": 8}
    changed = RECIPE.replace(changes)
    assert {name: changed.value(name) for name in changes} == changes
    assert (changed.learning_rate, changed.hidden_size) == (0.5, 40)
    assert changed.changes_from(RECIPE) == changes
    assert RECIPE.changes_from(RECIPE) == {}


def test_a_value_out_of_range_is_refused() -> None:
    with pytest.raises(UsageError, match="learning_rate must be above 0"):
        RECIPE.replace({"optimizer.learning_rate": -1})
