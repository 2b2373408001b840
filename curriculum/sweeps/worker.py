"""A process that makes runs of a sweep, one by one: `python -m curriculum.sweeps.worker DESCRIPTOR`."""

import sys
import time
from collections.abc import Callable, Sequence

from curriculum.processes import Content, Reply, serve
from curriculum.record import Evaluated, Record, decode, encode
from curriculum.sweeps.comparison_job import Job, SweepSettings, make_run

PROGRESS_SECONDS = 0.5
"""A run's evaluations are passed on no more often."""


def run_job(
    content: Content, _: Sequence[bytes], send_progress: Callable[[Content], None]
) -> Reply:
    """Make a run, and reply with its id."""
    settings = decode(SweepSettings, content["settings"])
    sent = -PROGRESS_SECONDS

    def listener(record: Record) -> None:
        nonlocal sent
        now = time.monotonic()
        if isinstance(record.event, Evaluated) and now - sent >= PROGRESS_SECONDS:
            sent = now
            send_progress({"evaluation": encode(record.event), "seconds": record.clock.seconds})

    return {"run_id": make_run(settings, decode(Job, content["job"]), listener).run_id}, ()


if __name__ == "__main__":
    serve(sys.argv[1:], {"run": run_job})
