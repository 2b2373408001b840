"""Servers that show a store, on this machine alone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from curriculum.errors import UsageError
from curriculum.record.store import Store

__all__ = ["HOST", "Server", "mlflow_server", "port_from", "serve"]

HOST = "127.0.0.1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """A server to start: what it shows, Python's arguments, its port, and its environment."""

    name: str
    arguments: Sequence[str]
    port: int
    environment: Mapping[str, str] = field(default_factory=dict)


def mlflow_server(store: Store, tracking_uri: str, port: int) -> Server:
    """MLflow's own UI on a database.

    Raises:
        UsageError: where the port is taken, or is none, or MLflow is a server itself.
    """
    if tracking_uri.startswith(("http://", "https://")):
        raise UsageError("MLFLOW_TRACKING_URI names a server, which has a UI of its own; open that")
    if not 0 < port < 65536:
        raise UsageError(f"a port is a number from 1 to 65535, got {port}")
    trouble = _trouble(port)
    if trouble is not None:
        raise UsageError(f"port {port} can't be used ({trouble}); choose another with --port")
    arguments = ["-m", "mlflow", "ui", "--backend-store-uri", tracking_uri]
    arguments += ["--default-artifact-root", (store.root / "artifacts").as_uri()]
    arguments += ["--host", HOST, "--port", str(port), "--workers", "1"]
    arguments += ["--uvicorn-opts", "--log-level warning"]
    environment = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_LOGGING_LEVEL": "WARNING",
        "PYTHONWARNINGS": "ignore",
    }
    name = f"MLflow's UI on {store.root}"
    return Server(name=name, arguments=arguments, port=port, environment=environment)


def port_from(first: int) -> int:
    """The first port from there on that can be used."""
    for port in range(first, min(first + 100, 65536)):
        if _trouble(port) is None:
            return port
    raise UsageError(f"no port from {first} to {first + 99} can be used")


def serve(servers: Sequence[Server]) -> int:
    """Serve until stopped, or until the first of them ends; print their addresses."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    started: list[subprocess.Popen[bytes]] = []
    try:
        for server in servers:
            print(f"{server.name}: http://{HOST}:{server.port}", flush=True)
            started.append(
                subprocess.Popen(
                    [sys.executable, *server.arguments],
                    env=os.environ | server.environment,
                    start_new_session=True,
                )
            )
        print("Ctrl-C stops", "it" if len(servers) == 1 else "them", flush=True)
        return int(started[0].wait())
    except KeyboardInterrupt:
        return 0
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()


def _trouble(port: int) -> str | None:
    """Why the port can't be used; None where it can."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return error.strerror
    return None
