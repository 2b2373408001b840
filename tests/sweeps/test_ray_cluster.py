"""Several nodes on one machine, as `ray.cluster_utils` makes them: killed, added, stopped, of another kind."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import pytest
from ray_clusters import (
    endless,
    events_of,
    is_final,
    job_of,
    long,
    made_here,
    on_loopback,
    slow,
    weights_of,
)

from curriculum import CheckpointPolicy, Experiment, StopRequest, UsageError, optimize
from curriculum.record import RunFolder, Store, read_journal
from curriculum.sweeps import JobEnded, JobLost, JobProgress, RayEngine, SweepDriver
from curriculum.sweeps.ray.connection import disconnect

pytestmark = [
    pytest.mark.skipif(find_spec("ray") is None, reason="an extra that isn't installed"),
    pytest.mark.exhaustive,
    pytest.mark.xdist_group("ray"),
    pytest.mark.filterwarnings("ignore"),  # of Ray's own
]


@contextmanager
def cluster_of(*nodes: dict[str, Any]) -> Iterator[tuple[Any, list[Any]]]:
    """A cluster with a head that makes no runs, and nodes of one CPU each: the cluster and its nodes."""
    with on_loopback():
        from ray.cluster_utils import Cluster

        cluster = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 0,
                "node_ip_address": "127.0.0.1",
                "include_dashboard": False,
            },
        )
        try:
            yield cluster, [add_node(cluster, **each) for each in nodes]
        finally:
            disconnect()
            cluster.shutdown()  # type: ignore[no-untyped-call]


def add_node(cluster: Any, **settings: Any) -> Any:
    """A node of one CPU."""
    return cluster.add_node(num_cpus=1, node_ip_address="127.0.0.1", **settings)


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    """Of the processes that are started within."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


@dataclass(frozen=True, kw_only=True)
class LostWork:
    """What a run that nobody writes any more has to compute again, as its journal and checkpoints say.

    Attributes:
        trained: seconds, up to its last record.
        lost: of these, since the last record that its newest checkpoint knows.
        between: the most that passed from one record to the next.
    """

    trained: float
    lost: float
    between: float

    @classmethod
    def of(cls, folder: RunFolder) -> Self:
        saved = folder.journal_bytes_saved
        records = [(record.clock.seconds, end) for record, end in read_journal(folder.journal)]
        clocks = [0.0, *(seconds for seconds, _ in records)]
        kept = max((seconds for seconds, end in records if end <= saved), default=0.0)
        between = max(after - before for before, after in pairwise(clocks))
        return cls(trained=clocks[-1], lost=clocks[-1] - kept, between=between)

    def check(self) -> None:
        """Of a checkpoint every so often, and at a visit's end, no more is lost than between two of them.

        What is saved is the state of the last evaluation or a later one, and one evaluation may begin just
        before the next is due.
        """
        assert self.lost <= CheckpointPolicy().every + 2 * self.between

    def __str__(self) -> str:
        return f"{self.lost:.1f} s of {self.trained:.1f} s lost; {self.between:.1f} s at most between records"


class Watch:
    """A listener that notes what came of each run, and acts at some counts."""

    def __init__(self, store: Path, actions: dict[int, Any]) -> None:
        self.store, self.actions = Store(store), actions
        self.work = dict[str, LostWork]()
        self.ended, self.lost = list[str](), list[str]()
        self.failed = list[tuple[str, str]]()

    def on_start(self, job: Any) -> None: ...

    def on_progress(self, job: Any, progress: JobProgress) -> None: ...

    def on_end(self, job: Any, ended: JobEnded) -> None:
        self.ended.append(job.run_id)
        self.actions.pop(len(self.ended), lambda: None)()

    def on_failure(self, job: Any, failed: Any) -> None:
        self.failed.append((job.run_id, failed.sentence))

    def on_loss(self, job: Any, reason: str) -> None:
        folder = self.store.folder(job.run_id)
        if folder.journal.exists() and folder.journal_bytes:  # else it had not begun
            self.work[job.run_id] = LostWork.of(folder)
        self.lost.append(f"{job.run_id}: {reason} ({self.work.get(job.run_id, 'nothing lost')})")


def pids_of(node: Any) -> list[int]:
    """The raylet of a node, and all processes below it."""
    parents = dict[int, int]()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    found: list[int] = [each.process.pid for each in node.all_processes["raylet"]]
    for pid in found:  # which grows
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def test_a_node_is_killed_and_another_joins_and_all_runs_are_those_made_here(
    tiny: Experiment, store: Path, tmp_path: Path
) -> None:
    jobs = [job_of(slow(tiny), store, f"run-{seed}", seed) for seed in range(24)]
    with cluster_of({}, {}, {}) as (cluster, nodes):
        watch = Watch(
            store,
            {
                8: lambda: cluster.remove_node(nodes[0], allow_graceful=False),
                12: lambda: add_node(cluster),
            },
        )
        engine = RayEngine(store, address=cluster.address)
        assert engine.capacity == 3
        assert SweepDriver(jobs, engine, watch, StopRequest()).run() == "over"
    print("lost", watch.lost)
    for work in watch.work.values():
        work.check()
    assert watch.failed == []
    assert sorted(watch.ended) == sorted(job.run_id for job in jobs)
    assert weights_of(store) == made_here(jobs, tmp_path / "here")


def test_a_search_that_loses_a_node_finds_what_one_process_does(
    tiny: Experiment, tmp_path: Path
) -> None:
    asked: dict[str, Any] = {
        "over": {"growth.factor": "1.2..4"},
        "seeds": (0, 1),
        "trials": 6,
        "confirm_seeds": (100, 101, 102),
        "budget": "80steps",
        "threads": 1,
        "mirror": False,
        "progress": False,
    }
    store = tmp_path / "shared"
    with cluster_of({}, {}) as (cluster, nodes):

        def kill() -> None:
            end = time.monotonic() + 120
            while len(Store(store).runs()) < 8 and time.monotonic() < end:
                time.sleep(0.05)
            cluster.remove_node(nodes[0], allow_graceful=False)

        thread = threading.Thread(target=kill)
        thread.start()
        with RayEngine(store, address=cluster.address) as engine:
            found = optimize(tiny, engine=engine, store=store, **asked)
        thread.join()
    alone = optimize(tiny, store=tmp_path / "alone", **asked)
    assert found.to_json() == alone.to_json()
    assert weights_of(store) == weights_of(tmp_path / "alone")


def test_a_long_run_whose_node_is_killed_goes_on_from_its_last_checkpoint(
    tiny: Experiment, store: Path
) -> None:
    """How long all takes is printed. Neither run has visits that end: it is saved by the clock alone."""
    names = ("gated", "direct")
    jobs = {
        name: job_of(endless(tiny).with_strategy(name), store, name, seed)
        for seed, name in enumerate(names)
    }
    with ExitStack() as stack:
        cluster, nodes = stack.enter_context(cluster_of({}, {}))
        engine = stack.enter_context(RayEngine(store, address=cluster.address))
        for job in jobs.values():
            engine.submit(job)
        wait_for_training(engine, dict.fromkeys(names, 1.5 * CheckpointPolicy().every))
        for node in nodes:
            cluster.remove_node(node, allow_graceful=False)
        killed = time.monotonic()
        for _ in nodes:
            add_node(cluster)
        work = dict[str, LostWork]()
        for lost in events_of(engine, len(jobs)):
            assert isinstance(lost, JobLost), lost
            folder = Store(store).folder(lost.run_id)
            assert folder.checkpoint_folders()
            work[lost.run_id] = LostWork.of(folder)
            print(
                f"{lost.run_id}: {work[lost.run_id]}; seen after {time.monotonic() - killed:.1f} s"
            )
        for job in jobs.values():
            engine.submit(job)
        back = wait_for_training(engine, {name: found.trained for name, found in work.items()})
        for name, when in back.items():
            print(f"{name}: trained as far again {when - killed:.1f} s after its node was killed")
    assert work.keys() == jobs.keys()
    for found in work.values():
        found.check()


def wait_for_training(engine: RayEngine, until: dict[str, float]) -> dict[str, float]:
    """Wait until runs have trained for more than so many seconds: when each had."""
    found = dict[str, float]()
    while found.keys() != until.keys():
        event = engine.next(0.5)
        assert isinstance(event, JobProgress | None), event
        if event is not None and event.seconds > until[event.run_id]:
            found.setdefault(event.run_id, time.monotonic())
    return found


def test_a_run_that_was_started_on_one_kind_of_cpu_goes_on_there_alone(
    tiny: Experiment, store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with ExitStack() as stack:
        stack.enter_context(environment(ATEN_CPU_CAPABILITY="default"))
        cluster, (plain,) = stack.enter_context(cluster_of({}))
        engine = stack.enter_context(RayEngine(store, address=cluster.address))
        job = job_of(long(tiny), store, "plain")
        engine.submit(job)
        events_of(engine, 1, until=lambda event: isinstance(event, JobProgress))
        with environment(ATEN_CPU_CAPABILITY="avx2"):
            add_node(cluster)
        cluster.remove_node(plain, allow_graceful=False)
        (lost,) = events_of(engine, 1)
        assert isinstance(lost, JobLost), lost
        engine.submit(job)
        other = job_of(tiny, store, "other", 1)
        engine.submit(other)
        waiting = engine.next(0)
        assert isinstance(waiting, JobProgress)
        assert waiting.waits_for == "a node with DEFAULT"
        (ended,) = events_of(engine, 1)
        assert (ended.run_id, type(ended)) == ("other", JobEnded)
        assert "waits for a node like that" in caplog.text
        assert engine.capacity == 2
        add_node(cluster)  # of the first kind
        (ended,) = events_of(engine, 1)
        assert isinstance(ended, JobEnded), ended
        assert ended.run_id == "plain"
        assert ended.is_over
    kinds = {each.id: each.description().cpu_capability for each in Store(store).runs()}
    assert kinds == {"plain": "DEFAULT", "other": "AVX2"}


def test_a_node_that_is_cut_off_writes_nothing_once_it_is_back(
    tiny: Experiment, store: Path, tmp_path: Path
) -> None:
    job = job_of(long(tiny), store, "cut-off")
    with ExitStack() as stack:
        cluster, (node,) = stack.enter_context(cluster_of({}))
        engine = stack.enter_context(RayEngine(store, address=cluster.address))
        engine.submit(job)
        events_of(engine, 1, until=lambda event: isinstance(event, JobProgress))
        stopped = pids_of(node)
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            add_node(cluster)
            (lost,) = events_of(engine, 1)
            assert isinstance(lost, JobLost), lost
            engine.submit(job)
            (ended,) = events_of(engine, 1, until=is_final)
            assert isinstance(ended, JobEnded), ended
            assert ended.is_over
            before = files_of(store)
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
        time.sleep(10)
        assert files_of(store) == before
    assert weights_of(store) == made_here([job], tmp_path / "here")


def files_of(store: Path) -> dict[str, bytes]:
    """What the runs have written."""
    runs = store / "runs"
    return {
        str(path.relative_to(runs)): path.read_bytes() for path in runs.rglob("*") if path.is_file()
    }


def test_another_version_on_a_node_is_told_before_anything_starts(
    tiny: Experiment, store: Path, tmp_path: Path
) -> None:
    """The node's process finds another version of a library first."""
    other = tmp_path / "numpy-0.1.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 0.1\n")
    with environment(PYTHONPATH=str(tmp_path)), cluster_of({}) as (cluster, _):
        pass_on = pytest.raises(UsageError, match=r"numpy is [\d.]+ here and 0\.1 on node")
        with pass_on:
            RayEngine(store, address=cluster.address)
    assert not [*Store(store).runs()]


def test_a_store_that_nodes_do_not_share_is_told_before_anything_starts(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "curriculum.sweeps.ray.cluster.write_store_token", lambda store: "of another store"
    )
    with cluster_of({}) as (cluster, _), pytest.raises(UsageError, match="is not the store"):
        RayEngine(store, address=cluster.address)
    assert not store.exists()


def test_a_store_that_breaks_a_promise_is_told_before_ray_is_asked(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fcntl.flock", lambda *_: None)
    with pytest.raises(UsageError, match="doesn't keep what runs rely on: a lock"):
        RayEngine(store, address="nowhere:1")
    assert not store.exists()
