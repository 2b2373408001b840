"""What is computed again is compared with what the journal has, record by record."""

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from interrupted_runs import (
    NEVER_WITHIN_A_VISIT,
    contents,
    events,
    killed,
    same,
)
from recorded_events import kinds, of_kind, recorded
from stopped_experiments import (
    plain,
)

import curriculum
from curriculum import Experiment, RunFailed
from curriculum.record import (
    Evaluated,
    History,
    ProvenanceChanged,
    RunFolder,
    VisitEnded,
    VisitStarted,
)

Change = Callable[[dict[str, Any]], object]
Wholes = Callable[[str, Experiment], Path]


@pytest.fixture(autouse=True)
def _no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is checked out may change while tests run."""
    monkeypatch.setattr("curriculum.record.provenance.git_commit", lambda _: None)


def falsify(folder: RunFolder, place: int, change: Change) -> None:
    """Change a record of the journal, and give all from there on checks that say they are right."""
    lines = folder.journal.read_bytes().splitlines(keepends=True)
    offset = sum(map(len, lines[:place]))
    for number, line in enumerate(lines[place:], place):
        content = json.loads(line)
        del content["check"]
        if number == place:
            change(content)
        body = json.dumps(content, separators=(",", ":")).encode()[:-1]
        lines[number] = body + b',"check":"%08x"}\n' % zlib.crc32(body, offset)
        offset += len(lines[number])
    folder.journal.write_bytes(b"".join(lines))


def test_falsifying_changes_nothing_else(tiny: Experiment, store: Path, wholes: Wholes) -> None:
    folder = killed(plain(tiny), store, 9, checkpoints=NEVER_WITHIN_A_VISIT)
    before = contents(folder)
    falsify(folder, 3, lambda content: None)
    assert contents(folder) == before


def test_what_is_computed_again_and_differs_stops_the_run_with_a_sentence(
    tiny: Experiment, store: Path, wholes: Wholes
) -> None:
    experiment = plain(tiny)
    folder = killed(experiment, store, 9, checkpoints=NEVER_WITHIN_A_VISIT)
    assert kinds(events(folder))[-4:] == [VisitEnded, VisitStarted, Evaluated, Evaluated]

    def change(content: dict[str, Any]) -> None:
        content["train_loss"] += 1e-9

    falsify(folder, 8, change)
    journal = folder.journal.read_bytes()
    for _ in range(2):  # as often as it is tried
        with pytest.raises(RunFailed) as caught:
            curriculum.resume("last", store=store, mirror=False)
        message = str(caught.value)
        assert (
            "computes again differs from its journal: in the record 'evaluation' of visit 1, "
            "train_loss is"
        ) in message
        assert f"'resume {folder.id} --force'" in message
        assert "and drops the record after it" in message
        assert "\n" not in message
        assert folder.journal.read_bytes() == journal
    assert History.of(folder).status() == "failed"
    assert History.of(folder).ending == message
    result = curriculum.resume("last", store=store, mirror=False, force=True)
    assert result.status == "reached"
    [change_event] = of_kind(ProvenanceChanged, events(folder))
    assert change_event.changes == {}
    assert change_event.dropped == len(folder.dropped.read_bytes().splitlines()) == 3
    rest = [event for event in events(folder) if not isinstance(event, ProvenanceChanged)]
    assert rest == recorded(wholes("plain", experiment))


def put(**changes: Any) -> Change:
    return lambda content: content.update(changes)


def put_decision(**changes: Any) -> Change:
    return lambda content: content["decision"].update(changes)


def of_another_kind(content: dict[str, Any]) -> None:
    """Make the evaluation the retention that was measured on that visit."""
    kept = {name: content[name] for name in ("visit", "stage", "clock")}
    content.clear()
    content.update(kind="retention", scores={}, **kept)


@pytest.mark.parametrize(
    ("place", "change", "message"),
    [
        (6, put(stage="4x2"), "the record 'visit_started' of visit 1, stage is 3x2 and was 4x2"),
        (6, put(reason="demotion"), "reason is advance and was demotion"),
        (6, put(retuning=True), "retuning is False and was True"),
        (7, of_another_kind, "the record 'retention' of visit 1, .* is .* and was None"),
        (8, put_decision(cleared=False), "decision is"),
    ],
)
def test_any_difference_is_found_and_named(
    tiny: Experiment, store: Path, place: int, change: Change, message: str
) -> None:
    folder = killed(plain(tiny), store, 10, checkpoints=NEVER_WITHIN_A_VISIT)
    falsify(folder, place, change)
    with pytest.raises(RunFailed, match=message):
        curriculum.resume("last", store=store, mirror=False)


def drop_cleared(content: dict[str, Any]) -> None:
    content["decision"]["Cleared"] = content["decision"].pop("cleared")


@pytest.mark.parametrize(
    ("place", "change"),
    [
        (6, put(reason="advanced")),
        (6, put(retuning=0)),
        (7, put(kind="look")),
        (8, drop_cleared),
    ],
)
def test_what_is_no_record_is_computed_again(
    tiny: Experiment, store: Path, wholes: Wholes, place: int, change: Change
) -> None:
    """A record of another form, though its check is right, counts as damage."""
    folder = killed(plain(tiny), store, 10, checkpoints=NEVER_WITHIN_A_VISIT)
    falsify(folder, place, change)
    assert History.of(folder).damaged
    curriculum.resume("last", store=store, mirror=False)
    assert same(store, wholes("plain", plain(tiny)))
