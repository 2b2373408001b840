"""A worker of the local engine that trains nothing: `sweep_scale.py` measures what a sweep costs beside its runs."""

import sys
from collections.abc import Callable, Sequence

from curriculum.processes import Content, Reply, serve


def run_job(content: Content, _: Sequence[bytes], __: Callable[[Content], None]) -> Reply:
    """Say that the run is over."""
    ended = {"run_id": content["job"]["run_id"], "status": "reached", "reach": "length 5"}
    return {"kind": "JobEnded", "event": ended}, ()


if __name__ == "__main__":
    serve(sys.argv[1:], {"run": run_job})
