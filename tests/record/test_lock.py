import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from curriculum import UsageError
from curriculum.record import Lock, RunFolder


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first, second = Lock(path), Lock(path)
    assert not first.is_held
    assert not path.exists()
    assert first.acquire()
    assert first.is_held
    assert second.is_held
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
        assert Lock(path).is_held
        holder.kill()
        holder.wait()
    assert not Lock(path).is_held


def test_those_who_ask_for_a_lock_take_one_another_for_no_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    with path.open("rb") as asking:
        fcntl.flock(asking, fcntl.LOCK_SH)
        assert not Lock(path).is_held


def test_one_process_at_a_time_writes_a_run_and_others_are_told_which(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curriculum.record.lease.PROBING_SECONDS", 0.05)
    message = rf"run {folder.id} is running in another process .process {os.getpid()} on"
    with folder.held():
        assert folder.is_running
        with pytest.raises(UsageError, match=message), folder.held():
            pass
        assert folder.is_running
    assert not folder.is_running
    with folder.held():
        assert folder.is_running


def test_a_folder_that_cannot_be_written_is_an_error(folder: RunFolder) -> None:
    folder.writer.mkdir()
    with (
        pytest.raises(UsageError, match=r"lease-000001.json is a folder, which no run writes"),
        folder.held(),
    ):
        pass


def test_probing_a_lock_keeps_nobody_from_writing(folder: RunFolder) -> None:
    probing, stop = threading.Event(), threading.Event()

    def probe() -> None:
        while not stop.is_set():
            folder.is_running  # noqa: B018 - it takes the lock for an instant
            probing.set()

    thread = threading.Thread(target=probe)
    thread.start()
    try:
        assert probing.wait(10)
        for _ in range(20):
            with folder.held():
                pass
    finally:
        stop.set()
        thread.join()
