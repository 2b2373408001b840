"""What a store keeps of a sweep: its variants, what failed, and that it can be removed; and how two begin at once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sweep_plans import plan_of

from curriculum import Experiment, UsageError
from curriculum.record import Store
from curriculum.sweeps import SweepFiles, SweepPlan, sweep_ids, sweep_statuses

GRID = {"growth.end": ("4", "5")}


LIMIT = ("--budget.steps", "60")


@pytest.fixture
def plan(tiny: Experiment, store: Path) -> SweepPlan:
    return plan_of(tiny, strategies=("gated", "direct"), grid=GRID, store=store, overrides=LIMIT)


def files_of(plan: SweepPlan) -> SweepFiles:
    return SweepFiles(Store(plan.store), plan.id)


def test_each_variant_has_a_status_of_its_own(plan: SweepPlan) -> None:
    files = files_of(plan)
    failing = plan.run_ids[1]
    with files.driven(plan.record):
        files.note_failure(failing, "it can't be")
    (status,) = sweep_statuses(Store(plan.store), [files])
    assert {name: (each.runs, each.failed) for name, each in status.variants.items()} == {
        "tiny, gated, growth.end 4": (2, 0),
        "tiny, direct, growth.end 4": (2, 1),
        "tiny, gated, growth.end 5": (2, 0),
        "tiny, direct, growth.end 5": (2, 0),
    }


def test_a_failure_is_kept_until_its_run_is_tried_again(plan: SweepPlan) -> None:
    files, (one, other, *_) = files_of(plan), plan.run_ids
    with files.driven(plan.record):
        files.note_failure(one, "no")
        files.note_failure(other, "neither")
    with files.driven(plan.record):
        assert files.failures() == {one: "no", other: "neither"}
        files.forget_failure(one)
        assert files.failures() == {other: "neither"}
        files.note_failure(one, "still not")
    assert files.failures() == {one: "still not", other: "neither"}


def test_a_record_whose_variants_do_not_fit_its_runs_is_not_read(plan: SweepPlan) -> None:
    files = files_of(plan)
    with files.driven(plan.record):
        pass
    assert files.record() is not None
    files.path.write_text(files.path.read_text().replace('"variant_of": [0', '"variant_of": [9'))
    assert files.record() is None


def test_a_record_that_is_removed_leaves_nothing_and_one_that_is_driven_stays(
    plan: SweepPlan,
) -> None:
    files = files_of(plan)
    with files.driven(plan.record):
        files.note_failure(plan.run_ids[0], "no")
        with pytest.raises(UsageError, match=r"is running; .* --cancel' ends it"):
            files.remove()
        assert files.record() is not None
    files.remove()
    assert sweep_ids(Store(plan.store)) == []
    assert list(files.path.parent.iterdir()) == []
    with files.driven(plan.record):  # begun anew
        assert files.failures() == {}


def test_sweeps_begin_at_once_in_a_store_that_is_not_there(
    tiny: Experiment, tmp_path: Path
) -> None:
    """Each tries the store in a folder that it takes away again, and with it what it has made."""
    count = 6
    for attempt in range(3):
        store, together = tmp_path / str(attempt) / "store", threading.Barrier(count)
        plans = [plan_of(tiny, [seed], store=store) for seed in range(count)]

        def begin(plan: SweepPlan, wait: Callable[[], int] = together.wait) -> None:
            wait()
            with files_of(plan).driven(plan.record):
                pass

        with ThreadPoolExecutor(count) as pool:
            for begun in [pool.submit(begin, plan) for plan in plans]:
                begun.result()
        assert sweep_ids(Store(store)) == sorted(plan.id for plan in plans)


def test_a_store_that_breaks_a_promise_is_refused_and_left_as_it_was(
    plan: SweepPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fcntl.flock", lambda *_: None)
    with (
        pytest.raises(UsageError, match="doesn't keep what runs rely on: a lock"),
        files_of(plan).driven(plan.record),
    ):
        pass
    assert not plan.store.exists()
