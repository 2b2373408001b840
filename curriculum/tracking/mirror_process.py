"""Starts the mirror beside a run, or beside many, in a session of its own."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from curriculum.processes import python_command

_started: list[subprocess.Popen[bytes]] = []
"""Those that may still run: each outlives whoever started it, who need not keep it."""


def start_mirror(
    store: Path, run_id: str, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start `sync --follow` for a run, and don't wait for it.

    It has no terminal, no stdin, stdout or stderr of this process, and a Ctrl-C typed
    at this one does not reach it. The URLs that runs are copied to, which may hold
    passwords, come in the environment, where other users can't read them. Where the user has warnings
    raised, that is about their own code: libraries give some which nobody would see.
    """
    return _start([run_id, "--store", str(store.absolute()), "--follow"], environment)


def start_sweep_mirror(
    store: Path, runs_file: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start the same for all runs of a `RunsFile`, whose writer is there already."""
    given = ["--runs-file", str(runs_file.absolute())]
    return _start([*given, "--store", str(store.absolute()), "--follow"], environment)


def _start(arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    _started[:] = (each for each in _started if each.poll() is None)
    process = subprocess.Popen(
        python_command("-m", "curriculum", "sync", *arguments),
        env={**os.environ, "PYTHONWARNINGS": "ignore", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        close_fds=True,
    )
    _started.append(process)
    return process
