"""Trains the trials of a round in several processes, with the result that one would have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch

from curriculum.config import Settings, deserialize, serialize
from curriculum.learn import Learner, Snapshot, StopRequest, flushes_denormal
from curriculum.plan import Scheduler
from curriculum.processes import Message, Worker, WorkerGone, WorkerNotStarted
from curriculum.record import PackedSnapshot, TrialReport, decode, pack, unpack
from curriculum.tune.executor import InProcessExecutor, TrialExecutor
from curriculum.tune.race import ROUND
from curriculum.tune.run_setup import RunSetup

POLL_SECONDS = 0.1


@contextmanager
def open_executor(setup: RunSetup, *, jobs: int, source: Path | None) -> Iterator[TrialExecutor]:
    """What trains a run's trials: in this process, or in `jobs` others.

    Raises:
        UsageError: where other processes can't find what the experiment is made of.
    """
    jobs = min(jobs, ROUND)
    if jobs == 1 or not setup.experiment.tuning.is_on:
        yield InProcessExecutor(setup)
        return
    if source is None:
        deserialize(serialize(setup.experiment))
    with ProcessExecutor(setup, jobs=jobs, source=source) as executor:
        yield executor


class ProcessExecutor:
    """Each trial is kept one evaluation ahead of the race, and no further.

    What the race does not come to is neither recorded nor charged. Close it, or use it in a
    `with`.
    """

    def __init__(self, setup: RunSetup, *, jobs: int, source: Path | None) -> None:
        self._setup = setup
        self._workers = list[_TrialWorker]()
        try:
            for _ in range(jobs):
                self._workers.append(_TrialWorker())
        except WorkerNotStarted:
            self.close()
            raise
        for worker in self._workers:
            worker.request(
                "open",
                {
                    "experiment": serialize(setup.experiment),
                    "source": None if source is None else str(source),
                    "seed": setup.seed,
                    "device": str(setup.device),
                    "threads": torch.get_num_threads(),
                    "flush_denormal": flushes_denormal(),
                },
            )
        self._worker_of: dict[int, _TrialWorker] = {}
        self._requested: dict[int, int] = {}  # the request that advances each trial
        self._evaluations: dict[int, int] = {}

    def __enter__(self) -> ProcessExecutor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start_round(
        self, trials: Mapping[int, Settings], parent: Snapshot, scheduler: Scheduler
    ) -> None:
        blobs = pack(parent, self._setup.experiment.recipe).to_bytes()
        numbers = sorted(trials)
        for place, worker in enumerate(self._workers):
            mine = numbers[place :: len(self._workers)]
            self._worker_of |= dict.fromkeys(mine, worker)
            content = {
                "trials": {number: trials[number] for number in mine},
                "scheduler": scheduler.state_dict(),
            }
            worker.request("start_round", content, *blobs)
        self._evaluations = dict.fromkeys(numbers, 0)
        self._requested = {number: self._request_advance(number) for number in numbers}

    def advance(self, number: int) -> TrialReport:
        self._setup.stop.check()
        message = self._worker_of[number].reply(self._requested.pop(number), self._setup.stop)
        report = decode(TrialReport, message.content["report"])
        self._evaluations[number] += 1
        if not report.passed and report.ending is None:
            self._requested[number] = self._request_advance(number)
        return report

    def learner(self, number: int) -> Learner:
        worker = self._worker_of[number]
        content = {"trial": number, "evaluation": self._evaluations[number]}
        message = worker.reply(worker.request("learner", content))
        packed = PackedSnapshot.from_bytes(message.blobs)
        return Learner.of(unpack(packed, self._setup.experiment.recipe), self._setup.device)

    def close(self) -> None:
        """End the processes, whatever they are doing."""
        for worker in self._workers:
            worker.kill()

    def _request_advance(self, number: int) -> int:
        return self._worker_of[number].request("advance", {"trial": number})


class _TrialWorker(Worker):
    """A worker whose replies are waited for in any order."""

    def __init__(self) -> None:
        super().__init__("curriculum.tune.worker")
        self._replies: dict[int, Message] = {}

    def reply(self, number: int, stop: StopRequest | None = None) -> Message:
        """Wait for the reply to a request.

        Raises:
            WorkerGone: where the worker has ended; so are the errors that it raised.
            Stopped: where a stop was requested meanwhile.
        """
        while number not in self._replies:
            while stop is not None and not self.pipe.poll(POLL_SECONDS):
                stop.check()
            try:
                message = self.receive()
            except WorkerGone:
                if stop is not None:
                    stop.check()  # the signal may have gone to the worker too
                raise
            self._replies[message.request] = message
        for older in [other for other in self._replies if other < number]:
            if not self._replies[older].content:
                del self._replies[older]  # a mere acknowledgement
        return self._replies.pop(number)
