"""What a run's journal tells where it is made to go on under other circumstances."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from curriculum.record.forcing import force
from curriculum.record.journal import whole_records
from curriculum.record.standing import Standing, find_standing
from curriculum.record.store import RunFolder, Store

CPU = torch.device("cpu")
Changes = Mapping[str, list[Any]]


@pytest.fixture
def run(stopped_run: Any, tmp_path: Path) -> Any:
    """One of whose states only the first is left."""
    found = stopped_run.copied(tmp_path / "copy")
    for path in found.folder.saved[1:]:
        found.folder.remove_checkpoint(path.name)
    return found


def standing_of(run: Any) -> Standing:
    return find_standing(run.folder, run.experiment, CPU)


def forced(run: Any, changes: Changes) -> Standing:
    one = run.experiment
    return force(run.folder, standing_of(run), one, one, changes=changes, device=CPU, seed=0)


def kinds(folder: RunFolder) -> list[str]:
    return [record["kind"] for record, _ in whole_records(folder.journal)[0]]


def told(folder: RunFolder) -> list[tuple[Changes, int]]:
    return [
        (record["changes"], record["dropped"])
        for record, _ in whole_records(folder.journal)[0]
        if record["kind"] == "change"
    ]


def test_records_after_the_state_are_kept_beside_the_journal(run: Any) -> None:
    content = run.folder.journal.read_bytes()
    before = standing_of(run)
    assert before.tail
    after = forced(run, {"torch": ["1", "2"]})
    assert run.folder.dropped.read_bytes() == content[before.position :]
    assert run.folder.journal.read_bytes()[: before.position] == content[: before.position]
    assert after.position == before.position
    assert after.begin == run.folder.journal_bytes
    assert after.tail == standing_of(run).tail
    [(change, end)] = after.tail
    assert end == after.begin
    assert change["changes"] == {"torch": ["1", "2"]}
    assert change["dropped"] == len(before.tail)
    assert change["clock"]["seconds"] == before.known[-1]["clock"]["seconds"]


def test_a_change_that_is_told_stays_told_when_there_is_another(run: Any) -> None:
    known, tail = len(standing_of(run).known), len(standing_of(run).tail)
    first, second = {"torch": ["1", "2"]}, {"torch": ["2", "3"], "numpy": ["1", "2"]}
    forced(run, first)
    dropped = run.folder.dropped.read_bytes()
    forced(run, second)
    assert told(run.folder) == [(first, tail), (second, 0)]
    assert kinds(run.folder)[known:] == ["change", "change"]
    assert run.folder.dropped.read_bytes() == dropped
    assert not any(json.loads(line)["kind"] == "change" for line in dropped.splitlines())


def test_changes_among_what_is_dropped_stay_told_in_their_order(run: Any) -> None:
    forced(run, {"torch": ["1", "2"]})
    run.resume()  # it goes on, and tells more
    for path in run.folder.saved[1:]:
        run.folder.remove_checkpoint(path.name)
    more = len(standing_of(run).tail) - 1
    forced(run, {"torch": ["2", "3"]})
    assert [changes["torch"] for changes, _ in told(run.folder)] == [["1", "2"], ["2", "3"]]
    assert told(run.folder)[-1][1] == more > 2


def test_the_same_change_is_told_once_where_a_kill_came_right_after_it(run: Any) -> None:
    for _ in range(3):
        forced(run, {"torch": ["1", "2"]})
    assert len(told(run.folder)) == 1


def test_a_run_without_records_tells_its_change_first(store: Path, run: Any) -> None:
    folder = Store(store).create({"seed": 0})
    one = run.experiment
    changes = {"torch": ["1", "2"]}
    found = force(folder, Standing(), one, one, changes=changes, device=CPU, seed=0)
    assert [record["kind"] for record, _ in found.tail] == kinds(folder) == ["change"]
    assert not folder.dropped.exists()


def test_a_kill_leaves_the_journal_as_it_was_or_with_its_change(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = run.folder.journal.read_bytes()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("curriculum.record.forcing.os.replace", killed)
        with pytest.raises(KeyboardInterrupt):
            forced(run, {"torch": ["1", "2"]})
    assert run.folder.journal.read_bytes() == before
    forced(run, {"torch": ["1", "2"]})
    assert len(told(run.folder)) == 1
