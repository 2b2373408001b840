"""A run that is killed, copied, resumed and copied again is in MLflow as one that was copied once."""

from pathlib import Path

import pytest
from interrupted_runs import (
    killed,
    run,
)
from mlflow_copies import NewDatabase, in_mlflow, sync

import curriculum
from curriculum import Experiment, Explicit, Mastery, Training
from curriculum.record import Evaluated, Store, VisitEnded, VisitStarted, read_journal
from curriculum.tracking import local_tracking_uri


@pytest.fixture(scope="module")
def experiment(tiny: Experiment) -> Experiment:
    """One that masters its second stage without a step: both stand at the same."""
    return tiny.replace(
        growth=Explicit(lengths=(2, 3, 5)),
        criterion=Mastery(threshold=1.0, min_steps=20),
        training=Training(eval_every=20),
    )


@pytest.fixture(scope="module")
def moments(experiment: Experiment, tmp_path_factory: pytest.TempPathFactory) -> list[int]:
    """The numbers of the records around the ends of visits, from 1."""
    store = tmp_path_factory.mktemp("whole")
    run(experiment, store)
    events = [record.event for record, _ in read_journal(Store(store).find("last").journal)]
    ends = [number for number, event in enumerate(events, start=1) if isinstance(event, VisitEnded)]
    around = {number + off for number in ends[:2] for off in (-1, 0, 1, 2)}
    found = {type(events[number - 1]) for number in around}
    assert {Evaluated, VisitEnded, VisitStarted} <= found
    return sorted(around)


@pytest.mark.slow
@pytest.mark.parametrize("place", range(8))
def test_a_copy_that_was_begun_before_the_kill_has_no_point_twice(
    experiment: Experiment,
    moments: list[int],
    place: int,
    tmp_path: Path,
    new_database: NewDatabase,
) -> None:
    if place >= len(moments):
        pytest.skip("there are fewer records around the ends of visits")
    root = tmp_path / "store"
    new_database(root)
    folder = killed(experiment, root, moments[place])
    store = Store(root)
    sync(store, folder)
    curriculum.resume(folder.id, store=root, mirror=False, experiment=experiment)
    sync(store, folder)
    found = in_mlflow(store, folder, local_tracking_uri(store))
    other = f"sqlite:///{new_database(tmp_path / 'other')}"
    sync(store, folder, other)
    assert found == in_mlflow(store, folder, other)
    for *_, points, _, _, _ in found.values():
        steps = [(key, step) for key, step, *_ in points]
        assert len(steps) == len(set(steps))
