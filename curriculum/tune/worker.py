"""A process that trains trials for another: `python -m curriculum.tune.worker FD`.

It speaks JSON and safetensors over a pipe, and ends when the other end is closed.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from curriculum.catalogue import load_module
from curriculum.errors import UsageError
from curriculum.experiment import Experiment
from curriculum.learn.learner import resolve_device
from curriculum.learn.process import configure
from curriculum.record.description import rebuild
from curriculum.record.packing import from_bytes, pack, to_bytes, unpack
from curriculum.tune.field import Here

__all__ = ["Worker", "main", "receive", "send"]


def send(pipe: Connection, content: dict[str, Any], *blobs: bytes) -> None:
    """Send a message: JSON, and after it so many bytes objects."""
    pipe.send_bytes(json.dumps(content | {"blobs": len(blobs)}).encode())
    for blob in blobs:
        pipe.send_bytes(blob)


def receive(pipe: Connection) -> tuple[dict[str, Any], list[bytes]]:
    """The next message.

    Raises:
        EOFError: where the other end is closed.
    """
    content = json.loads(pipe.recv_bytes())
    return content, [pipe.recv_bytes() for _ in range(content.pop("blobs"))]


class Worker:
    """Holds some trials of a round, and does as it is told."""

    def __init__(self) -> None:
        self._experiment: Experiment
        self._here: Here
        self._looks: dict[int, int] = {}

    def open(self, content: dict[str, Any], _: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
        """Learn what is run. The answer is empty."""
        source = content["source"]
        module = None if source is None else load_module(Path(source))
        self._experiment = rebuild(content["experiment"], module)
        device = resolve_device(content["device"])
        self._here = Here(self._experiment, seed=content["seed"], device=device)
        configure(content["threads"], flush_denormal=content["flush_denormal"])
        return {}, []

    def enter(
        self, content: dict[str, Any], blobs: list[bytes]
    ) -> tuple[dict[str, Any], list[bytes]]:
        """Begin a round of trials, which takes the place of the last. The answer is empty."""
        parent = unpack(from_bytes(blobs), self._experiment.recipe)
        scheduler = self._experiment.scheduler()
        scheduler.load_state_dict(content["scheduler"])
        entrants = {int(number): settings for number, settings in content["entrants"].items()}
        self._here.enter(entrants, parent, scheduler)
        self._looks = dict.fromkeys(entrants, 0)
        return {}, []

    def advance(
        self, content: dict[str, Any], _: list[bytes]
    ) -> tuple[dict[str, Any], list[bytes]]:
        """Advance a trial, and answer with its look."""
        number = content["trial"]
        look = self._here.advance_and_keep(number)
        self._looks[number] += 1
        return {"look": look.record()}, []

    def learner(
        self, content: dict[str, Any], _: list[bytes]
    ) -> tuple[dict[str, Any], list[bytes]]:
        """Answer with a trial's learner as it was at its look of that number."""
        number = content["trial"]
        if self._looks[number] == content["look"]:
            snapshot = self._here.learner(number).snapshot()
        else:
            snapshot = self._here.before(number)
        return {}, to_bytes(pack(snapshot, self._experiment.recipe))


def main(file: int) -> None:
    """Answer messages, each with `id`, until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us is asked to stop
    worker = Worker()
    orders: dict[str, Callable[..., tuple[dict[str, Any], list[bytes]]]] = {
        "open": worker.open,
        "enter": worker.enter,
        "advance": worker.advance,
        "learner": worker.learner,
    }
    with Connection(file) as pipe:
        while True:
            try:
                content, blobs = receive(pipe)
            except (EOFError, ConnectionResetError):
                return
            number = content["id"]
            try:
                answer, sent = orders[content["order"]](content, blobs)
            except Exception as error:
                usage = isinstance(error, UsageError)
                answer, sent = {"error": f"{type(error).__name__}: {error}", "usage": usage}, []
            try:
                send(pipe, answer | {"id": number}, *sent)
            except (BrokenPipeError, ConnectionResetError):
                return


if __name__ == "__main__":
    main(int(sys.argv[1]))
