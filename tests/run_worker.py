"""A worker of `LocalEngine` that trains nothing: what it does with a job is the job's label.

It takes no heavy library, so that tests of engines take seconds.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from curriculum.processes import Content, Reply, serve


def run_job(
    content: Content, _: Sequence[bytes], send_progress: Callable[[Content], None]
) -> Reply:
    """`end`, `fail`, `raise`, `die` and `die once` at once; `wait` until SIGTERM, after some progress."""
    job: dict[str, Any] = content["job"]
    label, run_id = job.get("label", "end"), job["run_id"]
    Path(job["store"], f"{run_id}.pid").write_text(str(os.getpid()))
    if label == "die" or (label == "die once" and _is_first(job)):
        os.kill(os.getpid(), signal.SIGKILL)
    if label == "raise":
        raise ValueError("it can't be read")
    if label == "fail":
        failed = {"run_id": run_id, "sentence": "it can't be", "kind": "usage"}
        return {"kind": "JobFailed", "event": failed}, ()
    status = "reached"
    if label == "wait":
        stopped: list[int] = []
        signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))
        progress = {"run_id": run_id, "stage": "length 5", "part": 0.5, "seconds": 1.0}
        send_progress({"kind": "JobProgress", "event": progress})
        while not stopped:
            time.sleep(0.01)
        status = "interrupted"
    return {"kind": "JobEnded", "event": {"run_id": run_id, "status": status}}, ()


def _is_first(job: dict[str, Any]) -> bool:
    mark = Path(job["store"], f"{job['run_id']}.died")
    if mark.exists():
        return False
    mark.touch()
    return True


if __name__ == "__main__":
    serve(sys.argv[1:], {"run": run_job})
