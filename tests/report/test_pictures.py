import io
from pathlib import Path

import curriculum
from curriculum import Adam, Certificate, Experiment, Stage, Tuning
from curriculum.record.history import History
from curriculum.record.store import Store
from curriculum.report.plots import figures, trial_figures


def test_a_runs_pictures_can_be_drawn(tiny: Experiment, store: Path) -> None:
    curriculum.run(tiny, store=store, mirror=False)
    history = History.of(Store(store).find("last"))
    drawn = figures(history)
    assert set(drawn) == {"reach", "score_by_stage", "retention", "extrapolation"}
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


def test_what_was_retested_is_drawn(tiny: Experiment, store: Path) -> None:
    curriculum.run(tiny, store=store, mirror=False)
    history = History.of(Store(store).find("last"))
    drawn = figures(history)
    cells = drawn["retention"].axes[0].collections[0].get_array()
    assert cells is not None
    expected = [[found["scores"][f"{n}x2"] for found in history.retention] for n in (2, 3, 5)]
    assert cells.tolist() == expected
    lines = {str(line.get_label()): line for line in drawn["extrapolation"].axes[0].lines}
    curve, mark = lines["gated"], lines[f"trained to {history.trained}"]
    lengths = [Stage.from_key(found["stage"]).length for found in history.retests]
    assert max(lengths) == 20
    assert list(curve.get_xdata()) == lengths  # type: ignore[arg-type]
    assert list(curve.get_ydata()) == [f["score"] for f in history.retests]  # type: ignore[arg-type]
    assert list(mark.get_xdata()) == [history.trained] * 2  # type: ignore[arg-type]


def test_what_was_not_or_not_yet_retested_is_not_drawn(tiny: Experiment, store: Path) -> None:
    untested = tiny.but(certificate=Certificate(mode="off"))
    curriculum.run(untested, store=store, mirror=False)
    assert set(figures(History.of(Store(store).find("last")))) == {"reach", "score_by_stage"}
    curriculum.run(tiny, store=store, mirror=False)
    history = History.of(Store(store).find("last"))
    history.end = None  # more of them may come
    assert "extrapolation" not in figures(history)
    history = History.of(Store(store).find("last"))
    history.retests = history.retests[:1]  # of one length there is no curve
    assert "extrapolation" not in figures(history)


def test_a_search_is_drawn(tiny: Experiment, store: Path) -> None:
    searched = tiny.but(
        optimizer=Adam(learning_rate=1e-5),
        tuning=Tuning(mode="each", learning_rate=(1e-2, 1e-1), hidden_size=(8, 16), trials=8),
    )
    curriculum.run(searched, store=store, mirror=False)
    history = History.of(Store(store).find("last"))
    settings = figures(history)["settings"]
    rates, sizes = (axes.lines[0].get_ydata() for axes in settings.axes)
    assert list(rates) == [visit.learning_rate for visit in history.visits]  # type: ignore[arg-type]
    assert list(sizes) == [visit.hidden_size for visit in history.visits]  # type: ignore[arg-type]
    visit = next(visit for visit in history.visits if visit.trials)
    drawn = trial_figures(visit, {"learning_rate": 0.8, "hidden_size": 0.2})
    assert set(drawn) == {"race", "history", "importance"}
    for figure in drawn.values():
        assert figure.axes[0].get_xlabel()
        assert str(visit.stage) in figure.axes[0].get_title(loc="left")
        figure.savefig(io.BytesIO(), format="png")
    assert set(trial_figures(visit, {})) == {"race", "history"}


def test_a_run_without_visits_has_no_pictures() -> None:
    assert figures(History({})) == {}
