"""Tries whether a store's file system keeps what runs rely on, and whether another machine sees the same store."""

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from curriculum.errors import UsageError
from curriculum.record.disk import fsync, write_atomically
from curriculum.record.files import make_within, read_bytes, remove, write_new
from curriculum.record.lock import Lock
from curriculum.record.store import Store

TOKEN_BYTES = 16


class BrokenPromise(Exception):
    """What a file system did in place of what it should have."""


def check_shared_store(root: Path) -> None:
    """Check, in a folder that is removed again, that a store's file system keeps what runs rely on.

    Raises:
        UsageError: where it doesn't, or can't be written; it says which promise is broken.
    """
    store = Store(root)
    with _scratch(store.root) as folder:
        for promise, keeps in PROMISES.items():
            try:
                keeps(folder)
            except (OSError, BrokenPromise) as error:
                why = error.strerror if isinstance(error, OSError) else str(error)
                raise UsageError(
                    f"the file system of the store {store.root} doesn't keep what runs rely on: {promise} "
                    f"({why}); choose a folder on another with --store, such as a local disk, NFS 4 or Lustre "
                    f"mounted with 'flock'"
                ) from error


def write_store_token(store: Store) -> str:
    """Put a token into a store, which another machine reads with `read_store_token`; gives it.

    Raises:
        UsageError: where the store can't be written.
    """
    token = secrets.token_hex(TOKEN_BYTES)
    try:
        make_within(store.root, lambda: write_atomically(_token_path(store, token), token))
    except OSError as error:
        raise _unwritable(store.root, error) from error
    return token


def read_store_token(store: Store, token: str) -> None:
    """Check that a store is the one that a token was put into, as seen from here.

    Raises:
        UsageError: where it is not.
    """
    found = b""
    with suppress(OSError, ValueError):
        found = read_bytes(_token_path(store, token), 2 * TOKEN_BYTES)
    if found != token.encode():
        raise UsageError(
            f"{store.root} on {os.uname().nodename} is not the store that the runs were started for: mount "
            f"the same folder there under the same path, or choose one that all machines share with --store"
        )


def remove_store_token(store: Store, token: str) -> None:
    """Take a token away again, where it is there."""
    remove(_token_path(store, token))


def _token_path(store: Store, token: str) -> Path:
    return store.root / f".token-{token}"


@contextmanager
def _scratch(root: Path) -> Iterator[Path]:
    """A folder in the store. Of what is made for it, nothing stays."""
    new = [path for path in (root, *root.parents) if not path.exists()]
    folder = root / f".probe-{secrets.token_hex(8)}"
    try:
        make_within(root, folder.mkdir)
    except OSError as error:
        raise _unwritable(root, error) from error
    try:
        yield folder
    finally:
        remove(folder)
        for path in new:  # from the innermost out
            with suppress(OSError):
                path.rmdir()


def _unwritable(root: Path, error: OSError) -> UsageError:
    return UsageError(
        f"the store {root} can't be written ({error.strerror}); choose another with --store"
    )


def _creates_once(folder: Path) -> None:
    """A lease's epoch is taken by creating its file."""
    path = folder / "once"
    write_new(path, b"1")
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        raise BrokenPromise("it was created twice")


def _locks_for_one(folder: Path) -> None:
    """A process keeps its lease locked until it dies."""
    path = folder / "lock"
    with Lock(path) as first:
        if not first.acquire():
            raise BrokenPromise("a lock that nobody has was refused")
        with Lock(path) as second:
            if second.acquire():
                raise BrokenPromise("two had the same lock at once")
        file = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            raise BrokenPromise("who only asks for it was given it too")
        except BlockingIOError:
            pass
        finally:
            os.close(file)
    with Lock(path) as third:
        if not third.acquire():
            raise BrokenPromise("a lock that was freed was refused")


def _renames_over(folder: Path) -> None:
    """Files are replaced whole."""
    path, aside = folder / "name", folder / "aside"
    write_new(path, b"old")
    write_new(aside, b"new")
    with path.open("rb") as before:
        os.replace(aside, path)
        if path.read_bytes() != b"new" or aside.exists():
            raise BrokenPromise("the name still has the old content")
        if before.read() != b"old":
            raise BrokenPromise("who had it open reads the new content")


def _renames_folders_once(folder: Path) -> None:
    """A run gets its name whole, and only one does."""
    for name in ("one", "other"):
        (folder / name / "within").mkdir(parents=True)
    os.rename(folder / "one", folder / "run")
    if not (folder / "run" / "within").is_dir() or (folder / "one").exists():
        raise BrokenPromise("it was not moved whole")
    with suppress(OSError):
        os.rename(folder / "other", folder / "run")
        raise BrokenPromise("a folder that is not empty was replaced")


def _syncs(folder: Path) -> None:
    """What is saved outlasts the machine; that it is refused can be seen, that it is not done can't."""
    path = folder / "saved"
    write_new(path, b"saved")
    fsync(path)
    fsync(folder)


def _tells_times(folder: Path) -> None:
    """A lease is renewed by its file's time."""
    path = folder / "time"
    write_new(path, b"")
    os.utime(path, (1, 1))
    with path.open("rb") as file:
        os.utime(file.fileno())
    if path.stat().st_mtime == 1:
        raise BrokenPromise("it did not change")


PROMISES: dict[str, Callable[[Path], None]] = {
    "a file is created by one process alone (O_EXCL)": _creates_once,
    "a lock is held by one process alone, and freed (flock)": _locks_for_one,
    "a file is renamed over another, whole (rename)": _renames_over,
    "a folder is renamed whole, and over no other (rename)": _renames_folders_once,
    "what was written is brought to the disk (fsync)": _syncs,
    "a file's time can be set anew (utime)": _tells_times,
}
"""What must hold of a file system, and what tries it."""
