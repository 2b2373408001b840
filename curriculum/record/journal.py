"""The append-only record of a run: one JSON object a line."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["Journal", "Record", "read_journal"]

Record = dict[str, Any]


class Journal:
    """Appends records to a file. A record survives the process once `write` returns.

    Surviving the machine takes `sync`, which checkpoints call.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def write(self, kind: str, content: Record, *, seconds: float) -> Record:
        """Append a record and give it back.

        Args:
            kind: what the record tells of.
            content: what must be the same whenever the run is repeated.
            seconds: since the run's start; kept apart with the time of day, under `clock`.
        """
        record = {
            "kind": kind,
            **content,
            "clock": {"time": round(time.time(), 3), "seconds": round(seconds, 4)},
        }
        try:
            line = _line(record)
        except ValueError:  # a loss that is no longer finite, which is rare
            line = _line(_finite(record))
        rest = line.encode() + b"\n"
        while rest:
            rest = rest[os.write(self._file, rest) :]
        return record

    def sync(self) -> None:
        """Bring all records to the disk itself."""
        os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)


def read_journal(path: Path, offset: int = 0) -> Iterator[tuple[Record, int]]:
    """The whole records from a byte offset on, each with the offset behind it.

    A last line without its end, cut off or still being written, is left for later.
    """
    with path.open("rb") as file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            yield json.loads(line), offset


def _line(record: Record) -> str:
    return json.dumps(record, separators=(",", ":"), allow_nan=False)


def _finite(value: Any) -> Any:
    """JSON knows no infinity and no NaN: these become their names."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return value
