"""What a store keeps of its sweeps: `STORE/sweeps/<id>.json`, and beside it who drives the sweep."""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from curriculum.errors import UsageError, did_you_mean
from curriculum.record import (
    DEFAULT_STORE,
    Lock,
    Store,
    check_file,
    check_folder,
    decode,
    encode,
    read_bytes,
    write_atomically,
)

if TYPE_CHECKING:  # whoever only asks how far a sweep is does without torch
    from curriculum.sweeps.sweep_plan import SweepPlan

FORMAT = 1
"""Of a sweep's record on disk."""

MOST_BYTES = 1 << 28
MOST_SENTENCES = 1 << 16
"""Bytes of a line that says why a run failed."""

SWEEP_ID = re.compile(r"[0-9a-f]{8}")
UNFIT = (OSError, ValueError, LookupError, TypeError, RecursionError)


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepRecord:
    """A sweep as its store has it.

    Attributes:
        experiments: their names.
        command: that continues it.
        created: the time of day when it was first started.
        runs: the ids of all runs.
    """

    id: str
    experiments: tuple[str, ...]
    command: str
    created: float
    runs: tuple[str, ...]
    format: int


class SweepFiles:
    """The files of one sweep.

    Attributes:
        path: of its record.
        runs_file: the list of runs that its mirror reads.
    """

    def __init__(self, store: Store, sweep_id: str) -> None:
        self.id, self._folder = sweep_id, _folder(store)
        self.path = self._file("json")
        self.runs_file = self._file("runs")

    @property
    def shown_by(self) -> str:
        """What is typed to see how far it is."""
        store = self._folder.parent
        is_default = store == Store(DEFAULT_STORE).root
        return f"sweeps {self.id}" + f" --store {shlex.quote(str(store))}" * (not is_default)

    @property
    def is_driven(self) -> bool:
        """Whether a living process drives it."""
        return Lock(self._file("lock")).is_held

    @contextmanager
    def driven(self, plan: SweepPlan) -> Iterator[None]:
        """Be the one process that drives the sweep; what others have asked before is over.

        Raises:
            UsageError: where another process drives it, or the store can't be written.
        """
        lock = Lock(self._file("lock"))
        try:
            check_folder(self._folder)
            self._folder.mkdir(parents=True, exist_ok=True)
            for ending in ("json", "lock", "cancel", "failed"):
                check_file(self._file(ending))
            is_free = lock.acquire(seconds=1.0)
            if is_free and self.record() is None:
                self._write(plan)
        except OSError as error:
            lock.release()
            raise UsageError(
                f"the store {self._folder.parent} can't be written ({error.strerror}); choose another "
                f"with --store"
            ) from error
        if not is_free:
            raise UsageError(
                f"sweep {self.id} is running in another process; '{self.shown_by}' shows it, and "
                f"'{self.shown_by} --cancel' ends it"
            )
        with lock:
            for ending in ("cancel", "failed"):
                self._file(ending).unlink(missing_ok=True)
            yield

    def record(self) -> SweepRecord | None:
        """What its record says; None where there is none that can be read."""
        with suppress(*UNFIT, UsageError):
            found = decode(SweepRecord, json.loads(read_bytes(self.path, MOST_BYTES)))
            return found if found.format == FORMAT else None
        return None

    def request_cancel(self) -> None:
        """Ask whoever drives it to end it in order.

        Raises:
            OSError: where the store can't be written.
        """
        check_file(self._file("cancel"))
        self._file("cancel").touch()

    @property
    def cancel_is_requested(self) -> bool:
        """Whether somebody has asked for that since it was started."""
        return self._file("cancel").exists()

    def note_failure(self, run_id: str, sentence: str) -> None:
        """Keep why a run can't be made; that it can't be kept stops nothing."""
        line = json.dumps({"run": run_id, "sentence": sentence[:MOST_SENTENCES]})
        with suppress(OSError), self._file("failed").open("a") as file:
            file.write(line + "\n")

    def failures(self) -> dict[str, str]:
        """By run, why it can't be made, since the sweep was last started."""
        found = dict[str, str]()
        with suppress(*UNFIT, UsageError):
            for line in read_bytes(self._file("failed"), MOST_BYTES).decode().splitlines():
                content = json.loads(line)
                found[str(content["run"])] = str(content["sentence"])
        return found

    def _file(self, ending: str) -> Path:
        return self._folder / f"{self.id}.{ending}"

    def _write(self, plan: SweepPlan) -> None:
        content = SweepRecord(
            id=plan.id,
            experiments=plan.names,
            command=plan.command,
            created=round(time.time(), 3),
            runs=plan.run_ids,
            format=FORMAT,
        )
        write_atomically(self.path, json.dumps(encode(content)))


def sweep_ids(store: Store) -> list[str]:
    """The ids of all sweeps of a store."""
    with suppress(OSError):
        names = (path.name.removesuffix(".json") for path in _folder(store).iterdir())
        return sorted(name for name in names if SWEEP_ID.fullmatch(name))
    return []


def find_sweep(store: Store, name: str) -> SweepFiles:
    """The files of the sweep of that id, or of an unambiguous beginning of one.

    Raises:
        UsageError: where there is none, or several.
    """
    known = sweep_ids(store)
    found = [each for each in known if name and each.startswith(name)]
    if len(found) == 1:
        return SweepFiles(store, found[0])
    if found:
        raise UsageError(f"{name!r} is the beginning of {len(found)} sweep ids; type more of it")
    if not known:
        raise UsageError(f"the store {store.root} has no sweeps yet; start one with 'sweep'")
    raise UsageError(f"there is no sweep {name!r} in {store.root}; {did_you_mean(name, known)}")


def _folder(store: Store) -> Path:
    return store.root / "sweeps"
