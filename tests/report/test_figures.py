"""The figures of a run and of its searches."""

import io
from pathlib import Path

import pytest
from journals_by_hand import describe, rolled_back
from matplotlib.lines import Line2D

import curriculum
from curriculum import Adam, Experiment, FinalEvaluation, Tuning
from curriculum.plan import AxisNames
from curriculum.record import History, Store
from curriculum.report import run_figures, trial_figures


def history_of(experiment: Experiment, store: Path) -> History:
    result = curriculum.run(experiment, store=store, mirror=False)
    return History.of(Store(store).find(result.run_id))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, tiny: Experiment) -> Path:
    """The store of a run that is over."""
    store = tmp_path_factory.mktemp("reached")
    curriculum.run(tiny, store=store, mirror=False)
    return store


@pytest.fixture
def history(root: Path) -> History:
    """The run's history, free to be changed."""
    return History.of(Store(root).find("last"))


def test_the_figures_of_a_run_can_be_drawn(history: History) -> None:
    drawn = run_figures(history)
    assert set(drawn) == {"reach", "score_by_stage", "retention", "extrapolation"}
    for figure in drawn.values():
        axes = figure.axes[0]
        assert axes.get_xlabel()
        assert axes.get_ylabel()
        assert "tiny, seed 0" in axes.get_title(loc="left")
        image = io.BytesIO()
        figure.savefig(image, format="png")
        assert image.getvalue().startswith(b"\x89PNG")
    reach = drawn["reach"].axes[0].lines[0]
    assert list(reach.get_ydata())[-1] == 5  # type: ignore[arg-type]
    assert list(reach.get_xdata())[-1] == history.total_cost.tokens  # type: ignore[arg-type]


def test_rollbacks_are_marked_where_the_score_was_so_low(history: History) -> None:
    assert "rollback" not in labels(history)
    history.visits[0].rollbacks = [
        (10, rolled_back(0, 1, 10, 0.25)),
        (20, rolled_back(0, 2, 20, None)),
    ]
    mark = labels(history)["rollback"]
    assert list(mark.get_xdata()) == [10, 20]  # type: ignore[arg-type]
    assert list(mark.get_ydata()) == [0.25, 0.0]  # type: ignore[arg-type]


def labels(history: History) -> dict[str, Line2D]:
    axes = run_figures(history)["score_by_stage"].axes[0]
    return {str(line.get_label()): line for line in axes.lines}


def test_the_legend_of_scores_hides_none(history: History) -> None:
    figure = run_figures(history)["score_by_stage"]
    figure.savefig(io.BytesIO(), format="png")
    (legend,), (axes,) = figure.legends, figure.axes
    assert [text.get_text() for text in legend.get_texts()] == ["threshold"]
    assert legend.get_window_extent().y1 <= axes.get_window_extent().y0


def test_retention_and_the_final_evaluation_are_drawn(history: History) -> None:
    drawn = run_figures(history)
    cells = drawn["retention"].axes[0].collections[0].get_array()
    assert cells is not None
    stages = history.description.path
    expected = [[event.scores[stage] for event in history.retention] for stage in stages]
    assert [stage.length for stage in stages] == [2, 3, 5]
    assert cells.tolist() == expected
    lines = {str(line.get_label()): line for line in drawn["extrapolation"].axes[0].lines}
    curve, mark = lines["gated"], lines[f"trained to {history.longest_trained}"]
    lengths = [event.stage.length for event in history.final_evaluations]
    scores = [event.score for event in history.final_evaluations]
    assert max(lengths) == 20
    assert list(curve.get_xdata()) == lengths  # type: ignore[arg-type]
    assert list(curve.get_ydata()) == scores  # type: ignore[arg-type]
    assert list(mark.get_xdata()) == [history.longest_trained] * 2  # type: ignore[arg-type]


def test_a_final_evaluation_that_is_missing_or_not_over_is_not_drawn(
    tiny: Experiment, store: Path, root: Path, history: History
) -> None:
    without = history_of(tiny.replace(final_evaluation=FinalEvaluation(mode="off")), store)
    assert set(run_figures(without)) == {"reach", "score_by_stage"}
    history.end = None  # more of it may come
    assert "extrapolation" not in run_figures(history)
    history = History.of(Store(root).find("last"))
    history.final_evaluations = history.final_evaluations[:1]  # of one length there is no curve
    assert "extrapolation" not in run_figures(history)


def test_a_search_is_drawn(tiny: Experiment, store: Path) -> None:
    searched = tiny.replace(
        optimizer=Adam(learning_rate=1e-5),
        tuning=Tuning(mode="each", learning_rate=(1e-2, 1e-1), hidden_size=(8, 16), trials=8),
    )
    history = history_of(searched, store)
    settings = run_figures(history)["settings"]
    rates, sizes = (axes.lines[0].get_ydata() for axes in settings.axes)
    assert list(rates) == [visit.learning_rate for visit in history.visits]  # type: ignore[arg-type]
    assert list(sizes) == [visit.hidden_size for visit in history.visits]  # type: ignore[arg-type]
    visit = next(visit for visit in history.visits if visit.trials)
    drawn = trial_figures(visit, {"learning_rate": 0.8, "hidden_size": 0.2}, AxisNames())
    assert set(drawn) == {"race", "history", "importance"}
    for figure in drawn.values():
        assert figure.axes[0].get_xlabel()
        assert str(visit.stage) in figure.axes[0].get_title(loc="left")
        figure.savefig(io.BytesIO(), format="png")
    assert set(trial_figures(visit, {}, AxisNames())) == {"race", "history"}


def test_a_run_without_visits_has_no_figures() -> None:
    assert run_figures(History(describe())) == {}
