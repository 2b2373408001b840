"""Has one process copy all runs of a sweep into MLflow as they go."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from subprocess import Popen

from curriculum import tracking
from curriculum.record import check_file
from curriculum.sweeps.sweep_files import SweepFiles
from curriculum.tracking import TRACKING_URI_VARIABLE, RunsFile
from curriculum.tune import STORAGE_VARIABLE

MOST_STARTS = 5
"""Of the process: what ends it so often will end it again."""

log = logging.getLogger(__name__)


class SweepMirror:
    """The process that copies, and the list of runs that it reads.

    Args:
        files: of the sweep.
        store: the folder of the runs.
        tracking_uri: MLflow's, where one is given.
        optuna_storage: Optuna's, likewise.
    """

    def __init__(
        self,
        files: SweepFiles,
        store: Path,
        *,
        tracking_uri: str | None = None,
        optuna_storage: str | None = None,
    ) -> None:
        self._files, self._store = files, store
        self._urls = {TRACKING_URI_VARIABLE: tracking_uri, STORAGE_VARIABLE: optuna_storage}
        self._list = RunsFile(files.runs_file)
        self._process: Popen[bytes] | None = None
        self._starts = 0
        self._refused = False  # by the system, which had no room for it

    def start(self, done: Iterable[str] = ()) -> None:
        """Start it; of what was done before, it copies what is missing.

        Raises:
            UsageError: where the store can't be written.
        """
        check_file(self._files.runs_file)
        self._list.__enter__()
        self._files.runs_file.write_text("")  # the list of an earlier call
        self._list.add(*done)
        self._start_process()

    def add(self, run_id: str) -> None:
        """Have a run copied that was begun, or is over."""
        self.keep_alive()
        try:
            self._list.add(run_id)
        except OSError as error:  # the disk is full: the runs find that out themselves
            log.warning("run %s is not copied into MLflow: %s", run_id, error.strerror)

    def keep_alive(self) -> None:
        """Have another process go on where the one before has died."""
        if self._has_died and self._starts < MOST_STARTS:
            log.warning("the process that copies runs into MLflow has ended; another one goes on")
            self._start_process()

    @property
    def _has_died(self) -> bool:
        return self._refused or (self._process is not None and self._process.poll() is not None)

    def _start_process(self) -> None:
        self._starts += 1
        environment = {name: url for name, url in self._urls.items() if url is not None}
        self._refused = False
        try:
            self._process = tracking.start_sweep_mirror(self._store, self._list.path, environment)
        except OSError as error:  # the runs are made all the same
            self._refused = True
            log.warning(
                "the process that copies runs into MLflow can't be started (%s)", error.strerror
            )

    def end(self, *, wait: bool) -> None:
        """No more runs come; it ends by itself once all is copied."""
        self.keep_alive()
        self._list.__exit__()
        if wait:
            self._wait()
        elif self._has_died:
            self._tell("the process that copies runs into MLflow has ended")

    def _wait(self) -> None:
        """Wait until all is copied, by another process where one is killed meanwhile."""
        code = 1 if self._refused else self._code()
        while code < 0 and self._starts < MOST_STARTS:
            self.keep_alive()
            code = self._code()
        if code != 0:
            self._tell(f"MLflow does not have all runs of sweep {self._files.id}")

    def _code(self) -> int:
        """The exit code of the process, which is waited for."""
        return 0 if self._process is None else self._process.wait()

    def _tell(self, what: str) -> None:
        log.warning("%s; 'sync --runs-file %s' completes it", what, self._files.runs_file)
