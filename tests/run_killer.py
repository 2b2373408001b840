"""Runs, resumes and kills experiments in another process."""

from pathlib import Path
from typing import Any

from json_process import JsonProcess


class Killer(JsonProcess):
    """The process that runs, resumes and kills."""

    def __call__(self, store: Path, experiment: str, **how: Any) -> int:
        """Run or resume, and be killed: `after` seconds, at a `record`, or at a `write` to the disk.

        A mirror is killed `after` seconds as well, or once it is `at_work`. To `drain` is to
        wait until no mirror is at work any more.
        """
        order: dict[str, Any] = dict.fromkeys(("after", "record", "write", "mirror_after"))
        order |= {
            "mirror": False,
            "mirror_at_work": False,
            "wait": False,
            "drain": False,
            "jobs": 1,
        }
        return int(
            self.order(order | {"store": str(store), "experiment": experiment, **how})["code"]
        )
