"""Holds a run, on a machine of its own if it is given a name for that: `python lease_holder.py FOLDER SECONDS WAIT [MACHINE]`.

It says `held`, and once its standard input has a line, or ends, tries to write all that a run writes; it says of each
whether it was written, refused for want of the lease, or failed.
"""

import fcntl
import sys
from pathlib import Path

from curriculum import UsageError
from curriculum.record import LeaseLost, RunFolder, found_lease, lease


def elsewhere(machine: str) -> None:
    """Be on another machine, which shares no locks with this one."""
    for module in (found_lease, lease):
        vars(module)["machine"] = lambda: machine
    fcntl.flock = lambda *_: None


def main() -> None:
    path, seconds, wait = Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    found_lease.LEASE_SECONDS = seconds
    lease.PROBING_SECONDS = 0.1
    if len(sys.argv) > 4:
        elsewhere(sys.argv[4])
    folder = RunFolder(path)
    writes = {
        "note": lambda: folder.note_stop("interrupted", "by a test"),
        "no note": folder.remove_stop_note,
        "description": lambda: folder.describe(folder.description()),
        "checkpoint": lambda: folder.remove_checkpoint("000001"),
        "leftovers": folder.remove_leftovers,
        "record": folder.writing().__enter__,
    }
    try:
        with folder.held(wait_seconds=wait):
            print("held", folder.epoch, flush=True)
            sys.stdin.readline()
            for name, write in writes.items():
                try:
                    write()
                    print(name, "written", flush=True)
                except LeaseLost as error:
                    print(name, "lost", error, flush=True)
    except UsageError as error:
        print("refused", error, flush=True)


if __name__ == "__main__":
    main()
