"""A disk that is full, or can't be written: a sentence, and the last good state stays."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import curriculum
from curriculum import Budget, Experiment, RunFailed, Saving, Tuning, UsageError
from curriculum.record.checkpoint import load_state
from curriculum.record.journal import content_of, read_journal, whole_records
from curriculum.record.store import RunFolder, Store


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, with 64 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("file systems can't be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def enlarge(place: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=64m", str(place)], check=True)


def told(folder: RunFolder) -> list[str]:
    return [content_of(record) for record, _ in read_journal(folder.journal)]


def attempted(experiment: Experiment, root: Path) -> Exception | None:
    """Run it, and give the error that it ends with, if it does."""
    try:
        curriculum.run(experiment, store=root, mirror=False, saving=Saving(every=0))
    except (RunFailed, UsageError) as error:
        return error
    return None


@pytest.mark.parametrize("used", range(0, 60_000, 4096))
def test_a_full_disk_is_said_and_the_run_goes_on_once_there_is_room(
    small_disk: Path, tmp_path: Path, tiny: Experiment, used: int
) -> None:
    tiny = tiny.but(tuning=Tuning(mode="each", trials=4))
    whole = curriculum.run(tiny, store=tmp_path / "whole", mirror=False)
    (small_disk / "ballast").write_bytes(bytes(used))
    root = small_disk / "store"
    failure = attempted(tiny, root)
    if isinstance(failure, UsageError):  # not even the run's folder could be made
        assert "can't be written (No space left on device)" in str(failure)
        assert not Store(root).runs()
        return
    folder = Store(root).find("last")
    assert not folder.is_running
    assert not whole_records(folder.journal)[1]
    for path in folder.saved:
        load_state(path)
    if failure is None:
        assert used < 30_000, "the disk was not full"
    else:
        assert "\n" not in str(failure)
        assert "No space left on device" in str(failure)
        assert f"'resume {folder.id}' goes on" in str(failure)
    enlarge(small_disk)
    again = curriculum.resume("last", store=root, mirror=False)
    assert again.status == "reached"
    assert again.weights_sha256 == whole.weights_sha256
    assert told(Store(root).find("last")) == told(Store(tmp_path / "whole").find("last"))


@pytest.mark.slow
def test_a_full_disk_ends_the_command_with_a_sentence(small_disk: Path, tmp_path: Path) -> None:
    (small_disk / "ballast").write_bytes(bytes(30_000))
    command = [sys.executable, "-m", "curriculum", "run", "gru_firstbit"]
    command += ["--store", str(small_disk / "store")]
    command += ["--tracking-uri", f"sqlite:///{tmp_path / 'mlflow.db'}"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    said = ended.stderr.splitlines()[-1]
    assert said.startswith("curriculum: ")
    assert "No space left on device" in said


def test_a_record_that_is_not_whole_is_taken_back(small_disk: Path) -> None:
    from curriculum.record.journal import Journal

    (small_disk / "ballast").write_bytes(bytes(60_000))
    journal = Journal(small_disk / "journal.jsonl")
    written = 0
    with contextlib.suppress(OSError):
        while written < 100:
            journal.write("note", {"text": "x" * 999}, seconds=0)
            written += 1
    assert written < 100
    assert journal.path.stat().st_size == journal.bytes
    enlarge(small_disk)
    journal.write("note", {"text": "and on"}, seconds=0)
    journal.close()
    assert len(list(read_journal(journal.path))) == written + 1


def test_a_store_that_may_only_be_read_is_said(small_disk: Path, tiny: Experiment) -> None:
    enlarge(small_disk)
    hopeless = tiny.but(budget=Budget(seconds=0.1))
    root = small_disk / "store"
    run = curriculum.run(hopeless, store=root, mirror=False)
    remount = ["mount", "-o", "remount,ro", str(small_disk)]
    subprocess.run(remount, check=True)
    with pytest.raises(UsageError, match="can't be written"):
        curriculum.run(tiny, store=root, mirror=False)
    with pytest.raises(UsageError, match=r"can't be written .Read-only"):
        curriculum.resume(run.run_id, store=root, mirror=False)
    assert Store(root).find("last").id == run.run_id
