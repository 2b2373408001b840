"""Servers that tests start: where they listen, and when they are up."""

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from curriculum.processes import HOST, Server


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def reply(url: str, process: subprocess.Popen[Any], seconds: float = 120) -> bytes:
    """What a server replies, once it is up; a refusal is a reply too.

    Raises:
        RuntimeError: where it has ended, or isn't up in that time.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                content: bytes = response.read()
                return content
        except urllib.error.HTTPError as refusal:
            return refusal.read()
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"there is no server at {url}; exit code {process.poll()}")


@contextmanager
def running(server: Server, path: str) -> Iterator[str]:
    """The address of a server that is up: it has replied at that path."""
    process = server.start()
    address = f"http://{HOST}:{server.port}"
    try:
        reply(f"{address}{path}", process)
        yield address
    finally:
        process.terminate()
        process.wait()
