"""Serves Optuna's dashboard on a storage: `python -m curriculum.tune.dashboard PORT`.

The storage's URL, which may hold a password, is read from the environment, where other
users can't see it.
"""

import importlib.util
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from curriculum.processes import HOST, Server
from curriculum.record import redacted
from curriculum.tune.addresses import STORAGE_VARIABLE

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

LOCAL = (HOST, "localhost", "::1")
"""What this machine is called by itself."""


def is_installed() -> bool:
    """Whether the extra `dashboard` is there."""
    return importlib.util.find_spec("optuna_dashboard") is not None


def has_studies(url: str) -> bool:
    """Whether there is anything to show; a database is assumed to have some."""
    return "://" in url or Path(url).exists()


def dashboard_server(url: str, port: int) -> Server:
    """Optuna's dashboard on the storage of that URL, or on a journal file."""
    return Server(
        name=f"Optuna's dashboard on {redacted(url)}",
        arguments=["-m", "curriculum.tune.dashboard", str(port)],
        port=port,
        environment={STORAGE_VARIABLE: url},
    )


def main(port: int) -> None:
    """Serve on loopback until stopped."""
    import logging
    from wsgiref.simple_server import WSGIRequestHandler, make_server

    from optuna_dashboard import wsgi

    from curriculum.tune.storage import open_storage

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: object) -> None:
            """Requests are not worth a line."""

    logging.getLogger("optuna").setLevel(logging.ERROR)
    app = for_this_machine(wsgi(open_storage(os.environ[STORAGE_VARIABLE])))
    make_server(HOST, port, app, handler_class=Quiet).serve_forever()


def for_this_machine(app: "WSGIApplication") -> "WSGIApplication":
    """The app for requests to this machine's own names, from pages of it; others are refused.

    Another site that a browser shows could else have a name of its own mean this machine, and read
    and write studies through that browser.
    """

    def checked(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        origin = environ.get("HTTP_ORIGIN")
        hosts = [f"//{environ.get('HTTP_HOST', '')}", *([] if origin is None else [origin])]
        if all(_is_local(host) for host in hosts):
            return app(environ, start_response)
        start_response("403 Forbidden", [("Content-Type", "text/plain")])
        return [b"Only pages of this machine may ask for this.\n"]

    return checked


def _is_local(url: str) -> bool:
    try:
        return urlsplit(url).hostname in LOCAL
    except ValueError:
        return False


if __name__ == "__main__":
    main(int(sys.argv[1]))
