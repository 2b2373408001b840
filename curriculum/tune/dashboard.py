"""Serves Optuna's dashboard on a storage: `python -m curriculum.tune.dashboard PORT`.

The storage's URL, which may hold a password, is read from the environment, where other
users can't see it.
"""

import importlib.util
import os
import sys
from pathlib import Path

from curriculum.processes import HOST, Server
from curriculum.record import redacted
from curriculum.tune.addresses import STORAGE_VARIABLE


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
    app = wsgi(open_storage(os.environ[STORAGE_VARIABLE]))
    make_server(HOST, port, app, handler_class=Quiet).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
