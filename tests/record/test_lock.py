import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from curriculum import UsageError
from curriculum.record.lock import Lock, held, is_held
from curriculum.record.store import Store


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first, second = Lock(path), Lock(path)
    assert not is_held(path)
    assert first.acquire()
    assert is_held(path)
    assert not second.acquire()
    first.release()
    first.release()
    assert second.acquire()
    second.release()


def test_a_dead_holder_frees_its_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    code = (
        "import sys; from pathlib import Path; from curriculum.record.lock import Lock;"
        f"lock = Lock(Path({str(path)!r})); assert lock.acquire(); print('held', flush=True);"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert is_held(path)
        holder.kill()
        holder.wait()
    assert not is_held(path)


def test_one_process_at_a_time_writes_a_run_and_the_other_is_told_which(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curriculum.record.lock.PROBING_SECONDS", 0.05)
    folder = Store(store).create({})
    with held(folder):
        assert folder.is_running
        with (
            pytest.raises(
                UsageError, match=rf"run {folder.id} goes on in .*process {os.getpid()} on"
            ),
            held(folder),
        ):
            pass
        assert folder.is_running
    assert not folder.is_running
    with held(folder):
        assert folder.is_running


def test_who_only_asks_keeps_nobody_from_writing(store: Path) -> None:
    folder = Store(store).create({})
    asking, stop = threading.Event(), threading.Event()

    def ask() -> None:
        while not stop.is_set():
            folder.is_running  # noqa: B018, it takes the lock for an instant
            asking.set()

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        assert asking.wait(10)
        for _ in range(20):
            with held(folder):
                pass
    finally:
        stop.set()
        thread.join()
