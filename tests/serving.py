"""A worker for the tests of `curriculum.processes`: `python -m serving FILE`."""

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from curriculum import processes
from curriculum.errors import RunFailed, UsageError
from curriculum.processes import Content, Reply, serve
from curriculum.record import Lock

Blobs = Sequence[bytes]
Progress = Callable[[Content], None]
ERRORS = {
    "usage": UsageError,
    "failed": RunFailed,
    "unknown": ZeroDivisionError,
    "exit": SystemExit,
}


def echo(content: Content, blobs: Blobs, _: Progress) -> Reply:
    """Send back what came, the blobs in reverse."""
    print("a line that nobody reads")
    return content, blobs[::-1]


def count(content: Content, _: Blobs, send_progress: Progress) -> Reply:
    """Count on the way to the reply."""
    for number in range(content["steps"]):
        send_progress({"step": number})
    return {"done": True}, ()


def fail(content: Content, _: Blobs, __: Progress) -> Reply:
    raise ERRORS[content["kind"]]("that went wrong")


def interrupt(_: Content, __: Blobs, ___: Progress) -> Reply:
    """Be interrupted, as by a Ctrl-C in the terminal, and reply all the same."""
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.01)
    return {}, ()


def hang(content: Content, _: Blobs, send_progress: Progress) -> Reply:
    """Hold a lock, which only the end of this process frees."""
    lock = Lock(Path(content["lock"]))
    assert lock.acquire()
    send_progress({"process": os.getpid()})
    while True:
        time.sleep(60)


if __name__ == "__main__":
    processes.PARENT_SECONDS = 0.05
    handlers = {"echo": echo, "count": count, "fail": fail, "interrupt": interrupt, "hang": hang}
    serve(sys.argv[1:], handlers)
