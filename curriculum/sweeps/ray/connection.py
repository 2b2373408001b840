"""Connects to a Ray cluster, or starts Ray on this machine."""

from __future__ import annotations

import os
import signal
import socket
import struct
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from curriculum.errors import UsageError
from curriculum.processes import usable_cores

ANSWER_SECONDS = 10.0
"""That a cluster has to answer in."""

GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + struct.pack(">HBBBL", 0, 0, 4, 0, 0)
"""With which a client of HTTP/2, and so of Ray, begins: the preface, and settings that are empty."""

SETTINGS = 4
"""The type of the frame that such a server begins with."""

ON_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Has Ray listen on this machine alone, which it does by default on all systems but Linux."""

MOST_CHARACTERS = 300
"""Of what Ray says."""

QUIET = {"RAY_USAGE_STATS_ENABLED": "0"}


def connect(address: str | None) -> bool:
    """Connect this process to the Ray cluster at that address, `HOST:PORT` or `auto`.

    Without an address Ray is started on this machine, with as many CPUs as this process may use, until
    `disconnect`; or the cluster is taken that this process is connected to. Returns whether it was not.

    Raises:
        UsageError: where Ray is not installed, nothing answers there, or not to us.
    """
    added = QUIET | (ON_LOOPBACK if address is None else {})
    with _environment(added):  # which Ray looks at once it is imported
        ray = import_ray()
    there = None if address is None else _check_answers(address)
    if ray.is_initialized():
        connected = ray.get_runtime_context().gcs_address
        if there not in (None, connected):
            raise UsageError(
                f"this process is connected to the Ray cluster at {connected}, got the address {address!r}; "
                f"leave it out, or call ray.shutdown() before"
            )
        return False
    local: dict[str, Any] = {
        "address": "local",
        "num_cpus": usable_cores(),
        "include_dashboard": False,
        "_node_ip_address": "127.0.0.1",
    }
    where = local if address is None else {"address": address}
    try:
        with _environment(added), _signals_kept():
            ray.init(log_to_driver=False, logging_level="ERROR", **where)
    except Exception as error:  # Ray has no class of its own for what it can't start in time
        disconnect()
        raise _refused(address, error) from error
    return True


def disconnect() -> None:
    """End the connection; what Ray still runs for this process, and a Ray that it has started, ends."""
    import_ray().shutdown()


def import_ray() -> Any:
    """The library.

    Raises:
        UsageError: where it is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise UsageError(
            "the engine 'ray' takes Ray, which is not installed: pip install 'curriculum[ray]'"
        ) from error
    return ray


def reason_of_loss(error: Exception) -> str:
    """Why Ray has lost a task."""
    known = {
        "NodeDiedError": "its node is gone",
        "WorkerCrashedError": "its process is gone",
        "OutOfMemoryError": "its process was killed for want of memory",
    }
    name = type(error).__name__
    return known.get(name) or f"{name}: {' '.join(str(error).split())[:200]}"


def _check_answers(address: str) -> str:
    """Check that a server like Ray's is there, and give its address.

    Of its own, Ray waits for minutes, and then ends the process.
    """
    found = _latest_here() if address == "auto" else address
    if found is None:
        raise UsageError(
            "there is no Ray cluster on this machine to connect to; start one with 'ray start --head', or "
            "name its --address HOST:PORT"
        )
    host, _, port = found.rpartition(":")
    if not host or not port.isdecimal() or "/" in host:
        raise UsageError(
            f"a Ray cluster's address is HOST:PORT or 'auto', got {address!r}; 'ray start --head' shows it"
        )
    frame = bytearray(9)
    with suppress(OSError), socket.create_connection((host, int(port)), ANSWER_SECONDS) as server:
        server.sendall(GREETING)
        received = server.recv_into(frame, len(frame), socket.MSG_WAITALL)  # a timeout raises
        if received == len(frame) and frame[3] == SETTINGS:
            return found
    raise UsageError(
        f"no Ray cluster answers at {found}; see there with 'ray status', or start one with 'ray start "
        f"--head' and name the address that it shows"
    )


def _latest_here() -> str | None:
    """The address of the cluster that `auto` means, as Ray finds it."""
    if given := os.environ.get("RAY_ADDRESS"):
        return given
    folder = os.environ.get("RAY_TMPDIR", "/tmp" if os.name == "posix" else tempfile.gettempdir())  # noqa: S108
    with suppress(OSError):
        return Path(folder, "ray", "ray_current_cluster").read_text().strip() or None
    return None


def _refused(address: str | None, error: Exception) -> UsageError:
    why = " ".join(str(error).split())[:MOST_CHARACTERS]
    if address is None:
        return UsageError(f"Ray can't be started on this machine: {why}")
    return UsageError(
        f"the Ray cluster at {address} can't be used from here: {why}; this machine has to be one of its "
        f"nodes ('ray start --address {address}'), with the same versions of Ray and Python, and its token "
        f"where it asks for one (RAY_AUTH_MODE, RAY_AUTH_TOKEN_PATH)"
    )


@contextmanager
def _environment(added: Mapping[str, str]) -> Iterator[None]:
    """This process's environment with variables that it doesn't have yet."""
    new = {name: value for name, value in added.items() if name not in os.environ}
    os.environ.update(new)
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray takes SIGTERM for itself, which is whoever's who drives the sweep."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
