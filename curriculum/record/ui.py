"""MLflow's own server on a store."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable

from curriculum.errors import UsageError
from curriculum.record.store import Store

__all__ = ["serve"]

HOST = "127.0.0.1"


def serve(store: Store, tracking_uri: str, port: int, bring_up_to_date: Callable[[], None]) -> int:
    """Serve MLflow's UI on loopback until it is stopped; print its address.

    Raises:
        UsageError: where the port is taken, or is none.
    """
    if tracking_uri.startswith(("http://", "https://")):
        raise UsageError("MLFLOW_TRACKING_URI names a server, which has a UI of its own; open that")
    if not 0 < port < 65536:
        raise UsageError(f"a port is a number from 1 to 65535, got {port}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise UsageError(
                f"port {port} can't be used ({error.strerror}); choose another with --port"
            ) from error
    bring_up_to_date()
    print(f"MLflow's UI on {store.root}: http://{HOST}:{port}  (Ctrl-C stops it)", flush=True)
    command = ["-m", "mlflow", "ui", "--backend-store-uri", tracking_uri]
    command += ["--default-artifact-root", (store.root / "artifacts").as_uri()]
    command += ["--host", HOST, "--port", str(port), "--workers", "1"]
    command += ["--uvicorn-opts", "--log-level warning"]
    environment = os.environ | {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_LOGGING_LEVEL": "WARNING",
        "PYTHONWARNINGS": "ignore",
    }
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    server = subprocess.Popen([sys.executable, *command], env=environment, start_new_session=True)
    try:
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        server.terminate()
        server.wait()
