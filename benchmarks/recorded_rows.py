"""Rows that a benchmark writes as it goes, so that it can be stopped and goes on."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def rows_of(
    keys: Iterable[Row], measure: Callable[[Row], Row], *, file: Path | None = None, jobs: int = 1
) -> list[Row]:
    """A row for each key, key and figures in one; those that the file has are not made again.

    Args:
        keys: what rows are made of.
        measure: gives the figures of a key, in a process of a pool: a function of a module.
        file: of JSON lines, that rows are read from and added to as soon as they are made.
        jobs: how many are made at a time.
    """
    known = [] if file is None else stored_rows(file)
    wanted = list(keys)
    found = {number: known_row(key, known) for number, key in enumerate(wanted)}
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        made = {
            pool.submit(measure, wanted[number]): number
            for number, row in found.items()
            if row is None
        }
        try:
            for each in as_completed(made):
                row = found[made[each]] = wanted[made[each]] | each.result()
                print(" ".join(f"{key}={value}" for key, value in row.items()), flush=True)
                if file is not None:
                    with file.open("a") as stream:
                        stream.write(json.dumps(row) + "\n")
        finally:
            pool.shutdown(cancel_futures=True)
    return [row for row in found.values() if row is not None]


def stored_rows(file: Path) -> list[Row]:
    """The rows that a file has; none where there is no file yet."""
    return [*_lines(file)] if file.exists() else []


def _lines(file: Path) -> Iterator[Row]:
    for line in file.read_text().splitlines():
        with suppress(json.JSONDecodeError):  # the last may be cut off
            yield json.loads(line)


def known_row(key: Row, rows: Sequence[Row]) -> Row | None:
    """The row of that key."""
    return next((row for row in rows if row.items() >= key.items()), None)
