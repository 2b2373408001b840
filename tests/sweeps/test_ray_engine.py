import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from ray_clusters import (
    endless,
    events_of,
    job_of,
    made_here,
    on_loopback,
    own_job,
    weights_of,
)

import curriculum
from curriculum import Experiment, UsageError
from curriculum.record import Store, source_sha256
from curriculum.sweeps import JobEnded, JobProgress, RayEngine

pytestmark = [
    pytest.mark.skipif(find_spec("ray") is None, reason="an extra that isn't installed"),
    pytest.mark.slow,
    pytest.mark.xdist_group("ray"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # of Ray's own files
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of the runs."""
    return tmp_path_factory.mktemp("shared") / "store"


@pytest.fixture(scope="module")
def engine(shared: Path) -> Iterator[RayEngine]:
    """Of this machine, with room for a run on each core."""
    with on_loopback(), RayEngine(shared) as engine:
        yield engine


def test_runs_on_ray_are_those_made_here(
    engine: RayEngine, tiny: Experiment, shared: Path, store: Path
) -> None:
    jobs = [job_of(tiny, shared, f"tiny-{seed}", seed) for seed in range(4)]
    assert engine.capacity >= 1
    for job in jobs:
        engine.submit(job)
    ended = events_of(engine, 4)
    assert {event.run_id for event in ended} == {job.run_id for job in jobs}
    assert all(isinstance(event, JobEnded) and event.is_over for event in ended)
    made = weights_of(shared)
    assert {job.run_id: made[job.run_id] for job in jobs} == made_here(jobs, store)


def test_a_run_that_is_over_is_not_made_again(
    engine: RayEngine, tiny: Experiment, shared: Path
) -> None:
    job = job_of(tiny, shared, "again")
    for _ in range(2):
        engine.submit(job)
        (event,) = events_of(engine, 1)
        assert isinstance(event, JobEnded)
        assert event.is_over
        journal = Store(shared).folder("again").journal.read_bytes()
    assert Store(shared).folder("again").journal.read_bytes() == journal


def test_a_users_file_is_shipped_whole_and_its_run_goes_on_here(
    engine: RayEngine, shared: Path, tmp_path: Path
) -> None:
    job = own_job(tmp_path / "mine", shared)
    assert job.source is not None
    engine.submit(job)
    (event,) = events_of(engine, 1)
    assert isinstance(event, JobEnded), event
    described = Store(shared).folder("own").description()
    assert described.source is not None
    shipped = Path(described.source)
    assert shipped.parents[1] == shared / "sources"
    assert {path.name for path in shipped.parent.iterdir()} == {"own_bit.py", "turned_round.py"}
    assert described.source_sha256 == source_sha256(job.source) == source_sha256(shipped)
    assert curriculum.resume("own", store=shared, mirror=False).run_id == "own"


def test_a_file_that_was_changed_in_the_store_is_not_run(
    engine: RayEngine, shared: Path, tmp_path: Path
) -> None:
    job = own_job(tmp_path / "other", shared)
    assert job.source is not None
    beside = job.source.with_name("turned_round.py")
    beside.write_text(beside.read_text() + "# another\n")
    from curriculum.sweeps.ray.shipped_source import ship_source

    shipped = ship_source(job.source, Store(shared))
    shipped.with_name("turned_round.py").write_text("raise SystemExit")
    engine.submit(replace(job, run_id="changed"))
    (event,) = events_of(engine, 1)
    assert "is not what was put into the store" in getattr(event, "sentence", "")
    assert not Store(shared).folder("changed").path.exists()


def test_what_no_node_has_is_refused_at_once(engine: RayEngine, shared: Path) -> None:
    with pytest.raises(
        UsageError, match=r"no node has the 1000 CPUs and 0 GPUs of a run; .* has \d"
    ):
        RayEngine(shared, cpus=1000)
    with pytest.raises(UsageError, match=r"no node has the 1 CPUs and 0\.25 GPUs"):
        RayEngine(shared, gpus=0.25)


def test_a_gpu_is_asked_for(engine: RayEngine, tiny: Experiment, shared: Path) -> None:
    with pytest.raises(UsageError, match="ask for them with --gpus"):
        engine.submit(replace(job_of(tiny, shared, "gpu"), device="cuda"))


def test_cancelled_runs_save_themselves(engine: RayEngine, tiny: Experiment, shared: Path) -> None:
    """This is the last: an engine that was cancelled makes no more."""
    jobs = [job_of(endless(tiny), shared, f"endless-{seed}", seed) for seed in range(8)]
    for job in jobs:
        engine.submit(job)
    (progress,) = events_of(engine, 1, until=lambda event: isinstance(event, JobProgress))
    engine.cancel()
    ended = events_of(engine, len(jobs))
    assert {(type(event), getattr(event, "status", "")) for event in ended} == {
        (JobEnded, "interrupted")
    }
    assert len({event.run_id for event in ended}) == len(jobs)
    folder = Store(shared).folder(progress.run_id)
    note = folder.stop_note()
    assert note is not None
    assert note.status == "interrupted"
    assert folder.checkpoint_folders()
    assert not [folder for folder in Store(shared).runs() if folder.is_running]


@pytest.mark.parametrize("address", ["nowhere", "ray://127.0.0.1:10001", "127.0.0.1:http"])
def test_an_address_has_a_host_and_a_port(address: str, store: Path) -> None:
    with pytest.raises(UsageError, match="is HOST:PORT or 'auto'"):
        RayEngine(store, address=address)


def test_an_address_that_nobody_listens_at_is_told_at_once(store: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(UsageError, match="no Ray cluster answers at 127"):
            RayEngine(store, address=f"127.0.0.1:{taken.getsockname()[1]}")
    assert not store.exists()


def test_a_server_of_another_kind_is_no_cluster(store: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(UsageError, match="no Ray cluster answers at 127"):
            RayEngine(store, address=f"127.0.0.1:{server.getsockname()[1]}")
        thread.join()


@pytest.mark.parametrize(("cpus", "gpus"), [(0, 0), (-1, 0), (1, -1), (1, 1.5), (float("nan"), 0)])
def test_amounts_that_mean_nothing_are_refused(cpus: float, gpus: float, store: Path) -> None:
    with pytest.raises(UsageError, match="must be"):
        RayEngine(store, cpus=cpus, gpus=gpus)
