"""The figure of a race, and when there is one."""

import io
from pathlib import Path

import pytest
from interrupted_runs import (
    After,
    Wholes,
    run,
)
from matplotlib.figure import Figure
from stopped_experiments import (
    EXPERIMENTS,
    raced,
)

from curriculum import Experiment
from curriculum.record import History, Store
from curriculum.report import run_figures


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.mark.parametrize("name", ["raced", "raced ahead", "raced in vain"])
def test_a_race_is_drawn_with_a_line_for_each_arm_and_a_star_for_the_selected_one(
    tiny: Experiment, wholes: Wholes, name: str
) -> None:
    history = History.of(Store(wholes(name, EXPERIMENTS[name](tiny))).find("last"))
    figure = run_figures(history)["race"]
    selected = history.arms.selected
    assert selected is not None
    names = {f"{arm} (selected)" if arm == selected.arm else arm for arm in history.arms.last}
    assert {*legend(figure)} == names
    panel = figure.axes[0]
    (star,) = (line for line in panel.lines if line.get_marker() == "*")
    assert [*star.get_ydata()] == [  # type: ignore[misc]
        -1 if history.reach is None else history.description.path.index(history.reach)
    ]
    if selected.mastered:  # by the last evaluation of all
        assert [*star.get_xdata()] == [history.arms.compute]  # type: ignore[misc]
    image = io.BytesIO()
    figure.savefig(image, format="png")
    assert image.getvalue().startswith(b"\x89PNG")


def test_a_race_that_was_stopped_has_its_figure_alone(tiny: Experiment, store: Path) -> None:
    run(raced(tiny), store, stop=After(12))
    drawn = run_figures(History.of(Store(store).find("last")))
    assert [*drawn] == ["race"]
    assert not any("selected" in text for text in legend(drawn["race"]))


def test_a_run_without_a_race_has_no_such_figure(tiny: Experiment, wholes: Wholes) -> None:
    history = History.of(Store(wholes("plain", EXPERIMENTS["plain"](tiny))).find("last"))
    assert "race" not in run_figures(history)
