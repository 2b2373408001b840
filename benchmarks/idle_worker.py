"""Workers that train nothing: `sweep_scale.py` measures what a sweep costs beside its runs."""

import sys
from collections.abc import Callable, Sequence

from curriculum.processes import Content, Reply, serve
from curriculum.sweeps import Job, JobEnded


def run_job(content: Content, _: Sequence[bytes], __: Callable[[Content], None]) -> Reply:
    """Say to the local engine that the run is over."""
    ended = {"run_id": content["job"]["run_id"], "status": "reached", "reach": "length 5"}
    return {"kind": "JobEnded", "event": ended}, ()


def end_at_once(job: Job, folder: str) -> JobEnded:
    """Say so to Ray's."""
    return JobEnded(run_id=job.run_id, status="reached", reach="length 5")


if __name__ == "__main__":
    serve(sys.argv[1:], {"run": run_job})
