"""PostgreSQL and an MLflow server on it, as Debian and pip install them: on loopback, for a test."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from servers import free_port, reply

from curriculum.processes import HOST, Server

BINARIES = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
PASSWORD = "se/cret"  # as a URL spells it: se%2Fcret

needs_postgresql = pytest.mark.skipif(
    BINARIES is None or find_spec("psycopg") is None,
    reason="needs Debian's package postgresql, and psycopg",
)


@dataclass
class Postgresql:
    """A database server of its own, which listens on loopback; `mlflow` and `optuna` are databases in it."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    def url(self, database: str) -> str:
        """With the password in it."""
        return f"postgresql://curriculum:se%2Fcret@{HOST}:{self.port}/{database}"

    def query(self, text: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """What a query finds."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            found = connection.execute(text.encode())
            return found.fetchall() if found.description is not None else []

    def connections(self) -> int:
        """How many clients are connected, but for the one that asks."""
        [(count,)] = self.query(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        return int(count)

    def stop(self) -> None:
        """At once, with all connections broken off."""
        self.process.send_signal(signal.SIGQUIT)  # what it had not written is in its log
        self.process.wait()

    def start(self) -> None:
        """Again, on the same data."""
        self.process = _started(self.folder, self.port)
        self.wait()

    def wait(self) -> None:
        """Until it answers."""
        import psycopg

        for _ in range(600):
            try:
                self.query("SELECT 1")
            except psycopg.OperationalError:
                assert self.process.poll() is None, (self.folder / "log").read_text()
                time.sleep(0.1)
            else:
                return
        raise RuntimeError("PostgreSQL does not answer")


@contextmanager
def postgresql() -> Iterator[Postgresql]:
    """A database server, with its default settings but for what a test need not wait for."""
    # Root may not run it, and the user `postgres` may not enter a folder of pytest's.
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    found = None
    try:
        if os.getuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        password = folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        settings = [
            "--username",
            "curriculum",
            "--pwfile",
            str(password),
            "--auth",
            "scram-sha-256",
        ]
        _command(folder, "initdb", "-D", str(folder / "data"), "--no-sync", *settings)
        port = free_port()
        found = Postgresql(folder, port, _started(folder, port))
        found.wait()
        for database in ("mlflow", "optuna"):
            found.query(f"CREATE DATABASE {database}")
        yield found
    finally:
        if found is not None and found.process.poll() is None:
            found.stop()
        shutil.rmtree(folder)


@dataclass
class MlflowServer:
    """`mlflow server` on that database.

    Attributes:
        backend: the database's URL.
        artifacts: the folder of its artifacts.
        port: that it listens on.
    """

    backend: str
    artifacts: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        """The tracking URI."""
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it is up."""
        arguments = ["-m", "mlflow", "server", "--host", HOST, "--port", str(self.port)]
        arguments += ["--workers", "1", "--uvicorn-opts", "--log-level error"]
        arguments += ["--artifacts-destination", str(self.artifacts)]
        environment = {
            "MLFLOW_BACKEND_STORE_URI": self.backend,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_LOGGING_LEVEL": "ERROR",
            "PYTHONWARNINGS": "ignore",
        }
        server = Server(name="mlflow", arguments=arguments, port=self.port, environment=environment)
        self.process = server.start()
        reply(f"{self.uri}/health", self.process)

    def stop(self) -> None:
        """With all that it has started."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()


@contextmanager
def mlflow_server(database: Postgresql, artifacts: Path) -> Iterator[MlflowServer]:
    """An MLflow server that is up."""
    found = MlflowServer(database.url("mlflow"), artifacts, free_port())
    try:
        found.start()
        yield found
    finally:
        found.stop()


def _command(folder: Path, name: str, *arguments: str) -> None:
    assert BINARIES is not None
    subprocess.run(
        [str(BINARIES / name), *arguments], check=True, cwd=folder, capture_output=True, **_user()
    )


def _started(folder: Path, port: int) -> subprocess.Popen[bytes]:
    assert BINARIES is not None
    settings = [f"listen_addresses={HOST}", "unix_socket_directories=", "fsync=off"]
    options = [word for setting in settings for word in ("-c", setting)]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [str(BINARIES / "postgres"), "-D", str(folder / "data"), "-p", str(port), *options],
            cwd=folder,
            stdout=log,
            stderr=log,
            **_user(),
        )


def _user() -> dict[str, Any]:
    """Who runs it: not root."""
    if os.getuid() != 0:
        return {}
    return {"user": "postgres", "group": "postgres", "extra_groups": []}
