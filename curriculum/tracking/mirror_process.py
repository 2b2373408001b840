"""Starts the mirror beside a run, in a session of its own."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from curriculum.processes import python_command


def start_mirror(
    store: Path, run_id: str, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start `sync --follow` for a run, and don't wait for it.

    It has no terminal, no stdin, stdout or stderr of this process, and a Ctrl-C typed
    at this one does not reach it. The URLs that runs are copied to, which may hold
    passwords, come in the environment, where other users can't read them. Where the user has warnings
    raised, that is about their own code: libraries give some which nobody would see.
    """
    command = ["-m", "curriculum", "sync", run_id, "--store", str(store.absolute()), "--follow"]
    return subprocess.Popen(
        python_command(*command),
        env={**os.environ, "PYTHONWARNINGS": "ignore", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        close_fds=True,
    )
