"""What Ray runs on the nodes of a cluster: a report of the node, and a job's run."""

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from curriculum.errors import UsageError
from curriculum.learn import StopRequest
from curriculum.record import Store, check_shared_store, installed_versions, read_store_token
from curriculum.sweeps.engine import JobFailed, JobOutcome, carry_out
from curriculum.sweeps.job import Job
from curriculum.sweeps.ray.shipped_source import check_shipped


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeReport:
    """What a node is like, seen from a process on it.

    Attributes:
        versions: of all that results depend on.
        cpu_capability: which instructions of the CPU torch uses there.
        gpu: the model of its first GPU; None for none.
        refusal: why it can't make runs in the store; None where it can.
    """

    versions: Mapping[str, str]
    cpu_capability: str
    gpu: str | None
    refusal: str | None


def report_node(store: Path, token: str, *, with_gpu: bool) -> NodeReport:
    """Report on the node that this process is on.

    Args:
        store: the folder that the driver has put a token into.
        token: that.
        with_gpu: whether runs are to have GPUs. The process can make no runs after that.
    """
    import torch  # which the process that drives the sweep doesn't need

    refusal = None
    try:
        read_store_token(Store(store), token)
        check_shared_store(store)
    except UsageError as error:
        refusal = f"node {os.uname().nodename} can't make runs: {error}"
    return NodeReport(
        versions=installed_versions(),
        cpu_capability=torch.backends.cpu.get_cpu_capability(),
        gpu=_gpu() if with_gpu else None,
        refusal=refusal,
    )


def make_run_on_node(job: Job, folder: str) -> JobOutcome:
    """Make a job's run in this process; Ray's cancellation has it save itself, and end.

    Args:
        job: its addresses are those of the shared file system.
        folder: that the driver stands in, which relative addresses in the experiment are meant from.
    """
    stop = StopRequest(signal.SIGINT, signal.SIGTERM)
    with stop.listening(), _standing_in(folder):
        try:
            if job.source is not None:
                sys.dont_write_bytecode = True  # into the store
                check_shipped(job.source)
        except UsageError as error:
            return JobFailed(run_id=job.run_id, sentence=str(error), kind="usage")
        return carry_out(job, lambda progress: None, stop)


def _gpu() -> str | None:
    """Ray hides all GPUs from a process that asks for none."""
    import torch

    os.environ.pop("CUDA_VISIBLE_DEVICES", None)
    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else None


@contextmanager
def _standing_in(folder: str) -> Iterator[None]:
    """The folder, if this machine has it."""
    before = Path.cwd()
    if Path(folder).is_dir():
        os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
