"""Comparisons of runs whose stages are ready, by a loss or a plateau."""

import json
import logging
import re
from typing import Any

import pandas
import pytest
from estimation import estimation
from matplotlib.text import Text

import curriculum
from curriculum import Budget, Criterion, LossBelow, MetricBeyond, Plateau, Stage
from curriculum.report import comparison as comparison_report

CRITERIA: dict[str, Criterion] = {
    "loss": LossBelow(threshold=0.02, unit="squared_error", examples=128),
    "plateau": Plateau(min_improvement=0.01, evaluations=2, examples=64),
    "metric": MetricBeyond(metric="error", threshold=12.0, examples=128),
}


@pytest.fixture(scope="module", params=CRITERIA)
def compared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A comparison of two strategies on two seeds, and its store."""
    store = tmp_path_factory.mktemp("compared") / "store"
    experiment = estimation(CRITERIA[request.param], budget=Budget(steps_per_stage=150))
    settings: Any = {"seeds": [0, 1], "learning_rates": [1e-2], "budget": "120steps"}
    found = curriculum.compare(experiment, ["gated", "direct"], store=store, **settings)
    return experiment, found, store


def test_strategies_are_compared_by_what_was_ready(compared: Any) -> None:
    _, found, _ = compared
    frame = found.to_frame()
    assert list(frame["strategy"]) == ["gated", "gated", "direct", "direct"]
    assert (frame["seeds"] == 2).all()
    reached = frame.set_index(["strategy", "length"])["reached"]
    reaches: dict[str, list[Stage | None]] = {strategy: [] for strategy in ("gated", "direct")}
    for history in found.histories.values():
        reaches[history.description.strategy].append(history.reach)
    for strategy, ends in reaches.items():
        for length in (2, 3):
            ready = [end is not None and end.length >= length for end in ends]
            assert reached[strategy, length] == sum(ready)
    assert Stage(3, 2) in reaches["gated"]


def test_no_text_page_or_figure_calls_them_mastered(compared: Any) -> None:
    _, found, _ = compared
    words = [
        text.get_text()
        for figure in found.figures.values()
        for text in figure.findobj(match=Text)
        if isinstance(text, Text)
    ]
    texts = [repr(found), found._repr_html_(), *words]
    assert not [text for text in texts if "master" in text.lower()]
    assert re.search(r"\bready\b", repr(found))


def test_the_store_tells_the_same_again(compared: Any, caplog: pytest.LogCaptureFixture) -> None:
    experiment, found, store = compared
    with caplog.at_level(logging.WARNING):
        again = curriculum.compare_recorded(experiment, ["gated", "direct"], store=store)
    pandas.testing.assert_frame_equal(again.to_frame(), found.to_frame())
    assert again.headline == found.headline


def test_the_page_the_table_of_costs_and_the_json_say_ready(compared: Any) -> None:
    _, found, _ = compared
    figures = list(comparison_report.history_figures(found.comparison, found.histories))
    page = comparison_report.html_report([found.comparison], figures={"estimation": figures})
    content = json.dumps(comparison_report.as_json(found.comparison))
    rows = comparison_report.as_csv(found.comparison).splitlines()
    assert len(rows) == 1 + 2 * 2  # two strategies, two stages
    assert "ready" in page
    for text in (page, content, *rows):
        assert "mastered" not in text
