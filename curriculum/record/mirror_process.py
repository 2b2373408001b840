"""Starts the mirror beside a run, in a session of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from curriculum.record.tracking import STUDIES_VARIABLE

__all__ = ["package_environment", "start_mirror"]

PACKAGE_PARENT = Path(__file__).resolve().parents[2]


def package_environment() -> dict[str, str]:
    """This process's environment, in which another Python finds this package."""
    found = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([str(PACKAGE_PARENT), *([found] if found else [])])
    return os.environ | {"PYTHONPATH": path}


def start_mirror(
    store: Path, run_id: str, tracking_uri: str | None = None, studies: str | None = None
) -> subprocess.Popen[bytes]:
    """Start `sync --follow` for a run, and don't wait for it.

    It has no terminal, no stdin, stdout or stderr of this process, and a Ctrl-C typed
    at this one does not reach it. MLflow's URI and the URL of Optuna's storage, which may
    hold a password, are handed over in the environment, where other users can't read it.
    """
    environment = package_environment()
    if tracking_uri is not None:
        environment["MLFLOW_TRACKING_URI"] = tracking_uri
    if studies is not None:
        environment[STUDIES_VARIABLE] = studies
    command = ["sync", run_id, "--store", str(store.absolute()), "--follow"]
    return subprocess.Popen(
        [sys.executable, "-m", "curriculum", *command],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        close_fds=True,
    )
