"""What a store keeps of its sweeps: `STORE/sweeps/<id>.json`, and beside it who drives the sweep."""

from __future__ import annotations

import json
import os
import re
import shlex
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self

from curriculum.errors import UsageError, did_you_mean
from curriculum.record import (
    DEFAULT_STORE,
    Lock,
    Store,
    check_file,
    check_folder,
    check_shared_store,
    decode,
    encode,
    make_within,
    read_bytes,
    write_atomically,
)

FORMAT = 2
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
        kind: `search` for one over curricula, whose runs depend on what those before them come to.
        experiments: their names.
        command: that continues it.
        created: the time of day when it was first started.
        runs: the ids of all runs; of a search that is not over, of those that are known.
        grows: whether there may be more of them: of a search that is not over.
        variants: what people call the runs that differ in their seed alone; of a search none.
        variant_of: of each run, the place of its variant among these.
    """

    id: str
    kind: Literal["sweep", "search"] = "sweep"
    experiments: tuple[str, ...]
    command: str
    created: float
    runs: tuple[str, ...] = ()
    grows: bool = False
    variants: tuple[str, ...] = ()
    variant_of: tuple[int, ...] = ()
    format: int

    def __post_init__(self) -> None:
        known = all(place in range(len(self.variants)) for place in self.variant_of)
        if self.variants and not (known and len(self.variant_of) == len(self.runs)):
            raise ValueError(f"the record of sweep {self.id} names no variant for some of its runs")

    @classmethod
    def begun_now(
        cls,
        sweep_id: str,
        experiments: tuple[str, ...],
        command: str,
        *,
        kind: Literal["sweep", "search"] = "sweep",
        variants: Mapping[str, str] | None = None,
    ) -> Self:
        """What is kept of a sweep, or of a search, that begins.

        Args:
            sweep_id: its id.
            experiments: their names.
            command: that continues it.
            kind: of the two.
            variants: by the id of each run that is known, the name of its variant.
        """
        of_run = variants or {}
        names = {name: place for place, name in enumerate(dict.fromkeys(of_run.values()))}
        return cls(
            id=sweep_id,
            kind=kind,
            experiments=experiments,
            command=command,
            created=round(time.time(), 3),
            runs=tuple(of_run),
            variants=tuple(names),
            variant_of=tuple(names[name] for name in of_run.values()),
            grows=kind == "search",
            format=FORMAT,
        )


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
    def driven(self, record: SweepRecord) -> Iterator[None]:
        """Be the one process that drives the sweep; what others have asked before is over.

        The record is kept where the store has none of the sweep.

        Raises:
            UsageError: where another process drives it, or the store can't be written, or its file system does
                not keep what runs rely on.
        """
        check_shared_store(self._folder.parent)
        lock = Lock(self._file("lock"))
        try:
            check_folder(self._folder)
            make_within(self._folder.parent, lambda: self._folder.mkdir(exist_ok=True))
            for ending in ("json", "lock", "cancel", "failed"):
                check_file(self._file(ending))
            is_free = lock.acquire(seconds=1.0)
            if is_free:
                # First: who sees it driven may cancel it.
                self._file("cancel").unlink(missing_ok=True)
                if self.record() is None:
                    self._write(record)
        except OSError as error:
            lock.release()
            raise UsageError(
                f"the store {self._folder.parent} can't be written ({error.strerror}); choose another "
                f"with --store"
            ) from error
        if not is_free:
            raise UsageError(
                f"{record.kind} {self.id} is running in another process; '{self.shown_by}' shows it, and "
                f"'{self.shown_by} --cancel' ends it"
            )
        with lock:
            yield

    def record(self) -> SweepRecord | None:
        """What its record says; None where there is none that can be read."""
        with suppress(*UNFIT, UsageError):
            found = decode(SweepRecord, json.loads(read_bytes(self.path, MOST_BYTES)))
            return found if found.format == FORMAT else None
        return None

    def add_runs(self, run_ids: Iterable[str]) -> None:
        """Keep that a search has these runs too, of which some may be known.

        Raises:
            UsageError: where the store can't be written.
        """
        record = self.record()
        if record is not None:
            runs = tuple(dict.fromkeys((*record.runs, *run_ids)))
            self._rewrite(replace(record, runs=runs, grows=True), record)

    def complete(self) -> None:
        """Keep that a search has all of its runs.

        Raises:
            UsageError: where the store can't be written.
        """
        record = self.record()
        if record is not None:
            self._rewrite(replace(record, grows=False), record)

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

    def remove(self) -> None:
        """Take its record away; its runs stay, and the same sweep finds them again.

        Raises:
            UsageError: where a process drives it, or the store can't be written.
        """
        lock = Lock(self._file("lock"))
        try:
            if self.is_driven or not lock.acquire():
                raise UsageError(
                    f"sweep {self.id} is running; '{self.shown_by} --cancel' ends it, and then its record can be "
                    f"removed"
                )
            with lock:
                for ending in ("json", "runs", "failed", "cancel", "lock"):
                    self._file(ending).unlink(missing_ok=True)
        except OSError as error:
            raise UsageError(
                f"{self._folder} can't be written ({error.strerror}), so nothing is removed"
            ) from error

    def note_failure(self, run_id: str, sentence: str) -> None:
        """Keep why a run can't be made; that it can't be kept stops nothing."""
        self._note(run_id, sentence[:MOST_SENTENCES])

    def forget_failure(self, run_id: str) -> None:
        """Take note that a run is tried again, whatever it came to before."""
        self._note(run_id, None)

    def failures(self) -> dict[str, str]:
        """By run, why it can't be made, unless it has been tried again since."""
        found = dict[str, str]()
        with suppress(*UNFIT, UsageError):
            for line in read_bytes(self._file("failed"), MOST_BYTES).splitlines():
                with suppress(*UNFIT):  # its writer was killed amid it
                    content = json.loads(line)
                    found.pop(content["run"], None)
                    if content["sentence"] is not None:
                        found[str(content["run"])] = str(content["sentence"])
        return found

    def _note(self, run_id: str, sentence: str | None) -> None:
        line = json.dumps({"run": run_id, "sentence": sentence}).encode() + b"\n"
        with suppress(OSError), self._file("failed").open("a+b") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - 1))
            is_cut_off = file.read() not in (b"", b"\n")
            file.write(b"\n" * is_cut_off + line)

    def _file(self, ending: str) -> Path:
        return self._folder / f"{self.id}.{ending}"

    def _rewrite(self, record: SweepRecord, before: SweepRecord) -> None:
        if record == before:
            return
        try:
            self._write(record)
        except OSError as error:
            raise UsageError(f"{self.path} can't be written ({error.strerror})") from error

    def _write(self, record: SweepRecord) -> None:
        write_atomically(self.path, json.dumps(encode(record)))


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
