"""What users see in a browser: MLflow's stock UI on a store, and the package's own pages."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from mlflow_copies import client_of, copy_of, sync
from playwright.sync_api import Browser, Page, expect
from servers import free_port, reply
from watched_page import opened

import curriculum
from curriculum import Adam, Budget, Experiment, Geometric, Mastery, RunResult, Stage
from curriculum.cli.main import main
from curriculum.models import Recurrent
from curriculum.processes import HOST, python_command
from curriculum.record import Store
from curriculum.tasks import FirstBit
from curriculum.tracking import TRACKING_URI_VARIABLE, experiment_ids, experiment_page
from curriculum.tune import STORAGE_VARIABLE

STRATEGIES = ("gated", "direct", "linear")
SEEDS = (0,)


def open_report(page: Page, path: Path) -> None:
    """Open a page from disk, and check that it has plots and each takes up room."""
    page.goto(path.absolute().as_uri())
    plots = page.locator("svg, img")
    expect(plots).not_to_have_count(0)
    for plot in plots.all():
        box = plot.bounding_box()
        assert box is not None, plot.evaluate("plot => plot.outerHTML.slice(0, 200)")
        assert box["width"] > 0
        assert box["height"] > 0
    pictures = page.locator("img")
    assert all(pictures.evaluate_all("all => all.map(one => one.naturalWidth > 0)"))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[Path], Path]) -> Path:
    """A store with a database of MLflow's, in which there is nothing yet."""
    found = tmp_path_factory.mktemp("browser") / "store"
    new_database(found)
    return found


@pytest.fixture(scope="module")
def results(root: Path) -> dict[str, RunResult]:
    """Runs in that store and its MLflow, by the names that this is to show."""
    experiment = Experiment(
        task=FirstBit(),
        model=Recurrent(cell="gru", hidden_size=8),
        growth=Geometric(start=Stage(2), end=Stage(8)),
        criterion=Mastery(threshold=1.0),
        optimizer=Adam(learning_rate=3e-2),
        budget=Budget(steps=30),
        name="tiny",
    )
    found = {}
    for strategy in STRATEGIES:
        shown = "tiny" if strategy == "gated" else f"tiny {strategy}"
        for seed in SEEDS:
            found[f"{shown} seed {seed}"] = curriculum.run(
                experiment.with_strategy(strategy), seed, store=root, mirror=False
            )
            sync(Store(root), Store(root).find("last"))
    return found


@pytest.fixture(scope="module")
def ui(results: dict[str, RunResult], root: Path) -> Iterator[str]:
    """The address of MLflow's UI on those runs, as the command line starts it."""
    port = free_port()
    address = f"http://{HOST}:{port}"
    others = (TRACKING_URI_VARIABLE, STORAGE_VARIABLE)
    process = subprocess.Popen(
        python_command("-m", "curriculum", "ui", "--store", str(root), "--port", str(port)),
        env={name: value for name, value in os.environ.items() if name not in others},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        reply(f"{address}/health", process)
        yield address
    finally:
        process.terminate()
        process.wait()


def values_of(page: Page, metric: str) -> list[float]:
    """The values on a metric's line in the grid that compares runs."""
    line = page.get_by_role("link", name=metric, exact=True).bounding_box()
    assert line is not None
    cells = page.get_by_role("grid").locator("span")
    found = cells.evaluate_all(
        "all => all.map(one => [one.getBoundingClientRect().y, one.innerText])"
    )
    return [float(text) for y, text in found if abs(y - line["y"]) < line["height"]]


def test_runs_of_several_strategies_compare_in_mlflows_ui(
    results: dict[str, RunResult], root: Path, ui: str, browser: Browser, tmp_path: Path
) -> None:
    with opened(browser, tmp_path) as page:
        page.goto(
            f"{ui}{experiment_page(experiment_ids(Store(root))['tiny'])}"
        )  # as `ui` prints it
        page.get_by_role("button", name="Close").click()  # the assistant
        for name in results:
            expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
        page.get_by_role("checkbox", name="Select all runs").check()
        page.get_by_role("button", name="Compare").click()
        expect(page.get_by_text(f"Comparing {len(results)} Runs from 1 Experiment")).to_be_visible()
        names = page.get_by_role("row", name="Run Name:").get_by_role("cell").all_inner_texts()
        compared = [results[name.strip()] for name in names if name.strip() in results]
        assert len(compared) == len(results)
        reached = [result.reach.length if result.reach else 0 for result in compared]
        expected = {
            "by_compute/reach_length": reached,
            "by_step/reach_length": reached,
            "progress/compute": pytest.approx([result.compute for result in compared], rel=1e-3),
        }
        page.get_by_role("grid").last.scroll_into_view_if_needed()
        for name, values in expected.items():
            expect(page.get_by_role("link", name=name, exact=True)).to_be_in_viewport()
            assert values_of(page, name) == values


def test_charts_open_with_loss_reach_and_score_and_none_is_empty(
    results: dict[str, RunResult], root: Path, ui: str, browser: Browser, tmp_path: Path
) -> None:
    parent, _ = copy_of(Store(root), Store(root).find(results["tiny seed 0"].run_id))
    runs = f"{ui}/#/experiments/{parent.info.experiment_id}/runs"
    with opened(browser, tmp_path) as page:
        for address in (
            f"{runs}/{parent.info.run_id}/model-metrics",
            f"{runs}?compareRunsMode=CHART",
        ):
            page.goto(address)
            counts = page.get_by_text(re.compile(r"^\(\d+\)$"))
            expect(counts.first).to_be_visible()
            titles = counts.evaluate_all("all => all.map(one => one.parentElement.innerText)")
            assert [re.sub(r"\s+", " ", title).strip() for title in titles[:3]] == [
                "by_compute (3)",
                "by_step (3)",
                "progress (5)",
            ]
            # MLflow has its section of system metrics always.
            assert not [t for t in titles if "(0)" in t and not t.startswith("System metrics")]
        for name in ("loss", "reach_length", "score"):
            expect(page.get_by_title(f"by_compute/{name}", exact=True)).to_be_visible()


def test_a_runs_page_shows_what_it_came_to_and_its_visits(
    results: dict[str, RunResult], root: Path, ui: str, browser: Browser, tmp_path: Path
) -> None:
    result = results["tiny seed 0"]
    parent, children = copy_of(Store(root), Store(root).find(result.run_id))
    with opened(browser, tmp_path) as page:
        page.goto(f"{ui}/#/experiments/{parent.info.experiment_id}/runs/{parent.info.run_id}")
        expect(page.get_by_role("heading", name="tiny seed 0")).to_be_visible()
        expect(page.get_by_text(f"run {result.run_id}").first).to_be_visible()
        page.get_by_text("Show more").first.click()
        expect(page.get_by_role("cell", name="mastered").first).to_be_visible()
        expect(page.get_by_text("FirstBit, length 2").first).to_be_visible()
        for child in children[-3:]:
            expect(page.get_by_role("link", name=child.info.run_name)).to_be_visible()


def test_a_models_page_shows_what_it_can_do_and_on_which_data(
    results: dict[str, RunResult], root: Path, ui: str, browser: Browser, tmp_path: Path
) -> None:
    parent, _ = copy_of(Store(root), Store(root).find(results["tiny seed 0"].run_id))
    where = parent.info.experiment_id
    models = client_of(Store(root)).search_logged_models(
        [where], filter_string=f"source_run_id = '{parent.info.run_id}'"
    )
    with opened(browser, tmp_path) as page:
        page.goto(f"{ui}/#/experiments/{where}/models/{models[0].model_id}")
        for name in ("by_step/reach_length", "test/held_stages", "test/score"):
            expect(page.get_by_role("cell", name=name)).to_be_visible()
        expect(page.get_by_text("FirstBit, length 2").first).to_be_visible()
        expect(page.get_by_text("growth.end.length")).to_be_attached()
        expect(page.get_by_role("button", name="Register model")).to_be_visible()


@pytest.mark.parametrize("screen", [("light", 1200), ("dark", 1200), ("light", 400), ("dark", 400)])
def test_the_report_of_a_comparison_is_shown_without_a_network(
    screen: tuple[Literal["light", "dark"], int],
    results: dict[str, RunResult],
    root: Path,
    browser: Browser,
    tmp_path: Path,
) -> None:
    assert results
    path, away = tmp_path / "report.html", "sqlite:////proc/nowhere/mlflow.db"
    words = ["compare", "tiny", "--store", root, "--report", path, "--tracking-uri", away]
    assert main(list(map(str, words))) == 0
    with opened(browser, tmp_path) as page:
        page.emulate_media(color_scheme=screen[0])
        page.set_viewport_size({"width": screen[1], "height": 900})
        open_report(page, path)
        expect(page.get_by_role("heading", name="tiny", exact=True)).to_be_visible()
        for strategy in STRATEGIES:
            expect(page.get_by_role("rowheader", name=strategy).first).to_be_visible()
        assert page.locator("figure").count() >= 5
        assert page.locator("figure svg, figure img").count() >= 5
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


PAGE = """<!doctype html><title>Report</title><h1>Report</h1>
<svg width="200" height="100"><rect width="50" height="50"/></svg>{more}"""


def test_a_page_with_plots_passes(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(PAGE.format(more=""))
    with opened(browser, tmp_path) as page:
        open_report(page, path)


@pytest.mark.parametrize(
    "more",
    [
        "<svg width=0 height=0></svg>",
        "<img src='gone.png' width=9 height=9 alt=''>",
        "<svg style='display: none'></svg>",
        "<script>console.error('broken')</script>",
        "<script>undefined.broken</script>",
        "<link rel=stylesheet href='https://example.org/style.css'>",
    ],
)
def test_what_is_wrong_with_a_page_is_noticed(more: str, browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(PAGE.format(more=more))
    with pytest.raises(AssertionError), opened(browser, tmp_path) as page:
        open_report(page, path)
    assert (tmp_path / "failed.png").exists()
