"""A file system that breaks a promise is refused by it, and another machine sees whether it has the same store."""

import errno
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from curriculum import UsageError
from curriculum.record import (
    Store,
    check_shared_store,
    read_store_token,
    remove_store_token,
    write_store_token,
)
from curriculum.record.store_probe import PROMISES

Break = Callable[[pytest.MonkeyPatch], None]


def refused(number: int) -> Callable[..., None]:
    def refusing(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return refusing


def no_locks(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fcntl, "flock", refused(errno.ENOSYS))


def locks_for_all(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fcntl, "flock", lambda *_: None)


def no_sync(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(os, "fsync", refused(errno.EINVAL))


def creates_again(patch: pytest.MonkeyPatch) -> None:
    def opening(path: Path, flags: int, *rest: int, **more: int) -> int:
        return original(path, flags & ~os.O_EXCL, *rest, **more)

    original = os.open
    patch.setattr(os, "open", opening)


def no_rename_over(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(os, "replace", refused(errno.EEXIST))


def copies_in_place_of_renaming(patch: pytest.MonkeyPatch) -> None:
    def copying(path: Path, new: Path) -> None:
        new.write_bytes(path.read_bytes())
        path.unlink()

    patch.setattr(os, "replace", copying)


def renames_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(os, "rename", lambda *_: None)


def no_times(patch: pytest.MonkeyPatch) -> None:
    original = os.utime
    patch.setattr(os, "utime", lambda path, times=None: times and original(path, times))


BROKEN: dict[Break, str] = {
    no_locks: r"a lock is held .* \(Function not implemented\)",
    locks_for_all: r"a lock is held .* \(two had the same lock at once\)",
    no_sync: r"brought to the disk \(fsync\) \(Invalid argument\)",
    creates_again: r"created by one process alone \(O_EXCL\) \(it was created twice\)",
    no_rename_over: r"a file is renamed over another, whole \(rename\) \(File exists\)",
    copies_in_place_of_renaming: r"renamed over another, .* \(who had it open reads the new content\)",
    renames_nothing: r"a folder is renamed whole, .* \(it was not moved whole\)",
    no_times: r"a file's time .* \(it did not change\)",
}


@pytest.mark.parametrize("exists", [True, False])
def test_a_file_system_that_keeps_its_promises_is_left_as_it_was(
    tmp_path: Path, exists: bool
) -> None:
    root = tmp_path / "shared" / "store"
    if exists:
        root.mkdir(parents=True)
    check_shared_store(root)
    assert root.exists() == exists
    assert not exists or list(root.iterdir()) == []


@pytest.mark.parametrize("broken", BROKEN, ids=lambda each: each.__name__)
def test_a_broken_promise_is_named_in_a_sentence(
    tmp_path: Path, broken: Break, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        broken(patch)
        with pytest.raises(UsageError, match=BROKEN[broken]) as caught:
            check_shared_store(tmp_path / "store")
    message = str(caught.value)
    assert "\n" not in message
    assert "with --store" in message
    assert list(tmp_path.iterdir()) == []


def test_each_promise_is_broken_here_by_something() -> None:
    words = " ".join(BROKEN.values())
    assert len(PROMISES) == 6
    for part in ("O_EXCL", "a lock", "over another", "a folder", "fsync", "a file's time"):
        assert part in words


def test_a_store_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for use in (check_shared_store, lambda root: write_store_token(Store(root))):
        with pytest.raises(UsageError, match=r"can't be written .*; choose another with --store"):
            use(tmp_path / "file" / "store")


def test_a_token_is_read_in_the_same_store_and_in_no_other(store: Path, tmp_path: Path) -> None:
    token = write_store_token(Store(store))
    (tmp_path / "link").symlink_to(store)
    read_store_token(Store(store), token)
    read_store_token(Store(tmp_path / "link"), token)
    for other in (tmp_path / "other", tmp_path):
        with pytest.raises(UsageError, match="is not the store that the runs were started for"):
            read_store_token(Store(other), token)
    assert Store(store).runs() == []
    for _ in range(2):
        remove_store_token(Store(store), token)
    assert list(store.iterdir()) == []
    with pytest.raises(UsageError, match="with --store"):
        read_store_token(Store(store), token)
