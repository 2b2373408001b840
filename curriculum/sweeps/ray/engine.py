"""Makes runs on the nodes of a Ray cluster, or on this machine by way of Ray."""

from __future__ import annotations

import itertools
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from curriculum.errors import RunFailed, UsageError
from curriculum.record import (
    LEASE_SECONDS,
    NamedSources,
    Store,
    absolute_address,
    check_shared_store,
)
from curriculum.sweeps.engine import JobEnded, JobEvent, JobFailed, JobLost, JobOutcome, JobProgress
from curriculum.sweeps.job import Job
from curriculum.sweeps.ray.cluster import MachineKind, Node, RayCluster, on_node
from curriculum.sweeps.ray.connection import connect, disconnect, import_ray, reason_of_loss
from curriculum.sweeps.ray.journal_progress import JournalProgress
from curriculum.sweeps.ray.node import make_run_on_node
from curriculum.sweeps.ray.run_request import check_amounts, device_on_nodes
from curriculum.sweeps.ray.shipped_source import ship_source

log = logging.getLogger(__name__)

FORCE_SECONDS = 60.0
"""What was asked to save itself and has not ended after so long is ended."""

TAKE_OVER_SECONDS = LEASE_SECONDS + 10.0
"""That a run which Ray has lost waits for its writer, which may be stopped rather than dead."""

PROGRESS_SECONDS = 1.0
MOST_JOURNALS = 32
"""How often journals are looked at for progress, and how many at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Waiting:
    """A job that no node was given yet.

    Attributes:
        job: as it was submitted.
        sent: the same with what other machines understand.
        kind: of machine that its run was started on; None for one that was not.
    """

    job: Job
    sent: Job
    kind: MachineKind | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Running:
    """A job that a node was given."""

    job: Job
    sent: Job
    node: Node
    progress: JournalProgress


class RayEngine:
    """An `Engine` of a Ray cluster.

    Each run is a task of Ray's, on a node that this engine chooses: one that was started goes on on a
    machine of the same kind alone, and waits where there is none. Ray repeats no task by itself.

    Args:
        store: the folder that the runs are recorded in, which all nodes see under the same path.
        address: the cluster's, `HOST:PORT` or `auto`; None starts Ray on this machine.
        cpus: of a run.
        gpus: of a run: a whole number, or the part of one that several runs share.
        isolate: whether each run has a fresh process.
        make_run: what a node does with a job, and with the folder that this process stands in. It is
            imported there by its name.

    Raises:
        UsageError: where the cluster doesn't answer, has no node for such a run, or has a node with other
            versions of what results depend on, or without the store; or where the store's files don't do.
    """

    def __init__(
        self,
        store: Path | str,
        *,
        address: str | None = None,
        cpus: float = 1,
        gpus: float = 0,
        isolate: bool = False,
        make_run: Callable[[Job, str], JobOutcome] = make_run_on_node,
    ) -> None:
        check_amounts(cpus, gpus)
        self._store, self._cpus, self._gpus = Store(Path(store)), cpus, gpus
        check_shared_store(self._store.root)
        self._is_ours = connect(address)
        self._ray = import_ray()
        self._cluster = RayCluster(self._store.root, cpus, gpus)
        try:
            self._cluster.start()
        except BaseException:
            self.__exit__()
            raise
        self._make: Any = self._ray.remote(
            num_cpus=cpus, num_gpus=gpus, max_retries=0, max_calls=1 if isolate else 0
        )(make_run)
        self._waiting: deque[_Waiting] = deque()
        self._running: dict[Any, _Running] = {}
        self._events: deque[JobEvent] = deque()
        self._shipped: dict[Path, Path] = {}
        self._told: set[str] = set()
        self._remembered: set[Path] = set()
        self._lost: set[str] = set()
        self._looked = 0.0
        self._turn = 0
        self._cancelled: float | None = None

    @property
    def capacity(self) -> int:
        """As many as have room, besides those that wait for a machine of their kind."""
        stuck = sum(self._is_stuck(each) for each in self._waiting)
        return max(1, self._cluster.slots + stuck)

    def submit(self, job: Job) -> None:
        """Have a run made as soon as a node has room for it.

        Raises:
            UsageError: where it is to be trained on a GPU, and is given none.
        """
        if self._cancelled is not None:
            self._events.append(JobEnded(run_id=job.run_id, status="interrupted"))
            return
        sent = self._for_nodes(job)
        self._waiting.append(_Waiting(job=job, sent=sent, kind=self._kind_of(job)))
        self._start_waiting()

    def next(self, timeout: float) -> JobEvent | None:
        """The next event; None where so many seconds pass without one.

        Raises:
            RunFailed: where the cluster doesn't answer any more.
        """
        if not self._events:
            if self._cluster.look():
                self._give_up_those_of_lost_nodes()
            self._start_waiting()
            self._wait(timeout)
        return self._events.popleft() if self._events else None

    def cancel(self) -> None:
        """Ask all runs to save themselves and to end; those that don't are ended after a minute."""
        self._cancelled = time.monotonic()
        while self._waiting:
            run_id = self._waiting.popleft().job.run_id
            self._events.append(JobEnded(run_id=run_id, status="interrupted"))
        for ref in self._running:
            self._ray.cancel(ref, force=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """What still runs for this process, Ray ends."""
        self._cluster.close()
        if self._is_ours:
            disconnect()

    def _for_nodes(self, job: Job) -> Job:
        """The job as other machines understand it."""
        device = device_on_nodes(job.device, self._gpus)
        source = job.source
        if source is not None:  # the same for all runs of a sweep, whatever becomes of the file
            if source not in self._shipped:
                self._shipped[source] = ship_source(source, self._store)
            source = self._shipped[source]
        return replace(
            job,
            store=self._store.root,
            source=source,
            device=device,
            tracking_uri=_absolute(job.tracking_uri),
            optuna_storage=_absolute(job.optuna_storage),
            # Whoever had it may have been cut off, and live.
            wait_for_writer=TAKE_OVER_SECONDS if job.run_id in self._lost else 0.0,
        )

    def _kind_of(self, job: Job) -> MachineKind | None:
        """The kind of machine that a job's run was started on; None where it wasn't, or doesn't say."""
        folder = self._store.folder(job.run_id)
        if not folder.path.is_dir():
            return None
        try:
            described = folder.description()
        except (UsageError, RunFailed):
            return None  # which the run says better
        gpu = described.gpu if self._gpus else None
        return MachineKind(cpu_capability=described.cpu_capability, gpu=gpu)

    def _is_stuck(self, waiting: _Waiting) -> bool:
        return waiting.kind is not None and not self._cluster.has(waiting.kind)

    def _start_waiting(self) -> None:
        """Give nodes what they have room for, in order; what waits for a kind of its own holds up no other."""
        left = deque[_Waiting]()
        for each in self._waiting:
            node = self._cluster.node_with_room(each.kind)
            if node is None:
                left.append(each)
                self._tell_if_stuck(each)
                continue
            if each.job.run_id in self._told:
                self._told.remove(each.job.run_id)
                self._events.append(JobProgress(run_id=each.job.run_id))
            task = self._make.options(scheduling_strategy=on_node(node.id))
            ref = task.remote(each.sent, str(Path.cwd()))
            node.used += 1
            progress = JournalProgress(each.job)
            self._running[ref] = _Running(
                job=each.job, sent=each.sent, node=node, progress=progress
            )
        self._waiting = left

    def _tell_if_stuck(self, waiting: _Waiting) -> None:
        run_id = waiting.job.run_id
        if self._is_stuck(waiting) and run_id not in self._told:
            self._told.add(run_id)
            self._events.append(JobProgress(run_id=run_id, waits_for=f"a node with {waiting.kind}"))
            log.warning(
                "run %s was started on a machine with %s, and waits for a node like that: on another it "
                "would come to another result",
                run_id,
                waiting.kind,
            )

    def _wait(self, timeout: float) -> None:
        """Wait for the end of a run, and see how the others get on."""
        if not self._running:
            time.sleep(min(timeout, PROGRESS_SECONDS))
            return
        ready, _ = self._ray.wait([*self._running], timeout=timeout)
        for ref in ready:
            self._take(ref)
        now = time.monotonic()
        if now - self._looked >= PROGRESS_SECONDS:
            self._looked = now
            self._look_at_journals()
        if self._cancelled is not None and now - self._cancelled >= FORCE_SECONDS:
            self._cancelled = now
            for ref in self._running:
                self._ray.cancel(ref, force=True)

    def _give_up_those_of_lost_nodes(self) -> None:
        """Report as lost what ran on a node that was cut off: of that Ray says nothing while it may come back."""
        cut_off = [ref for ref, each in self._running.items() if self._cluster.has_left(each.node)]
        if not cut_off:
            return
        ended, others = self._ray.wait(cut_off, num_returns=len(cut_off), timeout=0)
        for ref in ended:
            self._take(ref)
        for ref in others:
            running = self._running.pop(ref)
            self._ray.cancel(ref, force=True)
            self._lose(running, "its node is gone")

    def _lose(self, running: _Running, reason: str) -> None:
        self._lost.add(running.job.run_id)
        reason = f"{reason} (node {running.node.name})"
        self._events.append(JobLost(run_id=running.job.run_id, reason=reason))

    def _look_at_journals(self) -> None:
        """Of some runs, in turn."""
        running = [*self._running.values()]
        for each in itertools.islice(_from(running, self._turn), MOST_JOURNALS):
            found = each.progress.newest()
            if found is not None:
                self._events.append(found)
        self._turn += MOST_JOURNALS

    def _take(self, ref: Any) -> None:
        """Take what a run came to."""
        running, errors = self._running.pop(ref), self._ray.exceptions
        running.node.used -= 1
        run_id = running.job.run_id
        event: JobEvent
        try:
            event = self._ray.get(ref)
        except errors.TaskCancelledError:  # before it could save itself, or had begun
            event = JobEnded(run_id=run_id, status="interrupted")
        except errors.RayTaskError as error:
            event = JobFailed(run_id=run_id, sentence=f"a run failed:\n{error}", kind="unknown")
        except errors.TaskUnschedulableError:  # its node has gone before it could begin
            self._cluster.doubt(running.node)
            self.submit(running.job)
            return
        except errors.RayError as error:
            if not isinstance(error, errors.OutOfMemoryError):
                self._cluster.doubt(running.node)
            self._lose(running, reason_of_loss(error))
            return
        if isinstance(event, JobEnded):
            self._remember_source(running)
        self._events.append(event)

    def _remember_source(self, running: _Running) -> None:
        """Keep that the user has named the file for what is recorded with that which was shipped."""
        source, shipped = running.job.source, running.sent.source
        if source is None or shipped is None or shipped in self._remembered:
            return
        try:
            described = self._store.folder(running.job.run_id).description()
        except (UsageError, RunFailed):
            return
        self._remembered.add(shipped)
        NamedSources(self._store.runs_folder).remember(described, source)


def _absolute(address: str | None) -> str | None:
    return None if address is None else absolute_address(address)


def _from(running: list[_Running], turn: int) -> Iterable[_Running]:
    """Each once, from another one on in each turn."""
    start = turn % max(1, len(running))
    return (*running[start:], *running[:start])
