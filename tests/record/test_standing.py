"""From where a run goes on, given what is on disk."""

import errno
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from curriculum import Experiment, RunFailed
from curriculum.learn.learner import weights_sha256
from curriculum.record.checkpoint import load_state
from curriculum.record.journal import whole_records
from curriculum.record.standing import Standing, find_standing
from curriculum.record.store import RunFolder, Store

CPU = torch.device("cpu")


@pytest.fixture
def run(stopped_run: Any, tmp_path: Path) -> Any:
    return stopped_run.copied(tmp_path / "copy")


def standing_of(run: Any) -> Standing:
    return find_standing(run.folder, run.experiment, CPU)


def name_of(standing: Standing) -> str | None:
    return None if standing.saved is None else standing.saved.path.name


def records_of(folder: RunFolder) -> list[Any]:
    return [record for record, _ in whole_records(folder.journal)[0]]


def test_a_run_of_which_nothing_is_saved_begins_anew(tiny: Experiment, store: Path) -> None:
    standing = find_standing(Store(store).create({"seed": 0}), tiny, CPU)
    assert standing == Standing()
    assert not standing.over


def test_the_newest_state_is_gone_on_from_and_what_its_visit_goes_back_to_is_beside_it(
    run: Any,
) -> None:
    standing = standing_of(run)
    assert name_of(standing) == run.folder.saved[-1].name == "000002-00000006"
    assert list(standing.checkpoints) == [path.name for path in reversed(run.folder.saved)]
    assert standing.saved is not None
    assert standing.saved.state["training"]
    assert standing.saved.parent is not None
    verdicts = [record for record in records_of(run.folder) if record["kind"] == "verdict"]
    parent = standing.saved.parent.recipe.model.build(standing.saved.parent.shape)
    parent.load_state_dict(standing.saved.parent.model)
    assert weights_sha256(parent) == verdicts[-1]["weights_sha256"]
    assert weights_sha256(standing.saved.learner.model) != verdicts[-1]["weights_sha256"]
    assert not standing.over


def test_known_records_and_the_tail_make_up_the_journal(run: Any) -> None:
    for path in reversed(run.folder.saved):
        standing = standing_of(run)
        assert name_of(standing) == path.name
        tail = [record for record, _ in standing.tail]
        assert standing.known + tail == records_of(run.folder)
        assert standing.position == load_state(path)["state"]["journal"]
        assert standing.begin == run.folder.journal_bytes
        assert [end for _, end in standing.tail][-1:] in ([], [standing.begin])
        if path != run.folder.saved[0]:
            assert standing.known[-1]["kind"] in ("verdict", "look")
        run.folder.remove_checkpoint(path.name)
    standing = standing_of(run)
    assert (standing.saved, standing.known, standing.position) == (None, [], 0)
    assert len(standing.tail) == len(records_of(run.folder))


@pytest.mark.parametrize("file", ["model", "optimizer", "state", "digest"])
def test_a_state_that_is_not_whole_is_said_and_deleted_and_the_one_before_serves(
    run: Any, file: str, caplog: pytest.LogCaptureFixture
) -> None:
    older, newest = run.folder.saved[-2:]
    [path] = newest.glob(f"{file}.*")
    path.write_bytes(path.read_bytes()[:-1])
    assert name_of(standing_of(run)) == older.name
    [said] = caplog.messages
    assert newest.name in said
    assert said.endswith("going back to the state before")
    assert not newest.exists()


def test_damage_of_an_older_one_is_no_reason_to_go_back_but_it_is_deleted(run: Any) -> None:
    oldest = run.folder.saved[0]
    (oldest / "model.safetensors").write_bytes(b"")
    standing = standing_of(run)
    assert name_of(standing) == run.folder.saved[-1].name
    assert oldest.name not in standing.checkpoints
    assert not oldest.exists()


def test_without_its_parent_no_state_amid_the_visit_serves(run: Any) -> None:
    shutil.rmtree(run.folder.checkpoints / "000002")
    assert name_of(standing_of(run)) == "000001"
    assert [path.name for path in run.folder.saved] == ["000001"]


def test_a_state_that_tells_of_more_than_the_journal_is_not_gone_on_from(
    run: Any, caplog: pytest.LogCaptureFixture
) -> None:
    journal = run.folder.journal
    journal.write_bytes(journal.read_bytes()[:-1])
    assert name_of(standing_of(run)) == "000002-00000005"
    assert "tells of another run than the journal does" in caplog.messages[0]


def test_damage_of_the_journal_is_said_with_its_place(
    run: Any, caplog: pytest.LogCaptureFixture
) -> None:
    content = bytearray(run.folder.journal.read_bytes())
    place = [end for _, end in whole_records(run.folder.journal)[0]][-3]
    content[place + 5] ^= 1
    run.folder.journal.write_bytes(content)
    standing = standing_of(run)
    assert f"damaged at byte {place:,}; what came after is computed again" in caplog.messages[0]
    assert standing.begin == place
    assert standing.position <= place


def test_what_was_half_written_or_half_deleted_is_cleared_away(run: Any) -> None:
    newest = run.folder.saved[-1]
    for name in (".000009.new", ".000001.old"):
        shutil.copytree(newest, newest.with_name(name))
    assert name_of(standing_of(run)) == newest.name
    assert sorted(run.folder.checkpoints.iterdir()) == run.folder.saved


def test_a_run_is_over_once_its_end_is_told_and_its_last_state_is_there(run: Any) -> None:
    run.resume()
    assert standing_of(run).over
    last = run.folder.saved[-1]
    run.folder.remove_checkpoint(last.name)
    assert not standing_of(run).over
    run.resume()
    assert standing_of(run).over
    content = run.folder.journal.read_bytes()
    run.folder.journal.write_bytes(content[:-1])
    assert not standing_of(run).over


def scheduler(**changes: Any) -> Callable[[dict[str, Any]], object]:
    return lambda content: content["state"]["scheduler"].update(changes)


def state(**changes: Any) -> Callable[[dict[str, Any]], object]:
    return lambda content: content["state"].update(changes)


@pytest.mark.parametrize(
    "change",
    [
        scheduler(stage="3x2"),
        scheduler(stage="1000000000000x2"),
        scheduler(stage="long"),
        scheduler(visit=1),
        scheduler(aim=3),
        scheduler(aim=-4),
        scheduler(aim=1.5),
        scheduler(trail=[0, 7]),
        scheduler(reach=0),
        scheduler(reach=99),
        scheduler(spent={"steps": 0, "tokens": 0, "compute": 0.0, "seconds": 0.0}),
        scheduler(lost={"steps": 1, "tokens": 0, "compute": 0.0, "seconds": 0.0}),
        scheduler(finished=True),
        scheduler(finished=True, stage="4x2", visit=1),
        scheduler(entered={"steps": 10**30, "tokens": 0, "compute": 0.0, "seconds": 0.0}),
        scheduler(entered={"steps": -400, "tokens": 0, "compute": 0.0, "seconds": 0.0}),
        scheduler(lost={"steps": 0, "tokens": 0, "compute": 0.0, "seconds": "x"}),
        scheduler(looks={"2x2": 1}),
        scheduler(tests={}),
        scheduler(entry="magic"),
        lambda content: content["state"]["scheduler"].pop("tries"),
        lambda content: content["state"].pop("scheduler"),
        lambda content: content["state"].pop("interval"),
        lambda content: content["state"]["interval"].pop("loss"),
        lambda content: content["state"]["interval"].update(steps=-1),
        lambda content: content["state"]["interval"].update(steps=10**9),
        state(interval=None),
        state(interval=3),
        lambda content: content.pop("learner"),
        state(training=False),
        state(journal=1),
        state(journal=-1),
        state(journal=10**30),
        state(journal=float("inf")),
        state(journal=None),
        state(journal=[3]),
        state(parent="../../../elsewhere"),
        state(parent="/etc"),
        state(parent=".."),
        state(parent=""),
        state(parent=["000002"]),
        state(parent="000002\x00"),
        state(mastered=["2x2"]),
    ],
)
def test_a_state_of_another_run_is_not_gone_on_from_whatever_its_digest_says(
    run: Any, change: Callable[[dict[str, Any]], object], forge: Any
) -> None:
    older, newest = run.folder.saved[-2:]
    forge(newest, change)
    assert name_of(standing_of(run)) == older.name
    assert not newest.exists()


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, int], None]:
    """Has the system refuse to open a file, as it does where it has no more of what that takes."""
    path_open = Path.open

    def refused(path: Path, number: int) -> None:
        def refusing(self: Path, *rest: Any, **more: Any) -> Any:
            if self == path:
                raise OSError(number, os.strerror(number), str(self))
            return path_open(self, *rest, **more)

        monkeypatch.setattr(Path, "open", refusing)

    return refused


def contents(folder: RunFolder) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder.path)): path.read_bytes()
        for path in folder.path.rglob("*")
        if path.is_file() and path != folder.writer
    }


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EACCES, errno.EIO, errno.ESTALE])
@pytest.mark.parametrize("place", [0, -2, -1])
def test_a_state_that_the_system_keeps_from_being_read_is_no_damage(
    run: Any, refuse: Any, monkeypatch: pytest.MonkeyPatch, place: int, number: int
) -> None:
    name = ("model.safetensors", "state.json", "digest.json")[place]
    path = run.folder.saved[place] / name
    before = contents(run.folder)
    refuse(path, number)
    with pytest.raises(RunFailed, match=re.escape(f"({os.strerror(number)})")) as caught:
        run.resume()
    monkeypatch.undo()
    assert str(path.parent) in str(caught.value)
    assert "nothing was deleted" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert contents(run.folder) == before


@pytest.mark.parametrize("name", ["run.json", "journal.jsonl"])
def test_a_record_that_the_system_keeps_from_being_read_is_no_damage(
    run: Any, refuse: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before = contents(run.folder)
    refuse(run.folder.path / name, errno.EMFILE)
    with pytest.raises(RunFailed, match=f"{name} can't be read .Too many open files."):
        run.resume()
    monkeypatch.undo()
    assert contents(run.folder) == before


def test_nothing_is_deleted_where_not_all_can_be_read(
    run: Any, refuse: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newest = run.folder.saved[-2:]
    (newest / "state.json").write_text("{}")
    refuse(older / "optimizer.safetensors", errno.EMFILE)
    with pytest.raises(RunFailed, match=older.name):
        standing_of(run)
    monkeypatch.undo()
    assert newest.exists()
    assert name_of(standing_of(run)) == older.name
    assert not newest.exists()


def test_what_the_library_calls_missing_is_there_if_its_digest_was_right(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a free file descriptor it says that there is no such file."""

    def short(path: Path, **_: Any) -> None:
        raise FileNotFoundError(f"No such file or directory: {path}")

    monkeypatch.setattr("curriculum.record.checkpoint.load_file", short)
    before = contents(run.folder)
    with pytest.raises(RunFailed, match="nothing was deleted"):
        standing_of(run)
    assert contents(run.folder) == before


def test_checkpoints_that_cannot_be_listed_are_not_taken_for_none(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(self: Path) -> Iterator[Path]:
        if self == checkpoints:
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return iterdir(self)

    checkpoints, iterdir = run.folder.checkpoints, Path.iterdir
    monkeypatch.setattr(Path, "iterdir", refusing)
    with pytest.raises(RunFailed, match=r"checkpoints can't be read .Permission denied."):
        standing_of(run)


def test_a_state_of_a_name_that_no_file_can_have_is_damage(run: Any, forge: Any) -> None:
    older, newest = run.folder.saved[-2:]
    forge(newest, state(parent="0" * 10_000))
    assert name_of(standing_of(run)) == older.name


def test_nothing_is_said_of_a_run_that_is_whole(run: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "curriculum"):
        standing_of(run)
    assert caplog.messages == []
