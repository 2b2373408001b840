"""Child processes: how they are started, and how a worker and its parent talk.

A message is JSON, and after it so many objects of bytes; never pickle. A worker ends when the
other end of its pipe is closed, or its parent is gone.
"""

import contextlib
import errno
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any

from curriculum.errors import RunFailed, UsageError

HOST = "127.0.0.1"
"""Where servers listen: on localhost only."""

POLL_SECONDS = 0.2
"""How often a supervisor looks after its command, and its parent."""

PATIENCE_SECONDS = 2.0
"""After a command was asked to stop, before it is made to."""

PARENT_SECONDS = 1.0
"""How often a worker checks whether its parent is still there."""

Content = Mapping[str, Any]
Reply = tuple[Content, Sequence[bytes]]
Handler = Callable[[Content, Sequence[bytes], Callable[[Content], None]], Reply]
"""Handles a request: takes its content, its blobs and a function that sends progress; gives the reply."""

ERRORS: Mapping[str, type[Exception]] = {
    "usage": UsageError,
    "failed": RunFailed,
    "unknown": RuntimeError,
}


PASSING = {errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE}
"""What the system says where it has no room for a process now, and may have some once others have ended."""


class WorkerGone(RunFailed):
    """A worker has ended unexpectedly."""


class WorkerNotStarted(RunFailed):
    """The system did not start a worker.

    Attributes:
        reason: in the system's words.
        is_passing: whether it may start it once other processes have ended.
    """

    def __init__(self, error: OSError) -> None:
        self.reason, self.is_passing = error.strerror, error.errno in PASSING
        advice = "; try again with fewer --jobs, or once other processes have ended"
        super().__init__(
            f"a worker process can't be started ({self.reason}){advice * self.is_passing}"
        )


def python_command(*arguments: str) -> list[str]:
    """The command of another Python like this one.

    A user's files in the current folder don't take the place of libraries there (`-P`).
    """
    return [sys.executable, "-P", *arguments]


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """A server to start.

    Attributes:
        name: what it shows.
        arguments: Python's.
        port: that it listens on.
        environment: of its process, besides this one's.
        page: the path of the page to open first.
    """

    name: str
    arguments: Sequence[str]
    port: int
    environment: Mapping[str, str] = field(default_factory=dict)
    page: str = ""

    def start(self) -> subprocess.Popen[bytes]:
        """Start it in a session of its own, which ends with this process, whatever ends that."""
        supervisor = python_command("-m", "curriculum.processes", str(os.getpid()))
        command, environment = python_command(*self.arguments), os.environ | self.environment
        return subprocess.Popen([*supervisor, *command], env=environment, start_new_session=True)


def supervise(parent: int, command: Sequence[str]) -> int:
    """Run a command that ends with the process `parent`, whatever ends that; gives its exit code.

    It runs in this process's group, of which this is to be the first, and so does what it starts. When
    the parent is gone, or this process is asked to stop, all of the group is ended, itself too.
    """
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    process = subprocess.Popen(command)
    while not stopping and os.getppid() == parent:
        try:
            return process.wait(POLL_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    os.killpg(0, signal.SIGTERM)
    end = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < end:
        time.sleep(POLL_SECONDS / 4)
    os.killpg(0, signal.SIGKILL)  # itself too, and what the command has left
    return process.wait()


@dataclass(frozen=True, slots=True)
class Message:
    """A worker's message about a request: progress, or the reply where `last` is set."""

    request: int
    content: Content
    blobs: Sequence[bytes]
    last: bool


class Worker:
    """A worker process, seen from its parent: requests are sent at once, replies received later.

    Args:
        module: that calls `serve` with its arguments.

    Raises:
        WorkerNotStarted: where the system has no room for it.
    """

    def __init__(self, module: str) -> None:
        try:
            self.pipe, theirs = Pipe()
            with theirs:
                self._process = _start_worker(module, theirs.fileno())
        except OSError as error:
            raise WorkerNotStarted(error) from error
        self._numbers = itertools.count()

    def request(self, name: str, content: Content, *blobs: bytes) -> int:
        """Send a request; the number that its messages bear.

        Raises:
            WorkerGone: where the worker has ended.
        """
        number = next(self._numbers)
        try:
            _send(self.pipe, {**content, "request": name, "number": number}, blobs)
        except OSError as error:
            raise self._gone() from error
        return number

    def receive(self) -> Message:
        """Wait for the next message.

        Raises:
            WorkerGone: where the worker has ended.
            UsageError: what the worker raised; so are RunFailed, and RuntimeError for the rest.
        """
        try:
            content, blobs = _receive(self.pipe)
        except (EOFError, OSError) as error:
            raise self._gone() from error
        if "error" in content:
            raise ERRORS[content["error"]](content["text"])
        return Message(content.pop("number"), content, blobs, last=content.pop("last"))

    def terminate(self) -> None:
        """Ask the worker to end once what it does is saved."""
        self._process.terminate()

    def close(self) -> None:
        """Close the pipe, at which an idle worker ends."""
        self.pipe.close()

    def kill(self) -> None:
        """End the worker now, if it still runs."""
        self.close()
        self._process.kill()
        self._process.wait()

    def wait(self) -> None:
        """Wait until the worker has ended."""
        self._process.wait()

    def _gone(self) -> WorkerGone:
        return WorkerGone(
            f"a worker process ended (exit code {self._process.wait()}), perhaps for want of memory; "
            f"'resume' continues from what is saved, with fewer --jobs if need be"
        )


def _start_worker(module: str, descriptor: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        python_command("-m", module, str(descriptor), str(os.getpid())),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # a user's file may print
        pass_fds=[descriptor],
        start_new_session=True,
    )


def serve(arguments: Sequence[str], handlers: Mapping[str, Handler]) -> None:
    """Be a worker: answer requests, by their names, until the pipe is closed.

    Args:
        arguments: that `Worker` started this process with: the file descriptor of the pipe's end, and
            the parent, which may be gone by now, since starting takes a while.
        handlers: of each request; the errors they raise are the parent's.
    """
    descriptor, parent = map(int, arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets it too, and decides
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()
    with Connection(descriptor) as pipe, contextlib.suppress(EOFError, ConnectionError):
        while True:
            try:
                content, blobs = _receive(pipe)
            except OSError:  # the parent was killed amid a message
                return
            name, number = content.pop("request"), content.pop("number")

            def send_progress(progress: Content, number: int = number) -> None:
                with contextlib.suppress(ConnectionError):
                    _send(pipe, {**progress, "number": number, "last": False}, ())

            reply, sent = _handled(handlers[name], content, blobs, send_progress)
            _send(pipe, {**reply, "number": number, "last": True}, sent)


def _handled(
    handler: Handler,
    content: Content,
    blobs: Sequence[bytes],
    send_progress: Callable[[Content], None],
) -> Reply:
    try:
        return handler(content, blobs, send_progress)
    except UsageError as error:
        return {"error": "usage", "text": str(error)}, ()
    except RunFailed as error:
        return {"error": "failed", "text": str(error)}, ()
    except (Exception, SystemExit):
        return {"error": "unknown", "text": f"a worker failed:\n{traceback.format_exc()}"}, ()


def _send(pipe: Connection, content: Content, blobs: Sequence[bytes]) -> None:
    with _interrupted_after():
        pipe.send_bytes(json.dumps({**content, "blobs": len(blobs)}).encode())
        for blob in blobs:
            pipe.send_bytes(blob)


def _receive(pipe: Connection) -> tuple[dict[str, Any], list[bytes]]:
    pipe.poll(None)  # an interrupt may end the wait
    with _interrupted_after():
        content = json.loads(pipe.recv_bytes())
        return content, [pipe.recv_bytes() for _ in range(content.pop("blobs"))]


@contextlib.contextmanager
def _interrupted_after() -> Iterator[None]:
    """A context that an interrupt from the keyboard waits for.

    Within a message it would leave a part of it in the pipe, which the next reader took for the length of
    another, and waited for that for ever.
    """
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler) or threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda number, frame: came.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if came:
            handler(*came[0])


def _end_with_parent(parent: int) -> None:
    """Stop this process in order when its parent is gone, whoever killed that."""
    while os.getppid() == parent:
        time.sleep(PARENT_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def usable_cores() -> int:
    """How many cores this process may use; a container or a batch system may give it fewer."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


if __name__ == "__main__":  # PARENT COMMAND…
    sys.exit(supervise(int(sys.argv[1]), sys.argv[2:]))
