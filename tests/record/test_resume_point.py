"""Where a run is resumed, given what is on disk."""

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
from interrupted_runs import (
    Change,
    StoppedRun,
)

from curriculum import Experiment, RunFailed
from curriculum.learn import weights_sha256
from curriculum.record import (
    Evaluated,
    Record,
    ResumePoint,
    RunFolder,
    VisitEnded,
    find_resume_point,
    intact_records,
)
from curriculum.record.checkpoint import load_state

CPU = torch.device("cpu")
Forge = Callable[[Path, Change], None]
Refuse = Callable[[Path, int], None]


def point_of(run: StoppedRun) -> ResumePoint:
    return find_resume_point(run.folder, run.experiment, CPU)


def name_of(point: ResumePoint) -> str | None:
    """The checkpoint that the run is resumed from."""
    return None if point.saved is None else point.saved.path.name


def records_of(folder: RunFolder) -> list[Record]:
    return [record for record, _ in intact_records(folder.journal)[0]]


def test_a_run_of_which_nothing_is_saved_starts_anew(tiny: Experiment, folder: RunFolder) -> None:
    point = find_resume_point(folder, tiny, CPU)
    assert point == ResumePoint()
    assert not point.run_is_over


def test_a_run_is_resumed_from_its_newest_state_beside_what_its_visit_goes_back_to(
    run: StoppedRun,
) -> None:
    point = point_of(run)
    assert name_of(point) == run.folder.checkpoint_folders()[-1].name == "000002-00000006"
    assert list(point.checkpoints) == [
        path.name for path in reversed(run.folder.checkpoint_folders())
    ]
    assert point.saved is not None
    assert point.saved.state.training
    assert point.saved.parent is not None
    events = [record.event for record in records_of(run.folder)]
    before = [event for event in events if isinstance(event, VisitEnded)][-1].weights_sha256
    parent = point.saved.parent.recipe.model.build(point.saved.parent.shape)
    parent.load_state_dict(point.saved.parent.model)
    assert weights_sha256(parent) == before
    assert weights_sha256(point.saved.learner.model) != before
    assert not point.run_is_over


def test_known_records_and_the_tail_make_up_the_journal(run: StoppedRun) -> None:
    for path in reversed(run.folder.checkpoint_folders()):
        point = point_of(run)
        assert name_of(point) == path.name
        tail = [record for record, _ in point.tail]
        assert point.known + tail == records_of(run.folder)
        assert point.position == load_state(path).state.journal
        assert point.end == run.folder.journal_bytes
        assert [end for _, end in point.tail][-1:] in ([], [point.end])
        if path != run.folder.checkpoint_folders()[0]:
            assert isinstance(point.known[-1].event, VisitEnded | Evaluated)
        run.folder.remove_checkpoint(path.name)
    point = point_of(run)
    assert (point.saved, point.known, point.position) == (None, [], 0)
    assert len(point.tail) == len(records_of(run.folder))


@pytest.mark.parametrize("file", ["model", "optimizer", "state", "digest"])
def test_a_state_that_is_not_whole_is_reported_and_deleted_and_the_one_before_serves(
    run: StoppedRun, file: str, caplog: pytest.LogCaptureFixture
) -> None:
    older, newest = run.folder.checkpoint_folders()[-2:]
    [path] = newest.glob(f"{file}.*")
    path.write_bytes(path.read_bytes()[:-1])
    assert name_of(point_of(run)) == older.name
    [message] = caplog.messages
    assert newest.name in message
    assert message.endswith("going back to the state before")
    assert not newest.exists()


def test_an_older_damaged_state_is_deleted_and_is_no_reason_to_go_back(run: StoppedRun) -> None:
    oldest = run.folder.checkpoint_folders()[0]
    (oldest / "model.safetensors").write_bytes(b"")
    point = point_of(run)
    assert name_of(point) == run.folder.checkpoint_folders()[-1].name
    assert oldest.name not in point.checkpoints
    assert not oldest.exists()


def test_without_its_parent_no_state_within_the_visit_serves(run: StoppedRun) -> None:
    shutil.rmtree(run.folder.checkpoints / "000002")
    assert name_of(point_of(run)) == "000001"
    assert [path.name for path in run.folder.checkpoint_folders()] == ["000001"]


def test_a_run_is_not_resumed_from_a_state_that_is_ahead_of_its_journal(
    run: StoppedRun, caplog: pytest.LogCaptureFixture
) -> None:
    journal = run.folder.journal
    journal.write_bytes(journal.read_bytes()[:-1])
    assert name_of(point_of(run)) == "000002-00000005"
    assert "does not agree with the journal" in caplog.messages[0]


def test_damage_of_the_journal_is_reported_with_its_place(
    run: StoppedRun, caplog: pytest.LogCaptureFixture
) -> None:
    content = bytearray(run.folder.journal.read_bytes())
    place = [end for _, end in intact_records(run.folder.journal)[0]][-3]
    content[place + 5] ^= 1
    run.folder.journal.write_bytes(content)
    point = point_of(run)
    assert f"damaged at byte {place:,}; what came after is computed again" in caplog.messages[0]
    assert point.end == place
    assert point.position <= place


def test_half_written_and_half_deleted_checkpoints_are_cleared_away(run: StoppedRun) -> None:
    newest = run.folder.checkpoint_folders()[-1]
    for name in (".000009.new", ".000001.old"):
        shutil.copytree(newest, newest.with_name(name))
    assert name_of(point_of(run)) == newest.name
    assert sorted(run.folder.checkpoints.iterdir()) == run.folder.checkpoint_folders()


def test_a_run_is_over_once_its_end_is_recorded_and_its_last_state_is_there(
    run: StoppedRun,
) -> None:
    run.resume()
    assert point_of(run).run_is_over
    last = run.folder.checkpoint_folders()[-1]
    run.folder.remove_checkpoint(last.name)
    assert not point_of(run).run_is_over
    run.resume()
    assert point_of(run).run_is_over
    content = run.folder.journal.read_bytes()
    run.folder.journal.write_bytes(content[:-1])
    assert not point_of(run).run_is_over


def scheduler(**changes: Any) -> Change:
    return lambda content: content["state"]["scheduler"].update(changes)


def position(**changes: Any) -> Change:
    return lambda content: content["state"]["scheduler"]["position"].update(changes)


def counts(**changes: Any) -> Change:
    return lambda content: content["state"]["scheduler"]["counts"]["2x2"].update(changes)


def interval(**changes: Any) -> Change:
    return lambda content: content["state"]["interval"].update(changes)


def state(**changes: Any) -> Change:
    return lambda content: content["state"].update(changes)


NO_COST = {"steps": 0, "tokens": 0, "compute": 0.0, "seconds": 0.0}


@pytest.mark.parametrize(
    "change",
    [
        scheduler(stage="3x2"),
        scheduler(stage="1000000000000x2"),
        scheduler(stage="long"),
        scheduler(visit=1),
        position(aim=3),
        position(aim=-4),
        position(aim=1.5),
        position(trail=[0, 7]),
        position(trail=[0, 1.5]),
        position(trail=3),
        position(reach=0),
        position(reach=99),
        scheduler(position=None),
        scheduler(cost=NO_COST),
        scheduler(discarded_cost=NO_COST | {"steps": 1}),
        scheduler(finished=True),
        scheduler(finished=True, stage="4x2", visit=1),
        scheduler(cost_before=NO_COST | {"steps": 10**30}),
        scheduler(cost_before=NO_COST | {"steps": -400}),
        scheduler(discarded_cost=NO_COST | {"seconds": "x"}),
        scheduler(cost=NO_COST | {"more": 1}),
        scheduler(counts={"2x2": {"evaluations": 1, "full_tests": 1, "passes": 1}}),
        scheduler(counts={}),
        scheduler(counts={"2x2": 1}),
        counts(evaluations=0),
        counts(full_tests=0),
        counts(full_tests=10**9),
        counts(failed_tests=1),
        lambda content: content["state"]["scheduler"]["monitor"].pop("rollbacks"),
        lambda content: content["state"]["scheduler"]["rate"].pop("count"),
        lambda content: content["best"].pop("shape"),
        counts(more=1),
        scheduler(visit_reason="magic"),
        lambda content: content["state"]["scheduler"].pop("backtracker"),
        lambda content: content["state"].pop("scheduler"),
        lambda content: content["state"].pop("interval"),
        lambda content: content["state"]["interval"].pop("cost"),
        interval(steps=-1),
        interval(steps=10**9),
        interval(steps="3"),
        interval(loss="much"),
        interval(cost={}),
        interval(examples_by_stage={"x": 1}),
        interval(more=1),
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
        state(more=1),
    ],
)
def test_a_run_is_not_resumed_from_a_state_of_another_run_whatever_its_digest_says(
    run: StoppedRun, change: Change, forge: Forge
) -> None:
    older, newest = run.folder.checkpoint_folders()[-2:]
    forge(newest, change)
    assert name_of(point_of(run)) == older.name
    assert not newest.exists()


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """Has the system refuse to open a file, as it does where it has no more of what that takes."""
    os_open = os.open

    def refused(path: Path, number: int) -> None:
        def refusing(what: Any, *rest: Any, **more: Any) -> int:
            if what == path:
                raise OSError(number, os.strerror(number), str(what))
            return os_open(what, *rest, **more)

        monkeypatch.setattr(os, "open", refusing)

    return refused


def contents(folder: RunFolder) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder.path)): path.read_bytes()
        for path in folder.path.rglob("*")
        if path.is_file() and path != folder.writer
    }


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EACCES, errno.EIO, errno.ESTALE])
@pytest.mark.parametrize("place", [0, -2, -1])
def test_an_unreadable_state_is_no_damage(
    run: StoppedRun, refuse: Refuse, monkeypatch: pytest.MonkeyPatch, place: int, number: int
) -> None:
    name = ("model.safetensors", "state.json", "digest.json")[place]
    path = run.folder.checkpoint_folders()[place] / name
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
def test_an_unreadable_record_is_no_damage(
    run: StoppedRun, refuse: Refuse, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before = contents(run.folder)
    refuse(run.folder.path / name, errno.EMFILE)
    with pytest.raises(RunFailed, match=f"{name} can't be read .Too many open files."):
        run.resume()
    monkeypatch.undo()
    assert contents(run.folder) == before


def test_nothing_is_deleted_where_not_all_can_be_read(
    run: StoppedRun, refuse: Refuse, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newest = run.folder.checkpoint_folders()[-2:]
    (newest / "state.json").write_text("{}")
    refuse(older / "optimizer.safetensors", errno.EMFILE)
    with pytest.raises(RunFailed, match=older.name):
        point_of(run)
    monkeypatch.undo()
    assert newest.exists()
    assert name_of(point_of(run)) == older.name
    assert not newest.exists()


def test_tensors_that_the_library_calls_missing_are_there_if_their_digest_was_right(
    run: StoppedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a free file descriptor it says that there is no such file."""

    def short(path: Path, **_: Any) -> None:
        raise FileNotFoundError(f"No such file or directory: {path}")

    monkeypatch.setattr("curriculum.record.checkpoint.load_file", short)
    before = contents(run.folder)
    with pytest.raises(RunFailed, match="nothing was deleted"):
        point_of(run)
    assert contents(run.folder) == before


def test_checkpoints_that_cannot_be_listed_are_not_taken_for_none(
    run: StoppedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(self: Path) -> Iterator[Path]:
        if self == checkpoints:
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return iterdir(self)

    checkpoints, iterdir = run.folder.checkpoints, Path.iterdir
    monkeypatch.setattr(Path, "iterdir", refusing)
    with pytest.raises(RunFailed, match=r"checkpoints can't be read .Permission denied."):
        point_of(run)


def test_a_state_of_a_name_that_no_file_can_have_is_damage(run: StoppedRun, forge: Forge) -> None:
    older, newest = run.folder.checkpoint_folders()[-2:]
    forge(newest, state(parent="0" * 10_000))
    assert name_of(point_of(run)) == older.name


def test_nothing_is_reported_of_a_run_that_is_whole(
    run: StoppedRun, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "curriculum"):
        point_of(run)
    assert caplog.messages == []
