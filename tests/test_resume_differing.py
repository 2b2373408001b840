"""What is computed again is compared with what the journal has, record by record."""

import zlib
from pathlib import Path
from typing import Any

import pytest
from stopping import NEVER_AMID_A_VISIT, killed, plain, told

import curriculum
from curriculum import (
    Experiment,
    RunFailed,
)
from curriculum.record.history import History
from curriculum.record.store import RunFolder, Store


@pytest.fixture(autouse=True)
def _no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is checked out may change while tests run."""
    monkeypatch.setattr("curriculum.record.circumstances.git_commit", lambda _: None)


def spoiled(folder: RunFolder, place: int, old: bytes, new: bytes) -> None:
    """Change a record of the journal, and give it a check that says it is right."""
    lines = folder.journal.read_bytes().splitlines(keepends=True)
    body = lines[place].rpartition(b',"check":')[0]
    assert body.count(old) >= 1
    assert len(old) == len(new)
    body = body.replace(old, new, 1)
    offset = sum(map(len, lines[:place]))
    lines[place] = body + b',"check":"%08x"}\n' % zlib.crc32(body, offset)
    folder.journal.write_bytes(b"".join(lines))


def test_what_is_computed_again_and_differs_stops_the_run_with_a_sentence(
    tiny: Experiment, store: Path, wholes: Any
) -> None:
    experiment = plain(tiny)
    folder = killed(experiment, store, 9, saving=NEVER_AMID_A_VISIT)
    before = told(folder)
    kinds = [record["kind"] for record in before]
    assert kinds[-4:] == ["verdict", "visit", "look", "look"]
    loss = str(before[-1]["loss"]).encode()
    spoiled(
        folder, 8, b'"loss":' + loss, b'"loss":' + loss[:-1] + (b"1" if loss[-1:] != b"1" else b"2")
    )
    journal = folder.journal.read_bytes()
    for _ in range(2):  # as often as it is tried
        with pytest.raises(RunFailed) as caught:
            curriculum.resume("last", store=store, mirror=False)
        said = str(caught.value)
        assert "computes again differs from its journal: in a look of visit 1, loss is" in said
        assert f"'resume {folder.id} --force'" in said
        assert "drops the 1 records" in said
        assert "\n" not in said
        assert folder.journal.read_bytes() == journal
    assert History.of(folder).status() == "failed"
    assert History.of(folder).ending == said
    result = curriculum.resume("last", store=store, mirror=False, force=True)
    assert result.status == "reached"
    [change] = [record for record in told(folder) if record["kind"] == "change"]
    assert change["changes"] == {}
    whole = Store(wholes("plain", experiment)).find("last")
    assert change["dropped"] == len(folder.dropped.read_bytes().splitlines()) == 3
    assert [r for r in told(folder) if r["kind"] != "change"] == told(whole)


@pytest.mark.parametrize(
    ("place", "change", "said"),
    [
        (6, ('"stage":"3x2"', '"stage":"4x2"'), "in a visit of visit 1, stage is 3x2 and was 4x2"),
        (6, ('"entry":"step"', '"entry":"steb"'), "entry is step and was steb"),
        (6, ('"retuning":false', '"retuning":0    '), "retuning is False and was 0"),
        (7, ('"kind":"look"', '"kind":"book"'), "kind is look and was book"),
        (8, ('"cleared":', '"Cleared":'), "decision is"),
    ],
)
def test_any_difference_is_found_and_named(
    tiny: Experiment, store: Path, place: int, change: tuple[str, str], said: str
) -> None:
    folder = killed(plain(tiny), store, 10, saving=NEVER_AMID_A_VISIT)
    old, new = change
    spoiled(folder, place, old.encode(), new.encode())
    with pytest.raises(RunFailed, match=said):
        curriculum.resume("last", store=store, mirror=False)
