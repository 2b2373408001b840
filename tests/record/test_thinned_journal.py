"""A thinned journal adds up to what the whole one does, wherever it is cut, and however it is read on."""

import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from interrupted_runs import (
    StoppedRun,
)
from stopped_experiments import (
    EXPERIMENTS,
)

import curriculum
from curriculum import Cost, Experiment
from curriculum.record import History, RunFolder, RunTotals, Store, read_journal
from curriculum.record.journal import CHECK_BYTES, Journal
from curriculum.record.overview import read_totals
from curriculum.record.thinned_journal import ThinnedJournal

NAMES = ("plain", "tuned", "demoted", "unstable", "tuned unstable", "direct")
"""With searches, half steps, rollbacks, fresh starts, and tests of the target ahead."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, tiny: Experiment) -> dict[str, RunFolder]:
    """Runs of many kinds; their checkpoints are gone, as only journals are read."""
    found = {}
    made = {name: EXPERIMENTS[name](tiny) for name in NAMES}
    for name, experiment in made.items():
        root = tmp_path_factory.mktemp(name)
        curriculum.run(experiment, 1, store=root, mirror=False)
        found[name] = Store(root).find("last")
        shutil.rmtree(found[name].checkpoints)
    return found


def offsets(folder: RunFolder) -> list[int]:
    return [end for _, end in read_journal(folder.journal)]


def cut(folder: RunFolder, to: Path, end: int) -> RunFolder:
    """A copy whose journal ends there."""
    copy = RunFolder(to)
    copy.path.mkdir(exist_ok=True)
    shutil.copy(folder.path / "run.json", copy.path)
    copy.journal.write_bytes(folder.journal.read_bytes()[:end])
    return copy


def check_same(one: RunTotals, other: RunTotals) -> None:
    """Check that totals are the same, up to the rounding of sums in another order."""

    def rounded(cost: Cost) -> Cost:
        compute, evaluation = (float(f"{x:.12g}") for x in (cost.compute, cost.evaluation))
        return replace(cost, compute=compute, evaluation=evaluation)

    def as_rounded(found: RunTotals) -> RunTotals:
        mastered = {stage: rounded(cost) for stage, cost in found.mastered.items()}
        return replace(found, cost=rounded(found.cost), mastered=mastered)

    assert as_rounded(one) == as_rounded(other)


def totals(folder: RunFolder, journal: ThinnedJournal | None = None) -> RunTotals:
    return read_totals(folder, folder.description(), journal or ThinnedJournal())


@pytest.mark.parametrize("name", NAMES)
def test_it_adds_up_to_the_same_wherever_it_is_cut(
    runs: dict[str, RunFolder], name: str, tmp_path: Path
) -> None:
    ends = [0, *offsets(runs[name])]
    assert len(ends) > 20
    for end in ends:
        folder = cut(runs[name], tmp_path / "cut", end)
        check_same(totals(folder), RunTotals.of(History.of(folder)))


@pytest.mark.parametrize("name", NAMES)
def test_it_is_read_on_from_anywhere(runs: dict[str, RunFolder], name: str, tmp_path: Path) -> None:
    whole = totals(runs[name])
    for end in offsets(runs[name])[::3]:
        folder = cut(runs[name], tmp_path / "cut", end)
        begun = ThinnedJournal()
        totals(folder, begun)
        assert begun.end == end
        assert begun.last_check == folder.journal.read_bytes()[-CHECK_BYTES:]
        shutil.copy(runs[name].journal, folder.journal)
        check_same(totals(folder, ThinnedJournal(begun.lines, begun.end)), whole)


@pytest.mark.parametrize("name", NAMES)
def test_it_keeps_few_records(runs: dict[str, RunFolder], name: str) -> None:
    records = [record.event for record, _ in read_journal(runs[name].journal)]
    journal = ThinnedJournal()
    journal.read_on(runs[name].journal)
    kept = [record.event for record in journal.records()]
    assert len(kept) < len(records)
    assert [event for event in records if event in kept] == sorted(kept, key=records.index)
    evaluations = [isinstance(event, curriculum.record.Evaluated) for event in kept]
    assert not any(one and other for one, other in pairwise(evaluations))


def test_a_last_line_that_is_not_whole_is_left_for_later(
    runs: dict[str, RunFolder], tmp_path: Path
) -> None:
    ends = offsets(runs["plain"])
    folder = cut(runs["plain"], tmp_path / "cut", ends[5] - 3)
    journal = ThinnedJournal()
    journal.read_on(folder.journal)
    assert (journal.end, journal.is_damaged) == (ends[4], False)


def test_a_changed_byte_anywhere_is_damage(runs: dict[str, RunFolder], tmp_path: Path) -> None:
    ends = offsets(runs["plain"])
    for number in (2, 7, len(ends) - 1):
        folder = cut(runs["plain"], tmp_path / "cut", ends[-1])
        content = bytearray(folder.journal.read_bytes())
        content[ends[number] - 40] ^= 1
        folder.journal.write_bytes(content)
        journal = ThinnedJournal()
        journal.read_on(folder.journal)
        assert (journal.end, journal.is_damaged) == (ends[number - 1], True)
        check_same(totals(folder), RunTotals.of(History.of(folder)))


def test_a_record_of_a_visit_before_any_is_damage(run: StoppedRun) -> None:
    records = [record for record, _ in read_journal(run.folder.journal)]
    folder = run.folder
    folder.journal.unlink()
    journal = Journal(folder.journal)
    for record in records[1:]:
        journal.write(record.event, seconds=record.clock.seconds)
    journal.close()
    assert totals(folder) == RunTotals.of(History.of(folder))
    assert totals(folder).damaged


def test_a_journal_that_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    journal = ThinnedJournal()
    journal.read_on(tmp_path / "journal.jsonl")
    assert (journal.end, journal.is_damaged, journal.records()) == (0, False, [])
    assert journal.last_check == b""
