"""What is known of a store's runs without opening them: an index, kept in the user's cache folder.

Of each run it has the description and the totals, and for which state of its files they hold: size,
times of change, and the check of the journal's last record. What has changed since is read anew; of a long
journal that has grown only what it has gained. What is kept may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from curriculum.errors import RunFailed, UsageError
from curriculum.plan import Score
from curriculum.record.codec import decode, encode
from curriculum.record.description import OtherFormat, RunDescription
from curriculum.record.disk import MISSING, Unreadable
from curriculum.record.file_state import (
    NO_FILE,
    UNKNOWN,
    bytes_before,
    file_state,
    run_state,
    settled,
)
from curriculum.record.index_cache import (
    DescriptionRow,
    IndexCache,
    ScoreRow,
    SharedRow,
    TotalsRow,
    cache_path,
)
from curriculum.record.overview import RunOverview, RunTotals, read_totals
from curriculum.record.problem import Problem, problem_kind
from curriculum.record.run_folder import RUN_ID, RunFolder
from curriculum.record.thinned_journal import ThinnedJournal

PATIENCE_SECONDS = 2.0
"""What takes longer is announced."""

LEAST_READ_ON = 1_000_000
"""Bytes of a journal: a shorter one that has grown is read from its beginning."""

log = logging.getLogger(__name__)

T = TypeVar("T")
Listing = list[tuple[str, T | Problem]]
"""By their ids, what there is of runs, or why it can't be read; oldest first, as far as they say when they began."""


class Index:
    """The descriptions and the totals of the runs in a folder."""

    def __init__(self, runs_folder: Path) -> None:
        self.runs_folder = runs_folder

    def names(self) -> list[str]:
        """The ids of all runs, readable or not, in order.

        Raises:
            UsageError: where the folder can't be read.
        """
        return sorted(name for name, _ in self._files())

    def ids(self) -> list[str]:
        """The same, oldest first, as far as they say when they began."""
        with self._cache() as cache:
            return [known.key for known in self._known(cache, _SharedDescriptions(cache))]

    def descriptions(
        self, experiment: str | None = None, seed: int | None = None
    ) -> Listing[RunDescription]:
        """The descriptions of runs.

        Args:
            experiment: of those runs alone, as far as they say of which they are.
            seed: likewise.
        """
        with self._cache() as cache:
            parts = _SharedDescriptions(cache)
            return [
                (known.key, parts.described(known))
                for known in self._known(cache, parts)
                if known.problem
                or (
                    experiment in (None, known.experiment)
                    and (seed is None or str(seed) == known.seed)
                )
            ]

    def overviews(self, experiment: str | None = None) -> Listing[RunOverview]:
        """The overviews of runs.

        Args:
            experiment: of those runs alone, as far as they say of which they are.
        """
        with self._cache() as cache:
            parts, totals = _SharedDescriptions(cache), cache.rows(TotalsRow)
            found, patience = Listing[RunOverview](), _Patience()
            for known in self._known(cache, parts, patience):
                described = parts.described(known)
                if not isinstance(described, RunDescription):
                    found.append((known.key, described))
                elif experiment in (None, described.experiment):
                    folder = RunFolder(self.runs_folder / known.key)
                    try:
                        before = _totals(totals.get(known.key), known.state)
                        overview, new = _overview(folder, described, before)
                    except (UsageError, RunFailed) as problem:
                        found.append((known.key, problem))
                        continue
                    found.append((known.key, overview))
                    if new is not None:
                        patience.read_one()
                        if known.state and (new.state or new.position):
                            cache.put(replace(new, described=known.state))
            return found

    def scores(self) -> dict[str, Score]:
        """What is kept of the scores of final models; see `ScoreRow`."""
        found = {}
        with self._cache() as cache:
            for key, row in cache.rows(ScoreRow).items():
                with suppress(ValueError):
                    found[key] = decode(Score, json.loads(row.content))
        return found

    def keep_scores(self, scores: Mapping[str, Score]) -> None:
        """Keep these too, if that can be."""
        with self._cache() as cache:
            for key, score in scores.items():
                cache.put(ScoreRow(key, json.dumps(encode(score))))

    @contextmanager
    def _cache(self) -> Iterator[IndexCache]:
        """What is kept; what was found is kept at the end, whatever ends it."""
        path = os.path.realpath(self.runs_folder)
        cache = IndexCache(cache_path(hashlib.sha256(os.fsencode(path)).hexdigest()[:24]))
        try:
            yield cache
        finally:
            cache.save()

    def _known(
        self, cache: IndexCache, parts: _SharedDescriptions, patience: _Patience | None = None
    ) -> list[DescriptionRow]:
        """What each run's `run.json` says, oldest first, read anew where it is new."""
        kept, patience = cache.rows(DescriptionRow), patience or _Patience()
        found = []
        for name, state in self._files():
            known = kept.pop(name, None)
            if known is None or not state or known.state != state or not parts.has(known):
                known = _read_description(RunFolder(self.runs_folder / name), state, cache, parts)
                patience.read_one()
            found.append(known)
        for name in kept:
            cache.remove(name)
        return sorted(found, key=lambda known: (known.created, known.key))

    def _files(self) -> Iterator[tuple[str, str]]:
        """The ids of all runs, and the state of the `run.json` of each; that of a run that is a link is unknown."""
        try:
            with os.scandir(self.runs_folder) as entries:
                for entry in entries:
                    if RUN_ID.fullmatch(entry.name):
                        state = file_state(f"{entry.path}/run.json")
                        if state != NO_FILE:
                            yield entry.name, UNKNOWN if entry.is_symlink() else state
        except OSError as error:
            if error.errno not in MISSING:
                raise Unreadable(f"{self.runs_folder} can't be read ({error.strerror})") from error


class _SharedDescriptions:
    """What the descriptions of several runs have in common: kept once, and decoded once."""

    def __init__(self, cache: IndexCache) -> None:
        self._kept: Mapping[str, SharedRow] = cache.rows(SharedRow)
        self._decoded: dict[str, RunDescription] = {}

    def add(self, key: str, part: RunDescription) -> None:
        self._decoded[key] = part

    def has(self, known: DescriptionRow) -> bool:
        """Whether all that was kept of a run's description is there."""
        if known.problem or known.shared in self._decoded:
            return True
        with suppress(LookupError, ValueError):
            content = json.loads(self._kept[known.shared].content)
            self._decoded[known.shared] = decode(RunDescription, content)
        return known.shared in self._decoded

    def described(self, known: DescriptionRow) -> RunDescription | Problem:
        """A run's description, or why it has none; what was kept of it is there."""
        if known.problem:
            kinds: dict[str, type[Problem]] = {"foreign": OtherFormat, "unreadable": Unreadable}
            return kinds.get(known.kind, UsageError)(known.problem)
        shared = self._decoded[known.shared]
        return replace(shared, id=known.key, seed=int(known.seed), created=known.created)


def _read_description(
    folder: RunFolder, state: str, cache: IndexCache, parts: _SharedDescriptions
) -> DescriptionRow:
    """Read a `run.json`, and have what it says kept, if that may hold."""
    state = settled(state, time.time())
    try:
        found = folder.description()
    except (UsageError, RunFailed) as problem:
        kind, text = problem_kind(problem), str(problem)
        known = DescriptionRow(folder.id, state, folder.created, kind=kind, problem=text)
        if state and kind != "unreadable":
            cache.put(known)
        return known
    shared = replace(found, id="", seed=0, created=0.0)
    content = folder.id
    try:
        content = json.dumps(encode(shared))
    except (ValueError, RecursionError):  # somebody has nested it so that it can only be read
        state = UNKNOWN
    key = hashlib.sha256(content.encode(errors="surrogatepass")).hexdigest()
    parts.add(key, shared)
    known = DescriptionRow(
        folder.id, state, float(found.created), found.experiment, str(found.seed), key
    )
    if state:
        cache.put(SharedRow(key, content))
        cache.put(known)
    return known


def _totals(kept: TotalsRow | None, described: str) -> tuple[TotalsRow, RunTotals] | None:
    """What was kept of a run's totals, if it belongs to that state of its description."""
    if kept is not None and described and kept.described == described:
        with suppress(ValueError):
            return kept, decode(RunTotals, json.loads(kept.content))
    return None


def _overview(
    folder: RunFolder,
    description: RunDescription,
    before: tuple[TotalsRow, RunTotals] | None,
) -> tuple[RunOverview, TotalsRow | None]:
    """A run's overview, and what is to be kept of it, if that is new.

    Raises:
        UsageError, RunFailed: where the run can't be read.
    """
    kept, totals = before or (None, None)
    running = None
    if totals is None or totals.ended is None:
        running = folder.is_running  # read first: what comes before is then all there
    state = run_state(folder)
    if kept is not None and totals is not None and state and kept.state == state:
        return RunOverview(description=description, totals=totals, running=bool(running)), None
    if running is None:
        running, state = folder.is_running, run_state(folder)
    now, journal = time.time(), _journal(folder, kept)
    totals = read_totals(folder, description, journal)
    new = TotalsRow(folder.id, "", settled(state, now), json.dumps(encode(totals)))
    if journal.end > LEAST_READ_ON and not (totals.ended or totals.damaged):
        new = replace(new, position=journal.end, lines=b"".join(journal.lines))
    return RunOverview(description=description, totals=totals, running=running), new


def _journal(folder: RunFolder, kept: TotalsRow | None) -> ThinnedJournal:
    """What was read of a journal before, if it has only grown since; or else nothing."""
    if kept is not None and folder.journal_bytes > kept.position > 0:
        found = ThinnedJournal(kept.lines.splitlines(keepends=True), kept.position)
        if bytes_before(folder.journal, kept.position) == found.last_check:
            return found
    return ThinnedJournal()


class _Patience:
    """Says it once where many runs have to be read, and that takes long."""

    def __init__(self) -> None:
        self._since, self._is_over = time.monotonic(), False

    def read_one(self) -> None:
        """One more run was read."""
        if not self._is_over and time.monotonic() - self._since > PATIENCE_SECONDS:
            self._is_over = True
            log.warning("many runs are new, or have changed, and are read: that takes a while …")
