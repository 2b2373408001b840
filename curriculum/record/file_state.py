"""In which state files are: their kinds, sizes and times of change, so that what was read of them may still hold."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from curriculum.errors import UsageError
from curriculum.record.disk import MISSING
from curriculum.record.files import opened
from curriculum.record.journal import CHECK_BYTES
from curriculum.record.run_folder import RunFolder

NO_FILE = "-"
"""The state of a file that isn't there."""

UNKNOWN = ""
"""The state of files that are changing, can't be asked, or are reached by a link: it is never that of others."""

SETTLED_SECONDS = 0.1
"""A file that changed so recently may change once more without its times of change telling so."""


def file_state(path: Path | str) -> str:
    """The state of a file."""
    try:
        found = os.lstat(path)
    except OSError as error:
        return NO_FILE if error.errno in MISSING else UNKNOWN
    kind = stat.S_IFMT(found.st_mode)
    return f"{kind:o}/{found.st_size}/{found.st_mtime_ns}/{found.st_ctime_ns}"


def run_state(folder: RunFolder) -> str:
    """The state of the files that a run's totals come from, with the check of the journal's last record."""
    stopped = folder.path / "stopped.json"
    states = [*map(file_state, (folder.journal, stopped, folder.path, folder.checkpoints))]
    if UNKNOWN in states:
        return UNKNOWN
    return " ".join((*states, bytes_before(folder.journal, folder.journal_bytes).hex()))


def settled(state: str, now: float) -> str:
    """The same state, if the files last changed long before `now`; or else an unknown one."""
    times = [int(part) for each in state.split(" ") for part in each.split("/")[2:]]
    return state if max(times, default=0) < (now - SETTLED_SECONDS) * 1e9 else UNKNOWN


def bytes_before(path: Path, end: int) -> bytes:
    """As many bytes as the check of the record that ends there has; fewer or none where it doesn't."""
    with suppress(OSError, UsageError):
        file = opened(path, os.O_RDONLY)
        try:
            return os.pread(file, CHECK_BYTES, max(0, end - CHECK_BYTES))
        finally:
            os.close(file)
    return b""
