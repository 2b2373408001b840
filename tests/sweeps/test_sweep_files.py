"""What a store keeps of a sweep, whole, cut off or gone: it is told in a sentence, and the same command mends it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import call
from sweep_plans import plan_of

from curriculum import Experiment, UsageError
from curriculum.record import Lock, Store
from curriculum.sweeps import SweepFiles, SweepPlan, find_sweep, sweep_ids, sweep_statuses


@pytest.fixture
def plan(tiny: Experiment, store: Path) -> SweepPlan:
    return plan_of(tiny, store=store)


@pytest.fixture
def files(plan: SweepPlan) -> SweepFiles:
    """Those of a sweep that was begun, and of which a run failed."""
    found = SweepFiles(Store(plan.store), plan.id)
    with found.driven(plan.record):
        found.note_failure(plan.run_ids[0], "there is no 'GPU'\n")
        found.note_failure(plan.run_ids[1], "it can't be")
    return found


@pytest.fixture
def cut(files: SweepFiles) -> Iterator[bytes]:
    """The parts of a sweep's record that were written when the machine went down."""
    whole = files.path.read_bytes()
    return (whole[:length] for length in {*range(0, len(whole) - 1, 7), len(whole) - 1})


def test_a_record_that_is_cut_off_hides_no_other_sweep_and_is_a_sentence(
    files: SweepFiles,
    cut: Iterator[bytes],
    tiny: Experiment,
    store: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = plan_of(tiny, [7], store=store)
    with SweepFiles(Store(store), other.id).driven(other.record):
        pass
    for content in cut:
        files.path.write_bytes(content)
        assert files.record() is None
        assert [each.id for each in sweep_statuses(Store(store), [files])] == []
    assert call("sweeps", "--store", store) == 0
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()] == [other.id]
    assert "Traceback" not in err
    assert call("sweeps", files.id, "--store", store) == 2
    assert "the command that began the sweep mends it" in capsys.readouterr().err


def test_the_same_command_mends_a_record_that_is_cut_off_or_gone(
    files: SweepFiles, cut: Iterator[bytes], plan: SweepPlan
) -> None:
    for content in cut:
        files.path.write_bytes(content)
        with files.driven(plan.record):
            found = files.record()
        assert found is not None
        assert found.runs == plan.run_ids
    files.path.unlink()
    assert sweep_ids(Store(plan.store)) == []
    with files.driven(plan.record):
        assert find_sweep(Store(plan.store), plan.id).record() is not None


def test_what_a_kill_left_beside_a_record_goes_with_the_next_start(
    files: SweepFiles, plan: SweepPlan
) -> None:
    aside = files.path.with_name(f".{files.path.name}.new")
    files.path.rename(aside)
    assert sweep_ids(Store(plan.store)) == []
    with files.driven(plan.record):
        assert sweep_ids(Store(plan.store)) == [plan.id]
    assert not aside.exists()


def test_of_failures_that_are_cut_off_those_before_are_told(
    files: SweepFiles, plan: SweepPlan
) -> None:
    path = files.path.with_suffix(".failed")
    whole = path.read_bytes()
    first, second = plan.run_ids
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        found = files.failures()
        assert found in ({}, {first: "there is no 'GPU'\n"}, {**found, second: "it can't be"})
        assert (first in found) == (length >= whole.index(b"\n"))
    path.write_bytes(whole[:-5])
    files.note_failure(second, "nor now")
    assert files.failures() == {first: "there is no 'GPU'\n", second: "nor now"}
    path.unlink()
    assert files.failures() == {}


def test_a_sweep_is_driven_as_long_as_its_process_lives(files: SweepFiles, plan: SweepPlan) -> None:
    assert not files.is_driven
    with files.driven(plan.record):
        assert files.is_driven
        with (
            pytest.raises(UsageError, match="is running in another process"),
            files.driven(plan.record),
        ):
            pass
    assert not files.is_driven


def test_an_end_that_was_asked_for_before_is_over_and_one_asked_for_meanwhile_is_not(
    files: SweepFiles, plan: SweepPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.request_cancel()
    with files.driven(plan.record):
        assert not files.cancel_is_requested
    files.path.unlink()
    record = SweepFiles.record

    def asked_meanwhile(self: SweepFiles) -> object:
        if self.is_driven:
            self.request_cancel()
        return record(self)

    monkeypatch.setattr(SweepFiles, "record", asked_meanwhile)
    with files.driven(plan.record):
        assert files.cancel_is_requested


def test_who_only_asks_keeps_nobody_from_driving(files: SweepFiles, plan: SweepPlan) -> None:
    path = files.path.with_suffix(".lock")
    path.unlink()
    assert not files.is_driven
    assert not path.exists()
    with files.driven(plan.record), Lock(path) as lock:
        assert not lock.acquire()
