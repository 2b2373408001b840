"""Trains the trials of a round in several processes, with the result that one would have."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import torch

from curriculum.errors import UsageError
from curriculum.experiment import Experiment
from curriculum.learn.learner import Learner, Snapshot
from curriculum.learn.process import flushes_denormal
from curriculum.learn.stop import Stop
from curriculum.plan import Scheduler
from curriculum.record.description import describe, rebuild
from curriculum.record.mirror_process import package_environment
from curriculum.record.packing import from_bytes, pack, to_bytes, unpack
from curriculum.tune.field import Field, Here
from curriculum.tune.race import ROUND, Advance
from curriculum.tune.space import Settings
from curriculum.tune.worker import receive, send

__all__ = ["Workers", "open_field"]

POLL_SECONDS = 0.1

Answer = tuple[dict[str, Any], list[bytes]]


@contextmanager
def open_field(
    experiment: Experiment,
    *,
    seed: int,
    device: torch.device,
    jobs: int,
    source: Path | None,
    stop: Stop | None = None,
) -> Iterator[Field]:
    """Where a run's trials are trained: in this process, or in `jobs` others.

    Raises:
        UsageError: where other processes can't find what the experiment is made of.
    """
    jobs = min(jobs, ROUND)
    if jobs == 1 or not experiment.tuning.is_on:
        yield Here(experiment, seed=seed, device=device, stop=stop)
        return
    if source is None:
        rebuild(describe(experiment))
    with Workers(
        experiment, seed=seed, device=device, jobs=jobs, source=source, stop=stop
    ) as workers:
        yield workers


class Workers:
    """Each trial is kept one look ahead of the race, and no further.

    What the race does not come to is neither told nor charged. Close it, or use it in a
    `with`.
    """

    def __init__(
        self,
        experiment: Experiment,
        *,
        seed: int,
        device: torch.device,
        jobs: int,
        source: Path | None,
        stop: Stop | None = None,
    ) -> None:
        self._stop = stop or Stop()
        self._experiment = experiment
        self._device = device
        self._processes = [_Process() for _ in range(jobs)]
        for process in self._processes:
            process.ask(
                "open",
                {
                    "experiment": describe(experiment),
                    "source": None if source is None else str(source),
                    "seed": seed,
                    "device": device.type,
                    "threads": torch.get_num_threads(),
                    "flush_denormal": flushes_denormal(),
                },
            )
        self._homes: dict[int, _Process] = {}
        self._ahead: dict[int, int] = {}  # the numbers of the advances asked for already
        self._looks: dict[int, int] = {}

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def enter(
        self, entrants: Mapping[int, Settings], parent: Snapshot, scheduler: Scheduler
    ) -> None:
        blobs = to_bytes(pack(parent, self._experiment.recipe))
        numbers = sorted(entrants)
        for place, process in enumerate(self._processes):
            mine = numbers[place :: len(self._processes)]
            self._homes |= dict.fromkeys(mine, process)
            content = {
                "entrants": {number: entrants[number] for number in mine},
                "scheduler": scheduler.state_dict(),
            }
            process.ask("enter", content, *blobs)
        self._looks = dict.fromkeys(numbers, 0)
        self._ahead = {number: self._ask_advance(number) for number in numbers}

    def advance(self, number: int) -> Advance:
        self._stop.check()
        content, _ = self._homes[number].answer(self._ahead.pop(number), self._stop)
        look = Advance.of_record(content["look"])
        self._looks[number] += 1
        if not look.mastered and look.over is None:
            self._ahead[number] = self._ask_advance(number)
        return look

    def learner(self, number: int) -> Learner:
        process = self._homes[number]
        asked = process.ask("learner", {"trial": number, "look": self._looks[number]})
        _, blobs = process.answer(asked)
        return Learner.of(unpack(from_bytes(blobs), self._experiment.recipe), self._device)

    def close(self) -> None:
        """End the processes, whatever they are at."""
        for process in self._processes:
            process.close()

    def _ask_advance(self, number: int) -> int:
        return self._homes[number].ask("advance", {"trial": number})


class _Process:
    """A worker, seen from this side: orders go out at once, answers are fetched when needed."""

    def __init__(self) -> None:
        self._pipe, theirs = Pipe()
        file = theirs.fileno()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "curriculum.tune.worker", str(file)],
            env=package_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # a user's file may print
            pass_fds=[file],
            start_new_session=True,
        )
        theirs.close()
        self._count = itertools.count()
        self._answers: dict[int, Answer] = {}

    def ask(self, order: str, content: dict[str, Any], *blobs: bytes) -> int:
        """Give an order; the number that it goes by."""
        number = next(self._count)
        try:
            send(self._pipe, content | {"order": order, "id": number}, *blobs)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise self._gone() from error
        return number

    def answer(self, number: int, stop: Stop | None = None) -> Answer:
        """Wait for the answer to an order.

        Raises:
            RuntimeError: where the worker failed, or is gone.
            Stopped: where the run was asked to stop meanwhile.
        """
        while number not in self._answers:
            try:
                while stop is not None and not self._pipe.poll(POLL_SECONDS):
                    stop.check()
                content, blobs = receive(self._pipe)
            except (EOFError, ConnectionResetError) as error:
                if stop is not None:
                    stop.check()  # who asked us may have asked the worker too
                raise self._gone() from error
            if "error" in content:
                kind = UsageError if content["usage"] else RuntimeError
                raise kind(f"a process that trains trials failed: {content['error']}")
            self._answers[content["id"]] = content, blobs
        for older in [other for other in self._answers if other < number]:
            if not self._answers[older][0].keys() - {"id"}:
                del self._answers[older]  # a mere acknowledgement
        return self._answers.pop(number)

    def close(self) -> None:
        self._pipe.close()
        self._process.kill()
        self._process.wait()

    def _gone(self) -> RuntimeError:
        return RuntimeError(
            f"a process that trains trials ended (exit code {self._process.wait()})"
        )
