"""A process that makes runs of a sweep, one by one: `python -m curriculum.sweeps.worker DESCRIPTOR`."""

import signal
import sys
from collections.abc import Callable, Sequence

from curriculum.learn import StopRequest
from curriculum.processes import Content, Reply, serve
from curriculum.record import decode, encode
from curriculum.sweeps.engine import JobOutcome, JobProgress, carry_out
from curriculum.sweeps.job import Job


def run_job(
    content: Content, _: Sequence[bytes], send_progress: Callable[[Content], None]
) -> Reply:
    """Make a job's run, and reply with what it came to."""
    stop = StopRequest(signal.SIGINT, signal.SIGTERM)
    with stop.listening():  # before anything is loaded: a run that has not begun ends in order too
        job = decode(Job, content["job"])
        outcome = carry_out(job, lambda progress: send_progress(_described(progress)), stop)
    return _described(outcome), ()


def _described(event: JobOutcome | JobProgress) -> Content:
    return {"kind": type(event).__name__, "event": encode(event)}


if __name__ == "__main__":
    serve(sys.argv[1:], {"run": run_job})
