"""The newest lease of a run, and whether somebody holds it; see `lease`."""

import fcntl
import json
import os
import re
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

from curriculum.record.codec import UNFIT, decode
from curriculum.record.files import opened

LEASE_SECONDS = 30.0
"""Who waits so long for a run whose holder does not renew its lease has it. The same for all processes."""

LEASE = re.compile(r"lease-([0-9]{6}|[1-9][0-9]{6,})\.json")
MOST_BYTES = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """What a lease says of its holder.

    Attributes:
        process: its number.
        host: the name of its machine.
        machine: tells machines apart, and one before a restart from itself after it.
        token: no other lease has it.
        released: whether the holder has given it back.
    """

    process: int
    host: str
    machine: str
    token: str
    released: bool = False

    def __str__(self) -> str:
        return "".join(filter(str.isprintable, f"process {self.process} on {self.host}"))


class FoundLease:
    """The newest lease of a run as another process finds it, locked for a moment where it can be.

    Attributes:
        epoch: its number; 0 where there is none yet.
        holder: what it says of it; None where it doesn't.
        is_locked: whether a living process keeps it locked.
        renewed: when it was, in nanoseconds, by the clock of the file system.
    """

    def __init__(self, folder: Path, lock: int, epoch: int | None = None) -> None:
        """Look at a run's newest lease, or that of an epoch, and lock it.

        Args:
            folder: the run's.
            lock: shared (`LOCK_SH`), or alone (`LOCK_EX`).
            epoch: of the lease; by default the newest.

        Raises:
            UnexpectedFileType: where it is no file.
            OSError: where the folder is missing, or the lease can't be read or locked.
        """
        self.holder: Holder | None = None
        self.is_locked, self.renewed = False, 0
        self._file: int | None = None
        flags = os.O_RDONLY if lock == fcntl.LOCK_SH else os.O_RDWR
        while True:
            self.epoch = newest_epoch(folder) if epoch is None else epoch
            if not self.epoch:
                return
            with suppress(FileNotFoundError):
                self._file = opened(lease_path(folder, self.epoch), flags)
                break
            if epoch is not None:  # it was taken away
                return
        try:
            self._lock_and_read(self._file, lock)
        except OSError:
            os.close(self._file)
            raise

    def _lock_and_read(self, file: int, lock: int) -> None:
        self.renewed = os.fstat(file).st_mtime_ns
        try:
            fcntl.flock(file, lock | fcntl.LOCK_NB)
        except BlockingIOError:
            self.is_locked = True
        with suppress(*UNFIT, RecursionError):
            self.holder = decode(Holder, json.loads(os.pread(file, MOST_BYTES, 0)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    @property
    def holder_name(self) -> str:
        """Its holder, in words."""
        return "which says nothing of itself" if self.holder is None else str(self.holder)

    @property
    def is_free(self) -> bool:
        """Whether nobody can hold it: it was given back, or its holder was here, and is dead."""
        if self.is_locked:
            return False
        return self.holder is None or self.holder.released or self.holder.machine == machine()

    @property
    def seems_held(self) -> bool:
        """Whether somebody holds it, as far as can be seen at once.

        Where its holder is on another machine, and locks are not shared with that, it depends on
        whether the lease was renewed lately by the time of day. Nothing is taken or written by that.
        """
        lately = abs(time.time() - self.renewed * 1e-9) <= LEASE_SECONDS
        return self.is_locked or (not self.is_free and lately)


def is_held(folder: Path) -> bool:
    """Whether a process holds the lease of the run in that folder; see `FoundLease.seems_held`."""
    try:
        with FoundLease(folder, fcntl.LOCK_SH) as found:
            return found.seems_held
    except (FileNotFoundError, NotADirectoryError):
        return False


def epochs(folder: Path) -> list[int]:
    """The numbers of a run's leases that are there.

    Over NFS too: a folder that is opened is asked for anew.
    """
    with os.scandir(folder) as entries:
        matches = [LEASE.fullmatch(entry.name) for entry in entries]
    return [int(match[1]) for match in matches if match is not None]


def newest_epoch(folder: Path) -> int:
    """The number of a run's newest lease; 0 where it has none."""
    return max(epochs(folder), default=0)


def lease_path(folder: Path, epoch: int) -> Path:
    """The file of a lease."""
    return folder / f"lease-{epoch:06d}.json"


@cache
def machine() -> str:
    """What tells this machine, since its last restart, from others: locks are shared on it."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return socket.gethostname()
