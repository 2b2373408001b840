"""The documentation as a site: on a wide and a narrow screen, in light and dark, without a network."""

import subprocess
import sys
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Route

ROOT = Path(__file__).parents[2]
PAGES = ("index", "tutorials/first_bit", "strategies", "results", "mlflow", "reference")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All pages, as files that link to each other."""
    folder = tmp_path_factory.mktemp("site")
    settings = folder / "mkdocs.yml"
    settings.write_text(
        f"INHERIT: {ROOT / 'mkdocs.yml'}\ndocs_dir: {ROOT / 'docs'}\nuse_directory_urls: false\n"
    )
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-f", str(settings)]
    subprocess.run([*command, "-d", str(folder / "site")], check=True, cwd=ROOT)
    return folder / "site"


@pytest.mark.parametrize("width", [1200, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_their_screen_and_need_no_network(
    site: Path, browser: Browser, width: int, scheme: Literal["light", "dark"]
) -> None:
    requested: list[str] = []

    def refuse(route: Route) -> None:
        requested.append(route.request.url)
        route.abort()

    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.route(lambda url: urlsplit(url).scheme not in ("file", "data"), refuse)
    for name in PAGES:
        page.goto((site / f"{name}.html").as_uri())
        assert page.locator("h1").first.is_visible(), name
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
    page.close()
    assert requested == []
