"""The right to write a run: one process has it at a time, over machines; from one that no longer answers it is taken.

A lease is a file in the run's folder, `lease-000001.json`, numbered by its epoch: the newest rules. Four rules
make of it one writer:

1. An epoch is taken by creating its file, which fails where the file is there: of several processes that
   want the same epoch, on whatever machines, one gets it.
2. Its holder keeps a lock on it (`flock`), which ends with the process. A lease of this machine that nobody
   has locked is free at once.
3. Its holder renews it, by the file's time, and goes on only while no newer one is there. It looks again
   before a write where it has not done so lately: after it was stopped, say.
4. A lease that is not renewed is taken by the next epoch: of a holder that was stopped, or cut off, or ran
   on another machine that is gone. That it isn't renewed is seen by the clock of who waits, which compares
   the file with itself: no clocks need agree. Who takes it writes nothing for a while, in which a holder
   that lives after all finds the newer epoch.
"""

import errno
import fcntl
import json
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from curriculum.errors import RunFailed, UsageError
from curriculum.record import found_lease
from curriculum.record.codec import encode
from curriculum.record.files import opened
from curriculum.record.found_lease import (
    FoundLease,
    Holder,
    epochs,
    lease_path,
    machine,
    newest_epoch,
)

RENEWED, VALID, OBSERVED, SETTLED = 1 / 6, 1 / 4, 2 / 3, 1 / 3
"""Parts of `LEASE_SECONDS`: a lease is renewed so often; before a write it is looked at again after so long; it is
taken where it was not renewed for so long; and who takes it writes after so long. What was begun to be written
while the lease was valid has the time from `VALID` to `SETTLED` to land."""

PROBING_SECONDS = 1.0
"""Who only asks whether a lease is held locks it for an instant."""

FULL = {errno.ENOSPC, errno.EDQUOT}
"""What the system says where a disk is full, or a user's part of it."""

WITHOUT_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS}
"""What the system says where a file system has no links."""

log = logging.getLogger(__name__)


class RunHeld(UsageError):
    """Another process holds the lease of the run, and may be writing it."""


class LeaseLost(RunFailed):
    """Another process writes the run by now: this one, which was stopped or cut off for long, writes nothing more."""


class Lease:
    """The right to write a run. Given back by `release`; free at once where the process dies.

    Attributes:
        epoch: its number.
    """

    def __init__(self, folder: Path, run_id: str, epoch: int) -> None:
        self.epoch = epoch
        self._folder, self._run_id = folder, run_id
        self._holder = Holder(
            process=os.getpid(),
            host=socket.gethostname(),
            machine=machine(),
            token=secrets.token_hex(8),
        )
        self._file: int | None = None
        self._is_lost = self._is_written = False
        self._valid_until = -float("inf")
        self._renewing = threading.Lock()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._keep_renewing, name="lease", daemon=True)

    def take(self) -> bool:
        """Take the epoch, and begin to renew; False where another process was first.

        Raises:
            OSError: where the folder can't be written.
        """
        path = lease_path(self._folder, self.epoch)
        aside, is_taken = self._folder / f".lease-{self._holder.token}.new", False
        file = opened(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        try:
            # It is locked before it has its name, so that nobody ever finds it free.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._write_holder(file)
            is_taken = _put_in_place(aside, path)
            if is_taken and newest_epoch(self._folder) != self.epoch:
                path.unlink(missing_ok=True)  # others came and went while this process slept
                is_taken = False
        finally:
            aside.unlink(missing_ok=True)
            if not is_taken:
                os.close(file)
        if not is_taken:
            return False
        self._file = file
        self._renew()
        self._thread.start()
        return True

    def check(self, *, now: bool = False) -> None:
        """Check that the run is still this process's to write; `now` even if that was found lately.

        Raises:
            LeaseLost: where it isn't.
            OSError: where that can't be found out.
        """
        if clock() < self._valid_until and not now:
            return
        try:
            self._renew()
        except OSError:  # so does the file of a lease that was taken away
            if not self._is_lost:
                raise
        if self._is_lost:
            raise LeaseLost(
                f"run {self._run_id} is written by another process by now ({self._successor()}), as "
                f"this one had not renewed its lease for long: it writes nothing more"
            )

    def release(self) -> None:
        """Give the lease back. Doing so twice does nothing."""
        self._ending.set()
        with self._renewing:
            file, self._file = self._file, None
        if file is None:
            return
        if not self._is_lost:
            self._holder = replace(self._holder, released=True)
            with suppress(OSError):
                self._write_holder(file)
        os.close(file)
        self._thread.join()

    def _write_holder(self, file: int) -> None:
        """Say in the lease who holds it. On a full disk it is written later: `rm` has to make room there."""
        content = json.dumps(encode(self._holder)).encode()
        try:
            self._is_written = os.pwrite(file, content, 0) == len(content)
            os.ftruncate(file, len(content))
        except OSError as error:
            if error.errno not in FULL:
                raise

    def _renew(self) -> None:
        """Renew the lease, and see whether a newer one is there."""
        with self._renewing:
            if self._file is None:
                return
            began = clock()  # what follows may take long
            self._valid_until = -float("inf")
            try:
                os.utime(self._file)
                if not self._is_written:
                    self._write_holder(self._file)
            finally:  # renewed first: a newer lease that comes after this look finds it so
                self._is_lost = newest_epoch(self._folder) != self.epoch
            if not self._is_lost:
                self._valid_until = began + found_lease.LEASE_SECONDS * VALID

    def _keep_renewing(self) -> None:
        while not self._ending.wait(found_lease.LEASE_SECONDS * RENEWED) and not self._is_lost:
            with suppress(OSError):  # then the next write looks for itself
                self._renew()

    def _successor(self) -> str:
        with suppress(OSError, UsageError), FoundLease(self._folder, fcntl.LOCK_SH) as found:
            if found.epoch > self.epoch:
                return found.holder_name
        return "its lease is gone"


@contextmanager
def held(
    folder: Path, run_id: str, take_away: Callable[[], None], *, wait_seconds: float = 0.0
) -> Iterator[Lease]:
    """Be the one process that writes the run in that folder.

    What a dead process of this machine has left is taken over at once. Of one on another machine it can't be
    seen that it is dead: where its lease was not renewed for long, as it seems, `LEASE_SECONDS` are waited to see.

    Args:
        folder: the run's.
        run_id: for messages.
        take_away: called where the process before may be alive; has the run's files out of its reach.
        wait_seconds: for a process that holds it. With `LEASE_SECONDS` or more the run is taken over from
            one that was stopped or cut off.

    Raises:
        RunHeld: where another process holds it through all of these seconds.
        UsageError: where none can, or a lease is no file of ours.
        LeaseLost: where yet another process has taken it at the same time.
    """
    with _told(folder):
        lease = _taken(folder, run_id, wait_seconds)
    try:
        with _told(folder):
            _settle(folder, lease, take_away)
        yield lease
    finally:
        lease.release()


def clock() -> float:
    """Seconds that go on while the machine sleeps, where the system has such a clock."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _taken(folder: Path, run_id: str, wait_seconds: float) -> Lease:
    """The lease of a run, once it is free, or was not renewed for long enough."""
    began = time.monotonic()
    until, is_patient = began + max(wait_seconds, PROBING_SECONDS), False
    seen, since = (-1, -1), began
    while True:
        with FoundLease(folder, fcntl.LOCK_EX) as found:
            now = time.monotonic()
            if seen != (found.epoch, found.renewed):
                seen, since = (found.epoch, found.renewed), now
            if found.is_free or now - since >= found_lease.LEASE_SECONDS * OBSERVED:
                lease = Lease(folder, run_id, found.epoch + 1)
                if lease.take():
                    return lease
            elif not (found.seems_held or is_patient):
                log.warning("waiting to see that %s is gone", found.holder)
                until, is_patient = max(until, now + found_lease.LEASE_SECONDS), True
            if now >= until:
                raise RunHeld(
                    f"run {run_id} is running in another process ({found.holder_name}); only one can "
                    f"write it at a time"
                )
        time.sleep(0.02 if now - began < PROBING_SECONDS else found_lease.LEASE_SECONDS / 60)


def _settle(folder: Path, lease: Lease, take_away: Callable[[], None]) -> None:
    """Take the leases before away; first, where a holder of one may be alive, wait until it has found this one.

    They are there until then: should this process die before, the next one has to wait too.

    Raises:
        LeaseLost: where yet another process has come meanwhile.
    """
    older = [epoch for epoch in epochs(folder) if epoch < lease.epoch]
    if not all(_is_free(folder, epoch) for epoch in older):
        time.sleep(found_lease.LEASE_SECONDS * SETTLED)
        lease.check(now=True)
        take_away()
    for epoch in older:
        lease_path(folder, epoch).unlink(missing_ok=True)
    _remove_leftovers(folder)


def _is_free(folder: Path, epoch: int) -> bool:
    """Whether nobody can hold an older lease. Who only asks for it may have it locked at first."""
    until = time.monotonic() + min(PROBING_SECONDS, found_lease.LEASE_SECONDS * SETTLED)
    while True:
        with FoundLease(folder, fcntl.LOCK_SH, epoch) as found:
            if found.is_free or not found.is_locked or time.monotonic() >= until:
                return found.is_free
        time.sleep(0.02)


def _remove_leftovers(folder: Path) -> None:
    """Delete what a process that was killed as it took a lease has left; who takes one now holds a lock on it."""
    for path in folder.glob(".lease-*.new"):
        with suppress(OSError, UsageError):
            file = opened(path, os.O_RDONLY)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            finally:
                os.close(file)


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """A context in which an error of the disk becomes a sentence."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"{folder} can't be written ({error.strerror})") from error


def _put_in_place(aside: Path, path: Path) -> bool:
    """Give a file its name; False where that is taken, or who has the lease by now took the file for a leftover."""
    try:
        try:
            os.link(aside, path)
        except OSError as error:
            if error.errno not in WITHOUT_LINKS:
                raise
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
            os.replace(aside, path)
    except (FileExistsError, FileNotFoundError):
        return False
    return True
