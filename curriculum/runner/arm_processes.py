"""Trains the arms of a portfolio in several processes, with the result that one would have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch

from curriculum import record
from curriculum.config import deserialize, serialize
from curriculum.learn import Stopped, flushes_denormal
from curriculum.processes import Message, Worker, WorkerGone
from curriculum.runner.options import RunContext
from curriculum.tune import RunSetup

POLL_SECONDS = 0.1


class ArmInProcess:
    """An arm that a worker trains; where it has that to itself, one evaluation ahead of the race.

    What the race does not come to is neither recorded by the run nor charged.
    """

    def __init__(
        self, name: str, worker: Worker, setup: RunSetup, *, alone: bool, source: Path | None
    ) -> None:
        self._name, self._worker, self._setup = name, worker, setup
        self._alone, self._source = alone, source
        self._requested = False
        self._evaluations = 0

    def open(self, folder: record.RunFolder, context: RunContext) -> None:
        """Have the worker make it ready."""
        self._worker.request(
            "open",
            {
                "arm": self._name,
                "folder": str(folder.path.absolute()),
                "experiment": serialize(self._setup.experiment),
                "source": None if self._source is None else str(self._source),
                "seed": self._setup.seed,
                "device": str(self._setup.device),
                "threads": torch.get_num_threads(),
                "flush_denormal": flushes_denormal(),
                "every": context.checkpoints.every,
                "keep": context.checkpoints.keep,
                "wait_seconds": record.LEASE_SECONDS,
            },
        )
        self._receive()

    def advance(self) -> record.ArmEvaluated:
        if not self._requested:
            self._request()
        content = self._receive().content
        self._requested = False
        if "stopped" in content:
            raise Stopped("the worker was stopped")
        event = record.decode(record.ArmEvaluated, content["event"])
        self._evaluations += 1
        if self._alone and not event.report.mastered and event.report.ending is None:
            self._request()
        return event

    def end(self, why: str) -> float:
        if self._requested:
            self._receive()
            self._requested = False
        content = {"arm": self._name, "why": why, "evaluations": self._evaluations}
        self._worker.request("end", content)
        return float(self._receive().content["seconds"])

    def save(self) -> None:
        """Have the worker save it, and end."""
        self._worker.terminate()
        self._worker.close()
        self._worker.wait()

    def _request(self) -> None:
        self._worker.request("advance", {"arm": self._name})
        self._requested = True

    def _receive(self) -> Message:
        """Wait for a reply, unless a stop is requested meanwhile."""
        stop = self._setup.stop
        while not self._worker.pipe.poll(POLL_SECONDS):
            stop.check()
        try:
            return self._worker.receive()
        except WorkerGone:
            stop.check()  # the signal may have gone to the worker too
            raise


@contextmanager
def arms_in_processes(
    setups: Mapping[str, RunSetup],
    folders: Mapping[str, record.RunFolder],
    context: RunContext,
) -> Iterator[dict[str, ArmInProcess]]:
    """The arms of a run, in as many processes as the run has jobs.

    Raises:
        UsageError: where other processes can't find what the experiment is made of.
        WorkerNotStarted: where the system has no room for them.
    """
    if context.source_file is None:
        for setup in setups.values():
            deserialize(serialize(setup.experiment))
    workers = list[Worker]()
    try:
        for _ in range(min(context.jobs, len(setups))):
            workers.append(Worker("curriculum.runner.arm_worker"))
        arms = {}
        for place, (name, setup) in enumerate(setups.items()):
            arms[name] = ArmInProcess(
                name,
                workers[place % len(workers)],
                setup,
                alone=len(workers) == len(setups),
                source=context.source_file,
            )
            arms[name].open(folders[name], context)
        yield arms
    finally:
        for worker in workers:
            worker.kill()
