"""Optuna's dashboard, stock, on the studies of a run."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from servers import free_port, running
from watched_page import opened

import curriculum
from curriculum import Adam, Budget, Experiment, Geometric, Mastery, Stage, Tuning
from curriculum.models import Recurrent
from curriculum.record import Store
from curriculum.tasks import FirstBit
from curriculum.tune import OptunaDestination, dashboard_server


@pytest.fixture
def dashboard(tmp_path: Path) -> Iterator[str]:
    """The address of the dashboard on a run with one search: the first trial masters its stage, at last."""
    experiment = Experiment(
        task=FirstBit(),
        model=Recurrent(cell="gru", hidden_size=8),
        growth=Geometric(start=Stage(2), end=Stage(2)),
        criterion=Mastery(threshold=1.0),
        optimizer=Adam(learning_rate=3e-2),
        budget=Budget(steps_per_stage=200),
        tuning=Tuning(mode="each", trials=4),
        name="tuned",
    )
    result = curriculum.run(experiment, store=tmp_path / "store", mirror=False)
    url = str(tmp_path / "studies.journal")
    OptunaDestination(url).open(Store(tmp_path / "store").find(result.run_id)).copy()
    with running(dashboard_server(url, free_port()), "/api/studies") as address:
        yield f"{address}/dashboard/"


def test_a_study_says_which_stage_it_is_of_and_how_each_trial_ended(
    dashboard: str, browser: Browser, tmp_path: Path
) -> None:
    with opened(browser, tmp_path) as page:
        page.goto(dashboard)
        page.get_by_text(
            re.compile(r"tuned seed 0 \(\w+\) visit 0, length 2, vocabulary 2")
        ).click()
        expect(page.get_by_role("heading", name="Timeline")).to_be_visible()
        title = "exact_match (above 1: mastered, at less cost)"
        expect(page.get_by_text(title).first).to_be_visible()
        page.goto(page.url + "/trials")
        expect(page.get_by_text("4 Trials")).to_be_visible()
        expect(page.get_by_text("Best Trial").first).to_be_visible()
        expect(page.get_by_text("Complete", exact=True).first).to_be_visible()
        expect(page.get_by_text("Pruned", exact=True)).to_have_count(3)
        expect(page.get_by_text("outcome mastered")).to_be_visible()
