"""Serves Optuna's dashboard on a storage: `python -m curriculum.tune.dashboard PORT`.

The storage's URL, which may hold a password, is read from the environment, where other
users can't see it.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from curriculum.record.mirror_process import package_environment
from curriculum.record.tracking import STUDIES_VARIABLE, displayed
from curriculum.record.ui import HOST, Server

__all__ = ["dashboard_server", "has_studies", "is_installed"]


def is_installed() -> bool:
    """Whether the extra `dashboard` is there."""
    return importlib.util.find_spec("optuna_dashboard") is not None


def has_studies(url: str) -> bool:
    """Whether there is anything to show; a database is taken at its word."""
    return "://" in url or Path(url).exists()


def dashboard_server(url: str, port: int) -> Server:
    """Optuna's dashboard on the storage of that URL, or on a journal file."""
    return Server(
        name=f"Optuna's dashboard on {displayed(url)}",
        arguments=["-m", "curriculum.tune.dashboard", str(port)],
        port=port,
        environment=package_environment() | {STUDIES_VARIABLE: url},
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
    app = wsgi(open_storage(os.environ[STUDIES_VARIABLE]))
    make_server(HOST, port, app, handler_class=Quiet).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
