"""A disk that is full, or can't be written: a sentence, and the last good state stays."""

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from interrupted_runs import (
    EACH_STEP,
    run,
    same,
)

import curriculum
from curriculum import Budget, Experiment, RunFailed, Tuning, UsageError
from curriculum.cli.main import main
from curriculum.record import ProvenanceChanged, Store, intact_records, read_journal
from curriculum.record.checkpoint import load_state
from curriculum.record.journal import Journal


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, with 64 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("file systems can't be mounted on this machine")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def enlarge(place: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=64m", str(place)], check=True)


def failure_of(experiment: Experiment, root: Path) -> Exception | None:
    """Run it, and give the error that it ends with, if it does."""
    try:
        run(experiment, root, checkpoints=EACH_STEP)
    except (RunFailed, UsageError) as error:
        return error
    return None


@pytest.mark.parametrize("used", range(0, 60_000, 4096))
def test_a_full_disk_is_reported_and_the_run_can_be_resumed_once_there_is_room(
    small_disk: Path, wholes: Callable[[str, Experiment], Path], tiny: Experiment, used: int
) -> None:
    tiny = tiny.replace(tuning=Tuning(mode="each", trials=4))
    whole = wholes("searched", tiny)
    (small_disk / "ballast").write_bytes(bytes(used))
    root = small_disk / "store"
    failure = failure_of(tiny, root)
    if isinstance(failure, UsageError):  # not even the run's folder could be made
        assert "can't be written (No space left on device)" in str(failure)
        assert not Store(root).runs()
        return
    folder = Store(root).find("last")
    assert not folder.is_running
    assert not intact_records(folder.journal)[1]
    for path in folder.checkpoint_folders():
        load_state(path)
    if failure is None:
        assert used < 30_000, "the disk was not full"
    else:
        assert "\n" not in str(failure)
        assert "No space left on device" in str(failure)
        assert f"'resume {folder.id}' continues from what is saved" in str(failure)
    enlarge(small_disk)
    assert curriculum.resume("last", store=root, mirror=False).status == "reached"
    assert same(root, whole)


def test_a_full_disk_ends_the_command_with_a_sentence(
    small_disk: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curriculum.tracking.start_mirror", lambda *_: None)
    (small_disk / "ballast").write_bytes(bytes(30_000))
    assert main(["run", "gru_firstbit", "--store", str(small_disk / "store")]) == 1
    message = capfd.readouterr().err.splitlines()[-1]
    assert message.startswith("curriculum: ")
    assert "No space left on device" in message


def note(text: str) -> ProvenanceChanged:
    return ProvenanceChanged(changes={"text": ("", text)}, dropped=0)


def test_a_record_that_is_not_whole_is_taken_back(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(bytes(60_000))
    journal = Journal(small_disk / "journal.jsonl")
    written = 0
    with contextlib.suppress(OSError):
        while written < 100:
            journal.write(note("x" * 999), seconds=0)
            written += 1
    assert written < 100
    assert journal.path.stat().st_size == journal.bytes
    enlarge(small_disk)
    journal.write(note("more"), seconds=0)
    journal.close()
    assert len(list(read_journal(journal.path))) == written + 1


def test_a_store_that_may_only_be_read_is_reported(small_disk: Path, tiny: Experiment) -> None:
    enlarge(small_disk)
    hopeless = tiny.replace(budget=Budget(seconds=0.1))
    root = small_disk / "store"
    found = run(hopeless, root)
    remount = ["mount", "-o", "remount,ro", str(small_disk)]
    subprocess.run(remount, check=True)
    with pytest.raises(UsageError, match="can't be written"):
        run(tiny, root)
    with pytest.raises(UsageError, match=r"can't be written .Read-only"):
        curriculum.resume(found.run_id, store=root, mirror=False)
    assert Store(root).find("last").id == found.run_id
