"""Processes that each make one run of a comparison at a time, and tell how it goes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import asdict
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from typing import Any

from curriculum.attempting import Order, Terms, attempted
from curriculum.errors import RunFailed, UsageError
from curriculum.learn.process import configure
from curriculum.record.history import History, Result
from curriculum.record.journal import Record
from curriculum.record.store import Store

__all__ = ["Crew"]

NEWS_SECONDS = 0.5
"""A run tells of its looks no more often."""


ERRORS: dict[str, type[Exception]] = {
    "usage": UsageError,
    "failed": RunFailed,
    "unknown": RuntimeError,
}


class Crew:
    """Use it in a `with`; leaving it stops what is under way in order, so that it can go on."""

    def __init__(self, jobs: int, terms: Terms) -> None:
        self._members = [_Member(terms) for _ in range(jobs)]

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            for member in self._members:
                member.stop()
            for member in self._members:
                member.wait()
        finally:
            for member in self._members:
                member.kill()

    @property
    def has_room(self) -> bool:
        """Whether a process has nothing to do."""
        return any(member.order is None for member in self._members)

    @property
    def is_at_work(self) -> bool:
        """Whether any process makes a run."""
        return any(member.order is not None for member in self._members)

    def start(self, order: Order) -> None:
        """Have a process that has nothing to do make this run."""
        next(member for member in self._members if member.order is None).start(order)

    def news(self) -> Iterator[tuple[Order, Record | Result]]:
        """What comes next from runs under way: their looks, and what they came to.

        Raises:
            RunFailed: where a process is gone.
            UsageError: what a run raises.
        """
        at_work = {member.pipe: member for member in self._members if member.order is not None}
        for pipe in wait(list(at_work)):
            yield at_work[pipe].receive()  # type: ignore[index]  # it is one of them


class _Member:
    """A process, seen from outside.

    Attributes:
        order: the run that it makes; None while it makes none.
        pipe: where it tells how that goes.
    """

    def __init__(self, terms: Terms) -> None:
        context = get_context("spawn")
        self.order: Order | None = None
        self.pipe, theirs = context.Pipe()
        self._store = Store(terms.store)
        self._process = context.Process(target=_work, args=(theirs, terms))
        self._process.start()
        theirs.close()

    def start(self, order: Order) -> None:
        self.order = order  # before it is sent: who is interrupted here must wait for it
        try:
            self.pipe.send_bytes(json.dumps(asdict(order)).encode())
        except OSError as error:
            self.order = None
            raise _gone() from error

    def receive(self) -> tuple[Order, Record | Result]:
        order = self.order
        assert order is not None
        try:
            said = json.loads(self.pipe.recv_bytes())
        except (EOFError, OSError) as error:
            self.order = None
            raise _gone() from error
        if "look" in said:
            return order, said["look"]
        self.order = None
        if "run" in said:
            return order, History.of(self._store.find(said["run"])).result()
        raise ERRORS[said["error"]](said["text"])

    def stop(self) -> None:
        """Ask for an end: at once if it does nothing, else once its run has saved itself."""
        if self.order is None:
            self.pipe.close()
        else:
            self._process.terminate()

    def wait(self) -> None:
        """Wait until it has stopped."""
        while self.order is not None:
            try:
                self.receive()
            except Exception:  # it has been asked to stop, whatever it says
                self.order = None
        self.pipe.close()
        self._process.join()

    def kill(self) -> None:
        """End it now, if it still runs."""
        self._process.kill()
        self._process.join()


def _gone() -> RunFailed:
    return RunFailed(
        "a process of the comparison was killed, for want of memory perhaps; the same command goes "
        "on, with fewer --jobs if need be"
    )


def _work(pipe: Connection, terms: Terms) -> None:
    """What such a process does: a run for each order, until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a run that is under way listens by itself
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.stdout = sys.stderr  # a user's task may print
    configure(terms.threads)
    with contextlib.suppress(EOFError, OSError):  # nobody listens any more
        while True:
            order = Order(**json.loads(pipe.recv_bytes()))
            pipe.send_bytes(json.dumps(_outcome(terms, order, _Teller(pipe))).encode())


def _outcome(terms: Terms, order: Order, tell: _Teller) -> dict[str, str]:
    try:
        return {"run": attempted(terms, order, tell).run_id}
    except UsageError as error:
        return {"error": "usage", "text": str(error)}
    except RunFailed as error:
        return {"error": "failed", "text": str(error)}
    except (Exception, SystemExit):
        text = f"a process of the comparison failed:\n{traceback.format_exc()}"
        return {"error": "unknown", "text": text}


class _Teller:
    """Passes a run's looks on, now and then."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._told = -NEWS_SECONDS

    def __call__(self, record: dict[str, Any]) -> None:
        now = time.monotonic()
        if record["kind"] == "look" and now - self._told >= NEWS_SECONDS:
            self._told = now
            with contextlib.suppress(OSError):
                self._pipe.send_bytes(json.dumps({"look": record}).encode())


def _end_with_parent() -> None:
    """Stop this process in order when its parent is gone, whoever killed that."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
