"""A page in a browser that says what is wrong with it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect

from curriculum.processes import HOST

# MLflow's UI requests the current user, even of a server without users, and gets a 404; and where it
# lays out many charts at once, Chromium remarks that some were measured in the next frame.
STOCK = re.compile(
    r"Failed to load resource.* 404 .*/mlflow/users/current"
    r"|.*ResizeObserver loop completed with undelivered notifications.*"
)


@contextmanager
def opened(browser: Browser, folder: Path) -> Iterator[Page]:
    """A page that logs no error and requests nothing of other machines; a picture where it fails."""
    page = browser.new_page(viewport={"width": 1800, "height": 1000})
    page.set_default_timeout(20_000)
    expect.set_options(timeout=20_000)
    errors: list[str] = []

    def on_message(message: ConsoleMessage) -> None:
        line = f"{message.text} {message.location.get('url', '')}"
        if message.type == "error" and not STOCK.fullmatch(line):
            errors.append(line)

    def refuse(route: Route) -> None:
        errors.append(f"the page requested {route.request.url}")
        route.abort()

    page.on("console", on_message)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.route(lambda url: urlsplit(url).hostname not in (None, HOST), refuse)
    try:
        yield page
        assert errors == []
    except BaseException as error:
        page.screenshot(path=folder / "failed.png")
        error.add_note(f"a picture of the page: {folder / 'failed.png'}")
        raise
    finally:
        page.close()
