"""One process writes a run, over machines; one that was stopped or cut off writes nothing once it is overtaken."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from interrupted_runs import (
    contents,
)

import curriculum
from curriculum import RunFailed, UsageError
from curriculum.record import LeaseLost, RunFolder, Unreadable, found_lease, lease
from curriculum.record.found_lease import FoundLease, newest_epoch
from curriculum.record.journal import Journal

SECONDS = 1.2
WRITES = ("note", "no note", "description", "checkpoint", "leftovers", "record")
HOLDER = Path(__file__).parents[1] / "lease_holder.py"

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(found_lease, "LEASE_SECONDS", SECONDS)
    monkeypatch.setattr(lease, "PROBING_SECONDS", 0.1)


@pytest.fixture
def start(folder: RunFolder) -> Iterator[Start]:
    """Starts a process that wants to hold the run."""
    processes = []

    def started(wait: float = 0.0, *machine: str) -> "subprocess.Popen[str]":
        command = [sys.executable, str(HOLDER), str(folder.path), str(SECONDS), str(wait), *machine]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        processes.append(process)
        return process

    yield started
    for process in processes:
        process.kill()
        process.communicate()


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def write_lease(folder: RunFolder, machine: str, *, released: bool, age: float) -> Path:
    """A lease as a process of that machine, which was process 7 on `there`, has left it."""
    content = {"process": 7, "host": "there", "machine": machine, "token": "x"}
    path = found_lease.lease_path(folder.path, 3)
    path.write_text(json.dumps(content | ({"released": True} if released else {})))
    now = path.stat().st_mtime
    os.utime(path, (now - age, now - age))
    return path


@pytest.mark.parametrize(
    ("where", "state", "age", "free", "seems_held"),
    [
        ("here", "locked", 0, False, True),
        ("here", "locked", 1e6, False, True),  # stopped, say
        ("here", "left", 0, True, False),  # dead: no need to wait
        ("here", "released", 0, True, False),
        ("there", "locked", 1e6, False, True),
        ("there", "left", 0, False, True),
        ("there", "left", 1e6, False, False),
        ("there", "left", -1e6, False, False),  # by a clock that was wrong
        ("there", "released", 0, True, False),
    ],
)
def test_a_lease_is_free_or_seems_held(
    folder: RunFolder,
    where: str,
    state: str,
    age: float,
    *,
    free: bool,
    seems_held: bool,
) -> None:
    machine = found_lease.machine() if where == "here" else "other"
    path = write_lease(folder, machine, released=state == "released", age=age)
    with path.open("rb") as file:
        if state == "locked":
            fcntl.flock(file, fcntl.LOCK_EX)
        with FoundLease(folder.path, fcntl.LOCK_SH) as found:
            assert (found.epoch, found.is_free, found.seems_held) == (3, free, seems_held)
            assert found.holder_name == "process 7 on there"
        assert folder.is_running is seems_held


def test_where_there_is_no_lease_or_no_run_nobody_holds_it(folder: RunFolder) -> None:
    assert not folder.is_running
    assert not RunFolder(folder.path / "none").is_running


@pytest.mark.parametrize("content", ["", "{}", "[]", "\udcff", '{"process": "x"}', "[" * 900])
def test_a_damaged_lease_that_nobody_has_locked_is_free(folder: RunFolder, content: str) -> None:
    path = found_lease.lease_path(folder.path, 3)
    path.write_bytes(content.encode(errors="surrogateescape"))
    assert not folder.is_running
    with folder.held():
        assert folder.epoch == 4


def test_files_of_other_names_are_no_leases(folder: RunFolder) -> None:
    for name in ("lease-7.json", "lease-0000007.json", "lease-000000.json", ".lease-000009.json"):
        (folder.path / name).write_text("")
    with folder.held():
        assert folder.epoch == 1


def test_a_lease_that_cannot_be_read_is_not_taken_for_a_free_one(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    write_lease(folder, "other", released=False, age=1e6)
    monkeypatch.setattr(os, "pread", refusing)
    with pytest.raises(UsageError, match=r"can't be written .Input/output error"), folder.held():
        pass
    with pytest.raises(Unreadable):
        folder.is_running  # noqa: B018 - it looks at the lease
    monkeypatch.undo()


def test_each_holder_has_an_epoch_of_its_own_and_one_lease_is_kept(folder: RunFolder) -> None:
    for epoch in (1, 2, 3):
        with folder.held():
            assert (folder.epoch, newest_epoch(folder.path)) == (epoch, epoch)
            assert folder.is_running
        assert not folder.is_running
    assert [path.name for path in folder.path.glob("*lease*")] == ["lease-000003.json"]


def test_what_a_dead_process_left_is_taken_over_at_once(folder: RunFolder, start: Start) -> None:
    process = start()
    assert said(process) == "held 1"
    process.kill()
    process.wait()
    with folder.held():
        assert folder.epoch == 2


def test_one_that_lives_is_waited_for_and_refused_by_name(folder: RunFolder, start: Start) -> None:
    process = start()
    assert said(process) == "held 1"
    for wait in (0.0, 2 * SECONDS):
        with (
            pytest.raises(UsageError, match=f"running in another process .process {process.pid} "),
            folder.held(wait_seconds=wait),
        ):
            pass
    process.communicate()
    with folder.held():
        assert folder.epoch == 2


def test_one_that_gives_it_back_meanwhile_is_followed(folder: RunFolder, start: Start) -> None:
    process = start()
    assert said(process) == "held 1"
    later = threading.Timer(0.2, process.communicate)
    later.start()
    with folder.held(wait_seconds=60):
        assert folder.epoch == 2
    later.join()


def test_one_that_is_stopped_is_overtaken_and_once_it_wakes_it_writes_nothing(
    folder: RunFolder, start: Start
) -> None:
    (folder.checkpoints / "000001").mkdir()
    (folder.checkpoints / "000001" / "state.json").write_text("{}")
    process = start()
    assert said(process) == "held 1"
    process.send_signal(signal.SIGSTOP)
    with pytest.raises(UsageError, match="is running in another process"), folder.held():
        pass
    with folder.held(wait_seconds=SECONDS):
        assert folder.epoch == 2
        folder.note_stop("failed", "by the one that took it over")
        (folder.checkpoints / ".000002.2.new").mkdir()  # what a woken one must not delete
        before = contents(folder)
        process.send_signal(signal.SIGCONT)
        output, _ = process.communicate("go\n")
        assert contents(folder) == before
        assert (folder.checkpoints / ".000002.2.new").is_dir()
    lines = output.splitlines()
    assert [line.partition(" lost ")[0] for line in lines] == list(WRITES)
    message = rf"run {folder.id} is written by another process by now (process {os.getpid()} on"
    assert all(message in line for line in lines)


def test_one_on_another_machine_that_is_gone_is_waited_out_and_overtaken(
    folder: RunFolder, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_lease(folder, "other", released=False, age=1e6)
    with folder.held():
        assert folder.epoch == 4
        assert not path.exists()
    assert "waiting to see that process 7 on there is gone" in caplog.text


def test_one_on_another_machine_that_renewed_it_lately_is_not_waited_for(
    folder: RunFolder,
) -> None:
    write_lease(folder, "other", released=False, age=0)
    with pytest.raises(UsageError, match="process 7 on there"), folder.held():
        pass


def test_over_machines_that_share_no_locks_one_writes(folder: RunFolder, start: Start) -> None:
    first = start(0.0, "first")
    assert said(first) == "held 1"
    assert folder.is_running
    second = start(2 * SECONDS, "second")
    assert said(second).startswith("refused run")
    first.send_signal(signal.SIGSTOP)
    third = start(SECONDS, "third")
    assert said(third) == "held 2"
    first.send_signal(signal.SIGCONT)
    output, _ = first.communicate("go\n")
    assert output.count(" lost ") == len(WRITES)
    output, _ = third.communicate("go\n")
    assert output.count(" written") == len(WRITES)


@pytest.mark.parametrize("machines", [("", "", ""), ("first", "second", "third")])
def test_of_several_that_start_at_once_one_holds_it(
    folder: RunFolder, start: Start, machines: tuple[str, ...]
) -> None:
    processes = [start(0.0, *[name] * bool(name)) for name in machines]
    answers = sorted(said(process) for process in processes)
    assert answers[0].startswith("held ")
    assert all(answer.startswith("refused run") for answer in answers[1:])


def test_the_one_after_one_that_died_while_overtaking_waits_too(
    folder: RunFolder, start: Start
) -> None:
    stopped, dead = start(), None
    assert said(stopped) == "held 1"
    stopped.send_signal(signal.SIGSTOP)
    dead = lease.Lease(folder.path, folder.id, 2)
    assert dead.take()
    dead.release()
    (folder.checkpoints / ".000001.1.new").mkdir()
    with folder.held():
        assert folder.epoch == 3
        assert not (folder.checkpoints / ".000001.1.new").exists()  # taken away from the first
    assert [path.name for path in folder.path.glob("lease*")] == ["lease-000003.json"]


def test_what_is_written_to_an_open_journal_after_that_is_lost(
    folder: RunFolder, start: Start
) -> None:
    folder.journal.write_bytes(b"one\n")
    open_one = folder.journal.open("ab", buffering=0)
    aside = folder.path / ".stopped.json.new"
    aside.write_text("{}")
    process = start()
    assert said(process) == "held 1"
    process.send_signal(signal.SIGSTOP)
    with open_one, folder.held(wait_seconds=SECONDS):
        journal = Journal(folder.journal)
        open_one.write(b"two\n")
        assert folder.journal.read_bytes() == b"one\n"
        assert not aside.exists()
        journal.close()


def test_a_lease_is_renewed_and_looked_at_only_where_that_was_not_done_lately(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Path] = []
    original = found_lease.newest_epoch

    def looking(path: Path) -> int:
        looked.append(path)
        return original(path)

    monkeypatch.setattr(found_lease, "LEASE_SECONDS", 1e6)
    with folder.held():
        monkeypatch.setattr(lease, "newest_epoch", looking)
        for _ in range(3):
            folder.check_held()
        assert looked == []
        before = folder.writer.stat().st_mtime_ns
        monkeypatch.setattr(lease, "clock", lambda: 1e12)
        folder.check_held()
        assert len(looked) == 1
        assert folder.writer.stat().st_mtime_ns > before


def test_a_lease_whose_file_is_gone_is_lost(folder: RunFolder) -> None:
    with folder.held():
        folder.writer.unlink()
        with pytest.raises(LeaseLost, match="its lease is gone"):
            folder.check_held(now=True)
        with pytest.raises(LeaseLost), folder.writing():
            pass


def test_a_lease_that_cannot_be_looked_at_lets_nothing_be_written(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(found_lease, "LEASE_SECONDS", 0.0)
    with folder.held():
        monkeypatch.setattr(lease, "newest_epoch", refusing)
        with (
            pytest.raises(RunFailed, match=r"can't be written .Input/output error"),
            folder.writing(),
        ):
            pass
        monkeypatch.undo()


def test_a_file_system_without_links_does(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refusing)
    for epoch in (1, 2):
        with folder.held():
            assert folder.epoch == epoch
    first = lease.Lease(folder.path, folder.id, 2)
    assert not first.take()
    assert [path.name for path in folder.path.glob("*lease*")] == ["lease-000002.json"]


def test_on_a_full_disk_a_run_can_be_held_and_says_who_holds_it_once_there_is_room(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        taken = folder.held()
        taken.__enter__()
    assert folder.writer.read_bytes() == b""
    assert folder.is_running
    folder.check_held(now=True)
    assert json.loads(folder.writer.read_bytes())["process"] == os.getpid()
    taken.__exit__(None, None, None)
    assert not folder.is_running


def test_an_epoch_that_came_and_went_is_not_taken(folder: RunFolder) -> None:
    write_lease(folder, "other", released=True, age=0)
    late = lease.Lease(folder.path, folder.id, 2)
    assert not late.take()
    assert [path.name for path in folder.path.glob("*lease*")] == ["lease-000003.json"]
    late.release()


def test_an_error_within_is_not_taken_for_one_of_the_lease(folder: RunFolder) -> None:
    with pytest.raises(OSError, match="disk full"), folder.held():
        raise OSError(28, "disk full")
    assert not folder.is_running


def test_the_public_error_is_one_of_a_run() -> None:
    assert issubclass(curriculum.record.LeaseLost, RunFailed)


def test_what_a_kill_left_as_it_took_a_lease_is_deleted_by_the_next(folder: RunFolder) -> None:
    left = folder.path / ".lease-0123456789abcdef.new"
    left.write_text("")
    taking = folder.path / ".lease-fedcba9876543210.new"
    with taking.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with folder.held():
            assert [*folder.path.glob(".lease-*")] == [taking]
    with folder.held():
        assert [*folder.path.glob(".lease-*")] == []


def test_one_whose_file_was_taken_for_such_a_leftover_tries_again(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, asides = os.link, []

    def take_away_once(aside: Path, path: Path) -> None:
        asides.append(aside)
        if len(asides) == 1:
            aside.unlink()
        link(aside, path)

    monkeypatch.setattr(os, "link", take_away_once)
    with folder.held():
        assert folder.epoch == 1
    assert len(asides) == 2
