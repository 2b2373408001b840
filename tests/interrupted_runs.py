"""Runs to stop, to kill and to resume, and what they leave on disk."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import curriculum
from curriculum import (
    CheckpointPolicy,
    Experiment,
    RunResult,
    StopRequest,
    learn,
)
from curriculum.record import Evaluated, Event, Record, RunEnded, RunFolder, Store, read_journal

NEVER_WITHIN_A_VISIT = CheckpointPolicy(every=float("inf"))
EACH_STEP = CheckpointPolicy(every=0)

Wholes = Callable[[str, Experiment], Path]
"""The store of each experiment's run without a stop, by a name."""

Change = Callable[[dict[str, Any]], object]
"""Changes what was read from JSON in place."""


@dataclass(frozen=True)
class StoppedRun:
    """A run in a store of its own, and how it would have ended without the stop."""

    experiment: Experiment
    root: Path
    weights_sha256: str
    events: tuple[Event, ...]

    @property
    def folder(self) -> RunFolder:
        return Store(self.root).find("last")

    def copied(self, root: Path) -> "StoppedRun":
        """The same in another store."""
        shutil.copytree(self.root, root)
        return replace(self, root=root)

    def recorded(self) -> tuple[Event, ...]:
        """What the journal holds, its clock apart."""
        return tuple(events(self.folder))

    def resume(self, **more: Any) -> RunResult:
        return curriculum.resume("last", store=self.root, mirror=False, **more)


class After(StopRequest):
    """A stop that is requested once it was checked so often: runs do, before steps and between visits."""

    def __init__(self, count: int) -> None:
        self._left = count
        super().__init__()

    @property
    def requested(self) -> bool:
        self._left -= 1
        return self._left < 0

    @requested.setter
    def requested(self, value: bool) -> None: ...


class KilledHere(BaseException):
    """Ends a run on the spot, as a kill would: nothing is saved or noted any more."""


def kill_at(count: int) -> Callable[[Record], None]:
    """A listener that kills the run at the record of that number."""
    left = iter(range(count - 1))

    def listener(_: Record) -> None:
        if next(left, None) is None:
            raise KilledHere

    return listener


def run(experiment: Experiment, store: Path, **more: Any) -> RunResult:
    return curriculum.run(experiment, 1, store=store, mirror=False, **more)


def interrupted_at(
    experiment: Experiment, store: Path, moment: Callable[[Record], bool], **more: Any
) -> RunResult:
    """The result of a run that is asked to stop at the first such record."""

    def listener(record: Record) -> None:
        if moment(record):
            stop.request()

    stop = StopRequest()
    result = curriculum.run(
        experiment, store=store, mirror=False, listener=listener, stop=stop, **more
    )
    assert stop.requested
    return result


def killed(experiment: Experiment, store: Path, count: int, **more: Any) -> RunFolder:
    with pytest.raises(KilledHere):
        run(experiment, store, listener=kill_at(count), **more)
    return Store(store).find("last")


def interrupted_run(
    experiment: Experiment, store: Path, visit: int = 1, *, evaluations: int = 2, **more: Any
) -> RunFolder:
    """A run that was interrupted at that evaluation of a visit."""

    def listener(record: Record) -> None:
        if isinstance(record.event, Evaluated) and record.event.visit == visit:
            found.append(record)
        if len(found) == evaluations:
            stop.request()

    found: list[Record] = []
    stop = StopRequest()
    assert run(experiment, store, listener=listener, stop=stop, **more).status == "interrupted"
    return Store(store).find("last")


def events(folder: RunFolder) -> list[Event]:
    """What the journal holds, its clock apart."""
    return [record.event for record, _ in read_journal(folder.journal)]


def contents(folder: RunFolder) -> dict[str, bytes]:
    """What is in a run's files, its lease apart."""
    return {
        str(path.relative_to(folder.path)): path.read_bytes()
        for path in folder.path.rglob("*")
        if path.is_file() and not path.name.startswith("lease-")
    }


def same(store: Path, whole: Path) -> bool:
    """Whether the last runs of two stores end the same: in records, weights and optimizer."""
    one, other = Store(store).find("last"), Store(whole).find("last")
    assert events(one) == events(other)
    for name in ("model.safetensors", "optimizer.safetensors"):
        ours, theirs = (
            (folder.checkpoint_folders()[-1] / name).read_bytes() for folder in (one, other)
        )
        assert ours == theirs
    loaded = learn.weights_sha256(curriculum.load("last", store=store))
    end = events(other)[-1]
    assert isinstance(end, RunEnded)
    return loaded == end.weights_sha256


def change_and_sign(checkpoint: Path, change: Change) -> None:
    """Change what is in `state.json`, and give it a digest that says it is right."""
    path = checkpoint / "state.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    sign_files(checkpoint)


def sign_files(checkpoint: Path) -> None:
    """Write the digests of a checkpoint's files as they are now."""
    names = [path.name for path in checkpoint.iterdir() if path.name != "digest.json"]
    digests = {name: hashlib.sha256((checkpoint / name).read_bytes()).hexdigest() for name in names}
    (checkpoint / "digest.json").write_text(json.dumps(digests))
