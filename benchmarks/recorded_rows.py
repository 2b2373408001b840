"""Rows that a benchmark writes as it goes, so that it can be stopped and goes on."""

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol

Row = dict[str, Any]


class Measure(Protocol):
    """What makes a row from what it is to be made of; a function of a module, to be sent to others."""

    def __call__(self, key: Row) -> Row:
        """The row, without its key."""


def rows_of(
    keys: Iterable[Row], measure: Measure, *, file: Path | None = None, jobs: int = 1
) -> Iterator[Row]:
    """A row for each key, key and figures in one; those that the file has are not made again.

    Args:
        keys: what rows are made of.
        measure: makes one; each is called in a process of its own pool.
        file: of JSON lines, that rows are read from and added to.
        jobs: how many are made at a time.
    """
    known = [] if file is None or not file.exists() else _lines(file)
    wanted = list(keys)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        made = {
            number: pool.submit(measure, key)
            for number, key in enumerate(wanted)
            if _known(key, known) is None
        }
        try:
            for number, key in enumerate(wanted):
                row = _known(key, known)
                if row is None:
                    row = key | made[number].result()
                    if file is not None:
                        with file.open("a") as stream:
                            stream.write(json.dumps(row) + "\n")
                yield row
        finally:
            for each in made.values():
                each.cancel()


def _lines(file: Path) -> list[Row]:
    return [json.loads(line) for line in file.read_text().splitlines() if line.strip()]


def _known(key: Row, rows: list[Row]) -> Row | None:
    """The row of that key."""
    return next((row for row in rows if row.items() >= key.items()), None)
