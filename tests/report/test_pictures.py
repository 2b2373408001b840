import io
from pathlib import Path

import curriculum
from curriculum import Experiment
from curriculum.record.history import History
from curriculum.record.store import Store
from curriculum.report.plots import figures


def test_a_runs_pictures_can_be_drawn(tiny: Experiment, store: Path) -> None:
    curriculum.run(tiny, store=store, mirror=False)
    history = History.of(Store(store).find("last"))
    drawn = figures(history)
    assert set(drawn) == {"reach", "score_by_stage"}
    for figure in drawn.values():
        axes = figure.axes[0]
        assert axes.get_xlabel()
        assert axes.get_ylabel()
        assert "tiny, seed 0" in axes.get_title(loc="left")
        picture = io.BytesIO()
        figure.savefig(picture, format="png")
        assert picture.getvalue().startswith(b"\x89PNG")
    reach = drawn["reach"].axes[0].lines[0]
    assert list(reach.get_ydata())[-1] == 5  # type: ignore[arg-type]
    assert list(reach.get_xdata())[-1] == history.total.tokens  # type: ignore[arg-type]


def test_a_run_without_visits_has_no_pictures() -> None:
    assert figures(History({})) == {}
