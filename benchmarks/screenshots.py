"""Makes the pictures of README and docs: of MLflow's UI, Optuna's dashboard and a report.

python -m curriculum ui &
python benchmarks/screenshots.py --compare lstm_firstbit
python benchmarks/screenshots.py --run "lstm_firstbit seed 0"
python benchmarks/screenshots.py --arms "bert_reverse auto seed 0"
python benchmarks/screenshots.py --study "lstm_firstbit seed 0"
python benchmarks/screenshots.py --report report.html
"""

from __future__ import annotations

import argparse
import re
import shutil
from pathlib import Path
from urllib.parse import quote

import mlflow
from playwright.sync_api import Page, expect, sync_playwright

IMAGES = Path(__file__).parents[1] / "docs" / "images"
WIDTH, SCALE = 1640, 1400 / 1640
"""Of the window, and what makes pictures of it 1400 pixels wide."""


def main() -> None:
    """Write pictures into `docs/images`."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--compare", metavar="EXPERIMENT", help="all of its runs")
    parser.add_argument("--run", metavar="NAME", help="a run as MLflow names it, and its model")
    parser.add_argument("--arms", metavar="NAME", help="the arms of the run of that name")
    parser.add_argument("--study", metavar="NAME", help="the first study of the run of that name")
    parser.add_argument("--ui", default="http://127.0.0.1:5000", help="the address of MLflow's UI")
    parser.add_argument(
        "--dashboard", default="http://127.0.0.1:5001", help="the address of Optuna's dashboard"
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="a report as HTML")
    options = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page(
            viewport={"width": WIDTH, "height": 1160}, device_scale_factor=SCALE
        )
        if options.compare:
            compare(page, options.ui, options.compare)
            page.screenshot(path=IMAGES / "compare_mlflow.png")
        if options.run:
            run_and_model(page, options.ui, options.run)
        if options.arms:
            arms(page, options.ui, options.arms)
        if options.study:
            study(page, options.dashboard, options.study)
        if options.report:
            page.set_viewport_size(
                {"width": 1140, "height": 1400}
            )  # its table, and the first plots
            page.goto(options.report.absolute().as_uri())
            page.screenshot(path=IMAGES / "compare_report.png")
        browser.close()


def take(page: Page, name: str) -> None:
    """A picture of the page as it is, once it is drawn."""
    page.wait_for_timeout(3_000)  # plots are drawn bit by bit
    page.screenshot(path=IMAGES / f"{name}.png")


def run_and_model(page: Page, ui: str, name: str) -> None:
    """A run's charts, its own page, and that of its model."""
    mlflow.set_tracking_uri(ui)
    [run, *_] = mlflow.search_runs(
        search_all_experiments=True,
        filter_string=f"attributes.run_name = '{name}'",
        output_format="list",
    )
    where, own = f"{ui}/#/experiments/{run.info.experiment_id}", run.info.run_id
    [model] = mlflow.search_logged_models(
        [run.info.experiment_id],
        filter_string=f"source_run_id = '{own}'",
        output_format="list",
    )
    page.goto(f"{where}/runs/{own}")
    page.get_by_role("button", name="Close").click()  # the assistant
    take(page, "mlflow_run")
    page.goto(f"{where}/models/{model.model_id}")
    take(page, "mlflow_model")
    page.goto(f"{where}/runs?compareRunsMode=CHART")
    take(page, "mlflow_charts")


def arms(page: Page, ui: str, name: str) -> None:
    """The charts of a run's arms, without its own."""
    mlflow.set_tracking_uri(ui)
    [run, *_] = mlflow.search_runs(
        search_all_experiments=True,
        filter_string=f"attributes.run_name = '{name}'",
        output_format="list",
    )
    query = quote(f"params.arm != '' AND tags.`mlflow.parentRunId` = '{run.info.run_id}'")
    page.goto(
        f"{ui}/#/experiments/{run.info.experiment_id}/runs"
        f"?compareRunsMode=CHART&searchFilter={query}"
    )
    page.get_by_role("button", name="Close").click()  # the assistant
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=name[:8]))
    row.get_by_role("button").click()  # shows its arms
    row.locator("label:has(.is-visibility-toggle-checkbox)").click()
    page.mouse.move(0, 0)
    take(page, "mlflow_arms")


def study(page: Page, dashboard: str, name: str) -> None:
    """The first study of a run, in Optuna's dashboard."""
    page.goto(f"{dashboard}/dashboard/")
    page.get_by_text(re.compile(rf"{re.escape(name)} \(\w+\) visit 0,")).click()
    take(page, "optuna_study")


def compare(page: Page, ui: str, experiment: str) -> None:
    """Bring the runs' strategies, reach and compute onto one screen."""
    page.goto(ui)
    page.get_by_role("button", name="Close").click()  # the assistant
    page.get_by_role("button", name="Model training").click()
    page.get_by_role("link", name=experiment, exact=True).click()
    search = page.get_by_role("searchbox").or_(page.get_by_placeholder("metrics.rmse"))
    search.fill("params.strategy != ''")  # without the visits
    search.press("Enter")
    page.get_by_role("checkbox", name="Select all runs").check()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("link", name="by_compute/score")).to_be_attached()
    page.get_by_role("button", name="Toggle sidebar").click()
    for section in ("Run details", "Parameters"):
        page.get_by_role("button", name=section, exact=True).click()
    page.get_by_role("button", name="Clear All").click()
    parameters, metrics = page.get_by_role("combobox").all()[:2]
    for box, names in (
        (parameters, ("strategy", "seed")),
        (metrics, ("by_step/reach_length", "progress/compute")),
    ):
        for name in names:
            box.click()
            page.keyboard.type(name)
            page.keyboard.press("Enter")
        page.keyboard.press("Escape")
    page.wait_for_timeout(2_000)  # plots are drawn bit by bit


if __name__ == "__main__":
    main()
