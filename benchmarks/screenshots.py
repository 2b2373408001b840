"""Makes the README's pictures: of MLflow's UI that compares runs, and of a report.

python -m curriculum ui &
python benchmarks/screenshots.py --compare lstm_firstbit
python benchmarks/screenshots.py --report report.html
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

IMAGES = Path(__file__).parents[1] / "docs" / "images"
WIDTH, SCALE = 1640, 1400 / 1640
"""Of the window, and what makes pictures of it 1400 pixels wide."""


def main() -> None:
    """Write pictures into `docs/images`."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--compare", metavar="EXPERIMENT", help="all of its runs")
    parser.add_argument("--ui", default="http://127.0.0.1:5000", help="the address of MLflow's UI")
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
        if options.report:
            page.set_viewport_size(
                {"width": 1140, "height": 1400}
            )  # its table, and the first plots
            page.goto(options.report.absolute().as_uri())
            page.screenshot(path=IMAGES / "compare_report.png")
        browser.close()


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
