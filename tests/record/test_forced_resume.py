"""What the journal holds where a run is forced to resume under a changed provenance."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from interrupted_runs import (
    StoppedRun,
    events,
)

from curriculum.record import (
    ProvenanceChanged,
    ResumePoint,
    RunFolder,
    find_resume_point,
    forced_resume_point,
)

CPU = torch.device("cpu")
Changes = Mapping[str, tuple[Any, Any]]


@pytest.fixture
def run(run: StoppedRun) -> StoppedRun:
    """One of whose states only the first is left."""
    for path in run.folder.checkpoint_folders()[1:]:
        run.folder.remove_checkpoint(path.name)
    return run


def point_of(run: StoppedRun) -> ResumePoint:
    return find_resume_point(run.folder, run.experiment, CPU)


def forced(run: StoppedRun, changes: Changes) -> ResumePoint:
    one = run.experiment
    return forced_resume_point(
        run.folder, point_of(run), one, one, changes=changes, device=CPU, seed=0
    )


def changes_in(folder: RunFolder) -> list[tuple[Changes, int]]:
    return [
        (event.changes, event.dropped)
        for event in events(folder)
        if isinstance(event, ProvenanceChanged)
    ]


def test_records_after_the_state_are_kept_beside_the_journal(run: StoppedRun) -> None:
    content = run.folder.journal.read_bytes()
    before = point_of(run)
    assert before.tail
    after = forced(run, {"torch": ("1", "2")})
    assert run.folder.dropped.read_bytes() == content[before.position :]
    assert run.folder.journal.read_bytes()[: before.position] == content[: before.position]
    assert after.position == before.position
    assert after.end == run.folder.journal_bytes
    assert after.tail == point_of(run).tail
    [(record, end)] = after.tail
    assert end == after.end
    assert isinstance(record.event, ProvenanceChanged)
    assert record.event.changes == {"torch": ("1", "2")}
    assert record.event.dropped == len(before.tail)
    assert record.clock.seconds == before.known[-1].clock.seconds


def test_a_recorded_change_stays_when_there_is_another(run: StoppedRun) -> None:
    known, tail = len(point_of(run).known), len(point_of(run).tail)
    first, second = {"torch": ("1", "2")}, {"torch": ("2", "3"), "numpy": ("1", "2")}
    forced(run, first)
    dropped = run.folder.dropped.read_bytes()
    forced(run, second)
    assert changes_in(run.folder) == [(first, tail), (second, 0)]
    assert [type(event) for event in events(run.folder)[known:]] == 2 * [ProvenanceChanged]
    assert run.folder.dropped.read_bytes() == dropped
    kinds = [json.loads(line)["kind"] for line in dropped.splitlines()]
    assert "evaluation" in kinds
    assert "provenance_change" not in kinds


def test_changes_among_dropped_records_stay_in_their_order(run: StoppedRun) -> None:
    forced(run, {"torch": ("1", "2")})
    run.resume()  # it adds records
    for path in run.folder.checkpoint_folders()[1:]:
        run.folder.remove_checkpoint(path.name)
    more = len(point_of(run).tail) - 1
    forced(run, {"torch": ("2", "3")})
    found = changes_in(run.folder)
    assert [changes["torch"] for changes, _ in found] == [("1", "2"), ("2", "3")]
    assert found[-1][1] == more > 2


def test_the_same_change_is_recorded_once_where_a_kill_came_right_after_it(run: StoppedRun) -> None:
    for _ in range(3):
        forced(run, {"torch": ("1", "2")})
    assert len(changes_in(run.folder)) == 1


def test_a_run_without_records_records_its_change_first(folder: RunFolder, run: StoppedRun) -> None:
    one = run.experiment
    changes = {"torch": ("1", "2")}
    point = forced_resume_point(
        folder, ResumePoint(), one, one, changes=changes, device=CPU, seed=0
    )
    [change] = events(folder)
    assert isinstance(change, ProvenanceChanged)
    assert [record.event for record, _ in point.tail] == [change]
    assert not folder.dropped.exists()


def test_a_kill_leaves_the_journal_as_it_was_or_with_its_change(
    run: StoppedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = run.folder.journal.read_bytes()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("curriculum.record.forced_resume.os.replace", killed)
        with pytest.raises(KeyboardInterrupt):
            forced(run, {"torch": ("1", "2")})
    assert run.folder.journal.read_bytes() == before
    forced(run, {"torch": ("1", "2")})
    assert len(changes_in(run.folder)) == 1
